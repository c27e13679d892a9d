#!/usr/bin/env python3
"""run.py MODULE FOLDER PEER PROGRAM HOLDER: runs one test module with the pinned packages, which it fetches once into FOLDER.
Status 77, and why, when they cannot be had."""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def skip(why):
    print("skipped: " + why)
    sys.exit(77)


def python_with_packages(folder):
    python, mark = os.path.join(folder, "bin", "python"), os.path.join(folder, "requirements.txt")
    wanted = os.path.join(HERE, "requirements.txt")
    with open(wanted, encoding="utf-8") as file:
        pins = file.read()
    if os.path.exists(mark):
        with open(mark, encoding="utf-8") as file:
            if file.read() == pins:
                return python
    for command in ([sys.executable, "-m", "venv", "--clear", folder],
                    [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:", "--require-hashes",
                     "-r", wanted]):
        took = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if took.returncode != 0:
            skip("the pinned Python packages could not be had: " + (took.stdout.strip().splitlines() or ["no reason given"])[-1])
    with open(mark, "w", encoding="utf-8") as file:  # last: an interrupted installation is begun anew
        file.write(pins)
    return python


def has_serve(program):
    """Whether the program can be run and serves. (An unknown command's --help is the program's own, with status 0.)"""
    try:
        took = subprocess.run([program, "serve", "--help"], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return "--data-dir" in took.stdout


def main():
    module, folder, peer, program, holder = sys.argv[1:]
    if sys.version_info < (3, 11):
        skip("the pinned Python packages need Python 3.11")
    if module == "service_test" and not has_serve(program):
        skip("this program has no `prism serve`")
    python = python_with_packages(os.path.abspath(folder))
    environment = os.environ | {"PRISM_PEER": os.path.abspath(peer), "PRISM_PROGRAM": os.path.abspath(program),
                                "PRISM_HOLDER": os.path.abspath(holder), "PYTHONPATH": HERE,
                                "PYTHONDONTWRITEBYTECODE": "1"}
    sys.exit(subprocess.run([python, "-m", "unittest", "-v", module], env=environment, cwd=HERE, check=False).returncode)


if __name__ == "__main__":
    main()
