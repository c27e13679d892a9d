"""The job "new keys, seal 1,000 integers, SUM, open" here and, where they are, with other libraries; runs are interleaved."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

import measure

HERE = os.path.dirname(os.path.abspath(__file__))
TENSEAL_AIM, SEAL_AIM = 20.0, 5.0  # how many times faster, process start included


def job(report, options):
    report.start("job", "new keys, seal 1,000 integers in 100..5000, SUM, open; process start included")
    program = measure.wanted_program(report, options.build, "prism_job")
    if program is None:
        return
    pairs = 7 if options.quick else 15
    with tempfile.TemporaryDirectory(prefix="prism-bench-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as memory:
        ours = [program, memory]
        took = measure.best_of(pairs, ours)
        inside = checked(took)
        report.row("one process", took.cpu * 1e3, "ms", wall=took.wall * 1e3, peak_mib=took.peak / 2**20)
        for name, value in inside.items():
            if name.endswith("_ms"):
                report.row(f"one process, inside: {name[:-3]}", value, "ms")
        cli(report, options, pairs)
        others(report, options, ours, pairs)


def checked(took):
    result = json.loads(took.output.splitlines()[-1])
    if result.pop("right") is not True:
        raise measure.Failed("a job gave a wrong sum:\n" + took.output)
    return result


def cli(report, options, pairs):
    """The same job as its four commands, with key directory and files on the scratch disk."""
    prism = measure.wanted_program(report, options.build, "prism")
    if prism is None:
        return
    os.makedirs(options.scratch, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="job-", dir=options.scratch) as folder:
        csv, keys, sealed, answer = (os.path.join(folder, name) for name in ("job.csv", "keys", "job.sealed", "answer.prism"))
        values = [100 + i * 7919 % 4901 for i in range(1000)]
        with open(csv, "w", encoding="ascii") as file:
            file.write("v\n" + "".join(f"{v}\n" for v in values))
        commands = {
            "keys new": [prism, "keys", "new", "--dir", keys],
            "seal": [prism, "seal", csv, "--keys", keys, "--output", sealed, "--role", "v=measure", "--no-squares", "--threads", "1", "--yes"],
            "query": [prism, "query", sealed, "SELECT SUM(v) FROM job", "--threads", "1", "--output", answer],
            "open": [prism, "open", answer, "--keys", keys, "-o", "csv"],
        }
        runs = []
        for _ in range(pairs):
            if os.path.isdir(keys):
                shutil.rmtree(keys)
            took = {name: measure.run(command) for name, command in commands.items()}
            if str(sum(values)) not in took["open"].output.split():
                raise measure.Failed("prism open gave a wrong sum:\n" + took["open"].output)
            runs.append(took)
        report.row("four commands", min(sum(t.cpu for t in r.values()) for r in runs) * 1e3, "ms",
                   wall=min(sum(t.wall for t in r.values()) for r in runs) * 1e3)
        for name in commands:
            report.row(f"four commands: {name}", min(r[name].cpu for r in runs) * 1e3, "ms", wall=min(r[name].wall for r in runs) * 1e3)


def others(report, options, ours, pairs):
    tenseal = tenseal_command(report, options)
    if tenseal is not None:
        compare(report, "TenSEAL", ours, tenseal, pairs, TENSEAL_AIM)
    seal = measure.find_program(options.build, "seal_job")
    if seal is None:
        report.note("SEAL was not found when the build was configured; its comparison is skipped")
        return
    compare(report, "SEAL", ours, [seal], pairs, SEAL_AIM)


def compare(report, name, ours, theirs, pairs, aim):
    """A B A B ...; each pair gives a ratio, the median of the ratios is the figure."""
    for command in (ours, theirs):
        measure.run(command)  # warms the page cache
    runs = [(measure.run(ours), measure.run(theirs)) for _ in range(pairs)]
    inner = [(checked(a)["total_ms"], checked(b)["total_ms"]) for a, b in runs]
    report.row(f"{name}: the same job", measure.median([b.cpu for _, b in runs]) * 1e3, "ms", wall=measure.median([b.wall for _, b in runs]) * 1e3,
               ours_wall=measure.median([a.wall for a, _ in runs]) * 1e3, load=measure.load())
    report.row(f"{name}: times as long, whole processes, wall", measure.median([b.wall / a.wall for a, b in runs]), "x", aim, at_least=True,
               processor_time=measure.median([b.cpu / a.cpu for a, b in runs]), pairs=pairs, lowest=min(b.wall / a.wall for a, b in runs), highest=max(b.wall / a.wall for a, b in runs))
    report.row(f"{name}: times as long, without process start and imports", measure.median([b / a for a, b in inner]), "x",
               theirs_ms=measure.median([b for _, b in inner]), ours_ms=measure.median([a for a, _ in inner]))


def tenseal_command(report, options):
    """A Python with the pinned TenSEAL: made under build/bench when --peers asks for it."""
    if not options.peers:
        report.note("TenSEAL is compared with --peers only; skipped")
        return None
    venv = os.path.join(measure.ROOT, "build", "bench", "tenseal")
    python = os.path.join(venv, "bin", "python")
    there = os.path.exists(python) and subprocess.run([python, "-c", "import tenseal"], capture_output=True, check=False).returncode == 0
    if not there:
        print("  (installing TenSEAL into build/bench/tenseal)", flush=True)
        for command in ([sys.executable, "-m", "venv", "--clear", venv],
                        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:", "--require-hashes", "-r",
                         os.path.join(HERE, "peers", "requirements.txt")]):
            took = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
            if took.returncode != 0:
                report.note("TenSEAL could not be installed; skipped: " + (took.stdout.strip().splitlines() or ["no reason given"])[-1])
                return None
    return [python, os.path.join(HERE, "peers", "tenseal_job.py")]
