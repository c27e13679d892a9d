#!/usr/bin/env python3
"""run.py PROGRAM SOURCE SHARED --prepare | --all | MODULE FUNCTION

Prepares what the end-to-end tests share, or runs all of them, or one. Status 77: the one test was skipped."""
import importlib
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import support  # noqa: E402


def main(program, source, shared, *what):
    support.PROGRAM, support.SOURCE, support.SHARED = (Path(p).resolve() for p in (program, source, shared))
    if what in (("--prepare",), ("--all",)):
        support.prepare()
        if what == ("--prepare",):
            return 0
    suite = unittest.TestSuite()
    if what == ("--all",):
        for path in sorted(Path(__file__).parent.glob("*_test.py")):
            suite.addTests(unittest.defaultTestLoader.loadTestsFromName(path.stem))
    else:
        module, function = what
        for case in vars(importlib.import_module(module)).values():
            if isinstance(case, type) and issubclass(case, support.Case) and hasattr(case, function):
                suite.addTest(case(function))
    wanted = suite.countTestCases()
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    if wanted == 0:
        print(f"no test is called {' '.join(what)}", file=sys.stderr)
        return 1
    if not result.wasSuccessful():
        return 1
    return 77 if wanted == 1 and result.skipped else 0


sys.exit(main(*sys.argv[1:]))
