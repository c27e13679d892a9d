#!/usr/bin/env python3
"""make_visits.py > visits.csv: up to three visits of each patient of patients.csv, in patients.csv's folder. Nobody of them ever lived.

Always the same bytes."""
import csv
import datetime
import sys
from pathlib import Path


def main():
    state = 20260102

    def below(n):
        nonlocal state
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (state >> 33) % n

    lines = ["patient,day,clinic,minutes"]
    with open(Path(__file__).parent / "patients.csv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            for _ in range(below(4)):
                day = datetime.date(2024, 1, 1) + datetime.timedelta(days=below(366))
                clinic = ("Berlin", "Hamburg", "Leipzig", "München")[below(9) % 4]
                lines.append(f"{row['patient']},{day},{clinic},{5 + below(31) + below(31)}")
    sys.stdout.buffer.write(("\n".join(lines) + "\n").encode())


main()
