"""`prism serve` and `prism channel`: two processes, encrypted numbers, signed answers."""
import re
import time

from serving import ChannelCase, Server

KEYS = ["--for", "statistics", "--largest", "8", "--precision", "8"]


class Channel(ChannelCase):
    def assert_statistics(self, path="result.enc"):
        found = self.values(path)
        for name, wanted in [("mean", 300), ("variance", 20000), ("sum", 1500)]:
            self.assertAlmostEqual(found[name][0], wanted, delta=0.1, msg=name)

    def test_numbers_go_out_encrypted_and_statistics_come_back_signed(self):
        self.make_client()
        server = Server(self)
        self.ok(*self.asking(server))
        self.assert_statistics()
        self.ok("channel", "verify", "receipt.cbor", "--pin", server.pin, "--result", "result.enc", "--data", "data.enc")
        self.assertEqual(self.leftovers(), [])

    def test_a_dry_run_says_what_it_takes_and_leaves_nothing(self):
        self.make_client()
        server = Server(self)
        asked = ["channel", "compute", "--server", server.url, "--identity", "client.key", "--pin", server.pin, "--keys", "alice",
                 "--data", "data.enc", "--operation", "statistics", "--compute", "mean,variance,sum", "--dry-run"]
        plan = self.ok(*asked, "-o", "json").json()
        self.assertGreaterEqual(plan["depth"]["available"], plan["depth"]["needed"])
        self.assertTrue(plan["keys"])
        text = self.ok(*asked).out
        self.assertIn("relinearisation", text)
        self.assertFalse((self.dir / "result.enc").exists())
        self.assertEqual([p for p in server.data.rglob("*") if p.is_file() and p.stat().st_size > 100_000], [])

    def test_whole_numbers_that_could_wrap_are_refused_before_anything_is_sent(self):
        self.make_client([1, 2, 3, 4, 5], "--exact")
        server = Server(self)
        asked = self.asking(server, operation="weighted_sum")
        ended = self.fails(1, *asked, "--weights", ",".join(["10000"] * 5), says="400000")
        self.assertIn("keys made for this computation", ended.err)
        self.assertEqual([p for p in server.data.rglob("*") if p.is_file() and p.stat().st_size > 50_000], [])
        self.ok(*asked, "--weights", "10,10,10,10,10")
        opened = self.ok("fhe-decrypt", "result.enc", "--keys", "alice", "-o", "json").json()
        self.assertEqual(opened["results"][0]["values"], [150])
        self.assertNotIn("modulus", opened)

    def test_a_mean_over_an_encrypted_count_of_0_is_no_number_and_says_so(self):
        self.make_client([0, 0], "--exact")
        server = Server(self)
        self.ok(*self.asking(server, "--data", "c=data.enc", "--count", "c", data="x=data.enc", operation="mean"))
        opened = self.ok("fhe-decrypt", "result.enc", "--keys", "alice")
        self.assertIn("nan", opened.out)
        self.assertIn("inf", opened.out)
        self.assertIn("mean is not a number: the count is 0", opened.err)

    def test_keys_and_data_travel_once(self):
        self.make_client()
        server = Server(self)
        first = self.ok(*self.asking(server), "-o", "json").json()
        self.assertGreater(first["sent"]["keys"], 0)
        again = self.ok(*self.asking(server, output="r2.enc", receipt="r2.cbor"), "-o", "json").json()
        self.assertEqual(again["sent"], {"keys": 0, "data": 0})
        self.assertGreater(again["receipt"]["sequence"], first["receipt"]["sequence"])
        self.assert_statistics("r2.enc")

    def test_a_wrong_pin_ends_with_status_4_and_both_fingerprints(self):
        self.make_client()
        server = Server(self)
        wrong = "SHA256:" + "-".join(["01234567"] * 8)
        ended = self.fails(4, *self.asking(server, pin=wrong))
        shown = ended.err.replace("-", "").lower()
        self.assertIn("01234567" * 8, shown)
        self.assertIn(server.pin.removeprefix("SHA256:").replace("-", "").lower(), shown)
        self.assertFalse((self.dir / "result.enc").exists() or (self.dir / "receipt.cbor").exists())

    def test_a_server_whose_identity_changed_is_not_talked_to_again(self):
        self.make_client()
        server = Server(self)
        known = ["--known-servers", self.dir / "known"]
        without_pin = [a for a in self.asking(server) if a not in ("--pin", server.pin)]
        ended = self.fails(4, *without_pin, *known)  # nobody can be asked
        self.assertIn(server.pin.removeprefix("SHA256:").replace("-", "").lower(), ended.err.replace("-", "").lower())
        # A person said yes, once: the file is what that leaves behind.
        self.remember(known[1], server)
        self.ok(*without_pin, *known)
        listed = self.ok("channel", "pins", "list", *known, "-o", "json").json()
        self.assertEqual([p["fingerprint"] for p in listed], [server.pin])
        old_pin, port = server.pin, server.port
        server.stop()
        other = Server(self, name="impostor", port=port)
        self.assertNotEqual(other.pin, old_pin)
        self.fails(4, *without_pin, *known)
        self.ok("channel", "pins", "forget", f"127.0.0.1:{port}", *known)
        self.assertEqual(self.ok("channel", "pins", "list", *known, "-o", "json").json(), [])

    def remember(self, path, server):
        digits = server.pin.removeprefix("SHA256:").replace("-", "").lower()
        path.write_text(f"prism pins 1\n127.0.0.1:{server.port} {digits} 1 {int(time.time())}\n")
        path.chmod(0o600)

    def test_a_rotated_server_is_followed_and_remembered(self):
        self.make_client()
        server = Server(self)
        known = ["--known-servers", self.dir / "known"]
        self.remember(known[1], server)
        without_pin = [a for a in self.asking(server) if a not in ("--pin", server.pin)]
        old_pin = server.pin
        new = self.ok("channel", "rotate", "--data-dir", server.data).out.strip()
        server.reload()
        self.assertEqual(server.pin, new)
        self.ok(*without_pin, *known)
        self.assertEqual(self.ok("channel", "pins", "list", *known, "-o", "json").json()[0]["fingerprint"], new)
        self.ok(*self.asking(server, pin=old_pin, output="r2.enc", receipt="r2.cbor"))
        self.ok("channel", "verify", "r2.cbor", "--pin", old_pin, "--result", "r2.enc")

    def test_a_rotated_client_keeps_what_it_uploaded(self):
        self.make_client()
        server = Server(self)
        self.ok(*self.asking(server))
        self.ok("channel", "rotate", "--identity", "client.key", "--output-public", "next.pub")
        asked = [("next.key" if a == "client.key" else a) for a in self.asking(server, output="r2.enc", receipt="r2.cbor")]
        self.assertEqual(self.ok(*asked, "-o", "json").json()["sent"], {"keys": 0, "data": 0})

    def test_a_rotated_client_key_does_not_lose_its_passphrase_without_a_word(self):
        (self.dir / "words").write_text("correct horse\n")
        (self.dir / "words").chmod(0o600)
        self.ok("keygen", "--algorithm", "ML-DSA-65", "--output-public", "p.pub", "--passphrase-file", "words")
        rotate = ("channel", "rotate", "--identity", "p.key", "--identity-passphrase-file", "words", "--output-public", "n.pub")
        self.fails(1, *rotate, says="--output-passphrase-file")
        self.assertFalse((self.dir / "n.key").exists())
        self.ok(*rotate, "--output-passphrase-file", "words")
        self.assertIn("ENCRYPTED", (self.dir / "n.key").read_text())

    def test_an_output_does_not_replace_an_input(self):
        self.make_client()
        server = Server(self)
        for name in ("a=b.enc", "c.enc"):
            data = (self.dir / "data.enc").read_bytes()
            (self.dir / name).write_bytes(data)
            asked = [(name if a == "data.enc" else a) for a in self.asking(server, output=name)]
            self.assertIn(name, asked)
            self.fails(1, *asked, says="the file that is read")
            self.assertEqual((self.dir / name).read_bytes(), data)

    def test_a_server_that_is_down_ends_with_status_5(self):
        self.make_client()
        server = Server(self)
        server.stop()
        ended = self.fails(5, *self.asking(server, "--timeout", "1"))
        self.assertIn(f"127.0.0.1:{server.port}", ended.err)

    def test_a_used_up_quota_ends_with_status_7_and_says_when(self):
        self.make_client(range(1, 2001))
        server = Server(self, "--max-cpu-seconds", "1", "--max-cpu-window", "3600")
        for i in range(200):
            ended = self.run_it(*self.asking(server, output=f"r{i}.enc", receipt=f"r{i}.cbor"))
            if ended.status != 0:
                break
        self.assertEqual(ended.status, 7, ended)
        self.assertRegex(ended.err, r"again in \d+ s")

    def test_a_damaged_receipt_does_not_verify(self):
        self.make_client()
        server = Server(self)
        self.ok(*self.asking(server))
        size = (self.dir / "receipt.cbor").stat().st_size
        for at in [size // 4, size - 3400, size - 10]:
            def flip(data, at=at):
                data[at] ^= 4
            damaged = self.changed(self.dir / "receipt.cbor", "damaged.cbor", flip)
            ended = self.run_it("channel", "verify", damaged, "--pin", server.pin)
            self.assertIn(ended.status, (4, 6), ended)
        other = self.changed(self.dir / "result.enc", "other.enc", lambda data: data.__setitem__(-1, data[-1] ^ 1))
        self.fails(6, "channel", "verify", "receipt.cbor", "--pin", server.pin, "--result", other)

    def test_plain_http_and_every_operation(self):
        self.make_client([1, 2, 3, 4], *KEYS)
        self.encrypt("other.enc", [5, 6, 7, 8], *KEYS)
        server = Server(self, tls=False)
        x, y = [1, 2, 3, 4], [5, 6, 7, 8]
        cases = [
            ("sum", [], [10]), ("mean", [], [2.5]), ("variance", ["--divisor", "sample"], [5 / 3]),
            ("negate", [], [-v for v in x]), ("square", [], [v * v for v in x]),
            ("add", ["--number", "2.5"], [v + 2.5 for v in x]), ("multiply", ["--values", "1,0.5,-1,2"], [1, 1, -3, 8]),
            ("add", ["--data", "other.enc"], [a + b for a, b in zip(x, y)]),
            ("subtract", ["--data", "other.enc"], [a - b for a, b in zip(x, y)]),
            ("multiply", ["--data", "other.enc"], [a * b for a, b in zip(x, y)]),
            ("dot", ["--data", "other.enc"], [70]), ("weighted_sum", ["--weights", "0.1,0.2,0.3,0.4"], [3.0]),
            ("polynomial", ["--coefficients", "1,3"], [1 + 3 * v for v in x]),
        ]
        for i, (operation, more, wanted) in enumerate(cases):
            with self.subTest(operation=operation, more=more):
                self.ok(*self.asking(server, *more, operation=operation, output=f"r{i}.enc", receipt=f"r{i}.cbor"))
                found = self.values(f"r{i}.enc")
                self.assertEqual(len(found), 1)
                for a, b in zip(next(iter(found.values())), wanted):
                    self.assertAlmostEqual(a, b, delta=0.05)
        (self.dir / "ops.json").write_text('{"operations": [{"id": "d", "op": "subtract", "args": ["x", "y"]}, '
                                           '{"id": "s", "op": "square", "args": ["d"]}, {"id": "t", "op": "sum", "args": ["s"]}], '
                                           '"outputs": [{"name": "distance", "value": "t"}]}')
        self.ok(*self.asking(server, "--data", "other.enc", "--operations", "ops.json", operation="custom", output="c.enc",
                             receipt="c.cbor"))
        self.assertAlmostEqual(self.values("c.enc")["distance"][0], 64, delta=0.05)

    def test_a_token_works_where_the_operator_allows_it(self):
        self.make_client()
        self.ok("channel", "token", "--tokens", "tokens.json", "--name", "reports", "--output", "reports.token")
        server = Server(self, "--allow-token", "tokens.json")
        spki = server.facts["certificates"]
        pins = [word for one in spki for word in ("--tls-pin", one["fingerprint"])]
        asked = self.asking(server)
        at = asked.index("--identity")
        asked[at:at + 2] = ["--token-file", "reports.token"]
        self.fails(4, *asked)  # a certificate that nobody knows
        self.ok(*asked, *pins)
        self.assert_statistics()
        verified = self.ok("channel", "verify", "receipt.cbor", "--pin", server.pin, "--result", "result.enc")
        self.assertIn("token", verified.out + verified.err)
        (self.dir / "wrong.token").write_text("prism_" + "A" * 43 + "\n")
        (self.dir / "wrong.token").chmod(0o600)
        asked[at + 1] = "wrong.token"
        self.fails(4, *asked, *pins)

    def test_clients_that_are_not_on_the_list_stay_out(self):
        self.make_client()
        (self.dir / "clients").write_text("# nobody yet\n")
        server = Server(self, "--clients", "clients")
        self.fails(4, *self.asking(server))
        shown = self.ok("keys", "inspect", "client.pub", "-o", "json").json()["fingerprint"]
        (self.dir / "clients").write_text(shown.removeprefix("SHA256:").replace("-", "").lower() + "\n")
        server.reload()
        self.ok(*self.asking(server))

    def test_wrong_flags_are_explained(self):
        self.make_client()
        server = Server(self)
        self.fails(2, *self.asking(server)[:-4], says="--output")
        self.fails(2, *self.asking(server, operation="frobnicate"))
        self.fails(2, *self.asking(server, "--weights", "1,x", operation="weighted_sum"), says="number 2 is none")
        self.fails(2, *[a if a != server.url else "ftp://host" for a in self.asking(server)], says="https")
        self.fails(2, *[a if a != server.pin else "abc" for a in self.asking(server)], says="fingerprint")
        asked = self.asking(server)
        at = asked.index("--identity")
        self.fails(2, *asked[:at], *asked[at + 2:], says="--identity")

    def test_info_says_what_was_agreed(self):
        self.make_client()
        server = Server(self)
        facts = self.ok("channel", "info", "--server", server.url, "--identity", "client.key", "--pin", server.pin, "-o", "json").json()
        self.assertEqual(facts["identity"], server.pin)
        self.assertEqual(facts["suite"], "MLKEM768-X25519/ML-DSA-65")
        self.assertTrue(re.search(r"TLSv1.3 (X25519MLKEM768|SecP384r1MLKEM1024)", facts["tls"]), facts)
