#!/usr/bin/env python3
"""What the documents quote is what the examples say: check_quotes.py ROOT

A line `<!-- quotes FILE -->` before a fenced block promises that the block stands in FILE, line by line (indentation aside);
`...` alone on a line leaves lines out.
"""
import pathlib
import re
import sys

QUOTE = re.compile(r"<!-- quotes (\S+) -->\n+```[a-z]*\n(.*?)\n```", re.S)


def stands_in(block, text):
    """Each run of lines between `...` is consecutive in the text, and the runs follow one another."""
    lines = [line.strip() for line in text.splitlines()]
    at = 0
    for run in re.split(r"^\s*\.\.\.\s*$", block, flags=re.M):
        wanted = [line.strip() for line in run.strip("\n").splitlines()]
        found = next((i for i in range(at, len(lines) - len(wanted) + 1) if lines[i:i + len(wanted)] == wanted), None)
        if found is None:
            return False
        at = found + len(wanted)
    return True


def main():
    root = pathlib.Path(sys.argv[1])
    quotes, wrong = 0, []
    for page in [root / "README.md", *sorted((root / "docs").rglob("*.md"))]:
        for name, block in QUOTE.findall(page.read_text(encoding="utf-8")):
            quotes += 1
            source = root / name
            if not source.exists() or not stands_in(block, source.read_text(encoding="utf-8")):
                wrong.append(f"{page.relative_to(root)}: this does not stand in {name}:\n{block}")
    print("\n".join(wrong) if wrong else f"{quotes} quotes stand in their files")
    return 1 if wrong or quotes == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
