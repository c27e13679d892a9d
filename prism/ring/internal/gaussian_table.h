// prism/ring/internal/gaussian_table.h - written by tools/gaussian_table.py, which explains it; do not edit.
#pragma once
#include <array>
#include <cstdint>

namespace prism::ring {

// clang-format off
/// ceil(2^126 * P(|X| <= k)) as {high, low} words of 63 bits, for every k where this is below 2^126.
inline constexpr std::array<std::array<std::uint64_t, 2>, 41> kGaussianThresholds = {{
    {{0x0ff52b4064a1f258, 0x14ef82d903a59c6f}},
    {{0x2e5a25d4026fff6d, 0x666efd6837eff0b5}},
    {{0x489ae2682e3db9bb, 0x01189aca264913d6}},
    {{0x5d2bc20de6f95105, 0x70956c0bbec0de80}},
    {{0x6bc8694a862fcdce, 0x42f5e951d82558f0}},
    {{0x7532d898e9d195d9, 0x75ac1792c0a7e81f}},
    {{0x7ab396c980f5facb, 0x3f30d23471ed4ba6}},
    {{0x7d9e4e8f6717ea70, 0x2449c2b397395183}},
    {{0x7f054956150a592b, 0x121ce42c5bce5baf}},
    {{0x7fa1ce99f8dbf691, 0x1eefcf009275dccf}},
    {{0x7fdfb3f00a8f3398, 0x0a01da50ecd6450f}},
    {{0x7ff5e6f7c97d68d8, 0x4ba98c04ac3ff563}},
    {{0x7ffd1f95b372bd35, 0x6795b163401ffd74}},
    {{0x7fff40f7f7aedc63, 0x6c39d8988e448684}},
    {{0x7fffd2e62d057ef0, 0x2a3f27a73a9eaa36}},
    {{0x7ffff6503aaa2874, 0x61863361beec3e5b}},
    {{0x7ffffe1bab99a743, 0x7363deb8c72f6e4b}},
    {{0x7fffffaa0140ce52, 0x459f2b6aebf7236a}},
    {{0x7ffffff21f8a3a77, 0x314655d70cfd7db7}},
    {{0x7ffffffdf72301f4, 0x0b296f396ede162b}},
    {{0x7fffffffba9fd472, 0x2796413284a89879}},
    {{0x7ffffffff79b78ce, 0x2fce8e433c817883}},
    {{0x7fffffffff13f6f9, 0x30e2a614c4edce43}},
    {{0x7fffffffffe87489, 0x51d8c80313dfe2ae}},
    {{0x7ffffffffffdde23, 0x714fbb475a3e9e3a}},
    {{0x7fffffffffffd31f, 0x6ce29b5ba6ab5512}},
    {{0x7ffffffffffffca6, 0x5cca74df1a5a4c49}},
    {{0x7fffffffffffffc5, 0x78036ad5e40beaf1}},
    {{0x7ffffffffffffffc, 0x372c412b34eff5b0}},
    {{0x7fffffffffffffff, 0x66847a267dd414ff}},
    {{0x7fffffffffffffff, 0x7eb5ca3f65e196b9}},
    {{0x7fffffffffffffff, 0x7ff0d54f0c2dce55}},
    {{0x7fffffffffffffff, 0x7fff5e30385ed3fd}},
    {{0x7fffffffffffffff, 0x7ffff9e1ac420328}},
    {{0x7fffffffffffffff, 0x7fffffca43eca29a}},
    {{0x7fffffffffffffff, 0x7ffffffe53dac642}},
    {{0x7fffffffffffffff, 0x7ffffffff3e926db}},
    {{0x7fffffffffffffff, 0x7fffffffffb0b91b}},
    {{0x7fffffffffffffff, 0x7ffffffffffe2864}},
    {{0x7fffffffffffffff, 0x7ffffffffffff60f}},
    {{0x7fffffffffffffff, 0x7fffffffffffffd0}},
}};
// clang-format on

}  // namespace prism::ring
