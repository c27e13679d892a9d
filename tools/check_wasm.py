#!/usr/bin/env python3
"""Compiles the rooms that must also run in a browser with Emscripten, for their syntax only: check_wasm.py ROOT [COMPILER]

Exits 77 (skipped) where em++ is not installed. COMPILER stands in for em++, to test this script itself.
"""
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOMS = ["base", "secret", "kernels", "hash", "wire", "math", "ring", "rlwe", "exact", "ckks", "circuits", "fhe", "program"]
ISA_FOLDERS = {"avx2", "avx512ifma", "shani"}


def sources(root):
    for room in ROOMS:
        for path in sorted((root / "prism" / room).rglob("*.cpp")):
            if not re.search(r"_(test|bench|fuzz)\.cpp$", path.name) and not ISA_FOLDERS & set(path.parts):
                yield path


def main():
    root = pathlib.Path(sys.argv[1])
    compiler = shutil.which(sys.argv[2] if len(sys.argv) > 2 else "em++")
    if compiler is None:
        print("skipped: em++ (Emscripten) is not installed")
        return 77

    def compile_one(path):
        command = [compiler, "-fsyntax-only", "-std=c++20", "-Wall", "-Wextra", "-Werror", f"-I{root}", str(path)]
        return path, subprocess.run(command, capture_output=True, text=True)

    failed = 0
    files = list(sources(root))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, run in pool.map(compile_one, files):
            if run.returncode != 0:
                failed += 1
                print(f"{path.relative_to(root)} does not compile for WASM:\n{run.stderr}")
    print(f"{len(files) - failed} of {len(files)} files compile for WASM")
    return 1 if failed or not files else 0


if __name__ == "__main__":
    sys.exit(main())
