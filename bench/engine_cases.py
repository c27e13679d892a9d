"""What bench/engine.py measures: parameter sets of ours and of other libraries that can do the same work, and what we aim for.

Aims are milliseconds on the machine of `reference`, an AVX-512 IFMA processor (Zen 4), where the peers took that long. Machines
differ, so what counts is the ratio: the faster peer's reference divided by the aim. Each case compares once at equal bits of QP
(security decides those) and once at equal levels or bits of Q (what a circuit can use).
"""
SEAL, OPENFHE, HEXL, SEAL_PLAIN = "SEAL+HEXL", "OpenFHE", "HEXL", "SEAL"
T20 = 786433  # 3 * 2^18 + 1: slots for every ring here
T45 = 35184365273089  # the largest prime below 2^45 that is 1 modulo 2^18


class Aim:
    """At most `ms` where the peers of `reference` took that many ms, or at least `ratio` times the faster of all peers."""

    def __init__(self, ms=None, reference=None, ratio=None):
        self.ms, self.against = ms, None if reference is None else set(reference)
        self.ratio = ratio if ratio is not None else min(reference.values()) / ms

    def verdict(self, ratio, ms):
        """The ratio decides; what misses it and is within the aim in milliseconds here says so."""
        return "met" if ratio >= self.ratio else "met in ms" if self.ms is not None and ms <= self.ms else "short"


def aim(ms, seal=None, openfhe=None, hexl=None):
    reference = {name: value for name, value in ((SEAL, seal), (OPENFHE, openfhe), (HEXL, hexl)) if value is not None}
    return Aim(ms, reference)


class Variant:
    """One parameter set of one program. `note` says what it shares with the others; ours is compared with peers of the same `group`,
    where either has one; `kernels` picks our instruction set."""

    def __init__(self, spec, note="", kernels=None, group=None):
        self.spec, self.note, self.kernels, self.group = spec, note, kernels, group

    def comparable(self, other):
        return self.group is None or other.group is None or self.group == other.group


class Case:
    """`ours`: variants; `peers`: {kind: variants}; `rows`: {operation: one aim per variant of ours, or None}."""

    def __init__(self, name, title, ours, peers, rows, figures=()):
        self.name, self.title, self.ours, self.peers, self.rows, self.figures = name, title, ours, peers, rows, figures


PRECISION = ("precision_multiply", "precision_rotate", "precision_encrypt")
BUDGET = ("budget_multiply", "budget_rotate", "budget_encrypt")
THREE = Aim(ratio=3)


def ckks(log_n, ours, seal, openfhe, rows):
    return Case(f"ckks{log_n}", f"CKKS, N = 2^{log_n}",
                [Variant(f"scheme=ckks log_n={log_n} {spec}", note) for spec, note in ours],
                {SEAL: [Variant(f"scheme=ckks log_n={log_n} {spec}") for spec in seal],
                 OPENFHE: [Variant(f"scheme=ckks log_n={log_n} {spec}") for spec in openfhe]}, rows, PRECISION)


QP, LEVELS = "QP as SEAL", "levels as SEAL"
LARGEST = {13: "primes=42x4 special=46 digit=1", 14: "primes=47x7 special=50x2 digit=2", 15: "primes=48x16 special=49x2 digit=2"}


def exact(scheme, log_n, t, openfhe, aims):
    """Twice: as much QP as SEAL's default takes, and as many bits of Q as OpenFHE's deepest set has. `openfhe`: (depth, bits of Q, our
    primes for them), None where it has none; SEAL then has the same bits in the fewest primes. `aims`: for products, of either."""
    head = f"scheme={scheme} log_n={log_n} t={t}"
    ours = [Variant(f"{head} {LARGEST[log_n]}", QP, group="large")]
    peers = {SEAL: [Variant(f"{head} bits=default", group="large")], OPENFHE: []}
    if openfhe is not None:
        depth, bits, primes = openfhe
        limb = 60 if bits % 60 == 0 else 48
        ours.append(Variant(f"{head} {primes}", "Q as OpenFHE", group="small"))
        peers[SEAL].append(Variant(f"{head} bits={limb}x{bits // limb + 1}", group="small"))
        peers[OPENFHE].append(Variant(f"{head} depth={depth}", group="small"))
    rows = {"multiply": aims[:len(ours)], "rotate": [THREE] * len(ours), "encrypt": [None] * len(ours)}
    return Case(f"{scheme}{log_n}" + ("-t45" if t == T45 else ""), f"{scheme.upper()}, N = 2^{log_n}, t of {t.bit_length()} bits", ours, peers, rows, BUDGET)


def kernel_case(log_n, ours, seal):
    sets = (("avx2", 2.0), ("portable", 1.0))
    return Case(f"kernels{log_n}", f"Without AVX-512, CKKS, N = 2^{log_n}; SEAL without HEXL",
                [Variant(f"scheme=ckks log_n={log_n} {ours}", name, name) for name, _ in sets],
                {SEAL_PLAIN: [Variant(f"scheme=ckks log_n={log_n} {seal}")]},
                {operation: [Aim(ratio=ratio) for _, ratio in sets] for operation in ("multiply", "rotate", "encrypt")})


def kernel_exact_case(log_n):
    sets = (("avx2", 2.0), ("portable", 1.0))
    return Case(f"kernels{log_n}-bfv", f"Without AVX-512, BFV, N = 2^{log_n}; SEAL without HEXL",
                [Variant(f"scheme=bfv log_n={log_n} t={T20} {LARGEST[log_n]}", name, name) for name, _ in sets],
                {SEAL_PLAIN: [Variant(f"scheme=bfv log_n={log_n} bits=default t={T20}")]},
                {operation: [Aim(ratio=ratio) for _, ratio in sets] for operation in ("multiply", "rotate")})


CASES = [
    ckks(13, [("base=50 levels=2 scale=44 special=50 digit=1", LEVELS), ("base=50 levels=2 scale=49 special=50 digit=1", QP)],
         ["bits=60,40x2,60 scale=40"], ["depth=2 scale=40 digits=3"], {
             "multiply": [aim(0.40, 1.02, 1.74)] * 2, "rotate": [aim(0.35, 0.83, 1.52)] * 2, "rotate_hoisted": [None] * 2,
             "encrypt": [aim(0.4, 1.4, 3.0)] * 2, "key": [None] * 2, "decrypt": [None] * 2, "add": [None] * 2}),
    ckks(14, [("base=50 levels=6 scale=46 special=50x2 digit=2", QP), ("base=50 levels=7 scale=47 special=50 digit=1", LEVELS)],
         ["bits=60,45x7,60 scale=45"], ["depth=7 scale=45 digits=8", "depth=5 scale=45 digits=3"], {
             "multiply": [aim(2.5, 10.0, 6.9), aim(3.7, 10.0, 6.9)], "rotate": [None] * 2, "rotate_hoisted": [None] * 2,
             "key": [aim(8, 46)] * 2, "encrypt": [aim(1.2, 4.3, 7.2)] * 2, "decrypt": [None] * 2, "add": [None] * 2}),
    ckks(15, [("base=50 levels=12 scale=49 special=50x4 digit=4", QP), ("base=50 levels=15 scale=45 special=50x2 digit=2", "one level less"),
              ("base=49 levels=16 scale=45 special=49x2 digit=2", LEVELS)],
         ["bits=60,45x16,60 scale=45"], ["depth=16 scale=45 digits=17", "depth=11 scale=45 digits=3"], {
             "multiply": [aim(10, 66, 35), aim(16, 66, 35), None], "rotate": [aim(10, 59, 34), None, None],
             "rotate_hoisted": [aim(5, 59, 17), None, None], "key": [aim(50, 338, 152), None, None],
             "encrypt": [aim(4, 23, 20)] * 2 + [None], "encode": [aim(1.5, 4.1)] * 2 + [None], "decode": [aim(3, 21)] * 2 + [None],
             "decrypt": [None] * 3, "add": [None] * 3}),
    exact("bfv", 13, T20, (2, 120, "primes=40x3 special=50 digit=1"), [aim(1.5, 7.9), aim(1.5, openfhe=3.4)]),
    exact("bfv", 14, T20, (7, 300, "primes=50x6 special=50x2 digit=2"), [aim(6.5, 40), aim(6.5, openfhe=22.6)]),
    exact("bfv", 15, T20, (15, 600, "primes=50x12 special=50x4 digit=4"), [aim(30, 229), aim(30, openfhe=124)]),
    exact("bgv", 13, T20, (1, 96, "primes=48x2 special=50 digit=1"), [aim(0.4, 1.2), aim(0.4, openfhe=0.9)]),
    exact("bgv", 14, T20, (5, 288, "primes=48x6 special=50x2 digit=2"), [aim(2.2, 8.9), aim(2.2, openfhe=11.7)]),
    exact("bfv", 13, T45, None, [THREE]),
    exact("bfv", 14, T45, (3, 300, "primes=50x6 special=50x2 digit=2"), [THREE] * 2),
    exact("bgv", 13, T45, (1, 120, "primes=40x3 special=50 digit=1"), [THREE] * 2),
    exact("bgv", 14, T45, (4, 300, "primes=50x6 special=50x2 digit=2"), [THREE] * 2),
    *(Case(f"ntt{log_n}", f"Transforms modulo one prime below 2^50, N = 2^{log_n}", [Variant(f"scheme=ntt log_n={log_n}")],
           {HEXL: [Variant(f"scheme=ntt log_n={log_n}")]},
           {"forward": [aim(ms, hexl=hexl)], "inverse": [aim(ms, hexl=hexl)]})
      for log_n, ms, hexl in ((13, 0.010, 0.0129), (14, 0.021, 0.027), (15, 0.046, 0.059), (16, 0.100, 0.124))),
    kernel_case(13, "base=50 levels=2 scale=40 special=50 digit=1", "bits=60,40x2,60 scale=40"),
    kernel_case(14, "base=50 levels=6 scale=46 special=50x2 digit=2", "bits=60,45x7,60 scale=45"),
    kernel_exact_case(13),
    *(Case(f"model-{name}", f"{title}: the cost model against measurement", [Variant(spec)], {}, {"multiply": [None], "rotate": [None],
                                                                                                "rotate_hoisted": [None]},
           ("model_multiply", "model_rotate", "model_rotate_hoisted"))
      for name, title, spec in (
          ("ckks13", "CKKS, N = 2^13, 3+1", "scheme=ckks log_n=13 base=50 levels=2 scale=44 special=50 digit=1"),
          ("ckks14", "CKKS, N = 2^14, 7+2", "scheme=ckks log_n=14 base=50 levels=6 scale=46 special=50x2 digit=2"),
          ("ckks15", "CKKS, N = 2^15, 13+4", "scheme=ckks log_n=15 base=50 levels=12 scale=49 special=50x4 digit=4"),
          ("bfv14", "BFV, N = 2^14, 7+2", f"scheme=bfv log_n=14 t={T20} {LARGEST[14]}"),
          ("bgv14", "BGV, N = 2^14, 7+2", f"scheme=bgv log_n=14 t={T20} {LARGEST[14]}"))),
    Case("memory13", "Memory, CKKS, N = 2^13", [Variant("scheme=ckks log_n=13 base=50 levels=2 scale=44 special=50 digit=1")], {}, {},
         ("resident_key", "resident_ciphertext")),
    Case("memory15", "Memory, CKKS, N = 2^15", [Variant("scheme=ckks log_n=15 base=50 levels=12 scale=49 special=50x4 digit=4")], {}, {},
         ("resident_key", "resident_ciphertext", "allocations_multiply", "allocations_rotate")),
    Case("threads14", "Two threads, each with its own ciphertexts, CKKS, N = 2^14",
         [Variant("scheme=ckks log_n=14 base=50 levels=6 scale=46 special=50x2 digit=2")], {}, {}, ("two_threads_multiply", "two_threads_rotate")),
]
