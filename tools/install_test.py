#!/usr/bin/env python3
"""Installs a build into an empty folder and uses it from outside the tree: install_test.py SOURCE BUILD CXX [FLAGS]

Copies the examples away from the tree, builds and runs them with find_package(Prism), compiles every installed header alone,
builds one example by pkg-config where that is there, and uninstalls again. Needs no network.
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile


def run(*command, **options):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, **options)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def check_files(prefix, source, build):
    """No path of the tree in what CMake and pkg-config read, no private header, and no use of one."""
    texts = list(prefix.rglob("*.cmake")) + list(prefix.rglob("*.pc"))
    assert texts, "no package files were installed"
    for path in texts:
        for tree in (source, build):
            assert str(tree) not in path.read_text(), f"{path} names {tree}"
    headers = sorted((prefix / "include" / "prism").rglob("*.h"))
    assert len(headers) > 50, f"only {len(headers)} headers"
    for path in headers:
        assert "internal" not in path.parts, f"{path} is private"
        for name in re.findall(r'#include "([^"]+)"', path.read_text()):
            assert (prefix / "include" / name).exists(), f"{path} includes {name}, which is not installed"
    return headers


def main():
    source, build, cxx = (pathlib.Path(a) for a in sys.argv[1:4])
    flags = sys.argv[4] if len(sys.argv) > 4 else ""
    manifests = {path: path.read_bytes() for path in build.glob("install_manifest*.txt")}
    for path in manifests:
        path.unlink()  # what uninstalls somebody's own installation: neither used nor lost here
    try:
        check_package(source, build, cxx, flags)
    finally:
        for path, content in manifests.items():
            path.write_bytes(content)


def check_package(source, build, cxx, flags):
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        staged = scratch / "staged"
        run("cmake", "--install", build, "--prefix", staged)
        prefix = scratch / "moved"  # a package that was moved still works
        staged.rename(prefix)
        headers = check_files(prefix, source, build)

        run(prefix / "bin" / "prism", "--version")
        for library in ("libcrypto.so.3", "libduckdb.so"):
            if not shutil.which("ldd"):
                break
            own = list(prefix.rglob(library))  # there when the build used one of its own
            loaded = [line for line in run("ldd", prefix / "bin" / "prism").splitlines() if library in line]
            assert len(loaded) == 1 or not own, (library, loaded)
            for line in loaded:
                assert "not found" not in line and str(prefix if own else "") in line, line
                assert not any(str(tree) in line for tree in (source, build)), line

        outside = scratch / "outside"
        shutil.copytree(source / "examples", outside)
        options = [f"-DCMAKE_CXX_COMPILER={cxx}", f"-DCMAKE_CXX_FLAGS={flags}", "-DCMAKE_BUILD_TYPE=Debug",
                   f"-DCMAKE_PREFIX_PATH={prefix}", "-G", "Ninja"]
        run("cmake", "-S", outside, "-B", scratch / "built", *options)
        run("cmake", "--build", scratch / "built")
        tests = run("ctest", "--test-dir", scratch / "built", "--output-on-failure")
        assert re.search(r"100% tests passed.* out of [1-9]", tests, re.S), tests

        everything = scratch / "headers.cpp"
        everything.write_text("".join(f'#include "{h.relative_to(prefix / "include")}"\n' for h in headers))
        run(cxx, "-std=c++20", "-fsyntax-only", "-I", prefix / "include", everything)

        wrong = outside / "CMakeLists.txt"
        wrong.write_text("cmake_minimum_required(VERSION 3.25)\nproject(wrong CXX)\n"
                         "find_package(Prism CONFIG COMPONENTS no_such_room)\n"
                         "if(Prism_FOUND)\n  message(FATAL_ERROR found)\nendif()\n"
                         "find_package(Prism 99 CONFIG)\nif(Prism_FOUND)\n  message(FATAL_ERROR found)\nendif()\n")
        run("cmake", "-S", outside, "-B", scratch / "wrong", *options)

        if shutil.which("pkg-config"):
            settings = {"PKG_CONFIG_PATH": str(next(prefix.rglob("pkgconfig"))), "PATH": "/usr/bin:/bin"}
            words = run("pkg-config", "--cflags", "--libs", "prism", env=settings).split()
            program = scratch / "by_pkg_config"
            run(cxx, "-std=c++20", *flags.split(), source / "examples/first_steps.cpp", *words, "-o", program)
            assert run(program) == (source / "examples/expected/first_steps.txt").read_text()

        # Uninstalling takes our files, and nobody else's.
        prefix.rename(staged)
        stranger = staged / "include" / "prism" / "stranger.h"
        stranger.write_text("// not ours\n")
        run("cmake", f"-DBUILD={build}", "-P", source / "cmake/PrismUninstall.cmake")
        left = [p for p in staged.rglob("*") if p.is_file()]
        assert left == [stranger], left
    print(f"{len(headers)} headers installed; the examples run with them")


if __name__ == "__main__":
    main()
