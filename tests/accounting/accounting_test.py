"""The accountant against dp-accounting (Google's, public): never below it, and within one per cent.

Its answers are pessimistic by what their grid costs; the margin of Method::pld is above that, so that "never below" holds to the
last digit."""
import math
import os
import subprocess
import unittest

from dp_accounting import dp_event
from dp_accounting.pld import common, privacy_loss_distribution as pld
from dp_accounting.rdp import rdp_privacy_accountant


def ours(method, delta, events):
    line = " ".join([method, delta] + events) + "\n"
    took = subprocess.run([os.environ["PRISM_ACCOUNTING_PEER"]], input=line, capture_output=True, text=True, check=True)
    return float(took.stdout)


def distribution(event, step):
    kind, *numbers, count = event.split(":")
    if kind == "laplace":
        scale, sensitivity = map(int, numbers)
        if sensitivity > 1000:  # so fine that the continuous mechanism is the same
            one = pld.from_laplace_mechanism(scale / sensitivity, value_discretization_interval=step)
        else:
            one = pld.from_discrete_laplace_mechanism(1 / scale, sensitivity, value_discretization_interval=step)
    elif kind == "gaussian":
        variance, squared = map(int, numbers)
        one = pld.from_gaussian_mechanism(math.sqrt(variance / squared), value_discretization_interval=step,
                                          log_mass_truncation_bound=-50)
    else:
        epsilon, delta = float(numbers[0]), float(numbers[1]) if len(numbers) > 1 else 0.0
        one = pld.from_privacy_parameters(common.DifferentialPrivacyParameters(epsilon, delta), value_discretization_interval=step)
    return one.self_compose(int(count)) if int(count) > 1 else one


def theirs(delta, events, step):
    whole = None
    for event in events:
        one = distribution(event, step)
        whole = one if whole is None else whole.compose(one)
    return whole.get_epsilon_for_delta(float(delta))


CASES = {
    # delta, events, step of the grid of the other program
    "one laplace": ("1e-6", ["laplace:2:1:1"], 1e-4),
    "one fine laplace": ("1e-3", ["laplace:1000000:1000000:1"], 1e-4),
    "ten laplace": ("1e-6", ["laplace:10:1:10"], 1e-4),
    "ten fine laplace": ("1e-6", ["laplace:5000000:1000000:10"], 1e-4),
    "a hundred laplace": ("1e-6", ["laplace:30:3:100"], 1e-4),
    "a hundred fine laplace": ("1e-6", ["laplace:20000000:1000000:100"], 1e-4),
    "a thousand laplace": ("1e-8", ["laplace:100:1:1000"], 1e-4),
    "a thousand fine laplace": ("1e-5", ["laplace:80000000:1000000:1000"], 1e-4),
    "one gaussian": ("1e-5", ["gaussian:16000000:1000000:1"], 1e-4),
    "ten gaussians": ("1e-6", ["gaussian:100000000:1000000:10"], 1e-4),
    "a hundred gaussians": ("1e-6", ["gaussian:900000000:1000000:100"], 1e-4),
    "a thousand gaussians": ("1e-10", ["gaussian:10000000000:1000000:1000"], 1e-4),
    "gaussians of two sizes": ("1e-6", ["gaussian:100000000:1000000:7", "gaussian:1000000000:1000000:50"], 1e-4),
    "ten pure": ("1e-6", ["pure:0.1:10"], 1e-4),
    "a hundred pure": ("1e-6", ["pure:0.05:100"], 1e-4),
    "a thousand approximate": ("1e-5", ["approximate:0.01:1e-9:1000"], 1e-4),
    "laplace and gaussian": ("1e-6", ["laplace:5:1:3", "gaussian:25000000:1000000:4"], 1e-4),
    "many of each": ("1e-7", ["laplace:40:2:60", "gaussian:400000000:1000000:40", "pure:0.02:20"], 1e-4),
    "partition selection and counts": ("1e-5", ["approximate:0.3:1e-6:1", "laplace:4:1:5", "gaussian:36000000:1000000:2"], 1e-4),
}


class Accounting(unittest.TestCase):
    def test_pld_is_never_below_and_within_one_per_cent(self):
        for name, (delta, events, step) in CASES.items():
            with self.subTest(name):
                known, mine = theirs(delta, events, step), ours("pld", delta, events)
                print(f"{name}: {mine:.6f} against {known:.6f} ({(mine / known - 1) * 100:+.4f} %)")
                self.assertGreaterEqual(mine, known)
                self.assertLessEqual(mine, 1.01 * known)

    def test_rdp_agrees(self):
        for name, noise, count, delta in [("gaussian", 5.0, 1, 1e-5), ("gaussian", 10.0, 30, 1e-6), ("gaussian", 40.0, 1000, 1e-8)]:
            with self.subTest(f"{name} {count}"):
                accountant = rdp_privacy_accountant.RdpAccountant([1 + 10 ** (i / 40) for i in range(-80, 200)])
                accountant.compose(dp_event.GaussianDpEvent(noise), count)
                fine = accountant.get_epsilon(delta)
                mine = ours("rdp", repr(delta), [f"gaussian:{int(noise * noise * 1000000)}:1000000:{count}"])
                print(f"rdp {name} x {count}: {mine:.6f} against {fine:.6f} ({(mine / fine - 1) * 100:+.3f} %)")
                self.assertGreaterEqual(mine, fine * 0.999)  # the grids of orders differ
                self.assertLessEqual(mine, 1.01 * fine)


if __name__ == "__main__":
    unittest.main()
