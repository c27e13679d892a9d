// Parameters, what is chosen by intent, and the encoder.
#include "prism/exact/parameters.h"

#include "prism/exact/internal/testing.h"

namespace prism::exact {
namespace {

using testing::make_parameters;
using testing::must;
using testing::World;
using Slots = std::vector<std::int64_t>;

TEST(ParametersTest, CorrectionsFollowTheirRecurrence) {
  const auto p = make_parameters({Scheme::bgv, 6, 33, 4, 2});
  const std::uint64_t t = p->plain_modulus();
  EXPECT_EQ(p->correction(p->max_level()), 1U);
  for (int l = p->max_level().value; l > 0; --l) {
    std::uint64_t f = p->correction(rlwe::Level{l - 1});
    const ring::PrimeSet gone = p->rlwe().primes(rlwe::Level{l}).without(p->rlwe().primes(rlwe::Level{l - 1}));
    for (const std::uint32_t i : gone.indexes()) f = math::multiply_mod(f, p->rlwe().ring().prime(i) % t, t);
    const std::uint64_t upper = p->correction(rlwe::Level{l});
    EXPECT_EQ(f, math::multiply_mod(upper, upper, t));
  }
}

TEST(ParametersTest, UnsuitablePlaintextModuliAreRefusedWithOneThatWorks) {
  const auto good = make_parameters({Scheme::bgv, 6, 20, 2});
  const auto spec = good->rlwe().spec();
  for (const std::uint64_t t :
       {std::uint64_t{65539}, std::uint64_t{786434}, spec.primes[0], std::uint64_t{1} << 50, std::uint64_t{0}}) {
    const auto refused = Parameters::make(spec, t, Scheme::bgv);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
    const std::string& message = refused.error().message;
    const std::uint64_t suggested = std::stoull(message.substr(message.rfind(' ') + 1));
    EXPECT_TRUE(Parameters::make(spec, suggested, Scheme::bgv).has_value()) << message;
  }
}

TEST(ParametersTest, MorePrimesThanProductsTakeAreRefusedForBfvAlone) {
  rlwe::ParameterSpec spec;
  spec.log_n = 6;
  spec.security = rlwe::Security::none_for_tests;
  spec.primes = must(rlwe::choose_primes(45, 63));
  const auto refused = Parameters::make(spec, 786433, Scheme::bfv);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
  EXPECT_TRUE(Parameters::make(spec, 786433, Scheme::bgv).has_value());
  spec.primes.resize(62);
  const Evaluator evaluator(must(Parameters::make(spec, 786433, Scheme::bfv)));
}

TEST(ParametersTest, DigestsTellParametersApart) {
  const auto a = make_parameters({Scheme::bgv, 6, 20, 2});
  EXPECT_EQ(a->digest(), make_parameters({Scheme::bgv, 6, 20, 2})->digest());
  EXPECT_NE(a->digest(), make_parameters({Scheme::bfv, 6, 20, 2})->digest());
  EXPECT_NE(a->digest(), make_parameters({Scheme::bgv, 6, 21, 2})->digest());
  EXPECT_NE(a->digest(), make_parameters({Scheme::bgv, 6, 20, 3})->digest());
}

TEST(IntentTest, WhatIsChosenIsSecureAndCarriesTheCircuit) {
  struct Wanted {
    Intent intent;
    unsigned most_log_n;
  };
  const auto intent = [](int depth, std::uint64_t sum, Scheme scheme, rlwe::Security security, std::size_t additions) {
    Intent i;
    i.depth = depth;
    i.largest_sum = sum;
    i.scheme = scheme;
    i.security = security;
    i.additions = additions;
    return i;
  };
  using rlwe::Security;
  for (const Wanted& wanted : {Wanted{intent(0, 1000000, Scheme::bgv, Security::bits128, 1000), 12},
                               Wanted{intent(1, 500000, Scheme::bgv, Security::bits128, 10), 13},
                               Wanted{intent(1, 4000000000, Scheme::bgv, Security::bits128, 1000), 13},
                               Wanted{intent(3, 4000000000, Scheme::bgv, Security::bits128, 100), 14},
                               Wanted{intent(2, 500000, Scheme::bfv, Security::bits128, 10), 14},
                               Wanted{intent(1, 100000000000000, Scheme::bgv, Security::bits192, 1), 14},
                               Wanted{intent(1, 500000, Scheme::bgv, Security::bits256, 1), 14}}) {
    const auto p = must(parameters_for(wanted.intent));
    EXPECT_LE(p->rlwe().ring().log_n(), wanted.most_log_n);
    EXPECT_GT(p->plain_modulus(), 2 * wanted.intent.largest_sum);
    EXPECT_LE(p->rlwe().log2_key_modulus(p->max_level()),
              rlwe::max_log2_modulus(p->rlwe().ring().log_n(), wanted.intent.security));
    World w(5, p);
    if (wanted.intent.depth > 0) w.add_relinearisation();
    const Slots a = w.random_slots();
    Slots slots = a;
    Ciphertext c = w.encrypt(a);
    for (int d = 0; d < wanted.intent.depth; ++d) {
      c = must(w.evaluator.multiply_relinearise(c, c, w.keys));
      for (std::int64_t& x : slots) x = w.centre(Int128{x} * x);
      if (p->scheme() == Scheme::bgv && c.level.value > 0)
        c = must(w.evaluator.drop_to(c, rlwe::Level{c.level.value - 1}));
    }
    Ciphertext sum = c.clone();
    for (std::size_t i = 1; i < wanted.intent.additions; ++i) must(w.evaluator.add_into(sum, c));
    for (std::int64_t& x : slots) x = w.centre(Int128{x} * static_cast<Int128>(wanted.intent.additions));
    EXPECT_EQ(w.decrypt(sum), slots);
  }
}

TEST(IntentTest, ImpossibleRequestsNameWhatIsPossible) {
  Intent deep;
  deep.depth = 60;
  deep.largest_sum = 4000000000;
  const auto refused = parameters_for(deep);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unsupported);
  const std::string& message = refused.error().message;
  const std::size_t at = message.rfind("depth ");
  Intent possible = deep;
  possible.depth = std::stoi(message.substr(at + 6));
  EXPECT_TRUE(parameters_for(possible).has_value()) << message;
  ++possible.depth;
  EXPECT_FALSE(parameters_for(possible).has_value()) << message;
  Intent wide;
  wide.largest_sum = std::uint64_t{1} << 60;
  EXPECT_EQ(parameters_for(wide).error().code, ErrorCode::invalid_argument);
  Intent test_only;
  test_only.largest_sum = 5;
  test_only.security = rlwe::Security::none_for_tests;
  EXPECT_EQ(parameters_for(test_only).error().code, ErrorCode::insecure);
}

class EncoderTest : public ::testing::TestWithParam<unsigned> {};

TEST_P(EncoderTest, DecodingUndoesEncodingAndProductsAreSlotwise) {
  World w(11, make_parameters({Scheme::bgv, 5, GetParam(), 2, 2}));
  const std::size_t n = w.parameters->degree();
  const std::uint64_t t = w.parameters->plain_modulus();
  const Slots a = w.random_slots(), b = w.random_slots();
  const Plaintext p = must(w.encoder.encode(a)), q = must(w.encoder.encode(b));
  EXPECT_EQ(w.encoder.decode(p), a);
  Plaintext sum(w.parameters), product(w.parameters);
  for (std::size_t i = 0; i < n; ++i) {
    sum.coefficients()[i] = math::add_mod(p.coefficients()[i], q.coefficients()[i], t);
    for (std::size_t j = 0; j < n; ++j) {
      const std::uint64_t x = math::multiply_mod(p.coefficients()[i], q.coefficients()[j], t);
      std::uint64_t& to = product.coefficients()[(i + j) % n];
      to = i + j < n ? math::add_mod(to, x, t) : math::subtract_mod(to, x, t);
    }
  }
  Slots slot_sum(n), slot_product(n);
  for (std::size_t i = 0; i < n; ++i) {
    slot_sum[i] = w.centre(Int128{a[i]} + b[i]);
    slot_product[i] = w.centre(Int128{a[i]} * b[i]);
  }
  EXPECT_EQ(w.encoder.decode(sum), slot_sum);
  EXPECT_EQ(w.encoder.decode(product), slot_product);
  EXPECT_EQ(w.encoder.decode(w.encoder.constant(-7)), Slots(n, -7));
  // X -> X^5 moves rows left by one.
  Plaintext moved(w.parameters);
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t to = 5 * i % (2 * n);
    moved.coefficients()[to % n] = to < n ? p.coefficients()[i] : math::negate_mod(p.coefficients()[i], t);
  }
  const Slots rotated = w.encoder.decode(moved);
  for (std::size_t i = 0; i < n / 2; ++i) {
    EXPECT_EQ(rotated[i], a[(i + 1) % (n / 2)]);
    EXPECT_EQ(rotated[n / 2 + i], a[n / 2 + (i + 1) % (n / 2)]);
  }
  // The constant coefficient is the mean.
  Int128 total = 0;
  for (const std::int64_t x : a) total += x;
  EXPECT_EQ(w.centre(static_cast<Int128>(p.coefficients()[0]) * static_cast<Int128>(n)), w.centre(total));
}

TEST_P(EncoderTest, EveryValueInRangeAndNoOtherIsTaken) {
  const World w(12, make_parameters({Scheme::bgv, 5, GetParam(), 2, 2}));
  const auto half = static_cast<std::int64_t>((w.parameters->plain_modulus() - 1) / 2);
  const Slots edge = {half, -half, 0, 1, -1};
  Slots padded = edge;
  padded.resize(w.parameters->slots());
  EXPECT_EQ(w.encoder.decode(must(w.encoder.encode(edge))), padded);
  for (const std::int64_t v : {half + 1, -half - 1, INT64_MAX, INT64_MIN, INT64_MIN + half}) {
    EXPECT_EQ(w.encoder.encode(Slots{0, v}).error().code, ErrorCode::invalid_argument) << v;
  }
  EXPECT_EQ(w.encoder.encode(Slots(w.parameters->slots() + 1)).error().code, ErrorCode::invalid_argument);
}

INSTANTIATE_TEST_SUITE_P(Exact, EncoderTest, ::testing::Values(20U, 33U, 45U, 49U));

}  // namespace
}  // namespace prism::exact
