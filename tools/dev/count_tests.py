#!/usr/bin/env python3
"""Prints `PASSED FAILED SKIPPED` of a ctest run: count_tests.py JUNIT_XML LOG

To stderr: what failed tests printed and why each skipped one was skipped. Without a report the run itself failed.
"""
import re
import sys
import xml.etree.ElementTree


def reason_of(case):
    """The line a skipped test gave as its reason, as far as it gave one."""
    output = case.findtext("system-out") or ""
    for pattern in (r"Skipped\n(.+)", r"skipped: (.+)", r"skipped ['\"](.+)['\"]"):  # GoogleTest, our scripts, unittest
        match = re.search(pattern, output)
        if match:
            return match[1].strip()
    return "no reason given"


def count(junit_path, log_path, out):
    try:
        cases = list(xml.etree.ElementTree.parse(junit_path).getroot().iter("testcase"))
    except (OSError, xml.etree.ElementTree.ParseError):
        cases = []
    if not cases:
        with open(log_path, encoding="utf-8", errors="replace") as log:
            print("no tests ran:\n" + log.read()[-4000:], file=out)
        return 0, 1, 0
    passed = failed = 0
    skips = {}
    for case in cases:
        status = case.get("status")
        if status == "run":
            passed += 1
        elif status in ("notrun", "disabled") or case.find("skipped") is not None:
            skips.setdefault(reason_of(case), []).append(case.get("name"))
        else:
            failed += 1
            print(f"FAILED {case.get('name')}\n{(case.findtext('system-out') or '').strip()[-4000:]}", file=out)
    for reason, names in skips.items():
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        print(f"  skipped {names[0]}{more}: {reason}", file=out)
    return passed, failed, sum(map(len, skips.values()))


if __name__ == "__main__":
    print(*count(sys.argv[1], sys.argv[2], sys.stderr))
