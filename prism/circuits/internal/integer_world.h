// prism/circuits/internal/integer_world.h - a BGV or BFV key holder with a chosen plaintext modulus and many levels.
// Never linked into programs.
#pragma once
#include <map>
#include <memory>
#include <tuple>

#include "prism/circuits/internal/testing.h"
#include "prism/exact/decryptor.h"
#include "prism/exact/encryptor.h"

namespace prism::circuits::testing {

struct IntegerWorld {
  SeededRandom random{17};
  std::shared_ptr<const exact::Parameters> parameters;
  exact::Encoder encoder;
  rlwe::SecretKey key;
  exact::Evaluator evaluator;
  rlwe::EvaluationKeys keys;

  explicit IntegerWorld(std::shared_ptr<const exact::Parameters> p)
      : parameters(std::move(p)),
        encoder(parameters),
        key(must(rlwe::SecretKey::generate(parameters->rlwe_ptr(), random))),
        evaluator(parameters),
        keys(parameters->rlwe_ptr()) {
    keys.add(must(rlwe::make_switch_key(key, {rlwe::KeyId::Kind::relinearise, 0, parameters->max_level()},
                                        parameters->error_scale(), random)));
  }
  exact::Ciphertext encrypt(const std::vector<std::int64_t>& slots) {
    return must(exact::SymmetricEncryptor(key, parameters).encrypt(must(encoder.encode(slots)), random));
  }
  std::vector<std::int64_t> decrypt(const exact::Ciphertext& c) const {
    return encoder.decode(must(exact::Decryptor(key, parameters).decrypt(c)));
  }
  std::int64_t centre(Int128 x) const {
    const auto t = static_cast<Int128>(parameters->plain_modulus());
    const Int128 r = ((x % t) + t) % t;
    return static_cast<std::int64_t>(r > t / 2 ? r - t : r);
  }
};

/// `levels` primes of `bits` bits above a base of 50.
inline std::shared_ptr<const exact::Parameters> integer_parameters(exact::Scheme scheme, std::uint64_t t,
                                                                   unsigned log_n, std::uint32_t levels, unsigned bits,
                                                                   rlwe::Security security) {
  rlwe::ParameterSpec spec;
  spec.log_n = log_n;
  spec.security = security;
  spec.special_primes = must(rlwe::choose_primes(50, 1, {t}));
  std::vector<std::uint64_t> avoid{t, spec.special_primes[0]};
  spec.primes = must(rlwe::choose_primes(50, 1, avoid));
  avoid.push_back(spec.primes[0]);
  const auto rest = must(rlwe::choose_primes(bits, levels, avoid));
  spec.primes.insert(spec.primes.end(), rest.begin(), rest.end());
  return must(exact::Parameters::make(spec, t, scheme));
}

/// N = 64, or 128 when t allows; made once.
inline IntegerWorld& integer_world(exact::Scheme scheme, std::uint64_t t, std::uint32_t levels) {
  static std::map<std::tuple<exact::Scheme, std::uint64_t, std::uint32_t>, std::unique_ptr<IntegerWorld>> made;
  auto& world = made[{scheme, t, levels}];
  if (!world) {
    world = std::make_unique<IntegerWorld>(
        integer_parameters(scheme, t, (t - 1) % 256 == 0 ? 7 : 6, levels, 50, rlwe::Security::none_for_tests));
  }
  return *world;
}

/// 0, 1, -1, 2, -2, ..: every residue, if t is not above N, and the largest two.
inline std::vector<std::int64_t> every_value(const IntegerWorld& w) {
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

}  // namespace prism::circuits::testing
