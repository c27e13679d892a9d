#!/usr/bin/env python3
"""Fails when an #include breaks the house rules: check_layers.py ROOT LAYERS

ROOT holds prism/; LAYERS is what CMake wrote, one room a line: `backend/he: base;sql | table` (dependencies | further
ones of its tests). The rules, each with its name in the report:

  layer        a room includes only rooms it declares
  internal     x/internal/ is private to x
  openssl      <openssl/...> stays in crypto
  isa          a folder of one instruction set includes the kernel contract, itself and intrinsics; never the standard
               library's templates, whose copies would be compiled with instructions that another machine lacks
  third-party  a public header includes only the C++ standard library and prism
  pure         rooms up to program use no operating system, no threads (a mutex is fine), no streams and no fmt: WASM has none;
               and nothing that libc++ 13, Emscripten's in Debian 12, lacks
  tests        production code includes nothing from tests/
  readme       every room opens with a README.md
"""
import pathlib
import re
import sys

PURE_ROOMS = {"base", "secret", "kernels", "hash", "wire", "math", "ring", "rlwe", "exact", "ckks", "circuits", "program"}
IMPURE_HEADERS = re.compile(
    r"(thread|condition_variable|future|latch|barrier|semaphore|stop_token|iostream|fstream|sstream|"
    r"filesystem|format|expected|print|source_location|unistd\.h|fcntl\.h|pthread\.h|dlfcn\.h|(sys|fmt|openssl|linux)/.*)$")
ISA_FOLDERS = ("kernels/avx2/", "kernels/avx512ifma/", "kernels/shani/")
ISA_HEADERS = {"immintrin.h", "x86intrin.h", "cstddef", "cstdint", "cstring"}
LIBCXX_LACKS = re.compile(r"\bstd::(bit_cast|source_location|jthread|stop_token|format|views|ranges)\b")
INCLUDE = re.compile(r'\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)')


def read_layers(text):
    layers = {}
    for line in text.splitlines():
        if line.strip():
            name, deps = line.split(":", 1)
            own, _, tests = deps.partition("|")
            layers[name.strip()] = (words(own), words(tests))
    return layers


def words(text):
    return set(text.replace(";", " ").split())


def room_of(path, rooms):
    """The room a path below prism/ lies in: the longest declared folder above it."""
    parts = path.split("/")
    for size in range(len(parts) - 1, 0, -1):
        name = "/".join(parts[:size])
        if name in rooms:
            return name
    return None


def broken_rules(root, layers):
    house = root / "prism"
    files = sorted(p for p in house.rglob("*") if p.suffix in (".h", ".cpp", ".hpp", ".inc"))
    for path in files:
        inside = path.relative_to(house).as_posix()
        room = room_of(inside, layers)
        if room is None:
            yield f"prism/{inside}: layer: lies in no declared room"
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            match = INCLUDE.match(line)
            if match:
                for rule in broken_by(inside, room, match[1], match[2], layers):
                    yield f"prism/{inside}:{number}: {rule}"
            match = LIBCXX_LACKS.search(line.split("//")[0])
            if match and room in PURE_ROOMS and not is_test(inside):
                yield f"prism/{inside}:{number}: pure: libc++ 13 has no {match[0]}"
    for room in layers:
        if not (house / room / "README.md").is_file():
            yield f"prism/{room}: readme: README.md is missing"


def is_test(inside):
    return re.search(r"_(test|bench|fuzz)\.\w+$", inside) is not None


def broken_by(inside, room, quoted, angled, layers):
    of_test = is_test(inside)
    own, of_tests = layers[room]
    if quoted:
        if quoted.startswith("tests/"):
            if not of_test:
                yield f"tests: production code may not include {quoted}"
            return
        if not quoted.startswith("prism/"):
            yield f'layer: write "{quoted}" with its full path, from prism/ on'
            return
        wanted = quoted[len("prism/"):]
        target = room_of(wanted, layers)
        allowed = own | (of_tests if of_test else set())
        if target is None:
            yield f"layer: {quoted} lies in no declared room"
        elif target != room and target not in allowed:
            yield f"layer: prism/{room} may not include {quoted}"
        if target is not None and target != room and "/internal/" in wanted:
            yield f"internal: {quoted} is private to prism/{target}"
        for isa in ISA_FOLDERS:
            if inside.startswith(isa) and not of_test and not (
                    wanted in ("kernels/kernels.h", "base/aligned.h") or wanted.startswith(isa) or
                    wanted.startswith("kernels/internal/") or wanted.startswith("kernels/portable/")):
                yield f"isa: {isa} may not include {quoted}"
        return
    if angled.startswith("openssl/") and room != "crypto":
        yield f"openssl: <{angled}> stays in prism/crypto"
    if any(inside.startswith(isa) for isa in ISA_FOLDERS) and not of_test and angled not in ISA_HEADERS:
        yield f"isa: <{angled}> may not be included here"
    public = inside.endswith(".h") and "/internal/" not in inside and not of_test
    if public and ("." in angled or "/" in angled) and not any(inside.startswith(isa) for isa in ISA_FOLDERS):
        yield f"third-party: <{angled}> may not stand in a public header"
    if room in PURE_ROOMS and not of_test and IMPURE_HEADERS.match(angled):
        yield f"pure: prism/{room} may not use <{angled}>"


def main():
    root, layers = pathlib.Path(sys.argv[1]), read_layers(pathlib.Path(sys.argv[2]).read_text(encoding="utf-8"))
    broken = list(broken_rules(root, layers))
    print("\n".join(broken) or f"the layers of {len(layers)} rooms hold")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
