#!/usr/bin/env python3
"""lint.py DOCUMENT FOLDER: checks an OpenAPI 3.1 document against the published schema, and against this house's rules.

The schema check needs a pinned package, which is fetched once into FOLDER; status 77, and why, when it cannot be had.
The house's rules need nothing and are checked first."""
import json
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
WANTED = os.path.join(HERE, "requirements.txt")


def house_rules(document):
    """Yields what is wrong."""
    text = json.dumps(document)
    for kind, things in document["components"].items():
        for name in things:
            if kind != "securitySchemes" and f"#/components/{kind}/{name}\"" not in text:
                yield f"components/{kind}/{name} is used nowhere"
    for reference in set(re.findall(r'"#/([^"]*)"', text)):
        place = document
        for part in reference.split("/"):
            place = place.get(part) if isinstance(place, dict) else None
        if place is None:
            yield f"#/{reference} leads nowhere"
    for path, item in document["paths"].items():
        for method, operation in item.items():
            where = f"{method.upper()} {path}"
            for key in ("operationId", "summary", "tags", "security", "responses"):
                if key not in operation:
                    yield f"{where} has no {key}"
            if operation.get("security") and "401" not in operation["responses"]:
                yield f"{where} is protected and says nothing of 401"
            if "{" in path and "404" not in operation["responses"]:
                yield f"{where} names a thing and says nothing of 404"
            if not any(status.startswith("2") for status in operation["responses"]):
                yield f"{where} never succeeds"
            if "requestBody" in operation and "415" not in operation["responses"] and method != "put":
                yield f"{where} takes a body and says nothing of 415"


def python_with_packages(folder):
    python, mark = os.path.join(folder, "bin", "python"), os.path.join(folder, "requirements.txt")
    with open(WANTED, encoding="utf-8") as file:
        pins = file.read()
    if os.path.exists(mark):
        with open(mark, encoding="utf-8") as file:
            if file.read() == pins:
                return python
    for command in ([sys.executable, "-m", "venv", "--clear", folder],
                    [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:",
                     "--no-deps", "--require-hashes", "-r", WANTED]):
        took = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if took.returncode != 0:
            print("skipped: the pinned packages could not be had: " + (took.stdout.strip().splitlines() or ["no reason given"])[-1])
            sys.exit(77)
    with open(mark, "w", encoding="utf-8") as file:  # last: an interrupted installation is begun anew
        file.write(pins)
    return python


def main():
    path, folder = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        document = json.load(file)
    wrong = list(house_rules(document))
    for line in wrong:
        print(line)
    if wrong:
        sys.exit(1)
    python = python_with_packages(os.path.abspath(folder))
    sys.exit(subprocess.run([python, "-m", "openapi_spec_validator", "--schema", "3.1.0", path], check=False).returncode)


if __name__ == "__main__":
    main()
