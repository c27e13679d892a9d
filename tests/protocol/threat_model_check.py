#!/usr/bin/env python3
"""threat_model_check.py SOURCE: every test that the pages on threats name exists, and every scenario of the symbolic model."""
import os
import re
import sys


def files(folder, end):
    for place, _, names in os.walk(folder):
        for name in names:
            if name.endswith(end):
                with open(os.path.join(place, name), encoding="utf-8") as file:
                    yield name, file.read()


# Page, and how many tests and scenarios it names at least: fewer, and its table is not read any more.
PAGES = {"threat-model.md": (40, 10), "threat-model-queries.md": (25, 0)}


def main():
    source = sys.argv[1]
    tests = set()
    for folder in ("prism", "tests"):
        for _, text in files(os.path.join(source, folder), "_test.cpp"):
            tests |= {".".join(pair) for pair in re.findall(r"TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\)", text)}
    for name, text in (pair for folder in ("protocol", "e2e") for pair in files(os.path.join(source, "tests", folder), "_test.py")):
        group = ""
        for kind, word in re.findall(r"^ *(class|def) (\w+)", text, re.M):
            group = word if kind == "class" else group
            tests.add(f"{name[:-3]}.{group}.{word}")
    with open(os.path.join(source, "docs", "proofs", "run.sh"), encoding="utf-8") as file:
        scenarios = set(re.findall(r'scenario "([^"]+)"', file.read()))
    outcome = 0
    for page, (fewest_tests, fewest_scenarios) in PAGES.items():
        with open(os.path.join(source, "docs", page), encoding="utf-8") as file:
            table = [line.rsplit("|", 2)[1] for line in file if line.startswith("|") and line.count("|") == 4]
        named = {word for cell in table for word in re.findall(r"`(\w+(?:\.\w+)+)`", cell)}
        proved = {word for cell in table for word in re.findall(r"(?<![*])\*([^*]+)\*(?![*])", cell)} - {"What a receipt proves"}
        for name in sorted(named - tests) + sorted(proved - scenarios):
            print(f"docs/{page} names {name}, which does not exist")
            outcome = 1
        if len(named) < fewest_tests or len(proved) < fewest_scenarios:
            print(f"only {len(named)} tests and {len(proved)} scenarios were found on docs/{page}: is its table still read?")
            outcome = 1
        print(f"docs/{page}: {len(named)} tests and {len(proved)} scenarios")
    return outcome


if __name__ == "__main__":
    sys.exit(main())
