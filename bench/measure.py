"""Running programs and saying what they took: wall time, processor time, peak memory, and the machine they ran on."""
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Failed(Exception):
    """A program that is measured did not do its work."""


class Took:
    """What one process took. cpu is user and system time, of all threads; peak is resident memory, mapped files included."""

    def __init__(self, wall, cpu, peak, output):
        self.wall, self.cpu, self.peak, self.output = wall, cpu, peak, output


def run(command, env=None):
    """Runs a program to its end; its start is included. Standard output is kept, standard error shown only when it fails."""
    whole_env = dict(os.environ, **(env or {}))
    started = time.perf_counter()
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=whole_env)
    output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - started
    child.stdout.close()
    child.returncode = os.waitstatus_to_exitcode(status)
    text = output.decode("utf-8", "replace")
    if child.returncode != 0:
        raise Failed(f"{' '.join(command)}\nended with {child.returncode}:\n{text}")
    return Took(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, text)


def best_of(count, command, env=None):
    """The calmest of several runs, for each figure by itself, after one that warms the page cache; peak is the highest."""
    runs = [run(command, env) for _ in range(count + 1)][1:]
    return Took(min(r.wall for r in runs), min(r.cpu for r in runs), max(r.peak for r in runs), runs[-1].output)


def google_benchmark(program, pattern, repetitions, seconds):
    """{name: best processor time in ns} over the repetitions of each benchmark that matches."""
    took = subprocess.run([program, "--benchmark_format=json", f"--benchmark_filter={pattern}", f"--benchmark_repetitions={repetitions}",
                           f"--benchmark_min_time={seconds}"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    if took.returncode != 0:
        raise Failed(f"{program} ended with {took.returncode}")
    unit = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}
    best = {}
    for row in json.loads(took.stdout)["benchmarks"]:
        if row.get("run_type") != "iteration":
            continue
        name, value = row["run_name"], row["cpu_time"] * unit[row["time_unit"]]
        best[name] = min(value, best.get(name, value))
    return best


def find_program(build, name):
    """A program of this build, wherever in it; None when it was not built."""
    if os.path.isfile(os.path.join(build, name)):
        return os.path.join(build, name)
    for folder in ("rooms", "bench"):
        for where, _, files in os.walk(os.path.join(build, folder)):
            if name in files:
                return os.path.join(where, name)
    return None


def wanted_program(report, build, name):
    program = find_program(build, name)
    if program is None:
        report.note(f"{name} is not built here; ./dev bench builds it")
    return program


def median(values):
    return statistics.median(values)


def load():
    return round(os.getloadavg()[0], 1)


FLAGS = ("avx2", "bmi2", "avx512f", "avx512dq", "avx512vl", "avx512ifma", "avx512_vbmi", "avx512vbmi", "vaes", "sha_ni")


def machine(build):
    """What has to be known to read the figures. No host names and no paths."""
    model, flags = platform.processor() or platform.machine(), []
    try:
        text = open("/proc/cpuinfo", encoding="utf-8").read()
        model = re.search(r"^model name\s*:\s*(.*)$", text, re.M).group(1).strip()
        present = re.search(r"^flags\s*:\s*(.*)$", text, re.M).group(1).split()
        flags = [flag for flag in FLAGS if flag in present]
    except (OSError, AttributeError):
        pass
    cache = ""
    for folder, _, files in os.walk(os.path.join(build, "CMakeFiles")):
        if "CMakeCXXCompiler.cmake" in files:
            cache = open(os.path.join(folder, "CMakeCXXCompiler.cmake"), encoding="utf-8").read()
            break
    compiler = " ".join(m.group(1) for m in (re.search(rf'set\(CMAKE_CXX_COMPILER_{key} "(.*?)"\)', cache) for key in ("ID", "VERSION")) if m)
    commit = git("rev-parse", "--short=12", "HEAD")
    if commit and git("status", "--porcelain", "--untracked-files=no"):
        commit += "+changes"
    kernels = "unknown"
    try:
        kernels = re.search(r"^\s*kernels\s+(.*)$", run([os.path.join(build, "prism"), "doctor"]).output, re.M).group(1)
    except (Failed, OSError, AttributeError):
        pass
    return {
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "commit": commit or "unknown",
        "cpu": model,
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "flags": flags,
        "compiler": compiler or "unknown",
        "kernels": kernels,
        "python": platform.python_version(),
        "load_at_start": load(),
    }


def git(*arguments):
    took = subprocess.run(["git", "-C", ROOT, *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    return took.stdout.strip() if took.returncode == 0 else ""


class Report:
    """Rows as they are measured: printed at once, kept for the JSON file."""

    def __init__(self):
        self.rows, self.notes, self.section, self.title = [], [], "", ""

    def start(self, section, title):
        self.section, self.title = section, title
        print(f"\n{section}: {title}", flush=True)

    def row(self, name, value, unit, aim=None, at_least=False, **details):
        """One figure; `aim` is what it should be at most, or at least."""
        verdict = None
        if aim is not None:
            verdict = "pass" if (value >= aim if at_least else value <= aim) else "short"
        self.rows.append({"section": self.section, "title": self.title, "name": name, "value": value, "unit": unit, "aim": aim,
                          "at_least": at_least, "verdict": verdict, **details})
        wanted = "" if aim is None else f"{'>=' if at_least else '<='} {number(aim)} {unit}"
        more = "  ".join(f"{key} {number(v)}" for key, v in details.items())
        print(f"  {name:<58} {number(value):>10} {unit:<9} {wanted:<16} {verdict or '':<6} {more}".rstrip(), flush=True)

    def series(self, name, values, unit, aims=None):
        """Figures that differ in one thing alone, such as the ring's size, on one line: {label: value}."""
        verdicts = []
        for label, value in values.items():
            aim = (aims or {}).get(label)
            verdict = None if aim is None else "pass" if value <= aim else "short"
            verdicts += [f"{label}: <= {number(aim)} {unit} {verdict}"] if verdict else []
            self.rows.append({"section": self.section, "title": self.title, "name": f"{name} {label}", "value": value, "unit": unit, "aim": aim,
                              "at_least": False, "verdict": verdict})
        line = f"  {name:<28}" + "".join(f"{number(v):>10}" for v in values.values()) + f" {unit}  " + "  ".join(verdicts)
        print(line.rstrip(), flush=True)

    def heading(self, labels):
        print(" " * 30 + "".join(f"{label:>10}" for label in labels), flush=True)

    def note(self, text):
        self.notes.append(f"{self.section}: {text}")
        print(f"  ({text})", flush=True)

    def failure(self, error):
        self.rows.append({"section": self.section, "title": self.title, "name": "failed", "value": None, "unit": "", "aim": None, "verdict": "failed",
                          "error": str(error)})
        print(f"  failed: {error}", file=sys.stderr, flush=True)


def number(value):
    if not isinstance(value, float):
        return str(value)
    if value == 0 or 0.001 <= abs(value) < 100000:
        return f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"
    return f"{value:.3g}"
