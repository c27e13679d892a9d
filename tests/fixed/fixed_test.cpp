// Everything that is computed on residues has one right answer, to the bit. Seeds are fixed here, and what comes out of
// key generation, encryption and evaluation is hashed: any kernel set, compiler and number of threads must reach the
// same digests. A change of a digest is a change of a published rule (or a mistake), never a matter of taste.
#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "prism/base/bytes.h"
#include "prism/ckks/encryptor.h"
#include "prism/ckks/evaluator.h"
#include "prism/exact/encoder.h"
#include "prism/exact/encryptor.h"
#include "prism/exact/evaluator.h"
#include "prism/hash/sha256.h"
#include "prism/kernels/kernels.h"
#include "prism/rlwe/files.h"

namespace prism {
namespace {

constexpr unsigned kLogN = 13;  // the smallest ring in which the security table leaves room for four primes of 50 bits
constexpr std::uint64_t kPlain = 786433;

class FixedRandom final : public Random {
 public:
  explicit FixedRandom(std::uint64_t seed) : engine_(seed) {}
  Status fill(MutableByteView out) override {
    for (auto& byte : out) byte = static_cast<std::uint8_t>(engine_() >> 56);
    return {};
  }

 private:
  std::mt19937_64 engine_;  // its output is fixed by the C++ standard
};

ring::SecretSeed secret_seed(std::uint8_t first) {
  ring::SecretSeed seed;
  seed.reveal(secret::RevealKey{}).fill(first);
  return seed;
}

/// One or several primes per digit: the two have code paths of their own.
rlwe::ParameterSpec spec_of(std::uint32_t digit_size) {
  rlwe::ParameterSpec spec;
  spec.log_n = kLogN;
  spec.primes = rlwe::choose_primes(42, 5, {kPlain}).value();
  for (std::uint32_t i = 0; i < digit_size; ++i) {
    spec.special_primes.push_back(spec.primes.back());
    spec.primes.pop_back();
  }
  spec.digit_size = digit_size;
  return spec;
}

void hash_in(hash::Sha256& hash, const std::vector<ring::Evaluations>& parts) {
  for (const ring::Evaluations& part : parts)
    for (std::size_t i = 0; i < part.rows(); ++i)
      for (const std::uint64_t residue : part.row(i)) hash.update_u64(residue);
}

template <class Ciphertext>
std::string digest_of(const Ciphertext& ciphertext) {
  hash::Sha256 hash;
  hash_in(hash, ciphertext.parts);
  return to_hex(hash.finish());
}

rlwe::EvaluationKeys keys_of(const rlwe::SecretKey& key, std::uint64_t error_scale) {
  rlwe::EvaluationKeys keys(key.parameters_ptr());
  FixedRandom random(2);
  const rlwe::Level top = key.parameters().max_level();
  const std::uint32_t g = rlwe::galois_element_for_rotation(3, key.parameters().degree());
  keys.add(rlwe::make_switch_key(key, {rlwe::KeyId::Kind::relinearise, 0, top}, error_scale, random).value());
  keys.add(rlwe::make_switch_key(key, {rlwe::KeyId::Kind::automorphism, g, top}, error_scale, random).value());
  return keys;
}

/// Name and digest of everything made on the way.
using Digests = std::vector<std::pair<std::string, std::string>>;

Digests exact_digests(exact::Scheme scheme, std::uint32_t digit_size) {
  const auto parameters = exact::Parameters::make(spec_of(digit_size), kPlain, scheme).value();
  const auto key = rlwe::SecretKey::from_seed(parameters->rlwe_ptr(), secret_seed(1)).value();
  FixedRandom random(3);
  const auto public_key =
      std::make_shared<const rlwe::PublicKey>(rlwe::make_public_key(key, parameters->error_scale(), random).value());
  const rlwe::EvaluationKeys keys = keys_of(key, parameters->error_scale());
  const exact::Encoder encoder(parameters);
  std::vector<std::int64_t> values(parameters->slots());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::int64_t>(i * i % 1000) - 500;
  const exact::Plaintext plaintext = encoder.encode(values).value();
  const auto seeded = exact::SymmetricEncryptor(key, parameters)
                          .encrypt(plaintext, parameters->max_level(), ring::Seed{7}, 0, secret_seed(4), 0)
                          .value();
  const exact::Ciphertext a = exact::expand(seeded);
  const exact::Ciphertext b =
      exact::PublicEncryptor::make(public_key, parameters).value().encrypt(plaintext, random).value();
  const exact::Evaluator evaluator(parameters);
  const exact::Ciphertext product = evaluator.multiply(a, b).value();
  const exact::Ciphertext linear = evaluator.relinearise(product, keys).value();
  const exact::Ciphertext lower = evaluator.drop_to(linear, rlwe::Level{linear.level.value - 1}).value();
  Digests out;
  out.emplace_back("parameters", to_hex(parameters->digest()));
  out.emplace_back("public key", to_hex(hash::sha256(rlwe::encode(*parameters->rlwe_ptr(), *public_key))));
  out.emplace_back("evaluation keys", to_hex(keys.digest()));
  out.emplace_back("symmetric", digest_of(a));
  out.emplace_back("public", digest_of(b));
  out.emplace_back("product", digest_of(product));
  out.emplace_back("relinearised", digest_of(linear));
  out.emplace_back("dropped", digest_of(lower));
  out.emplace_back("rotated", digest_of(evaluator.rotate(linear, 3, keys).value()));
  out.emplace_back("hoisted", digest_of(evaluator.rotate(evaluator.hoist(a).value(), 3, keys).value()));
  return out;
}

Digests ckks_digests(std::uint32_t digit_size) {
  const auto parameters = ckks::Parameters::make(spec_of(digit_size), 40).value();
  const auto key = rlwe::SecretKey::from_seed(parameters->rlwe_ptr(), secret_seed(1)).value();
  const rlwe::EvaluationKeys keys = keys_of(key, 1);
  const ckks::Encoder encoder(parameters);
  // A constant is encoded by integers alone; encoding other vectors ends in floating point.
  const auto plaintext = encoder
                             .encode_constant(ckks::Constant::ratio(-355, 113).value(), ckks::Constant(2),
                                              parameters->scale(parameters->max_level()))
                             .value();
  const auto seeded = ckks::SymmetricEncryptor(key, parameters)
                          .encrypt(plaintext, parameters->max_level(), ring::Seed{7}, 0, secret_seed(4), 0)
                          .value();
  const ckks::Ciphertext a = ckks::expand(seeded);
  const ckks::Evaluator evaluator(parameters);
  const ckks::Ciphertext product = evaluator.multiply(a, a).value();
  const ckks::Ciphertext linear = evaluator.relinearise(product, keys).value();
  Digests out;
  out.emplace_back("parameters", to_hex(parameters->digest()));
  out.emplace_back("evaluation keys", to_hex(keys.digest()));
  out.emplace_back("symmetric", digest_of(a));
  out.emplace_back("product", digest_of(product));
  out.emplace_back("relinearised", digest_of(linear));
  out.emplace_back("rescaled", digest_of(evaluator.rescale(linear).value()));
  out.emplace_back("merged", digest_of(evaluator.multiply_relinearise_rescale(a, a, keys).value()));
  out.emplace_back("rotated", digest_of(evaluator.rotate(a, 3, keys).value()));
  out.emplace_back("hoisted", digest_of(evaluator.rotate(evaluator.hoist(a).value(), 3, keys).value()));
  out.emplace_back("scaled", digest_of(evaluator.multiply_scalar(a, ckks::Constant::ratio(1, 3).value()).value()));
  return out;
}

/// The digest of all digests, which stands in the table below; the parts are shown when it differs.
void expect_digest(const Digests& digests, std::string_view expected) {
  hash::Sha256 hash;
  std::string parts;
  for (const auto& [name, digest] : digests) {
    hash.update(name).update(digest);
    parts += "  " + name + " " + digest + "\n";
  }
  EXPECT_EQ(to_hex(hash.finish()), expected) << "kernels " << kernels::best().name << ", parts:\n" << parts;
}

TEST(FixedTest, BgvBytesAreFixed) {
  expect_digest(exact_digests(exact::Scheme::bgv, 1),
                "548a8966a40572e4584d97857f3f7aa5f7cb3050b7d70b74b94ca442e4fd8869");
  expect_digest(exact_digests(exact::Scheme::bgv, 2),
                "8fea1d67a0feee0e1c333486c5526bb8702c1f0c9742b1026cc714fb4b5c17d5");
}

TEST(FixedTest, BfvBytesAreFixed) {
  expect_digest(exact_digests(exact::Scheme::bfv, 1),
                "95742a24ce745c6dce638b15a07fa21a440a6874d8e7fd4d0b43a309ee836a18");
  expect_digest(exact_digests(exact::Scheme::bfv, 2),
                "657b5b9e86cc5330893d4edb84388364a170bfc6e3d96fbbce922417056e33d4");
}

TEST(FixedTest, CkksBytesAreFixed) {
  expect_digest(ckks_digests(1), "e4cae143426de63ad744523d3c8222a101dcf649f090270fbebdaced1e7b6baa");
  expect_digest(ckks_digests(2), "4741de6f39ba8d11d01fab23e2d9bdc7df2d273511a76b8f52d1341fdb151a39");
}

TEST(FixedTest, ThreadsThatComputeAtOnceReachTheSameBytes) {
  const Digests alone = exact_digests(exact::Scheme::bgv, 2);
  std::vector<Digests> results(4);
  std::vector<std::thread> threads;
  for (Digests& result : results) threads.emplace_back([&] { result = exact_digests(exact::Scheme::bgv, 2); });
  for (std::thread& thread : threads) thread.join();
  for (const Digests& result : results) EXPECT_EQ(result, alone);
}

}  // namespace
}  // namespace prism
