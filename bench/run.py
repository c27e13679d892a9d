#!/usr/bin/env python3
"""Measures Prism: bench/run.py [--quick] [--only SECTION]... [--peers] [--build DIR] [--scratch DIR]

  ntt     forward and inverse transforms, N = 2^10 .. 2^17, every kernel set
  ops     each operation of BGV, BFV and CKKS, N = 2^13, 2^14, 2^15
  job     new keys, seal 1,000 integers, SUM, open: one process; with --peers beside other libraries
  rows    filter and sum over 10^5 and 10^6 rows through the program: time, bytes, memory
  counts  instructions of fixed work, by callgrind, with the portable kernels

Seeds are fixed. Everything runs on one thread. Times to compare with aims are processor time (user and system, process start
included): on an idle machine it equals wall time, which is printed beside it, and on a busy one it still means something. Prints
every figure with its aim, and stores all of them as JSON under build/bench/.
"""
import argparse
import json
import os
import re
import shutil
import sys
import tempfile

sys.dont_write_bytecode = True
import measure  # noqa: E402
import peers  # noqa: E402
import rows  # noqa: E402

SECTIONS = ("ntt", "ops", "job", "rows", "counts")
NTT_AIM_MS = 0.13  # N = 2^16, avx512ifma


def ntt(report, options):
    report.start("ntt", "transforms modulo a prime just below 2^50, milliseconds")
    program = measure.wanted_program(report, options.build, "kernels_bench")
    if program is None:
        return
    sizes = (12, 14, 16) if options.quick else range(10, 18)
    pattern = "^(forward|inverse)_ntt/[a-z0-9]+/(" + "|".join(str(1 << s) for s in sizes) + ")$"
    best = measure.google_benchmark(program, pattern, 3 if options.quick else 9, 0.02 if options.quick else 0.05)
    sets = sorted({name.split("/")[1] for name in best})
    report.heading([f"2^{size}" for size in sizes])
    for direction in ("forward", "inverse"):
        for which in sets:
            values = {f"2^{size}": best[f"{direction}_ntt/{which}/{1 << size}"] / 1e6 for size in sizes}
            report.series(f"{direction} {which}", values, "ms", {"2^16": NTT_AIM_MS} if which == "avx512ifma" else None)
    if "avx512ifma" not in sets:
        report.note("this machine has no AVX-512 IFMA, for which the aim is set")


def ops(report, options):
    for room, unit in (("exact", "BGV and BFV"), ("ckks", "CKKS")):
        report.start("ops", f"{unit}, microseconds ({room}_bench)")
        program = measure.wanted_program(report, options.build, f"{room}_bench")
        if program is None:
            continue
        sizes = (8192,) if options.quick else (8192, 16384, 32768)
        pattern = "/(" + "|".join(map(str, sizes)) + ")$"
        best = measure.google_benchmark(program, pattern, 2 if options.quick else 3, 0.01 if options.quick else 0.03)
        report.heading(sizes)
        for name in dict.fromkeys(name.rsplit("/", 1)[0] for name in best):
            report.series(name, {size: best[f"{name}/{size}"] / 1e3 for size in sizes if f"{name}/{size}" in best}, "us")


def counts(report, options):
    report.start("counts", "instructions, portable kernels")
    program, valgrind = measure.wanted_program(report, options.build, "prism_job"), shutil.which("valgrind")
    if program is None:
        return
    if valgrind is None:
        report.note("valgrind is not installed; skipped")
        return
    with tempfile.TemporaryDirectory(prefix="prism-bench-") as scratch:
        took = measure.run([valgrind, "--tool=callgrind", f"--callgrind-out-file={scratch}/out", program, scratch],
                           env={"PRISM_KERNELS": "portable"})
        for name, pattern in (("job, whole process", r"Collected\s*:\s*(\d+)"),):
            found = re.search(pattern, took.output)
            if found:
                report.row(name, int(found.group(1)) / 1e6, "M instr")
        annotate = shutil.which("callgrind_annotate")
        if annotate is None:
            return
        text = measure.run([annotate, "--threshold=90", f"{scratch}/out"]).output
        for line in text.splitlines():
            found = re.match(r"\s*([\d,]+) \(\s*[\d.]+%\)\s+\S*:prism::kernels::(portable_set::)?([a-z_0-9:() ]+?)[(<\[]", line)
            if found:
                report.row(f"job, {found.group(3)}", int(found.group(1).replace(",", "")) / 1e6, "M instr")


def markdown(report):
    """Every figure as tables for docs/benchmarks.md."""
    lines, last = [], None
    for row in report.rows:
        if row["verdict"] == "failed":
            continue
        if row["title"] != last:
            last = row["title"]
            lines += [f"\n### {last}\n", "| what | measured | aim | |", "|---|---:|---:|---|"]
        aim = "" if row["aim"] is None else ("at least " if row["at_least"] else "at most ") + measure.number(row["aim"])
        lines.append(f"| {row['name']} | {measure.number(row['value'])} {row['unit']} | {aim} | {row['verdict'] or ''} |")
    lines += ["", *(f"- {note}" for note in report.notes)] if report.notes else []
    return "\n".join(lines).lstrip("\n") + "\n"


def store(report, machine, arguments):
    folder = os.path.join(measure.ROOT, "build", "bench")
    os.makedirs(folder, exist_ok=True)
    cpu = re.sub(r"[^a-z0-9]+", "-", machine["cpu"].lower()).strip("-")
    machine["load_at_end"] = measure.load()
    text = json.dumps({"machine": machine, "arguments": arguments, "rows": report.rows, "notes": report.notes}, indent=1) + "\n"
    for name, content in ((f"{machine['commit']}-{cpu}.json", text), ("results.json", text), ("results.md", markdown(report))):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(content)
    print(f"\nstored as build/bench/{machine['commit']}-{cpu}.json; also results.json and results.md")


def main():
    parser = argparse.ArgumentParser(prog="bench/run.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer sizes and repetitions, 10^5 rows only")
    parser.add_argument("--only", action="append", choices=SECTIONS, metavar="SECTION", help="one of: " + ", ".join(SECTIONS))
    parser.add_argument("--peers", action="store_true", help="install TenSEAL into build/bench (pinned) and compare with it and with SEAL")
    parser.add_argument("--build", default=os.path.join(measure.ROOT, "build", "release"), metavar="DIR", help="the build to measure")
    parser.add_argument("--scratch", default=os.path.join(measure.ROOT, "build", "bench"), metavar="DIR",
                        help="where tables are made and removed again; 3 GB are needed")
    options = parser.parse_args()
    options.build = os.path.abspath(options.build)
    machine = measure.machine(options.build)
    print(f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB; {' '.join(machine['flags'])}")
    print(f"commit {machine['commit']}, {machine['compiler']}, kernels {machine['kernels']}, load {machine['load_at_start']}")
    report = measure.Report()
    steps = {"ntt": ntt, "ops": ops, "job": peers.job, "rows": rows.rows, "counts": counts}
    for section in SECTIONS:
        if options.only and section not in options.only:
            continue
        try:
            steps[section](report, options)
        except (measure.Failed, OSError) as error:
            report.failure(error)
    store(report, machine, sys.argv[1:])
    verdicts = [row["verdict"] for row in report.rows if row["verdict"]]
    print(f"{verdicts.count('pass')} aims met, {verdicts.count('short')} short, {verdicts.count('failed')} sections failed")
    return 1 if "failed" in verdicts else 0


if __name__ == "__main__":
    sys.exit(main())
