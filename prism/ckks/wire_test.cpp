// Bytes in and out, refusals, and the same bytes from every kernel set.
#include "prism/ckks/wire.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "prism/ckks/internal/testing.h"
#include "prism/hash/sha256.h"
#include "prism/kernels/kernels.h"

namespace prism::ckks {
namespace {

using testing::make_parameters;
using testing::must;
using testing::World;

std::shared_ptr<const Parameters> small_secure() {
  return make_parameters({.log_n = 12,
                          .scale_bits = 25,
                          .depth = 1,
                          .base_primes = 1,
                          .security = rlwe::Security::bits128,
                          .base_bits = 30});
}

bool same(const Ciphertext& a, const Ciphertext& b) {
  if (a.parts.size() != b.parts.size() || a.level != b.level || a.scale != b.scale) return false;
  for (std::size_t i = 0; i < a.parts.size(); ++i) {
    if (!(a.parts[i] == b.parts[i])) return false;
  }
  return a.noise.magnitude <= b.noise.magnitude && a.noise.error <= b.noise.error &&
         b.noise.error.log2() - a.noise.error.log2() < 1e-5;
}

TEST(WireTest, DecodingUndoesEncoding) {
  World w(3, small_secure());
  const auto slots = w.random_slots();
  const Ciphertext x = w.encrypt(slots);
  const Ciphertext product = must(w.evaluator.multiply(x, x));
  const Ciphertext low = must(w.evaluator.drop_to(x, rlwe::Level{0}));
  const Ciphertext rescaled = must(w.evaluator.rescale(product));
  EXPECT_FALSE(rescaled.scale.is_power_of_two());
  const Ciphertext nothing = must(w.evaluator.multiply_integer(x, 0));
  for (const Ciphertext* c : {&x, &product, &low, &rescaled, &nothing}) {
    const Bytes bytes = must(encode(*c));
    const Ciphertext back = must(decode_ciphertext(bytes, w.parameters));
    if (c != &nothing) {
      EXPECT_TRUE(same(*c, back));
    }
    EXPECT_EQ(must(encode(back)), bytes);
  }
  EXPECT_TRUE(must(decode_ciphertext(must(encode(nothing)), w.parameters)).noise.error.is_zero());

  const ring::Seed seed{1, 2, 3};
  const ring::SecretSeed errors(std::array<std::uint8_t, 32>{4, 5});
  const Plaintext p = must(w.encoder.encode(std::span<const Complex>(slots), rlwe::Level{1}, 1));
  const SeededCiphertext half = must(w.encryptor.encrypt(p, rlwe::Level{1}, seed, 9, errors, 1));
  const Bytes bytes = must(encode(half));
  const SeededCiphertext back = must(decode_seeded_ciphertext(bytes, w.parameters));
  EXPECT_TRUE(same(expand(half), expand(back)));
  EXPECT_EQ(must(encode(back)), bytes);
  EXPECT_LT(testing::distance_log2(w.decrypt(expand(back)), slots), half.noise.error.log2() + 1);
  // Half the size, and no more bits than the primes have.
  EXPECT_LT(bytes.size(), 4096 * (30 + 26) / 8 + 200);
}

TEST(WireTest, DamagedBytesAreRefused) {
  World w(4, small_secure());
  const auto other = Parameters::make(w.parameters->rlwe().spec(), 24).value();
  const Bytes good = must(encode(w.encrypt(w.random_slots())));
  EXPECT_EQ(decode_ciphertext(good, other).error().code, ErrorCode::mismatch);
  EXPECT_EQ(decode_seeded_ciphertext(good, w.parameters).error().code, ErrorCode::malformed);
  for (std::size_t size = 0; size < good.size(); size += size < 200 ? 1 : 997)
    EXPECT_FALSE(decode_ciphertext(ByteView(good).first(size), w.parameters)) << size;
  Bytes longer = good;
  longer.push_back(0);
  // Lengths are compared before there is memory for residues.
  for (const Bytes& bytes : {longer, Bytes(good.begin(), good.end() - 9)}) {
    EXPECT_NE(decode_ciphertext(bytes, w.parameters).error().message.find("bytes of residues"), std::string::npos);
  }
  Bytes version = good;
  version[1] = 2;
  EXPECT_EQ(decode_ciphertext(version, w.parameters).error().code, ErrorCode::unsupported);
  // Fields one by one: parts at 34, level 35, the power of two 36, the number of primes 52, magnitude 53, error 61.
  const auto patched = [&](std::size_t at, std::initializer_list<std::uint8_t> bytes) {
    Bytes bad = good;
    std::copy(bytes.begin(), bytes.end(), bad.begin() + static_cast<std::ptrdiff_t>(at));
    return decode_ciphertext(bad, w.parameters).has_value();
  };
  EXPECT_TRUE(patched(34, {2}));
  EXPECT_FALSE(patched(34, {4}));
  EXPECT_FALSE(patched(34, {3}));
  EXPECT_FALSE(patched(35, {0}));
  EXPECT_FALSE(patched(35, {7}));
  EXPECT_TRUE(patched(36, {26}));
  EXPECT_FALSE(patched(36, {255, 255}));
  EXPECT_FALSE(patched(50, {0xff, 0x7f}));
  EXPECT_FALSE(patched(52, {1}));
  EXPECT_FALSE(patched(52, {255}));
  EXPECT_TRUE(patched(61, {1}));
  EXPECT_FALSE(patched(67, {0x7f, 0x7f}));
  // A residue above its prime: all bits of the last one.
  Bytes high = good;
  for (std::size_t i = 1; i <= 5; ++i) high[high.size() - i] = 0xff;
  EXPECT_FALSE(decode_ciphertext(high, w.parameters));
}

TEST(WireTest, OnlyTheRingsPrimesAndSecureParametersGoIntoFiles) {
  World w(5, make_parameters({.log_n = 6, .depth = 1}));
  EXPECT_EQ(encode(w.encrypt(w.random_slots())).error().code, ErrorCode::refused);
  World secure(5, small_secure());
  Ciphertext x = secure.encrypt(secure.random_slots());
  x.scale = x.scale * Scale::power_of(65537, 1);
  EXPECT_EQ(encode(x).error().code, ErrorCode::invalid_argument);
}

/// A circuit that uses everything, from fixed seeds and integer coefficients: one digest for ever, on every machine.
Digest circuit_digest() {
  World w(99, make_parameters({.log_n = 10, .scale_bits = 80, .depth = 3, .per_level = 2, .digit_size = 2}));
  w.add_relinearisation();
  w.add_rotation(1);
  w.add_automorphism(rlwe::galois_element_for_conjugation(1024));
  const Evaluator& e = w.evaluator;
  const auto integers = [&](int level, std::int64_t step) {
    const Scale& scale = w.parameters->scale(rlwe::Level{level});
    Plaintext p(w.parameters, scale, {math::Bound::from_integer(1), math::Bound::zero()});
    std::int64_t value = 1;
    for (Int128& c : p.coefficients(secret::RevealKey{})) {
      value = value * step % 1000003;
      c = static_cast<Int128>(value - 500000) * (Int128{1} << 40);
    }
    return p;
  };
  const Ciphertext x = must(w.encryptor.encrypt(integers(3, 17), w.random));
  const Ciphertext y = must(w.encryptor.encrypt(integers(3, 29), w.random));
  Ciphertext z = must(e.multiply_relinearise_rescale(x, y, w.keys));
  z = must(e.multiply_plain(z, integers(2, 31)));
  z = must(e.rescale(z));
  must(e.add_scalar_into(z, *Constant::ratio(22, 7)));
  must(e.add_into(z, must(e.align_to(x, rlwe::Level{1}))));
  must(e.add_into(z, must(e.rotate(must(e.hoist(z)), 1, w.keys))));
  z = must(e.rescale(must(e.multiply_scalar(z, *Constant::from_double(0.1)))));
  z = must(e.conjugate(z, w.keys));
  hash::Sha256 h = hash::tagged_sha256("test");
  for (const Ciphertext* c : std::initializer_list<const Ciphertext*>{&x, &y, &z}) {
    for (const ring::Evaluations& part : c->parts) {
      for (std::size_t i = 0; i < part.rows(); ++i) {
        for (const std::uint64_t residue : part.row(i)) h.update_u64(residue);
      }
    }
  }
  return h.finish();
}

// Recomputed only when the circuit, a sampler or the arithmetic changes on purpose.
constexpr std::string_view kDigest = "ef0617d30c821634d84c5589aca88f79e366afc6339103fa4c36776f6ebfd9df";

TEST(KernelsDeathTest, EverySetGivesTheSameBytes) { EXPECT_EQ(to_hex(circuit_digest()), kDigest); }

// The set is chosen once per process, so each one gets a process of its own.
TEST(KernelsDeathTest, EachSetGivesTheSameBytesInItsOwnProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  for (const kernels::Kernels* set : kernels::all()) {
    if (!set->runs_here()) continue;
    EXPECT_EXIT(
        {
          const bool chosen = kernels::choose(set->name);
          const bool equal = to_hex(circuit_digest()) == kDigest;
          std::_Exit(chosen && kernels::best().name == set->name && equal ? 0 : 1);
        },
        ::testing::ExitedWithCode(0), "")
        << set->name;
  }
}

}  // namespace
}  // namespace prism::ckks
