// prism/ckks/internal/testing.h - a seeded world for tests and benchmarks: parameters, keys and an oracle. Never linked
// into programs.
#pragma once
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <numbers>
#include <random>

#include "prism/ckks/decryptor.h"
#include "prism/ckks/encryptor.h"
#include "prism/ckks/evaluator.h"

namespace prism::ckks::testing {

class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : engine_(seed) {}
  Status fill(MutableByteView out) override {
    for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(engine_());
    return {};
  }

 private:
  std::mt19937_64 engine_;
};

/// Tests go on only with values; a refusal ends the program with its reason.
template <class T>
T must(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "refused: %s\n", result.error().message.c_str());
    std::abort();
  }
  return *std::move(result);
}
inline void must(const Status& status) {
  if (!status) {
    std::fprintf(stderr, "refused: %s\n", status.error().message.c_str());
    std::abort();
  }
}

struct Shape {
  unsigned log_n = 6;
  unsigned scale_bits = 40;
  std::uint32_t depth = 4;
  std::uint32_t per_level = 1;
  std::uint32_t digit_size = 1;
  std::uint32_t base_primes = 2;
  rlwe::Security security = rlwe::Security::none_for_tests;
  unsigned base_bits = 50;
};
inline std::shared_ptr<const Parameters> make_parameters(const Shape& shape) {
  rlwe::ParameterSpec spec;
  spec.log_n = shape.log_n;
  spec.special_primes = must(rlwe::choose_primes(50, shape.digit_size));
  spec.primes = must(rlwe::choose_primes(shape.base_bits, shape.base_primes, spec.special_primes));
  std::vector<std::uint64_t> avoid = spec.primes;
  avoid.insert(avoid.end(), spec.special_primes.begin(), spec.special_primes.end());
  const auto middle = must(rescaling_primes(shape.log_n, shape.scale_bits, shape.depth, shape.per_level, avoid));
  spec.primes.insert(spec.primes.end(), middle.begin(), middle.end());
  for (std::uint32_t l = 0; l <= shape.depth; ++l) spec.level_sizes.push_back(shape.base_primes + l * shape.per_level);
  spec.digit_size = shape.digit_size;
  spec.security = shape.security;
  return must(Parameters::make(spec, shape.scale_bits));
}

/// Everything one key holder has.
struct World {
  std::uint64_t seed;
  SeededRandom random;
  std::mt19937_64 engine;
  std::shared_ptr<const Parameters> parameters;
  Encoder encoder;
  rlwe::SecretKey key;
  SymmetricEncryptor encryptor;
  Decryptor decryptor;
  Evaluator evaluator;
  rlwe::EvaluationKeys keys;

  World(std::uint64_t seed_, std::shared_ptr<const Parameters> p, NoiseModel::Mode mode = NoiseModel::Mode::tails)
      : seed(seed_),
        random(seed_),
        engine(seed_ + 1),
        parameters(std::move(p)),
        encoder(parameters),
        key(must(rlwe::SecretKey::generate(parameters->rlwe_ptr(), random))),
        encryptor(key, parameters, mode),
        decryptor(key, parameters),
        evaluator(parameters, mode),
        keys(parameters->rlwe_ptr()) {}

  void add_relinearisation() { add_key({rlwe::KeyId::Kind::relinearise, 0, parameters->max_level()}); }
  void add_automorphism(std::uint32_t g) { add_key({rlwe::KeyId::Kind::automorphism, g, parameters->max_level()}); }
  void add_rotation(int steps) { add_automorphism(rlwe::galois_element_for_rotation(steps, parameters->degree())); }
  void add_key(rlwe::KeyId id) { keys.add(must(rlwe::make_switch_key(key, id, 1, random))); }

  Ciphertext encrypt(const std::vector<Complex>& slots, double largest = 1) {
    return encrypt(slots, parameters->max_level().value, largest);
  }
  Ciphertext encrypt(const std::vector<Complex>& slots, int level, double largest) {
    const std::span<const Complex> view(slots);
    return must(encryptor.encrypt(must(encoder.encode(view, rlwe::Level{level}, largest)), rlwe::Level{level}, random));
  }
  std::vector<Complex> decrypt(const Ciphertext& c) const { return encoder.decode(must(decryptor.decrypt_private(c))); }

  /// Uniform in the disc of this radius.
  std::vector<Complex> random_slots(double largest = 1) {
    std::uniform_real_distribution<double> unit(0, 1);
    std::vector<Complex> out(parameters->slots());
    for (Complex& x : out) x = std::polar(largest * std::sqrt(unit(engine)), 2 * std::numbers::pi * unit(engine));
    return out;
  }
};

/// log2 of the largest distance between slots; minus infinity when equal.
inline double distance_log2(const std::vector<Complex>& a, const std::vector<Complex>& b) {
  double largest = 0;
  for (std::size_t i = 0; i < b.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return std::log2(largest);
}

}  // namespace prism::ckks::testing
