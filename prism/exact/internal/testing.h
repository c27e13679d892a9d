// prism/exact/internal/testing.h - a seeded world for tests and benchmarks: parameters, keys and an oracle. Never
// linked into programs.
#pragma once
#include <gtest/gtest.h>

#include <random>

#include "prism/exact/decryptor.h"
#include "prism/exact/encryptor.h"
#include "prism/exact/evaluator.h"
#include "prism/math/modular.h"
#include "prism/math/primes.h"

namespace prism::exact::testing {

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

template <class T>
T must(Result<T> result) {
  if (!result) {
    ADD_FAILURE() << result.error().message;
    std::abort();
  }
  return *std::move(result);
}
inline void must(const Status& status) { EXPECT_TRUE(status.has_value()) << (status ? "" : status.error().message); }

/// The largest prime = 1 mod 2N below 2^bits.
inline std::uint64_t plain_prime(unsigned bits, unsigned log_n) {
  return must(math::primes_below(bits, std::uint64_t{2} << log_n, 1))[0];
}

/// Everything one key holder has. Levels have `per_level` primes of `bits` bits each.
struct World {
  std::uint64_t seed;
  SeededRandom random;
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
        parameters(std::move(p)),
        encoder(parameters),
        key(must(rlwe::SecretKey::generate(parameters->rlwe_ptr(), random))),
        encryptor(key, parameters, mode),
        decryptor(key, parameters),
        evaluator(parameters, mode),
        keys(parameters->rlwe_ptr()) {}

  void add_relinearisation() { add_key({rlwe::KeyId::Kind::relinearise, 0, parameters->max_level()}); }
  void add_automorphism(std::uint32_t g) { add_key({rlwe::KeyId::Kind::automorphism, g, parameters->max_level()}); }
  void add_key(rlwe::KeyId id) { keys.add(must(rlwe::make_switch_key(key, id, parameters->error_scale(), random))); }

  Ciphertext encrypt(const std::vector<std::int64_t>& slots) {
    return must(encryptor.encrypt(must(encoder.encode(slots)), random));
  }
  Ciphertext encrypt(const std::vector<std::int64_t>& slots, int level) {
    return must(encryptor.encrypt(must(encoder.encode(slots)), rlwe::Level{level}, random));
  }
  std::vector<std::int64_t> decrypt(const Ciphertext& c) const { return encoder.decode(must(decryptor.decrypt(c))); }

  std::int64_t centre(Int128 x) const {
    const auto t = static_cast<Int128>(parameters->plain_modulus());
    const Int128 r = ((x % t) + t) % t;
    return static_cast<std::int64_t>(r > t / 2 ? r - t : r);
  }
  std::vector<std::int64_t> random_slots() {
    const auto half = static_cast<std::int64_t>((parameters->plain_modulus() - 1) / 2);
    std::uniform_int_distribution<std::int64_t> uniform(-half, half);
    std::mt19937_64 engine(seed ^ ++drawn);
    std::vector<std::int64_t> out(parameters->slots());
    for (std::int64_t& x : out) x = uniform(engine);
    return out;
  }
  std::uint64_t drawn = 0;
};

struct Shape {
  Scheme scheme = Scheme::bgv;
  unsigned log_n = 6;
  unsigned plain_bits = 20;
  std::uint32_t levels = 4;
  std::uint32_t per_level = 1;
  std::uint32_t digit_size = 1;
  rlwe::Security security = rlwe::Security::none_for_tests;
};
inline std::shared_ptr<const Parameters> make_parameters(const Shape& shape) {
  const std::uint64_t t = plain_prime(shape.plain_bits, shape.log_n);
  const auto primes = must(rlwe::choose_primes(50, shape.levels * shape.per_level + shape.digit_size, {t}));
  rlwe::ParameterSpec spec;
  spec.log_n = shape.log_n;
  spec.special_primes.assign(primes.begin(), primes.begin() + shape.digit_size);
  spec.primes.assign(primes.begin() + shape.digit_size, primes.end());
  for (std::uint32_t l = 1; l <= shape.levels; ++l) spec.level_sizes.push_back(l * shape.per_level);
  spec.digit_size = shape.digit_size;
  spec.security = shape.security;
  return must(Parameters::make(spec, t, shape.scheme));
}

}  // namespace prism::exact::testing
