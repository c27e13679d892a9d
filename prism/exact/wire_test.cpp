// Bytes in and out, refusals, and the same bytes from every kernel set.
#include "prism/exact/wire.h"

#include <algorithm>
#include <cstdlib>

#include "prism/exact/internal/testing.h"
#include "prism/hash/sha256.h"
#include "prism/kernels/kernels.h"

namespace prism::exact {
namespace {

using testing::make_parameters;
using testing::must;
using testing::World;

std::shared_ptr<const Parameters> small_secure(Scheme scheme) {
  rlwe::ParameterSpec spec;
  spec.log_n = 12;
  const std::uint64_t t = testing::plain_prime(20, 12);
  const auto primes = must(rlwe::choose_primes(33, 3, {t}));
  spec.primes = {primes[1], primes[2]};
  spec.special_primes = {primes[0]};
  spec.security = rlwe::Security::bits128;
  return must(Parameters::make(spec, t, scheme));
}

bool same(const Ciphertext& a, const Ciphertext& b) {
  if (a.parts.size() != b.parts.size() || a.level != b.level || a.correction != b.correction) return false;
  for (std::size_t i = 0; i < a.parts.size(); ++i) {
    if (!(a.parts[i] == b.parts[i])) return false;
  }
  return std::ranges::equal(a.noise.ancestry.events(), b.noise.ancestry.events()) &&
         a.noise.ancestry.is_everything() == b.noise.ancestry.is_everything() &&
         std::abs(a.noise.coefficient.log2() - b.noise.coefficient.log2()) < 1e-6 &&
         a.noise.coefficient <= b.noise.coefficient;
}

TEST(WireTest, DecodingUndoesEncoding) {
  for (const Scheme scheme : {Scheme::bgv, Scheme::bfv}) {
    World w(3, small_secure(scheme));
    const Plaintext p = must(w.encoder.encode(w.random_slots()));
    EXPECT_EQ(must(decode_plaintext(must(encode(p)), w.parameters)), p);
    const Ciphertext x = must(w.encryptor.encrypt(p, w.random)), y = w.encrypt(w.random_slots());
    const Ciphertext product = must(w.evaluator.multiply(x, y));
    const Ciphertext low = must(w.evaluator.drop_to(x, rlwe::Level{0}));
    for (const Ciphertext* c : {&x, &product, &low})
      EXPECT_TRUE(same(*c, must(decode_ciphertext(must(encode(*c)), w.parameters))));
    const ring::Seed seed{1, 2, 3};
    const ring::SecretSeed errors(std::array<std::uint8_t, 32>{4, 5});
    const SeededCiphertext half = must(w.encryptor.encrypt(p, rlwe::Level{1}, seed, 9, errors, 1));
    const SeededCiphertext back = must(decode_seeded_ciphertext(must(encode(half)), w.parameters));
    EXPECT_TRUE(same(expand(half), expand(back)));
    EXPECT_EQ(must(w.decryptor.decrypt(expand(back))), p);
    const LweSample sample = must(w.evaluator.extract_constant(x));
    const Bytes sample_bytes = must(encode(sample));
    const LweSample sample_back = must(decode_lwe_sample(sample_bytes, w.parameters));
    EXPECT_EQ(sample_back.a, sample.a);
    EXPECT_EQ(sample_back.b, sample.b);
    EXPECT_EQ(must(w.decryptor.decrypt_lwe(sample_back)), p.coefficients()[0]);
    for (std::size_t size = 0; size < sample_bytes.size(); size += size < 100 ? 1 : 997) {
      EXPECT_FALSE(decode_lwe_sample(ByteView(sample_bytes).first(size), w.parameters)) << size;
    }
    // From rows alone.
    const Ciphertext from_rows = expand(w.parameters, {half.b.row(0).data(), half.b.rows() * half.b.degree()}, seed, 9,
                                        rlwe::Level{1}, w.encryptor.fresh_noise());
    EXPECT_TRUE(same(expand(half), from_rows));
    // Half the size, and 33 bits a residue.
    EXPECT_LT(must(encode(half)).size(), 2 * 4096 * 33 / 8 + 200);
  }
}

TEST(WireTest, DamagedBytesAreRefused) {
  World w(4, small_secure(Scheme::bgv));
  World other(4, small_secure(Scheme::bfv));
  const Bytes good = must(encode(w.encrypt(w.random_slots())));
  EXPECT_EQ(decode_ciphertext(good, other.parameters).error().code, ErrorCode::mismatch);
  EXPECT_EQ(decode_plaintext(good, w.parameters).error().code, ErrorCode::malformed);
  EXPECT_EQ(decode_seeded_ciphertext(good, w.parameters).error().code, ErrorCode::malformed);
  for (std::size_t size = 0; size < good.size(); size += size < 200 ? 1 : 997) {
    EXPECT_FALSE(decode_ciphertext(ByteView(good).first(size), w.parameters)) << size;
  }
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_FALSE(decode_ciphertext(longer, w.parameters));
  Bytes version = good;
  version[1] = 2;
  EXPECT_EQ(decode_ciphertext(version, w.parameters).error().code, ErrorCode::unsupported);
  // Fields one by one: parts, level, correction (zero), a bound that is no number, too many events.
  const auto patched = [&](std::size_t at, std::initializer_list<std::uint8_t> bytes) {
    Bytes bad = good;
    std::copy(bytes.begin(), bytes.end(), bad.begin() + static_cast<std::ptrdiff_t>(at));
    return decode_ciphertext(bad, w.parameters).has_value();
  };
  EXPECT_TRUE(patched(34, {2}));
  EXPECT_FALSE(patched(34, {4}));
  EXPECT_FALSE(patched(34, {3}));
  EXPECT_FALSE(patched(35, {7}));
  EXPECT_FALSE(patched(36, {0, 0, 0, 0, 0, 0, 0, 0}));
  EXPECT_FALSE(patched(36, {255, 255, 255, 255, 255, 0, 0, 0}));
  EXPECT_FALSE(patched(44, {0, 0, 0, 0, 0, 0, 0xf8, 0x7f}));
  EXPECT_FALSE(patched(84, {2}));
  EXPECT_FALSE(patched(85, {65, 0}));
  // A residue above its prime: all bits of the last one.
  Bytes high = good;
  for (std::size_t i = 1; i <= 5; ++i) high[high.size() - i] = 0xff;
  EXPECT_FALSE(decode_ciphertext(high, w.parameters));
}

TEST(WireTest, ParametersWithoutSecurityNeverGoIntoFiles) {
  World w(5, make_parameters({Scheme::bgv, 6, 20, 2}));
  EXPECT_EQ(encode(w.encrypt(w.random_slots())).error().code, ErrorCode::refused);
  EXPECT_EQ(encode(w.encoder.constant(1)).error().code, ErrorCode::refused);
}

/// A circuit that uses everything, from fixed seeds: one digest for ever, on every machine.
Digest circuit_digest(Scheme scheme) {
  testing::Shape shape{scheme, 10, 33, 3, 2, 2};
  World w(99, make_parameters(shape));
  w.add_relinearisation();
  for (const std::uint32_t g : w.evaluator.pack_elements()) w.add_automorphism(g);
  std::vector<std::int64_t> a(w.parameters->slots()), b(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    a[i] = static_cast<std::int64_t>(i * 7919 % 100003) - 5000;
    b[i] = static_cast<std::int64_t>(i * i % 65537);
  }
  const Evaluator& e = w.evaluator;
  const Ciphertext x = w.encrypt(a), y = w.encrypt(b);
  Ciphertext z = must(e.multiply_relinearise(x, y, w.keys));
  z = must(e.drop_to(z, rlwe::Level{1}));
  must(e.multiply_plain_into(z, must(w.encoder.encode(b))));
  must(e.add_scalar_into(z, -3));
  must(e.add_into(z, must(e.automorphism(z, 5, w.keys))));
  std::vector<Ciphertext> inputs;
  inputs.push_back(must(e.drop_to(x, rlwe::Level{1})));
  inputs.push_back(must(e.drop_to(y, rlwe::Level{1})));
  inputs.push_back(must(e.drop_to(z, rlwe::Level{1})));
  hash::Sha256 h = hash::tagged_sha256("test");
  const Ciphertext packed = must(e.pack(inputs, w.keys));
  for (const Ciphertext* c : std::initializer_list<const Ciphertext*>{&x, &y, &z, &packed}) {
    for (const ring::Evaluations& part : c->parts) {
      for (std::size_t i = 0; i < part.rows(); ++i) {
        for (const std::uint64_t residue : part.row(i)) h.update_u64(residue);
      }
    }
  }
  return h.finish();
}

// Recomputed only when the circuit, a sampler or a format changes on purpose.
constexpr std::string_view kBgvDigest = "d38cdea7a569486f84b1ef3e729b842e8909b7a4d6342828df6f2698a4fb73b2";
constexpr std::string_view kBfvDigest = "cf4054c6eda4966805b7429d83edf5234cb702affde8d26b91fe56de354d6480";

TEST(KernelsDeathTest, EverySetGivesTheSameBytes) {
  EXPECT_EQ(to_hex(circuit_digest(Scheme::bgv)), kBgvDigest);
  EXPECT_EQ(to_hex(circuit_digest(Scheme::bfv)), kBfvDigest);
}

// The set is chosen once per process, so each one gets a process of its own.
TEST(KernelsDeathTest, EachSetGivesTheSameBytesInItsOwnProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  for (const kernels::Kernels* set : kernels::all()) {
    if (!set->runs_here()) continue;
    EXPECT_EXIT(
        {
          const bool chosen = kernels::choose(set->name);
          const bool equal =
              to_hex(circuit_digest(Scheme::bgv)) == kBgvDigest && to_hex(circuit_digest(Scheme::bfv)) == kBfvDigest;
          std::_Exit(chosen && kernels::best().name == set->name && equal ? 0 : 1);
        },
        ::testing::ExitedWithCode(0), "")
        << set->name;
  }
}

}  // namespace
}  // namespace prism::exact
