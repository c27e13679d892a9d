// prism/circuits/internal/integer_world.h - small rings with a chosen plaintext modulus, for tests.
#pragma once
#include <map>
#include <memory>
#include <tuple>

#include "prism/exact/internal/testing.h"

namespace prism::circuits::testing {

/// A world of N = 64 (128 when t allows) with `levels` levels below the top, made once and with a relinearisation key.
inline exact::testing::World& integer_world(exact::Scheme scheme, std::uint64_t t, std::uint32_t levels) {
  using exact::testing::must;
  static std::map<std::tuple<exact::Scheme, std::uint64_t, std::uint32_t>, std::unique_ptr<exact::testing::World>> made;
  auto& world = made[{scheme, t, levels}];
  if (!world) {
    rlwe::ParameterSpec spec;
    spec.log_n = (t - 1) % 256 == 0 ? 7 : 6;
    spec.security = rlwe::Security::none_for_tests;
    const auto primes = must(rlwe::choose_primes(50, levels + 2, {t}));
    spec.special_primes = {primes[0]};
    spec.primes.assign(primes.begin() + 1, primes.end());
    world = std::make_unique<exact::testing::World>(17, must(exact::Parameters::make(spec, t, scheme)));
    world->add_relinearisation();
  }
  return *world;
}

/// 0, 1, -1, 2, -2, ..: every residue, if t is not above N, and the largest two.
inline std::vector<std::int64_t> every_value(const exact::testing::World& w) {
  std::vector<std::int64_t> out;
  for (std::size_t i = 0; i < w.parameters->slots(); ++i) {
    const auto size = static_cast<std::int64_t>((i + 1) / 2);
    out.push_back(w.centre(i % 2 == 1 ? size : -size));
  }
  const auto half = static_cast<std::int64_t>((w.parameters->plain_modulus() - 1) / 2);
  out[out.size() - 2] = half;
  out.back() = -half;
  return out;
}

inline std::vector<std::int64_t> opened(exact::testing::World& w, const exact::Ciphertext& c) { return w.decrypt(c); }

}  // namespace prism::circuits::testing
