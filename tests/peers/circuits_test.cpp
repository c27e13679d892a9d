// The engine's results on random circuits against what SEAL and OpenFHE decrypted after the same ones (circuits.txt;
// generate.py made it). Integers agree in every slot; reals within our own bound and what the peers' results were
// checked to.
#include <gtest/gtest.h>

#include <fstream>

#include "prism/ckks/decryptor.h"
#include "prism/ckks/encryptor.h"
#include "prism/ckks/evaluator.h"
#include "prism/exact/decryptor.h"
#include "prism/exact/encryptor.h"
#include "prism/exact/evaluator.h"
#include "tests/peers/circuit.h"

namespace prism {
namespace {

using circuits::Circuit;

class SeededRandom final : public Random {
 public:
  Status fill(MutableByteView out) override {
    for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(circuits::next(state_));
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

/// Keys for what a circuit rotates by.
template <class Parameters>
rlwe::EvaluationKeys make_keys(const Circuit& circuit, const rlwe::SecretKey& secret, const Parameters& parameters,
                               std::uint64_t error_scale, Random& random) {
  rlwe::EvaluationKeys keys(parameters.rlwe_ptr());
  const auto add = [&](rlwe::KeyId::Kind kind, std::uint32_t g) {
    keys.add(must(rlwe::make_switch_key(secret, {kind, g, parameters.max_level()}, error_scale, random)));
  };
  add(rlwe::KeyId::Kind::relinearise, 0);
  for (const int steps : circuits::rotations(circuit))
    add(rlwe::KeyId::Kind::automorphism, rlwe::galois_element_for_rotation(steps, parameters.degree()));
  add(rlwe::KeyId::Kind::automorphism, rlwe::galois_element_for_conjugation(parameters.degree()));
  return keys;
}

/// Integers. The parameters are for comparing results: room for three products without a modulus switch, and not
/// secure.
struct Integers {
  using Value = exact::Ciphertext;
  explicit Integers(const Circuit& c)
      : circuit(c),
        parameters(make(c)),
        encoder(parameters),
        secret(must(rlwe::SecretKey::generate(parameters->rlwe_ptr(), random))),
        encryptor(secret, parameters),
        decryptor(secret, parameters),
        evaluator(parameters),
        keys(make_keys(c, secret, *parameters, parameters->error_scale(), random)) {}

  static std::shared_ptr<const exact::Parameters> make(const Circuit& c) {
    constexpr std::uint32_t kDigit = 4;
    const auto primes = must(rlwe::choose_primes(50, 14 + kDigit, {c.t}));
    rlwe::ParameterSpec spec;
    spec.log_n = c.log_n;
    spec.special_primes.assign(primes.begin(), primes.begin() + kDigit);
    spec.primes.assign(primes.begin() + kDigit, primes.end());
    spec.level_sizes = {static_cast<std::uint32_t>(spec.primes.size())};
    spec.digit_size = kDigit;
    spec.security = rlwe::Security::none_for_tests;
    return must(exact::Parameters::make(spec, c.t, c.scheme == "bfv" ? exact::Scheme::bfv : exact::Scheme::bgv));
  }
  exact::Plaintext encode(std::int64_t seed) const {
    std::vector<std::int64_t> centred;
    for (const std::uint64_t x : circuits::values(circuit, seed))
      centred.push_back(static_cast<std::int64_t>(x) - (x > circuit.t / 2 ? static_cast<std::int64_t>(circuit.t) : 0));
    return must(encoder.encode(centred));
  }
  Value input(std::int64_t seed) { return must(encryptor.encrypt(encode(seed), random)); }
  Value add(const Value& a, const Value& b) const {
    return must(evaluator.add(a, b));  // at the top level every correction is 1, also of products
  }
  Value subtract(const Value& a, const Value& b) const { return must(evaluator.subtract(a, b)); }
  Value multiply(const Value& a, const Value& b) const { return must(evaluator.multiply_relinearise(a, b, keys)); }
  Value square(const Value& a) const { return must(evaluator.relinearise(must(evaluator.square(a)), keys)); }
  Value negate(const Value& a) const { return evaluator.negate(a); }
  Value rotate(const Value& a, int steps) const { return must(evaluator.rotate(a, steps, keys)); }
  Value swap(const Value& a) const { return must(evaluator.swap_rows(a, keys)); }
  Value add_plain(const Value& a, std::int64_t seed) const { return must(evaluator.add_plain(a, encode(seed))); }
  Value multiply_plain(const Value& a, std::int64_t seed) const {
    return must(evaluator.multiply_plain(a, encode(seed)));
  }
  std::vector<std::uint64_t> open(const Value& result) const {
    std::vector<std::uint64_t> out;
    for (const std::int64_t x : encoder.decode(must(decryptor.decrypt(result))))
      out.push_back(x < 0 ? circuit.t - static_cast<std::uint64_t>(-x) : static_cast<std::uint64_t>(x));
    return out;
  }

  const Circuit& circuit;
  SeededRandom random;
  std::shared_ptr<const exact::Parameters> parameters;
  exact::Encoder encoder;
  rlwe::SecretKey secret;
  exact::SymmetricEncryptor encryptor;
  exact::Decryptor decryptor;
  exact::Evaluator evaluator;
  rlwe::EvaluationKeys keys;
};

/// Reals, one level down after every product.
struct Reals {
  using Value = ckks::Ciphertext;
  explicit Reals(const Circuit& c)
      : circuit(c),
        parameters(make(c)),
        encoder(parameters),
        secret(must(rlwe::SecretKey::generate(parameters->rlwe_ptr(), random))),
        encryptor(secret, parameters),
        decryptor(secret, parameters),
        evaluator(parameters),
        keys(make_keys(c, secret, *parameters, 1, random)) {}

  static std::shared_ptr<const ckks::Parameters> make(const Circuit& c) {
    constexpr unsigned kScale = 45, kDepth = 3, kBase = 2, kDigit = 2;
    rlwe::ParameterSpec spec;
    spec.log_n = c.log_n;
    std::vector<std::uint64_t> taken = must(rlwe::choose_primes(50, kDigit + kBase));
    spec.special_primes.assign(taken.begin(), taken.begin() + kDigit);
    spec.primes.assign(taken.begin() + kDigit, taken.end());
    const auto middle = must(ckks::rescaling_primes(c.log_n, kScale, kDepth, 1, taken));
    spec.primes.insert(spec.primes.end(), middle.begin(), middle.end());
    for (std::uint32_t l = 0; l <= kDepth; ++l) spec.level_sizes.push_back(kBase + l);
    spec.digit_size = kDigit;
    spec.security = rlwe::Security::none_for_tests;
    return must(ckks::Parameters::make(spec, kScale));
  }
  ckks::Plaintext encode(std::int64_t seed, const ckks::Scale& scale) const {
    const std::vector<double> slots = circuits::reals(circuit, seed);
    return must(encoder.encode(std::span<const double>(slots), scale, 1));
  }
  Value rescale(Result<Value> product) const { return must(evaluator.rescale(must(std::move(product)))); }
  Value input(std::int64_t seed) {
    return must(encryptor.encrypt(encode(seed, parameters->scale(parameters->max_level())), random));
  }
  Value add(const Value& a, const Value& b) const { return must(evaluator.add(a, b)); }
  Value subtract(const Value& a, const Value& b) const { return must(evaluator.subtract(a, b)); }
  Value multiply(const Value& a, const Value& b) const {
    return must(evaluator.multiply_relinearise_rescale(a, b, keys));
  }
  Value square(const Value& a) const { return rescale(evaluator.relinearise(must(evaluator.square(a)), keys)); }
  Value negate(const Value& a) const { return evaluator.negate(a); }
  Value rotate(const Value& a, int steps) const { return must(evaluator.rotate(a, steps, keys)); }
  Value swap(const Value&) const { throw std::runtime_error("no rows here"); }
  Value add_plain(const Value& a, std::int64_t seed) const {
    return must(evaluator.add_plain(a, encode(seed, a.scale)));
  }
  Value multiply_plain(const Value& a, std::int64_t seed) const {
    return rescale(evaluator.multiply_plain(a, encode(seed, parameters->scale(a.level))));
  }

  const Circuit& circuit;
  SeededRandom random;
  std::shared_ptr<const ckks::Parameters> parameters;
  ckks::Encoder encoder;
  rlwe::SecretKey secret;
  ckks::SymmetricEncryptor encryptor;
  ckks::Decryptor decryptor;
  ckks::Evaluator evaluator;
  rlwe::EvaluationKeys keys;
};

const std::vector<Circuit>& all() {
  static const std::vector<Circuit> read = [] {
    std::ifstream in(PRISM_PEER_CIRCUITS);
    return circuits::read(in);
  }();
  return read;
}

std::vector<const Circuit*> of(const std::string& scheme) {
  std::vector<const Circuit*> out;
  for (const Circuit& c : all())
    if (c.scheme == scheme) out.push_back(&c);
  return out;
}

void integers_agree(const std::string& scheme) {
  const auto circuits = of(scheme);
  ASSERT_GE(circuits.size(), 10U) << "circuits.txt is not what generate.py makes";
  for (const Circuit* c : circuits) {
    Integers machine(*c);
    const std::vector<std::uint64_t> slots = machine.open(circuits::run(*c, machine));
    for (const char* peer : {"seal", "openfhe"}) {
      const auto& expected = c->expected.at(peer);
      for (std::size_t i = 0; i < 4; ++i)
        EXPECT_EQ(std::to_string(slots[i]), expected.at(1 + i)) << peer << ", slot " << i << ", line " << c->line;
      EXPECT_EQ(circuits::digest(slots), expected.at(0)) << peer << ", line " << c->line;
    }
  }
}

TEST(PeerCircuits, BfvAgreesWithSealAndOpenFhe) { integers_agree("bfv"); }
TEST(PeerCircuits, BgvAgreesWithSealAndOpenFhe) { integers_agree("bgv"); }

TEST(PeerCircuits, CkksAgreesWithSealAndOpenFheWithinItsBound) {
  constexpr double kPeerError = 0x1p-20;  // generate.py refuses what is farther from exact arithmetic
  const auto circuits = of("ckks");
  ASSERT_GE(circuits.size(), 5U);
  for (const Circuit* c : circuits) {
    Reals machine(*c);
    const ckks::Ciphertext result = circuits::run(*c, machine);
    const ckks::Plaintext plain = must(machine.decryptor.decrypt_private(result));
    const double bound = std::exp2(plain.noise().error.log2());
    EXPECT_LT(bound, 0x1p-12) << "a bound that says nothing, line " << c->line;
    const std::vector<double> slots = machine.encoder.decode_real(plain);
    for (const char* peer : {"seal", "openfhe"})
      for (std::size_t i = 0; i < 32; ++i)
        EXPECT_NEAR(slots[circuits::sample(*c, i)], std::stod(c->expected.at(peer).at(i)), bound + kPeerError)
            << peer << ", sample " << i << ", line " << c->line;
  }
}

}  // namespace
}  // namespace prism
