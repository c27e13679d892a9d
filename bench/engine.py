#!/usr/bin/env python3
"""Measures this engine beside other libraries: bench/engine.py [--prefix DIR]... [--only CASE]... [--build DIR]

Each --prefix is where a library was installed (SEAL, HEXL, OpenFHE; several prefixes may hold several builds of one library). Their
drivers, bench/peers/*_engine.cpp, are built into build/bench and run in one go with ours: every operation alternates between the
programs in short slices, for several rounds, on one core. Times are processor time: of each slice nearly the least
(a virtual machine's clock now and then loses time), of all rounds the lower quartile; a ratio is the median over rounds of (theirs / ours):
neighbours in time, so load and clock frequency cancel.
Prints a Markdown table for each case and stores build/bench/engine.json and engine.md.
"""
import argparse
import json
import os
import subprocess
import sys

sys.dont_write_bytecode = True
import engine_cases as cases  # noqa: E402
import measure  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
OURS = "Prism"


class Driver:
    """A running program that speaks bench/peers/driver.h."""

    def __init__(self, command, cores, kernels=None):
        environment = dict(os.environ, OMP_NUM_THREADS="1")
        environment.pop("PRISM_KERNELS", None)
        if kernels is not None:
            environment["PRISM_KERNELS"] = kernels
        self.process = subprocess.Popen([command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
                                        preexec_fn=lambda: os.sched_setaffinity(0, cores))
        self.name = self.answer()["name"]
        self.facts, self.operations, self.figures = {}, [], []

    def answer(self):
        for line in self.process.stdout:  # libraries may print, too
            if line.startswith("{"):
                return json.loads(line)
        raise measure.Failed(f"a driver ended with {self.process.wait()}")

    def ask(self, request):
        self.process.stdin.write(request + "\n")
        self.process.stdin.flush()
        answer = self.answer()
        if "error" in answer:
            raise measure.Failed(answer["error"])
        return answer

    def setup(self, spec):
        answer = self.ask("setup " + spec)
        self.facts, self.operations, self.figures = answer["facts"], answer["operations"], answer["figures"]

    def time(self, operation, ms):
        return self.ask(f"time {operation} {ms}")

    def figure(self, name):
        return self.ask("figure " + name)["value"]

    def close(self):
        try:
            self.process.stdin.write("quit\n")
            self.process.stdin.close()
        except OSError:
            pass
        self.process.wait()


def kind_of(name):
    if name.startswith("SEAL"):
        return cases.SEAL if "HEXL" in name else cases.SEAL_PLAIN
    return cases.OPENFHE if name.startswith("OpenFHE") else cases.HEXL


def build_drivers(prefix, number, compiler):
    """Builds what `prefix` has drivers for; returns their paths."""
    folder = os.path.join(measure.ROOT, "build", "bench", f"peers-{number}")
    quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "check": False}
    configure = ["cmake", "-S", os.path.join(HERE, "peers"), "-B", folder, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
                 f"-DCMAKE_PREFIX_PATH={os.path.abspath(prefix)}"]
    if compiler is not None and not os.path.exists(os.path.join(folder, "CMakeCache.txt")):
        configure.append(f"-DCMAKE_CXX_COMPILER={compiler}")
    for command in (configure, ["cmake", "--build", folder]):
        took = subprocess.run(command, **quiet)
        if took.returncode != 0:
            raise measure.Failed(took.stdout)
    return [os.path.join(folder, name) for name in ("seal_engine", "hexl_engine", "openfhe_engine") if os.path.exists(os.path.join(folder, name))]


def find_peers(options):
    """{kind: (path, name)}; the first prefix that has a kind provides it."""
    found = {}
    for number, prefix in enumerate(options.prefix):
        for path in build_drivers(prefix, number, options.peer_compiler):
            driver = Driver(path, {options.core})
            driver.close()
            found.setdefault(kind_of(driver.name), (path, driver.name))
    return found


class Column:
    """One program with one parameter set in a case."""

    def __init__(self, kind, variant, driver):
        self.kind, self.variant, self.driver = kind, variant, driver
        self.ms, self.medians, self.slices, self.values = {}, {}, {}, {}

    def time(self, operation, slice_ms):
        took = self.driver.time(operation, slice_ms)
        self.slices.setdefault(operation, []).append(took["min"] / 1e6)
        self.medians.setdefault(operation, []).append(took["median"] / 1e6)
        self.ms[operation] = sorted(self.slices[operation])[len(self.slices[operation]) // 4]

    def label(self):
        facts = self.driver.facts
        if "limbs" not in facts:
            return self.kind
        return f"{self.kind} {facts['limbs']:.0f}+{facts['special']:.0f}"

    def row_label(self):
        facts = self.driver.facts
        shape = f" ({facts['limbs']:.0f}+{facts['special']:.0f})" if "limbs" in facts else ""
        return f", {self.variant.note}{shape}" if self.variant.note else ""


def open_columns(case, options, programs, notes):
    columns = []
    wanted = [(OURS, v) for v in case.ours] + [(kind, v) for kind, variants in case.peers.items() for v in variants]
    for kind, variant in wanted:
        if kind not in programs:
            continue
        cores = os.sched_getaffinity(0) if case.name.startswith("threads") else {options.core}
        driver = Driver(programs[kind][0], cores, variant.kernels)
        try:
            driver.setup(variant.spec)
            columns.append(Column(kind, variant, driver))
        except measure.Failed as error:
            driver.close()
            notes.append(f"{case.name}: {kind} with {variant.spec} failed: {error}")
    return columns


def measure_case(case, options, programs, notes):
    columns = open_columns(case, options, programs, notes)
    try:
        for operation in case.rows:
            for _ in range(options.rounds):
                for column in columns:
                    if operation in column.driver.operations:
                        column.time(operation, options.slice)
        for name in case.figures:
            for column in columns:
                if name not in column.driver.figures:
                    continue
                try:
                    column.values[name] = column.driver.figure(name)
                except measure.Failed as error:
                    notes.append(f"{case.name}: {name} of {column.kind} with {column.variant.spec}: {error}")
    finally:
        for column in columns:
            column.driver.close()
    return columns


def ratio(ours, theirs, operation):
    return measure.median([b / a for a, b in zip(ours.slices[operation], theirs.slices[operation])])


def digits(value, places=3):
    return "–" if value is None else f"{value:.{places}g}" if value < 1000 else f"{value:.0f}"


def parameters_table(columns):
    lines = ["| program | limbs | digits | log2 Q | log2 QP | levels | key | ciphertext |", "|---|---|---:|---:|---:|---:|---:|---:|"]
    for column in columns:
        f = column.driver.facts
        note = f" ({column.variant.note})" if column.variant.note else ""
        lines.append(f"| {column.kind}{note} | {f['limbs']:.0f}+{f['special']:.0f} | {f['digits']:.0f} | {f['log_q']:.0f} | {f['log_qp']:.0f} | "
                     f"{f['levels']:.0f} | {f['key_bytes'] / 2**20:.2f} MiB | {f['ciphertext_bytes'] / 2**20:.2f} MiB |")
    return lines


def report_case(case, columns, rows):
    """Markdown lines; appends what each comparison found to `rows`."""
    ours = [c for c in columns if c.kind == OURS]
    peers = [c for c in columns if c.kind != OURS]
    unit, factor = ("µs", 1e3) if case.name.startswith("ntt") else ("ms", 1.0)
    lines = [f"### {case.title}", ""]
    if columns and "limbs" in columns[0].driver.facts:
        lines += parameters_table(columns) + [""]
    if case.rows and peers:
        lines += [f"| operation, {unit} | ours | " + " | ".join(c.label() for c in peers) + " | faster peer / ours | aim | |",
                  "|---|---:|" + "---:|" * len(peers) + "---:|---:|---|"]
    for operation, aims in case.rows.items():
        for index, column in enumerate(ours):
            if operation not in column.ms:
                continue
            aim = aims[case.ours.index(column.variant)]
            able = [p for p in peers if operation in p.ms and column.variant.comparable(p.variant)]
            if aim is not None and aim.against is not None:
                able = [p for p in able if p.kind in aim.against]
            fastest = min(able, key=lambda p: p.ms[operation]) if able else None
            times = ratio(column, fastest, operation) if fastest else None
            verdict = "" if aim is None or times is None else aim.verdict(times, column.ms[operation])
            wanted = "" if aim is None else f"{aim.ratio:.2f} times" + (f" ({digits(aim.ms * factor)} {unit})" if aim.ms else "")
            if not peers:
                continue
            rows.append({"case": case.name, "operation": operation, "program": column.driver.name, "spec": column.variant.spec,
                         "facts": column.driver.facts, "min_ms": column.ms[operation], "median_ms": measure.median(column.medians[operation]),
                         "peers": {p.driver.name + ", " + p.variant.spec: {"min_ms": p.ms[operation], "ratio": ratio(column, p, operation),
                                                                           "median_ms": measure.median(p.medians[operation]),
                                                                           "facts": p.driver.facts} for p in able},
                         "faster_peer": fastest and fastest.driver.name, "ratio": times, "aim_ratio": aim and aim.ratio, "aim_ms": aim and aim.ms,
                         "verdict": verdict})
            lines.append(f"| {operation}{column.row_label()} | {digits(column.ms[operation] * factor)} | "
                         + " | ".join(digits(p.ms[operation] * factor if operation in p.ms else None) for p in peers)
                         + f" | {digits(times)} | {wanted} | {verdict} |")
    return lines + report_figures(case, columns, ours, rows) + [""]


def report_figures(case, columns, ours, rows):
    lines = []
    for name in case.figures:
        have = [c for c in columns if name in c.values and c.values[name] is not None]
        for column in have:
            rows.append({"case": case.name, "figure": name, "program": column.driver.name, "spec": column.variant.spec,
                         "value": column.values[name], "facts": column.driver.facts})
    if case.figures[:1] in (cases.PRECISION[:1], cases.BUDGET[:1]):
        what = "precision, bits: -log2 of the largest error" if case.figures == cases.PRECISION else "noise budget left, bits"
        lines += ["", f"| {what} | " + " | ".join(c.label() for c in columns) + " |", "|---|" + "---:|" * len(columns)]
        for name in case.figures:
            lines.append(f"| after {name.split('_')[1]} | "
                         + " | ".join("–" if c.values.get(name) is None else f"{c.values[name]:.1f}" for c in columns) + " |")
    elif case.figures:
        lines += ["| what | measured | wanted | |", "|---|---:|---:|---|"]  # figures of ours alone
        for column in ours:
            for name in case.figures:
                value = column.values.get(name)
                if value is None:
                    continue
                if name.startswith("model_"):
                    operation = name.removeprefix("model_")
                    facts, took = column.driver.facts, column.ms[operation]
                    lines.append(f"| {operation}: {facts['transforms_' + operation]:.0f} transforms, {facts['products_' + operation]:.0f} products | "
                                 f"{digits(took)} ms | {digits(value)} ms by formula | measured / formula {took / value:.2f} |")
                elif name.startswith("allocations_"):
                    lines.append(f"| allocations of one {name.removeprefix('allocations_')}, memory grown | {value:.0f} | 0 | {'met' if value == 0 else 'short'} |")
                elif name.startswith("resident_"):
                    model = column.driver.facts[name.removeprefix("resident_") + "_bytes"]
                    verdict = "met" if abs(value / model - 1) <= 0.05 else "short"
                    lines.append(f"| {name.replace('_', ' of one ')} | {value:.0f} bytes | {model:.0f} bytes by formula, within 5 % | {verdict} |")
                else:
                    verdict = "met" if value >= 1.9 else "short"
                    lines.append(f"| throughput of two threads against one, {name.removeprefix('two_threads_')} | {value:.2f} times | 1.9 times | {verdict} |")
    return lines


def condensed(machine, names, rows, notes, summary):
    """One table of every comparison, for docs/benchmarks.md."""
    lines = [f"{machine['cpu']}, {machine['cores']} cores, load {machine['load_at_start']} at the start and {machine['load_at_end']} at the end; commit "
             f"{machine['commit']}, {machine['compiler']}; beside {', '.join(names) or 'nothing'}. {summary}.", "",
             "| | ours, limbs | ours, ms | peers, ms | faster peer / ours | aim | |", "|---|---|---:|---|---:|---:|---|"]
    titles = {case.name: case.title for case in cases.CASES}
    for row in rows:
        if "operation" not in row:
            continue
        f = row["facts"]
        shape = f"{f['limbs']:.0f}+{f['special']:.0f}" if "limbs" in f else ""
        kernels = row["program"].split(", ")[-1] if row["case"].startswith("kernels") else ""
        peers = "; ".join(f"{kind_of(name)}{' ' + format(p['facts']['limbs'], '.0f') + '+' + format(p['facts']['special'], '.0f') if 'limbs' in p['facts'] else ''} "
                          f"{digits(p['min_ms'])}" for name, p in row["peers"].items())
        aim = "" if row["aim_ratio"] is None else f"{row['aim_ratio']:.2f}" + (f" ({digits(row['aim_ms'])} ms)" if row["aim_ms"] else "")
        lines.append(f"| {titles[row['case']]}: {row['operation'].replace('_', ' ')} | {shape}{' ' + kernels if kernels else ''} | {digits(row['min_ms'])} | {peers} | "
                     f"{digits(row['ratio'])} | {aim} | {row['verdict']} |")
    return lines + [""] + [f"- {note}" for note in notes]


def write_docs(lines):
    """Replaces what stands between the marks of docs/benchmarks.md."""
    path, begin, end = os.path.join(measure.ROOT, "docs", "benchmarks.md"), "<!-- bench/engine.py --docs -->", "<!-- end -->"
    text = open(path, encoding="utf-8").read()
    head, _, rest = text.partition(begin)
    if not rest or end not in rest:
        raise measure.Failed(f"docs/benchmarks.md has no marks {begin} ... {end}")
    with open(path, "w", encoding="utf-8") as file:
        file.write(head + begin + "\n\n" + "\n".join(lines) + "\n\n" + end + rest.partition(end)[2])


def main():
    parser = argparse.ArgumentParser(prog="bench/engine.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prefix", action="append", default=[], metavar="DIR", help="where a library is installed; repeat for more")
    parser.add_argument("--only", action="append", metavar="CASE", help="cases whose name starts so: " + " ".join(c.name for c in cases.CASES))
    parser.add_argument("--build", default=os.path.join(measure.ROOT, "build", "release"), metavar="DIR", help="the build of ours to measure")
    parser.add_argument("--rounds", type=int, default=7, help="how often programs take turns (7)")
    parser.add_argument("--slice", type=float, default=60, metavar="MS", help="how long one turn is (60)")
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)), help="the core that everything single-threaded runs on")
    parser.add_argument("--peer-compiler", metavar="CXX", help="for the peers' drivers, where their library asks for it")
    parser.add_argument("--docs", action="store_true", help="put the comparisons into docs/benchmarks.md")
    parser.add_argument("--strict", action="store_true", help="fail when an aim is missed")
    options = parser.parse_args()
    program = measure.find_program(options.build, "prism_engine")
    if program is None:
        sys.exit("prism_engine is not built; ./dev bench --engine builds it")
    machine = measure.machine(options.build)
    programs = dict({OURS: (program, OURS)}, **find_peers(options))
    names = sorted(name for kind, (_, name) in programs.items() if kind != OURS)
    text = [f"{machine['cpu']}, {machine['cores']} cores, load {machine['load_at_start']} at the start; commit {machine['commit']}, "
            f"{machine['compiler']}; beside {', '.join(names) or 'nothing'}.", ""]
    print("\n".join(text), flush=True)
    rows, notes = [], []
    for case in cases.CASES:
        if options.only and not any(case.name.startswith(name) for name in options.only):
            continue
        if case.peers and not any(kind in programs for kind in case.peers):
            notes.append(f"{case.name}: needs one of {', '.join(case.peers)}")
            continue
        try:
            lines = report_case(case, measure_case(case, options, programs, notes), rows)
        except measure.Failed as error:
            lines = [f"### {case.title}", "", f"failed: {error}", ""]
            notes.append(f"{case.name}: failed: {error}")
        text += lines
        print("\n".join(lines), flush=True)
    machine["load_at_end"] = measure.load()
    text += [f"- {note}" for note in notes]
    print("\n".join(f"- {note}" for note in notes))
    verdicts = [row["verdict"] for row in rows if row.get("verdict")]
    summary = f"{verdicts.count('met')} aims met, {verdicts.count('met in ms')} met in milliseconds but not as a ratio, {verdicts.count('short')} short"
    print(summary)
    folder = os.path.join(measure.ROOT, "build", "bench")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "engine.json"), "w", encoding="utf-8") as file:
        json.dump({"machine": machine, "arguments": sys.argv[1:], "peers": names, "rows": rows, "notes": notes}, file, indent=1)
        file.write("\n")
    with open(os.path.join(folder, "engine.md"), "w", encoding="utf-8") as file:
        file.write("\n".join(text + ["", summary]) + "\n")
    lines = condensed(machine, names, rows, notes, summary)
    if options.docs:
        write_docs(lines)
    if any(": failed: " in note for note in notes):
        return 1
    return 1 if options.strict and "short" in verdicts else 0


if __name__ == "__main__":
    sys.exit(main())
