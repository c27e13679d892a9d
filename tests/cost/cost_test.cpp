// Operations do exactly the work that prism/program/work.h says, counted in every shape of key switching. No times.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <ostream>

#include "prism/ckks/encryptor.h"
#include "prism/ckks/evaluator.h"
#include "prism/exact/encryptor.h"
#include "prism/exact/evaluator.h"
#include "tests/cost/counting_kernels.h"

namespace prism::program {

void PrintTo(const Work& w, std::ostream* out) {
  *out << w.forward << " forward, " << w.inverse << " inverse, " << w.products << " products, " << w.light << " light, "
       << w.key_rows << " key rows";
}

namespace {

constexpr unsigned kLogN = 10;

class SeededRandom final : public Random {
 public:
  Status fill(MutableByteView out) override {
    for (std::uint8_t& byte : out)
      byte = static_cast<std::uint8_t>((state_ = state_ * 0x5851f42d4c957f2dULL + 1) >> 56);
    return {};
  }

 private:
  std::uint64_t state_ = 1;
};

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return *std::move(result);
}

/// L, k and s.
struct Shape {
  std::uint32_t primes, special, digit_size;
};
constexpr Shape kShapes[] = {{2, 1, 1}, {4, 1, 1}, {5, 2, 2}, {7, 3, 3}, {8, 4, 4}, {6, 6, 6}};

rlwe::ParameterSpec spec_of(const Shape& shape, std::uint32_t dropped, const std::vector<std::uint64_t>& avoid) {
  const auto primes = must(rlwe::choose_primes(50, shape.primes + shape.special, avoid));
  rlwe::ParameterSpec spec;
  spec.log_n = kLogN;
  spec.primes.assign(primes.begin(), primes.begin() + shape.primes);
  spec.special_primes.assign(primes.begin() + shape.primes, primes.end());
  spec.level_sizes = {shape.primes - dropped, shape.primes};
  spec.digit_size = shape.digit_size;
  spec.security = rlwe::Security::none_for_tests;
  return spec;
}

template <class Parameters, class Evaluator>
struct World {
  World(std::shared_ptr<const Parameters> p, std::uint64_t error_scale)
      : parameters(std::move(p)),
        secret(must(rlwe::SecretKey::generate(parameters->rlwe_ptr(), random))),
        keys(parameters->rlwe_ptr()),
        evaluator(parameters) {
    for (const rlwe::KeyId id : {rlwe::KeyId{rlwe::KeyId::Kind::relinearise, 0, parameters->max_level()},
                                 rlwe::KeyId{rlwe::KeyId::Kind::automorphism, 5, parameters->max_level()}})
      keys.add(must(rlwe::make_switch_key(secret, id, error_scale, random)));
  }
  SeededRandom random;
  std::shared_ptr<const Parameters> parameters;
  rlwe::SecretKey secret;
  rlwe::EvaluationKeys keys;
  Evaluator evaluator;
};

/// What `operation` does the second time: tables that are made at first use do not count.
template <class F>
Work counted(const F& operation) {
  operation();
  counting::reset();
  operation();
  return counting::counted(std::size_t{1} << kLogN);
}

TEST(Cost, CkksOperationsDoTheWorkOfTheFormulas) {
  for (const Shape& shape : kShapes)
    for (const std::uint32_t dropped : {1U, 2U}) {
      if (2 * dropped > shape.primes) continue;  // the scale must fit what is left
      SCOPED_TRACE(testing::Message() << shape.primes << "+" << shape.special << ", digits of " << shape.digit_size
                                      << ", " << dropped << " dropped");
      const auto parameters = must(ckks::Parameters::make(spec_of(shape, dropped, {}), 48 * dropped));
      World<ckks::Parameters, ckks::Evaluator> w(parameters, 1);
      const ckks::SymmetricEncryptor encryptor(w.secret, parameters);
      const ckks::Plaintext plain(parameters, parameters->scale(parameters->max_level()), {});
      const ckks::Ciphertext x = must(encryptor.encrypt(plain, w.random)), y = must(encryptor.encrypt(plain, w.random));
      const ckks::Ciphertext product = must(w.evaluator.multiply(x, y));
      const auto hoisted = must(w.evaluator.hoist(x));
      const Chain at = chain_of(parameters->rlwe(), parameters->max_level());

      EXPECT_EQ(counted([&] { must(w.evaluator.multiply(x, y)); }), multiply(at));
      EXPECT_EQ(counted([&] { must(w.evaluator.relinearise(product, w.keys)); }), relinearise(at));
      EXPECT_EQ(counted([&] { must(w.evaluator.rescale(x)); }), rescale(at, dropped));
      EXPECT_EQ(counted([&] { must(w.evaluator.multiply_relinearise_rescale(x, y, w.keys)); }),
                multiply_relinearise_rescale(at, dropped));
      EXPECT_EQ(counted([&] { must(w.evaluator.hoist(x)); }), decompose(at));
      EXPECT_EQ(counted([&] { must(w.evaluator.rotate(x, 1, w.keys)); }), rotate(at, false));
      EXPECT_EQ(counted([&] { must(w.evaluator.rotate(hoisted, 1, w.keys)); }), rotate(at, true));
    }
}

TEST(Cost, ExactOperationsDoTheWorkOfTheFormulas) {
  constexpr std::uint64_t kT = 65537;
  for (const exact::Scheme scheme : {exact::Scheme::bgv, exact::Scheme::bfv})
    for (const Shape& shape : kShapes) {
      SCOPED_TRACE(testing::Message() << (scheme == exact::Scheme::bgv ? "BGV " : "BFV ") << shape.primes << "+"
                                      << shape.special << ", digits of " << shape.digit_size);
      const auto parameters = must(exact::Parameters::make(spec_of(shape, 1, {kT}), kT, scheme));
      World<exact::Parameters, exact::Evaluator> w(parameters, parameters->error_scale());
      const exact::SymmetricEncryptor encryptor(w.secret, parameters);
      const exact::Plaintext plain(parameters);
      const exact::Ciphertext x = must(encryptor.encrypt(plain, w.random)),
                              y = must(encryptor.encrypt(plain, w.random));
      const exact::Ciphertext product = must(w.evaluator.multiply(x, y));
      const auto hoisted = must(w.evaluator.hoist(x));
      const Chain at = chain_of(*parameters, parameters->max_level());

      EXPECT_EQ(counted([&] { must(w.evaluator.multiply(x, y)); }), multiply(at));
      EXPECT_EQ(counted([&] { must(w.evaluator.relinearise(product, w.keys)); }), relinearise(at));
      EXPECT_EQ(counted([&] { must(w.evaluator.multiply_relinearise(x, y, w.keys)); }), multiply_relinearise(at));
      EXPECT_EQ(counted([&] { must(w.evaluator.multiply_relinearise_drop(x, y, rlwe::Level{0}, w.keys)); }),
                multiply_relinearise_rescale(at, 1));
      EXPECT_EQ(counted([&] { must(w.evaluator.drop_to(x, rlwe::Level{0})); }), rescale(at, 1));
      EXPECT_EQ(counted([&] { must(w.evaluator.rotate(x, 1, w.keys)); }), rotate(at, false));
      EXPECT_EQ(counted([&] { must(w.evaluator.rotate(hoisted, 1, w.keys)); }), rotate(at, true));
    }
}

TEST(Cost, KeysAndCiphertextsHoldTheBytesOfTheFormulas) {
  for (const Shape& shape : kShapes) {
    const auto parameters = must(ckks::Parameters::make(spec_of(shape, 1, {}), 48));
    World<ckks::Parameters, ckks::Evaluator> w(parameters, 1);
    const ckks::SymmetricEncryptor encryptor(w.secret, parameters);
    const ckks::Ciphertext x =
        must(encryptor.encrypt(ckks::Plaintext(parameters, parameters->scale(parameters->max_level()), {}), w.random));
    const Chain at = chain_of(parameters->rlwe(), parameters->max_level());
    std::uint64_t rows = 0;
    for (const ring::Evaluations& part : x.parts) rows += part.rows();
    EXPECT_EQ(rows * at.degree * 8, ciphertext_bytes(at));
    for (const auto& [id, key] : w.keys.keys()) EXPECT_EQ(key.memory_bytes(), key_bytes(at));
  }
}

}  // namespace
}  // namespace prism::program

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  const char* const wanted = std::getenv("PRISM_KERNELS");
  if (!prism::counting::install(wanted == nullptr ? "" : wanted)) {
    std::printf("skipped: the kernel set %s does not run here\n", wanted);
    return 77;  // ctest counts it as skipped
  }
  return RUN_ALL_TESTS();
}
