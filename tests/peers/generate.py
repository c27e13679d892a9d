#!/usr/bin/env python3
"""Makes circuits.txt: random circuits, and what SEAL and OpenFHE decrypt after them.

  tests/peers/generate.py --prefix DIR [--prefix DIR]... [--seed N] [--count N]

Each DIR is where a library was installed. Both are needed: a circuit on which they disagree, or of which a plain computation modulo t says
otherwise, stops the program. Same seed, same circuits; integer results do not depend on the libraries' randomness, and those of
ckks depend on it below their error only.
"""
import argparse
import os
import random
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
LOG_N = 12


def values(seed, slots, t):
    out, mask = [], (1 << 64) - 1
    for _ in range(slots):
        seed = (seed + 0x9e3779b97f4a7c15) & mask
        z = ((seed ^ (seed >> 30)) * 0xbf58476d1ce4e5b9) & mask
        z = ((z ^ (z >> 27)) * 0x94d049bb133111eb) & mask
        out.append((z ^ (z >> 31)) % t if t else ((z ^ (z >> 31)) >> 43) * 2.0**-20 - 1)
    return out


class Register:
    """`mask` stands for the random half of a ciphertext: SEAL refuses to make one whose random half is zero (x - (x + plain))."""

    def __init__(self, slots, depth, size, mask):
        self.slots, self.depth, self.size, self.mask = slots, depth, size, mask


def circuit(rng, scheme, t, steps, depth):
    """Lines of a circuit and its plain result. The last register that used the whole depth, or the deepest, is the output."""
    slots = 1 << (LOG_N - (scheme == "ckks"))
    lines, registers = [f"circuit {scheme} log_n={LOG_N}" + (f" t={t}" if t else "")], []

    def reduce(values_):
        return [v % t for v in values_] if t else values_

    def keep(line, slots_, depth_, size, mask=None):
        lines.append(line)
        registers.append(Register(reduce(slots_), depth_, size, rng.getrandbits(60) if mask is None else mask))

    for _ in range(3):
        seed = rng.randrange(1, 1000)
        keep(f"input {seed}", values(seed, slots, t), 0, 1.0)
    kinds = ["add", "subtract", "multiply", "multiply", "square", "negate", "rotate", "add_plain", "multiply_plain"] + ([] if scheme == "ckks" else ["swap"])
    while len(registers) < 3 + steps:
        kind = rng.choice(kinds)
        index = rng.randrange(len(registers)) if rng.random() < 0.3 else len(registers) - 1 - min(rng.randrange(3), len(registers) - 1)
        a = registers[index]
        # Additions at most double, and in ckks magnitudes are kept below 64, which is far from the modulus.
        if kind in ("multiply", "square", "multiply_plain") and a.depth >= depth:
            continue
        if kind in ("add", "subtract", "multiply"):
            same = [i for i, r in enumerate(registers) if r.depth == a.depth or scheme != "ckks"]
            other = rng.choice(same)
            b = registers[other]
            mask = {"add": a.mask + b.mask, "subtract": a.mask - b.mask, "multiply": None}[kind]
            if mask == 0:
                continue
            if max(a.depth, b.depth) >= depth and kind == "multiply":
                continue
            size = a.size * b.size if kind == "multiply" else a.size + b.size
            if size > 64 and scheme == "ckks":
                continue
            operation = {"add": lambda x, y: x + y, "subtract": lambda x, y: x - y, "multiply": lambda x, y: x * y}[kind]
            keep(f"{kind} {index} {other}", [operation(x, y) for x, y in zip(a.slots, b.slots)],
                 max(a.depth, b.depth) + (kind == "multiply"), size, mask)
        elif kind == "square":
            if a.size**2 > 64 and scheme == "ckks":
                continue
            keep(f"square {index}", [x * x for x in a.slots], a.depth + 1, a.size**2)
        elif kind == "negate":
            keep(f"negate {index}", [-x for x in a.slots], a.depth, a.size, -a.mask)
        elif kind == "rotate":
            by = rng.choice([1, 2, 3, 7, 64, 500, -1, -5, -256])
            row = slots if scheme == "ckks" else slots // 2
            keep(f"rotate {index} {by}", [a.slots[i // row * row + (i + by) % row] for i in range(slots)], a.depth, a.size)
        elif kind == "swap":
            keep(f"swap {index}", a.slots[slots // 2:] + a.slots[:slots // 2], a.depth, a.size)
        else:
            seed = rng.randrange(1, 1000)
            plain = values(seed, slots, t)
            if kind == "add_plain":
                keep(f"add_plain {index} {seed}", [x + y for x, y in zip(a.slots, plain)], a.depth, a.size + 1, a.mask)
            else:
                keep(f"multiply_plain {index} {seed}", [x * y for x, y in zip(a.slots, plain)], a.depth + 1, a.size)
    best = max(r.depth for r in registers)
    output = max(i for i, r in enumerate(registers) if r.depth == best)
    return lines + [f"output {output}"], registers[output].slots


def digest(slots):
    state = 0xcbf29ce484222325
    for x in slots:
        for byte in x.to_bytes(8, "little"):
            state = ((state ^ byte) * 0x100000001b3) & ((1 << 64) - 1)
    return f"{state:x}"


def ask(program, text):
    took = subprocess.run([program], input=text, stdout=subprocess.PIPE, text=True, check=True)
    return [line for line in took.stdout.splitlines() if line.startswith("expect ")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prefix", action="append", required=True, metavar="DIR")
    parser.add_argument("--compiler", metavar="CXX", help="for the programs, where a library asks for it")
    parser.add_argument("--seed", type=int, default=20260401)
    parser.add_argument("--count", type=int, default=6, help="circuits of each kind (6)")
    options = parser.parse_args()
    programs = {}
    with tempfile.TemporaryDirectory(prefix="prism-peers-") as folder:
        for number, prefix in enumerate(options.prefix):
            build = os.path.join(folder, str(number))
            compiler = [f"-DCMAKE_CXX_COMPILER={options.compiler}"] if options.compiler else []
            subprocess.run(["cmake", "-S", os.path.join(TOP, "bench", "peers"), "-B", build, "-G", "Ninja",
                            f"-DCMAKE_PREFIX_PATH={os.path.abspath(prefix)}", *compiler], check=True, stdout=subprocess.DEVNULL)
            for name in ("seal", "openfhe"):
                if subprocess.run(["cmake", "--build", build, "--target", f"{name}_circuits"], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, check=False).returncode == 0:
                    programs.setdefault(name, os.path.join(build, f"{name}_circuits"))
        missing = {"seal", "openfhe"} - programs.keys()
        if missing:
            sys.exit(f"not found under these prefixes: {', '.join(sorted(missing))}")
        rng = random.Random(options.seed)
        made = [circuit(rng, scheme, t, rng.randrange(8, 17), 3)
                for scheme, t in (("bfv", 65537), ("bfv", 786433), ("bgv", 65537), ("bgv", 786433), ("ckks", 0)) for _ in range(options.count)]
        text = "".join("\n".join(lines + ["end"]) + "\n" for lines, _ in made)
        answers = {name: ask(program, text) for name, program in sorted(programs.items())}
    out = ["# Made by generate.py (which says how), with SEAL 4.4.3 and OpenFHE 1.5.1; read by circuits_test.cpp. circuit.h: the form.",
           f"# Seed {options.seed}."]
    for number, (lines, slots) in enumerate(made):
        found = [answers[name][number] for name in sorted(answers)]
        for line in found:
            check(lines, line.split(), slots)
        out += ["", *lines, *found, "end"]
    with open(os.path.join(HERE, "circuits.txt"), "w", encoding="ascii") as file:
        file.write("\n".join(out) + "\n")


def check(lines, words, slots):
    words, what = words[2:], words[1] + ":\n" + "\n".join(lines)
    if "ckks" in lines[0]:
        wrong = max(abs(float(word) - slots[i * (len(slots) - 1) // 31]) for i, word in enumerate(words))
        if wrong > 2.0**-20:
            sys.exit(f"a result is off by {wrong} with {what}")
    elif words[0] != digest(slots):
        sys.exit(f"plain arithmetic gives {slots[:4]}, not {words[1:]}, with {what}")


if __name__ == "__main__":
    main()
