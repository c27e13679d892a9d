"""`prism fhe`: parameters and what they cost, noise against its bounds."""
import csv
import io
import json

import support
from support import Case

CKKS = ["--log-n", "13", "--primes", "1125899886395393,1099510054913,1099507695617", "--special-primes", "1125899902124033", "--scale-bits", "40"]
BGV = ["--scheme", "bgv", "--log-n", "13", "--primes", "50,50", "--special-primes", "50", "--plain-modulus", "1097729"]


class Fhe(Case):
    def params(self, *arguments):
        return self.ok("fhe", "params", *arguments, "-o", "json").json()

    def test_json_keeps_its_names_and_meaning(self):
        for name, arguments in [("ckks", CKKS), ("bgv", BGV)]:
            golden = (support.SOURCE / "tests/e2e/golden" / f"fhe_params_{name}.json").read_text()
            self.assertEqual(self.ok("fhe", "params", *arguments, "-o", "json").out, golden)

    def test_intents_stay_within_the_security_table(self):
        # ePrint 2024/463, Table 5.2.
        table = {128: {11: 53, 12: 106, 13: 214, 14: 430, 15: 868, 16: 1747}, 256: {11: 27, 12: 56, 13: 114, 14: 230, 15: 462, 16: 929}}
        for scheme in ["ckks", "bgv", "bfv"]:
            for depth in [0, 1, 4]:
                for security in [128, 256]:
                    with self.subTest(scheme=scheme, depth=depth, security=security):
                        found = self.params("--scheme", scheme, "--depth", str(depth), "--security", str(security))
                        limit = table[security][found["ring"]["log_n"]]
                        self.assertEqual(found["security"]["log2_modulus_limit"], limit)
                        self.assertLessEqual(found["log2"]["qp"], limit)
                        bits = sum(p["bits"] for p in found["primes"])
                        self.assertAlmostEqual(float(bits), float(found["log2"]["qp"]), delta=0.1)

    def test_deeper_is_larger(self):
        sizes = [self.params("--depth", str(d))["keys"]["switching"]["file_bytes"] for d in (1, 3, 6)]
        self.assertEqual(sizes, sorted(set(sizes)))

    def test_explain_lists_every_prime_and_level(self):
        text = self.ok("fhe", "params", *CKKS, "--explain").out
        for prime in CKKS[3].split(",") + CKKS[5].split(","):
            self.assertIn(prime, text)
        self.assertIn("2024/463", text)
        self.assertIn("special: only in keys", text)
        self.assertNotIn("special: only in keys", self.ok("fhe", "params", *CKKS).out)

    def test_csv_says_what_json_says(self):
        rows = list(csv.reader(io.StringIO(self.ok("fhe", "params", *CKKS, "-o", "csv").out)))
        self.assertEqual(rows[0], ["name", "value"])
        values = dict(rows[1:])
        self.assertEqual(values["primes.0.value"], "1125899886395393")
        self.assertEqual(values["levels.2.ciphertext_bytes"], "131072")

    def test_insecure_parameters_are_refused(self):
        self.fails(3, "fhe", "params", *CKKS[:5], "50,50", *CKKS[6:], says="over the limit of 214 bits")
        self.fails(2, "fhe", "params", "--security", "100", says="128, 192 or 256")
        self.fails(2, "fhe", "params", "--log-n", "13", "--scale-bits", "40", says="--primes")
        self.fails(1, "fhe", "params", "--depth", "60", says="does")

    def test_noise_stays_below_its_bounds(self):
        for arguments in [CKKS, BGV, ["--scheme", "bfv", "--depth", "1"]]:
            with self.subTest(arguments=arguments):
                found = self.ok("fhe", "noise", *arguments, "--samples", "2", "-o", "json").json()
                self.assertFalse(found["exceeded"])
                self.assertGreaterEqual(len(found["operations"]), 7)
                for operation in found["operations"]:
                    self.assertEqual(operation["samples"], 2)
                    self.assertGreaterEqual(operation["gap_bits"], 0)
                    # A bound that is off by 30 bits would measure nothing.
                    self.assertLess(operation["gap_bits"], 30)
