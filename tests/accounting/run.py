#!/usr/bin/env python3
"""run.py FOLDER PEER: runs accounting_test.py with the pinned packages, which it fetches once into FOLDER.
Status 77, and why, when they cannot be had."""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def skip(why):
    print("skipped: " + why)
    sys.exit(77)


def python_with_packages(folder):
    """The interpreter of a virtual environment that holds exactly the pinned packages."""
    python, installed = os.path.join(folder, "bin", "python"), os.path.join(folder, "requirements.txt")
    wanted = os.path.join(HERE, "requirements.txt")
    with open(wanted, "rb") as file:
        pins = file.read()
    if os.path.exists(installed):
        with open(installed, "rb") as file:
            if file.read() == pins:
                return python
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:", "--require-hashes"]
    for command in ([sys.executable, "-m", "venv", "--clear", folder], install + ["-r", wanted]):
        took = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if took.returncode != 0:
            skip("the pinned Python packages could not be had: " + (took.stdout.strip().splitlines() or ["no reason given"])[-1])
    with open(installed, "wb") as file:  # last, so that an interrupted installation is begun anew
        file.write(pins)
    return python


def main():
    folder, peer = sys.argv[1:]
    if sys.version_info < (3, 11):
        skip("the pinned Python packages need Python 3.11")
    python = python_with_packages(os.path.abspath(folder))
    environment = os.environ | {"PRISM_ACCOUNTING_PEER": os.path.abspath(peer), "PYTHONDONTWRITEBYTECODE": "1"}
    sys.exit(subprocess.run([python, "-m", "unittest", "-v", "accounting_test"], env=environment, cwd=HERE, check=False).returncode)


if __name__ == "__main__":
    main()
