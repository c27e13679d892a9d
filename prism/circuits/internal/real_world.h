// prism/circuits/internal/real_world.h - a CKKS key holder with a relinearisation key and levels for deep circuits.
// Never linked into programs.
#pragma once
#include <cmath>

#include "prism/circuits/internal/testing.h"
#include "prism/ckks/decryptor.h"
#include "prism/ckks/encryptor.h"

namespace prism::circuits::testing {

struct RealShape {
  unsigned log_n = 7;
  unsigned scale_bits = 45;
  std::uint32_t depth = 4;
  std::uint32_t per_level = 1;
  std::uint32_t digit_size = 1;
  std::uint32_t base_primes = 2;
  rlwe::Security security = rlwe::Security::none_for_tests;
};

inline std::shared_ptr<const ckks::Parameters> real_parameters(const RealShape& shape) {
  rlwe::ParameterSpec spec;
  spec.log_n = shape.log_n;
  spec.special_primes = must(rlwe::choose_primes(50, shape.digit_size));
  spec.primes = must(rlwe::choose_primes(50, shape.base_primes, spec.special_primes));
  std::vector<std::uint64_t> avoid = spec.primes;
  avoid.insert(avoid.end(), spec.special_primes.begin(), spec.special_primes.end());
  const auto middle = must(ckks::rescaling_primes(shape.log_n, shape.scale_bits, shape.depth, shape.per_level, avoid));
  spec.primes.insert(spec.primes.end(), middle.begin(), middle.end());
  for (std::uint32_t l = 0; l <= shape.depth; ++l) spec.level_sizes.push_back(shape.base_primes + l * shape.per_level);
  spec.digit_size = shape.digit_size;
  spec.security = shape.security;
  return must(ckks::Parameters::make(spec, shape.scale_bits));
}

struct RealWorld {
  SeededRandom random{23};
  std::shared_ptr<const ckks::Parameters> parameters;
  ckks::Encoder encoder;
  rlwe::SecretKey key;
  ckks::Evaluator evaluator;
  rlwe::EvaluationKeys keys;

  explicit RealWorld(const RealShape& shape)
      : parameters(real_parameters(shape)),
        encoder(parameters),
        key(must(rlwe::SecretKey::generate(parameters->rlwe_ptr(), random))),
        evaluator(parameters),
        keys(parameters->rlwe_ptr()) {
    keys.add(must(rlwe::make_switch_key(key, {rlwe::KeyId::Kind::relinearise, 0, parameters->max_level()}, 1, random)));
  }
  ckks::Ciphertext encrypt(const std::vector<double>& x, double largest) {
    const ckks::Plaintext p = must(encoder.encode(std::span<const double>(x), parameters->max_level(), largest));
    return must(ckks::SymmetricEncryptor(key, parameters).encrypt(p, random));
  }
  ckks::Ciphertext at(const ckks::Ciphertext& c, int level) { return must(evaluator.align_to(c, rlwe::Level{level})); }
  std::vector<ckks::Complex> decrypt_complex(const ckks::Ciphertext& c) const {
    return encoder.decode(must(ckks::Decryptor(key, parameters).decrypt_private(c)));
  }
  std::vector<double> decrypt(const ckks::Ciphertext& c) const {
    std::vector<double> out;
    for (const ckks::Complex& x : decrypt_complex(c)) out.push_back(x.real());
    return out;
  }
};

}  // namespace prism::circuits::testing
