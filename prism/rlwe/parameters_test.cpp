#include "prism/rlwe/parameters.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "prism/rlwe/internal/test_support.h"

namespace prism::rlwe {
namespace {

ParameterSpec secure_spec() {
  ParameterSpec spec;
  spec.log_n = 13;
  spec.primes = choose_primes(50, 3).value();
  spec.special_primes = choose_primes(49, 1).value();
  return spec;
}

bool mentions(const Error& error, std::string_view text) { return error.message.find(text) != std::string::npos; }

/// Primes k*2^18 + 1 below 2^bits, descending, by striking out multiples of every smaller prime: no code in common.
std::vector<std::uint64_t> sieved_primes(unsigned bits, std::size_t window) {
  const std::uint64_t step = std::uint64_t{1} << 18;
  const std::uint64_t last = ((std::uint64_t{1} << bits) - 2) / step;  // largest k
  const std::uint64_t root = std::uint64_t{1} << ((bits + 1) / 2);
  std::vector<bool> small_composite(root + 1), composite(window);
  for (std::uint64_t p = 3; p <= root; p += 2) {
    if (small_composite[p]) continue;
    for (std::uint64_t m = p * p; m <= root; m += 2 * p) small_composite[m] = true;
    std::uint64_t inverse = 1;  // 2^-18 modulo p
    for (int i = 0; i < 18; ++i) inverse = inverse % 2 == 0 ? inverse / 2 : (inverse + p) / 2;
    const std::uint64_t k = p - inverse;  // k * 2^18 + 1 = 0 modulo p
    for (std::uint64_t i = (last % p + p - k % p) % p; i < window; i += p) composite[i] = true;
  }
  std::vector<std::uint64_t> primes;
  for (std::size_t i = 0; i < window; ++i)
    if (!composite[i]) primes.push_back((last - i) * step + 1);
  return primes;
}

TEST(ChoosePrimesTest, AgreesWithASieve) {
  for (const unsigned bits : {50U, 49U, 45U, 40U, 33U}) {
    std::vector<std::uint64_t> sieved = sieved_primes(bits, 1000);
    ASSERT_GT(sieved.size(), 20U) << bits;
    const auto chosen = choose_primes(bits, sieved.size());
    ASSERT_TRUE(chosen) << bits;
    EXPECT_EQ(*chosen, sieved) << bits;
  }
}

TEST(ChoosePrimesTest, FirstOnesAreTheKnownOnes) {
  EXPECT_EQ(choose_primes(50, 3).value(),
            (std::vector<std::uint64_t>{1125899902124033, 1125899886395393, 1125899884036097}));
  EXPECT_EQ(choose_primes(33, 1).value(), (std::vector<std::uint64_t>{8588886017}));
}

TEST(ChoosePrimesTest, SkipsAndRefuses) {
  const auto all = choose_primes(50, 4).value();
  EXPECT_EQ(choose_primes(50, 2, {all[0], all[2]}).value(), (std::vector<std::uint64_t>{all[1], all[3]}));
  EXPECT_EQ(choose_primes(51, 1).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(choose_primes(18, 1).error().code, ErrorCode::invalid_argument);
  // 786433 = 3*2^18 + 1 is the only 20-bit prime of the form.
  EXPECT_EQ(choose_primes(20, 1).value(), (std::vector<std::uint64_t>{786433}));
  EXPECT_EQ(choose_primes(20, 2).error().code, ErrorCode::invalid_argument);
}

TEST(SecurityTableTest, IsTheGuidelinesTable) {
  EXPECT_EQ(max_log2_modulus(11, Security::bits128), 53U);
  EXPECT_EQ(max_log2_modulus(13, Security::bits128), 214U);
  EXPECT_EQ(max_log2_modulus(14, Security::bits192), 297U);
  EXPECT_EQ(max_log2_modulus(15, Security::bits128), 868U);
  EXPECT_EQ(max_log2_modulus(16, Security::bits256), 929U);
  EXPECT_EQ(max_log2_modulus(17, Security::bits256), 1866U);
  EXPECT_EQ(max_log2_modulus(10, Security::bits128), 0U);
  EXPECT_EQ(max_log2_modulus(18, Security::bits128), 0U);
  for (const Security s : {Security::bits128, Security::bits192, Security::bits256})
    for (unsigned log_n = 11; log_n < 17; ++log_n) {
      // Doubling N doubles the modulus, to a few bits.
      EXPECT_NEAR(2.0 * max_log2_modulus(log_n, s), max_log2_modulus(log_n + 1, s),
                  0.04 * max_log2_modulus(log_n + 1, s));
    }
}

TEST(SecurityTableTest, LimitIsInclusiveAndAlternativesAreNamed) {
  EXPECT_TRUE(check_modulus_bits(13, Security::bits128, 214, "a key"));
  const auto over = check_modulus_bits(13, Security::bits128, 215, "a key");
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().code, ErrorCode::insecure);
  for (const auto* text : {"215", "214", "2^14", "430", "remove 1 bits"})
    EXPECT_TRUE(mentions(over.error(), text)) << over.error().message;
  const auto far = check_modulus_bits(17, Security::bits192, 3000, "a key");
  EXPECT_TRUE(mentions(far.error(), "no larger N")) << far.error().message;
  const auto tiny = check_modulus_bits(10, Security::bits256, 20, "a key");
  EXPECT_TRUE(mentions(tiny.error(), "use N = 2^11")) << tiny.error().message;
  EXPECT_TRUE(check_modulus_bits(10, Security::none_for_tests, 2000, "a key"));
}

TEST(ParametersTest, KeyModulusIsCheckedExactly) {
  ParameterSpec spec = secure_spec();  // 50 + 50 + 50 + 49 bits of 214
  ASSERT_TRUE(Parameters::make(spec));
  spec.special_primes.push_back(choose_primes(30, 1).value()[0]);
  const auto over = Parameters::make(spec);
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().code, ErrorCode::insecure);
  EXPECT_TRUE(mentions(over.error(), "2^14")) << over.error().message;
  spec.security = Security::none_for_tests;
  EXPECT_TRUE(Parameters::make(spec));
}

TEST(ParametersTest, EveryKeyOfAcceptedParametersIsSecureAtItsOwnModulus) {
  const auto parameters = test::make_parameters(secure_spec());
  for (Level level{0}; level <= parameters->max_level(); ++level.value) {
    EXPECT_TRUE(check_key_modulus(*parameters, parameters->primes(level).united(parameters->special_primes())));
    EXPECT_LE(parameters->log2_key_modulus(level), 214.0);
    EXPECT_LT(parameters->log2_q(level), parameters->log2_key_modulus(level));
  }
}

TEST(ParametersTest, LevelsNameTheirPrimes) {
  ParameterSpec spec = test::small_spec(10, 5, 2, 2);
  spec.level_sizes = {1, 3, 5};
  const auto parameters = test::make_parameters(spec);
  EXPECT_EQ(parameters->max_level(), Level{2});
  EXPECT_EQ(parameters->primes(Level{1}), ring::PrimeSet::range(0, 3));
  EXPECT_EQ(parameters->special_primes(), ring::PrimeSet::range(5, 2));
  EXPECT_EQ(parameters->level_of(ring::PrimeSet::range(0, 3)).value(), Level{1});
  EXPECT_EQ(parameters->level_of(ring::PrimeSet::range(0, 2)).error().code, ErrorCode::mismatch);
  EXPECT_EQ(parameters->level_of(ring::PrimeSet::range(1, 3)).error().code, ErrorCode::mismatch);
  const auto plain = test::make_parameters(test::small_spec(10, 5, 2, 2));
  EXPECT_EQ(plain->max_level(), Level{4});
}

TEST(ParametersTest, RefusesWhatMakesNoSense) {
  const ParameterSpec good = test::small_spec(10, 3, 1, 1);
  ASSERT_TRUE(Parameters::make(good));
  const auto refused = [&](auto change) {
    ParameterSpec spec = good;
    change(spec);
    const auto made = Parameters::make(spec);
    return !made && made.error().code == ErrorCode::invalid_argument;
  };
  EXPECT_TRUE(refused([](auto& s) { s.log_n = 2; }));
  EXPECT_TRUE(refused([](auto& s) { s.log_n = 18; }));
  EXPECT_TRUE(refused([](auto& s) { s.primes.clear(); }));
  EXPECT_TRUE(refused([](auto& s) { s.primes[1] = s.primes[0]; }));
  EXPECT_TRUE(refused([](auto& s) { s.special_primes[0] = s.primes[2]; }));
  EXPECT_TRUE(refused([](auto& s) { s.primes[0] = (std::uint64_t{1} << 18) * 35 + 1; }));  // 9175041 = 3 * ...
  EXPECT_TRUE(refused([](auto& s) { s.primes[0] = 1125899906842597; }));                   // prime, not 1 modulo 2N
  EXPECT_TRUE(refused([](auto& s) { s.primes[0] = 2251799810670593; }));                   // 51 bits
  EXPECT_TRUE(refused([](auto& s) { s.primes = choose_primes(50, 64).value(); }));         // 65 with the special one
  EXPECT_TRUE(refused([](auto& s) { s.digit_size = 0; }));
  EXPECT_TRUE(refused([](auto& s) { s.digit_size = 65; }));
  EXPECT_TRUE(refused([](auto& s) { s.level_sizes = {1, 1, 3}; }));
  EXPECT_TRUE(refused([](auto& s) { s.level_sizes = {0, 3}; }));
  EXPECT_TRUE(refused([](auto& s) { s.level_sizes = {1, 2}; }));
  EXPECT_TRUE(refused([](auto& s) { s.level_sizes = {1, 4}; }));
  EXPECT_TRUE(refused([](auto& s) { s.security = static_cast<Security>(100); }));
}

TEST(ParametersTest, DigestSeesEveryField) {
  ParameterSpec good = test::small_spec(10, 3, 2, 1);
  std::vector<Digest> digests = {test::make_parameters(good)->digest()};
  const auto change = [&](auto f) {
    ParameterSpec spec = good;
    f(spec);
    digests.push_back(test::make_parameters(spec)->digest());
  };
  change([](auto& s) { s.log_n = 11; });
  change([](auto& s) { std::swap(s.primes[0], s.primes[1]); });
  change([](auto& s) { s.special_primes.pop_back(); });
  change([](auto& s) { s.primes.push_back(s.special_primes.back()), s.special_primes.pop_back(); });
  change([](auto& s) { s.level_sizes = {1, 3}; });
  change([](auto& s) { s.digit_size = 2; });
  std::sort(digests.begin(), digests.end());
  EXPECT_EQ(std::adjacent_find(digests.begin(), digests.end()), digests.end());
  // Default levels written out are the same parameters.
  good.level_sizes = {1, 2, 3};
  EXPECT_EQ(test::make_parameters(good)->digest(), test::make_parameters(test::small_spec(10, 3, 2, 1))->digest());
}

TEST(ParameterSpecTest, DecodeUndoesEncode) {
  const Bytes bytes = encode(secure_spec());
  const auto spec = decode_parameter_spec(bytes);
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(encode(*spec), bytes);
  EXPECT_EQ(test::make_parameters(*spec)->digest(), test::make_parameters(secure_spec())->digest());
}

TEST(ParameterSpecTest, CutOrExtendedBytesAreRefused) {
  Bytes bytes = encode(secure_spec());
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_parameter_spec(ByteView(bytes).first(size))) << size;
  bytes.push_back(0);
  EXPECT_EQ(decode_parameter_spec(bytes).error().code, ErrorCode::malformed);
}

TEST(ParameterSpecTest, TestParametersCannotBeRead) {
  EXPECT_EQ(decode_parameter_spec(encode(test::small_spec(10, 2, 1, 1))).error().code, ErrorCode::malformed);
}

TEST(ParameterSpecTest, FilesAreCheckedLikeRequests) {
  const auto code = [](auto change) {
    ParameterSpec spec = secure_spec();
    change(spec);
    return decode_parameter_spec(encode(spec)).error().code;
  };
  EXPECT_EQ(code([](auto& s) { s.primes[1] = s.primes[0]; }), ErrorCode::invalid_argument);
  EXPECT_EQ(code([](auto& s) { s.primes[1] += 1; }), ErrorCode::invalid_argument);
  EXPECT_EQ(code([](auto& s) { s.log_n = 12; }), ErrorCode::insecure);
  EXPECT_EQ(code([](auto& s) { s.log_n = 40; }), ErrorCode::invalid_argument);
  EXPECT_EQ(code([](auto& s) { s.digit_size = 0; }), ErrorCode::invalid_argument);
}

TEST(ParameterSpecTest, InsecureFilesAreRefused) {
  ParameterSpec spec = test::small_spec(10, 2, 1, 1);
  spec.security = Security::bits128;
  EXPECT_EQ(decode_parameter_spec(encode(spec)).error().code, ErrorCode::insecure);
}

}  // namespace
}  // namespace prism::rlwe
