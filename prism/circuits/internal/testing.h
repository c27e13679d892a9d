// prism/circuits/internal/testing.h - seeded worlds for tests and benchmarks: one key holder of CKKS, BGV or BFV behind
// the same names, so that one test speaks of all of them. Never linked into programs.
#pragma once
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "prism/circuits/key_list.h"
#include "prism/circuits/scheme.h"
#include "prism/math/primes.h"

namespace prism::circuits::testing {

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
  std::uint32_t levels = 3;  ///< levels above 0
  std::uint32_t digit_size = 1;
  std::uint32_t base_primes = 2;
  unsigned scale_bits = 40;  ///< CKKS
  unsigned plain_bits = 20;  ///< BGV, BFV
  rlwe::Security security = rlwe::Security::none_for_tests;
};

struct Ckks {
  using Evaluator = ckks::Evaluator;
  using Encryptor = ckks::SymmetricEncryptor;
  using Decryptor = ckks::Decryptor;
  static constexpr const char* kName = "ckks";
  static std::shared_ptr<const ckks::Parameters> make(const Shape& shape) {
    rlwe::ParameterSpec spec;
    spec.log_n = shape.log_n;
    spec.special_primes = must(rlwe::choose_primes(50, shape.digit_size));
    spec.primes = must(rlwe::choose_primes(50, shape.base_primes, spec.special_primes));
    std::vector<std::uint64_t> avoid = spec.primes;
    avoid.insert(avoid.end(), spec.special_primes.begin(), spec.special_primes.end());
    const auto middle = must(ckks::rescaling_primes(shape.log_n, shape.scale_bits, shape.levels, 1, avoid));
    spec.primes.insert(spec.primes.end(), middle.begin(), middle.end());
    for (std::uint32_t l = 0; l <= shape.levels; ++l) spec.level_sizes.push_back(shape.base_primes + l);
    spec.digit_size = shape.digit_size;
    spec.security = shape.security;
    return must(ckks::Parameters::make(spec, shape.scale_bits));
  }
  static std::uint64_t error_scale(const ckks::Parameters&) { return 1; }
  static ckks::Plaintext encode(const ckks::Encoder& encoder, std::span<const double> values, rlwe::Level level) {
    double largest = 0;
    for (const double x : values) largest = std::max(largest, std::fabs(x));
    return must(encoder.encode(values, level, largest));
  }
  static std::vector<double> decode(const ckks::Encoder& encoder, const ckks::Plaintext& p) {
    return encoder.decode_real(p);
  }
  static double draw(std::mt19937_64& engine, const ckks::Parameters&) {
    return std::uniform_real_distribution<double>(-1, 1)(engine);
  }
  static double reduce(double x, const ckks::Parameters&) { return x; }
  static ckks::Plaintext decrypt(const Decryptor& decryptor, const ckks::Ciphertext& c) {
    return must(decryptor.decrypt_private(c));
  }
  /// Bits between the bound and what it bounds, which must not be negative; for CKKS slots show it.
  static double gap(const Decryptor&, const ckks::Ciphertext&) { return 0; }
  /// log2 of how far a decoded slot may be off.
  static double tolerance_log2(const ckks::Ciphertext& c) {
    return (c.noise.error + ckks::NoiseModel::transform_error(c.parameters->degree(), c.noise.magnitude)).log2();
  }
};

template <exact::Scheme S>
struct Exact {
  using Evaluator = exact::Evaluator;
  using Encryptor = exact::SymmetricEncryptor;
  using Decryptor = exact::Decryptor;
  static constexpr const char* kName = S == exact::Scheme::bgv ? "bgv" : "bfv";
  static std::shared_ptr<const exact::Parameters> make(const Shape& shape) {
    const std::uint64_t t = must(math::primes_below(shape.plain_bits, std::uint64_t{2} << shape.log_n, 1))[0];
    rlwe::ParameterSpec spec;
    spec.log_n = shape.log_n;
    spec.special_primes = must(rlwe::choose_primes(50, shape.digit_size, {t}));
    std::vector<std::uint64_t> avoid = spec.special_primes;
    avoid.push_back(t);
    spec.primes = must(rlwe::choose_primes(50, shape.base_primes + shape.levels, avoid));
    for (std::uint32_t l = 0; l <= shape.levels; ++l) spec.level_sizes.push_back(shape.base_primes + l);
    spec.digit_size = shape.digit_size;
    spec.security = shape.security;
    return must(exact::Parameters::make(spec, t, S));
  }
  static std::uint64_t error_scale(const exact::Parameters& parameters) { return parameters.error_scale(); }
  static exact::Plaintext encode(const exact::Encoder& encoder, std::span<const std::int64_t> values, rlwe::Level) {
    return must(encoder.encode(values));
  }
  static std::vector<std::int64_t> decode(const exact::Encoder& encoder, const exact::Plaintext& p) {
    return encoder.decode(p);
  }
  static std::int64_t draw(std::mt19937_64& engine, const exact::Parameters& parameters) {
    const auto half = static_cast<std::int64_t>((parameters.plain_modulus() - 1) / 2);
    return std::uniform_int_distribution<std::int64_t>(-half, half)(engine);
  }
  /// Centred modulo t.
  static std::int64_t reduce(Int128 x, const exact::Parameters& parameters) {
    const auto t = static_cast<Int128>(parameters.plain_modulus());
    const Int128 r = ((x % t) + t) % t;
    return static_cast<std::int64_t>(r > t / 2 ? r - t : r);
  }
  static exact::Plaintext decrypt(const Decryptor& decryptor, const exact::Ciphertext& c) {
    return must(decryptor.decrypt(c));
  }
  static double gap(const Decryptor& decryptor, const exact::Ciphertext& c) {
    return c.noise.coefficient.log2() - must(decryptor.measured_noise(c));
  }
  static double tolerance_log2(const exact::Ciphertext&) { return -1; }
};
using Bgv = Exact<exact::Scheme::bgv>;
using Bfv = Exact<exact::Scheme::bfv>;

/// Everything one key holder has.
template <class Scheme>
struct World {
  using Evaluator = typename Scheme::Evaluator;
  using Ciphertext = CiphertextOf<Evaluator>;
  using Value = ValueOf<Evaluator>;
  using Slots = std::vector<Value>;

  std::uint64_t seed;
  SeededRandom random;
  std::mt19937_64 engine;
  std::shared_ptr<const ParametersOf<Evaluator>> parameters;
  EncoderOf<Evaluator> encoder;
  rlwe::SecretKey key;
  typename Scheme::Encryptor encryptor;
  typename Scheme::Decryptor decryptor;
  Evaluator evaluator;
  rlwe::EvaluationKeys keys;

  explicit World(std::uint64_t seed_, const Shape& shape = {})
      : seed(seed_),
        random(seed_),
        engine(seed_ + 1),
        parameters(Scheme::make(shape)),
        encoder(parameters),
        key(must(rlwe::SecretKey::generate(parameters->rlwe_ptr(), random))),
        encryptor(key, parameters),
        decryptor(key, parameters),
        evaluator(parameters),
        keys(parameters->rlwe_ptr()) {}

  std::size_t row() const { return row_slots(parameters->rlwe()); }
  rlwe::Level top() const { return parameters->max_level(); }
  void make(const KeyList& list) { must(make_keys(keys, list, key, Scheme::error_scale(*parameters), random)); }

  Slots draw(std::size_t count) {
    Slots out(count);
    for (Value& x : out) x = Scheme::draw(engine, *parameters);
    return out;
  }
  Slots draw() { return draw(parameters->slots()); }
  Ciphertext encrypt(const Slots& values) { return encrypt(values, top()); }
  Ciphertext encrypt(const Slots& values, rlwe::Level level) {
    return must(encryptor.encrypt(Scheme::encode(encoder, values, level), level, random));
  }
  Slots decrypt(const Ciphertext& c) const { return Scheme::decode(encoder, Scheme::decrypt(decryptor, c)); }
  /// log2 of the largest distance between what decrypts and `wanted` (shorter: zeros follow); minus infinity for none.
  double distance_log2(const Ciphertext& c, const Slots& wanted) const {
    const Slots found = decrypt(c);
    double largest = 0;
    for (std::size_t i = 0; i < found.size(); ++i) {
      const Value w = i < wanted.size() ? wanted[i] : Value{0};
      largest = std::max(largest, std::fabs(static_cast<double>(found[i] - w)));
    }
    return std::log2(largest);
  }
};

}  // namespace prism::circuits::testing
