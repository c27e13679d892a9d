#!/usr/bin/env python3
"""Writes patients.csv: 1,000 patients who never lived. Always the same bytes: python3 make_patients.py > patients.csv"""
import datetime
import sys


class Numbers:
    """A linear congruential generator (Knuth's MMIX constants), so that no library version changes the table."""

    def __init__(self, seed):
        self.state = seed

    def below(self, bound):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % bound

    def pick(self, weighted):
        at = self.below(sum(weight for _, weight in weighted))
        for value, weight in weighted:
            if at < weight:
                return value
            at -= weight


STATES = [("Bayern", 13), ("Berlin", 4), ("Hamburg", 2), ("Hessen", 6), ("Niedersachsen", 8), ("Nordrhein-Westfalen", 18),
          ("Sachsen", 4), ("Thüringen", 2)]
# Diagnosis, how common, usual age, usual cost in euros.
DIAGNOSES = [("asthma", 14, 30, 700), ("diabetes", 18, 60, 1900), ("fracture", 12, 40, 3200), ("heart failure", 9, 76, 7400),
             ("hypertension", 24, 62, 850), ("migraine", 11, 35, 300), ("pneumonia", 8, 66, 5100), ("stroke", 4, 73, 11800)]


def main():
    numbers = Numbers(20260101)
    lines = ["patient,admitted,age,sex,state,diagnosis,visits,cost"]
    for patient in range(1, 1001):
        diagnosis, _, usual_age, usual_cost = numbers.pick([(d, d[1]) for d in DIAGNOSES])
        age = max(0, min(99, usual_age + sum(numbers.below(21) for _ in range(3)) - 30))
        admitted = datetime.date(2024, 1, 1) + datetime.timedelta(days=numbers.below(366))
        sex = numbers.pick([("female", 50), ("male", 48), ("", 2)])
        visits = "" if numbers.below(12) == 0 else str(numbers.below(4) + numbers.below(4) * numbers.below(3))
        cents = usual_cost * (40 + sum(numbers.below(41) for _ in range(3))) + numbers.below(100)
        cost = "" if numbers.below(40) == 0 else f"{cents // 100}.{cents % 100:02d}"
        lines.append(f"{patient},{admitted},{age},{sex},{numbers.pick(STATES)},{diagnosis},{visits},{cost}")
    sys.stdout.buffer.write(("\n".join(lines) + "\n").encode())


main()
