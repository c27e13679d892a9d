#!/usr/bin/env python3
"""threat_model_check.py SOURCE: every test that docs/threat-model.md names exists, and every scenario of the model."""
import os
import re
import sys


def files(folder, end):
    for place, _, names in os.walk(folder):
        for name in names:
            if name.endswith(end):
                with open(os.path.join(place, name), encoding="utf-8") as file:
                    yield name, file.read()


def main():
    source = sys.argv[1]
    tests = set()
    for _, text in files(os.path.join(source, "prism"), "_test.cpp"):
        tests |= {".".join(pair) for pair in re.findall(r"TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\)", text)}
    for name, text in files(os.path.join(source, "tests", "protocol"), "_test.py"):
        group = ""
        for kind, word in re.findall(r"^ *(class|def) (\w+)", text, re.M):
            group = word if kind == "class" else group
            tests.add(f"{name[:-3]}.{group}.{word}")
    with open(os.path.join(source, "docs", "proofs", "run.sh"), encoding="utf-8") as file:
        scenarios = set(re.findall(r'scenario "([^"]+)"', file.read()))
    with open(os.path.join(source, "docs", "threat-model.md"), encoding="utf-8") as file:
        table = [line.rsplit("|", 2)[1] for line in file if line.startswith("|") and line.count("|") == 4]
    named = {word for cell in table for word in re.findall(r"`(\w+(?:\.\w+)+)`", cell)}
    proved = {word for cell in table for word in re.findall(r"(?<![*])\*([^*]+)\*(?![*])", cell)} - {"What a receipt proves"}
    wrong = sorted(named - tests) + sorted(proved - scenarios)
    for name in wrong:
        print(f"docs/threat-model.md names {name}, which does not exist")
    if len(named) < 40 or len(proved) < 10:
        print(f"only {len(named)} tests and {len(proved)} scenarios were found on the page: is its table still read?")
        return 1
    print(f"{len(named)} tests and {len(proved)} scenarios exist")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
