#!/usr/bin/env python3
"""check_layers.py must see every kind of break, and nothing in a tree that keeps the rules."""
import pathlib
import tempfile
import unittest

import check_layers

LAYERS = "base:\nkernels: base\ncrypto: base\nsql: base | crypto\nbackend/he: base;sql\n"
GOOD = {
    "base/a.h": "#include <vector>",
    "kernels/kernels.h": '#include "prism/base/a.h"',
    "kernels/avx2/ntt.cpp": '#include <immintrin.h>\n#include "prism/kernels/kernels.h"',
    "crypto/kem.cpp": "#include <openssl/evp.h>",
    "sql/parse.cpp": '#include <pg_query.h>\n#include "prism/sql/internal/tree.h"',
    "sql/internal/tree.h": "#include <pg_query.h>",
    "sql/parse_test.cpp": '#include "prism/crypto/kem.h"\n#include "tests/support/dir.h"\n#include <fstream>',
    "backend/he/lower.cpp": '#include "prism/sql/parse.h"\n#include <thread>',
}
# file, content, the rule that must be named
BROKEN = [
    ("base/up.h", '#include "prism/sql/parse.h"', "layer"),
    ("sql/sideways.cpp", '#include "prism/crypto/kem.h"', "layer"),
    ("sql/up.cpp", '  #  include "prism/backend/he/lower.h"', "layer"),
    ("sql/nowhere.cpp", '#include "prism/nowhere/x.h"', "layer"),
    ("sql/short.cpp", '#include "parse.h"', "layer"),
    ("lost/x.cpp", "", "layer"),
    ("backend/he/peek.cpp", '#include "prism/sql/internal/tree.h"', "internal"),
    ("sql/tls.cpp", "#include <openssl/ssl.h>", "openssl"),
    ("kernels/avx2/big.cpp", "#include <vector>", "isa"),
    ("kernels/avx2/check.cpp", '#include "prism/base/a.h"', "isa"),
    ("kernels/shani/borrow.cpp", '#include "prism/kernels/avx2/ntt.h"', "isa"),
    ("sql/public.h", "#include <nlohmann/json.hpp>", "third-party"),
    ("sql/posix.h", "#include <unistd.h>", "third-party"),
    ("kernels/threads.cpp", "#include <thread>", "pure"),
    ("base/cast.h", "inline int f(float x) { return std::bit_cast<int>(x); }", "pure"),
    ("base/print.cpp", "#include <fmt/core.h>", "pure"),
    ("sql/cheat.cpp", '#include "tests/support/dir.h"', "tests"),
]


class CheckLayersTest(unittest.TestCase):
    def check(self, extra=None, readme=True):
        with tempfile.TemporaryDirectory() as name:
            root = pathlib.Path(name)
            layers = check_layers.read_layers(LAYERS)
            for room in layers:
                (root / "prism" / room).mkdir(parents=True)
                if readme:
                    (root / "prism" / room / "README.md").write_text("# a room\n")
            for path, content in {**GOOD, **(extra or {})}.items():
                (root / "prism" / path).parent.mkdir(parents=True, exist_ok=True)
                (root / "prism" / path).write_text(content + "\n")
            return list(check_layers.broken_rules(root, layers))

    def test_a_tree_that_keeps_the_rules_passes(self):
        self.assertEqual(self.check(), [])

    def test_every_break_is_named_once_with_its_place(self):
        for path, content, rule in BROKEN:
            with self.subTest(path=path):
                broken = self.check({path: content})
                self.assertTrue(broken)
                self.assertTrue(all(line.startswith(f"prism/{path}") for line in broken), broken)
                self.assertTrue(any(f": {rule}: " in line for line in broken), broken)

    def test_a_room_without_readme_is_named(self):
        self.assertEqual(len(self.check(readme=False)), len(check_layers.read_layers(LAYERS)))


if __name__ == "__main__":
    unittest.main()
