"""Files written once stay readable, and mean the same: every published format against files of its first version.

    python3 tests/golden/golden_test.py PROGRAM          compares
    python3 tests/golden/golden_test.py PROGRAM --write  makes v1/ anew: only while no version of Prism has been released

The keys in here are public. A format may change only with a new version number and a folder of its own beside v1/.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent / "v1"
PROGRAM = Path(sys.argv[1]).resolve()
TABLE = "city,flag,amount\nUlm,1,12.50\nBonn,0,-3.25\nUlm,,7.00\n,1,\n" + "".join(f"Köln,{i % 2},{i}.75\n" for i in range(40))
# name, seal options, question. `sums` has the smallest ring and no keys; `choices` multiplies and packs.
TABLES = [
    ("sums", ["--role", "amount=measure"], "SELECT COUNT(*), SUM(amount), STDDEV_SAMP(amount) AS s FROM sums"),
    ("choices", ["--role", "flag=filter", "--role", "amount=measure", "--no-squares"], "SELECT COUNT(*), AVG(amount) FROM choices WHERE flag = 1 OR flag IS NULL"),
    ("groups", ["--role", "city=group", "--nesting", "0", "--no-squares", "--role", "amount=measure", "--publish", "city"],
     "SELECT city, COUNT(*), SUM(amount) FROM groups GROUP BY city ORDER BY 3 DESC"),
]


def run(*arguments, cwd):
    done = subprocess.run([PROGRAM, *arguments], cwd=cwd, capture_output=True, timeout=300)
    if done.returncode != 0:
        raise SystemExit(f"prism {' '.join(map(str, arguments))}: exit {done.returncode}\n{done.stderr.decode()}")
    return done.stdout


# No command makes a receipt without a server: channel_test does, by ReceiptGolden.DISABLED_Write. It goes by an earlier key.
RECEIPT = ["channel", "verify", "receipt.cbor", "--pin", "SHA256:64226f61-7cb63fc2-ae722332-28fffe42-0e27c325-f6522c24-49bee420-aa3c5e95", "-o", "json"]


# Written by hand or by other tests, which compare them: what is shown of noisy answers has no keys and no fixed noise.
KEPT = ["receipt.cbor", "budget_show.json", "dp_answer.json", "dp_preview.json", "grant.json"]


def write():
    kept = {name: (HERE / name).read_bytes() for name in KEPT}
    shutil.rmtree(HERE, ignore_errors=True)
    HERE.mkdir()
    for name, bytes_ in kept.items():
        (HERE / name).write_bytes(bytes_)
    (HERE / "receipt.json").write_bytes(run(*RECEIPT, cwd=HERE))
    run("keys", "new", "--dir", "keys", cwd=HERE)
    for name, options, sql in TABLES:
        (HERE / f"{name}.csv").write_text(TABLE, encoding="utf-8")
        run("seal", f"{name}.csv", "--keys", "keys", "--output", f"{name}.sealed", "--yes", *options, cwd=HERE)
        run("query", f"{name}.sealed", sql, "--output", f"{name}.answer", cwd=HERE)
        for what, bytes_ in outputs(name, sql, HERE).items():
            (HERE / what).write_bytes(bytes_)
    run("dictionary", "groups.sealed", "--keys", "keys", "--column", "city", "--output", "city.dictionary", cwd=HERE)
    (HERE / "city.dictionary.json").write_bytes(run("inspect", "city.dictionary", "-o", "json", cwd=HERE))
    # The backup is what is kept of the keys: a directory's modes do not survive version control.
    run("keys", "backup", "--dir", "keys", "--output", "keys.backup", cwd=HERE)
    shutil.rmtree(HERE / "keys")


def outputs(name, sql, cwd):
    plan = json.loads(run("explain", f"{name}.sealed", sql, "-o", "json", cwd=cwd))
    plan.pop("predicted", None)  # times are the machine's
    plan["noise_budget_bits"] = plan["noise_budget_bits"] > 0  # bounds may get tighter or looser; that is no change of format
    return {
        f"{name}.opened.json": run("open", f"{name}.answer", "--keys", "keys", "-o", "json", cwd=cwd),
        f"{name}.opened.csv": run("open", f"{name}.answer", "--keys", "keys", "-o", "csv", cwd=cwd),
        f"{name}.sealed.json": run("inspect", f"{name}.sealed", "-o", "json", cwd=cwd),
        f"{name}.answer.json": run("inspect", f"{name}.answer", "-o", "json", cwd=cwd),
        f"{name}.explained.json": (json.dumps(plan, indent=1, ensure_ascii=False) + "\n").encode(),
    }


def compare():
    failures = []
    with tempfile.TemporaryDirectory(prefix="prism-golden-") as scratch:
        cwd = Path(scratch)
        for file in HERE.iterdir():
            shutil.copy(file, cwd)
        run("keys", "restore", "keys.backup", "--dir", "keys", cwd=cwd)
        for name, _, sql in TABLES:
            for what, bytes_ in outputs(name, sql, cwd).items():
                if bytes_ != (HERE / what).read_bytes():
                    failures.append(f"{what} changed; now\n{bytes_.decode()}")
            run("query", f"{name}.sealed", sql, "--output", "again.answer", cwd=cwd)
            if (cwd / "again.answer").read_bytes() != (HERE / f"{name}.answer").read_bytes():
                failures.append(f"{name}: the same question over the same table has another answer file")
        if run("inspect", "city.dictionary", "-o", "json", cwd=cwd) != (HERE / "city.dictionary.json").read_bytes():
            failures.append("inspect of a dictionary changed")
        if run(*RECEIPT, cwd=cwd) != (HERE / "receipt.json").read_bytes():
            failures.append("verifying a receipt says something else")
    print("\n".join(failures) or "all files of version 1 are read as when they were written")
    return bool(failures)


os.umask(0o077)
sys.exit(write() if "--write" in sys.argv else compare())
