// Key holders from a seed, keys made once it is known which, and rehearsals.
#include <gtest/gtest.h>

#include <cmath>

#include "prism/circuits/integer_polynomial.h"
#include "prism/fhe/fhe.h"
#include "prism/fhe/internal/testing.h"
#include "prism/fhe/rehearsal.h"

namespace prism::fhe {
namespace {

using testing::must;
using testing::SeededRandom;

template <class T>
ErrorCode code_of(const Result<T>& result) {
  if (!result) return result.error().code;
  ADD_FAILURE() << "a value where an error was expected";
  return ErrorCode::io;
}

std::shared_ptr<const ckks::Parameters> real_parameters() {
  static const auto made =
      must(parameters_for(ApproximateIntent{.depth = 2, .precision_bits = 10, .movement = {.sums = true}}));
  return made;
}
std::shared_ptr<const exact::Parameters> whole_parameters(exact::Scheme scheme = exact::Scheme::bgv) {
  static const auto bgv = must(parameters_for(ExactIntent{.depth = 2, .movement = {.sums = true}}));
  static const auto bfv =
      must(parameters_for(ExactIntent{.depth = 2, .movement = {.sums = true}, .scheme = exact::Scheme::bfv}));
  return scheme == exact::Scheme::bgv ? bgv : bfv;
}
const ring::SecretSeed& seed() {
  static const ring::SecretSeed one(std::array<std::uint8_t, 32>{1, 2, 3});
  return one;
}

TEST(SeededHolder, TheSameSeedReadsWhatTheOtherWrote) {
  SeededRandom random(1), other(2);
  const auto first = must(Approximate::KeyHolder::create(real_parameters(), 1, seed(), random));
  EXPECT_TRUE(first.public_part().keys().ids().empty());
  const auto stored = must(Approximate::Context::decode(must(first.public_part().encode())));
  const auto again = must(Approximate::KeyHolder::restore(stored, seed(), other));
  const Bytes data = must(first.encrypt_to_bytes(std::vector<double>{0.25, -1}));
  EXPECT_NEAR(must(again.decrypt_private(again.public_part().decode_vector(data)))[0], 0.25, 1e-3);
  const ring::SecretSeed wrong(std::array<std::uint8_t, 32>{1, 2, 4});
  EXPECT_EQ(code_of(Approximate::KeyHolder::restore(stored, wrong, other)), ErrorCode::unauthorised);
}

TEST(Keys, AreMadeLaterSentAloneAndBelongToTheirContext) {
  SeededRandom random(3);
  const auto holder = must(Exact::KeyHolder::create(whole_parameters(), 0, seed(), random));
  const std::vector<rlwe::KeyId> wanted{{rlwe::KeyId::Kind::relinearise, 0, rlwe::Level{1}}};
  const auto with = must(holder.context_with(wanted));
  EXPECT_EQ(with.identity(), holder.public_part().identity());
  EXPECT_EQ(with.keys().ids(), wanted);
  EXPECT_TRUE(with.without_keys().keys().ids().empty());
  const Bytes keys = must(with.encode_keys());
  EXPECT_LT(keys.size(), must(with.encode()).size());
  // A server has the public part and gets the keys afterwards.
  const auto server = must(Exact::Context::decode(must(holder.public_part().encode())));
  EXPECT_EQ(must(must(server.decode_keys(keys)).encode()), must(with.encode()));
  // Keys of another key holder, though of the same parameters.
  const auto stranger = must(Exact::KeyHolder::create(whole_parameters(), 0, seed(), random));
  EXPECT_EQ(code_of(stranger.public_part().decode_keys(keys)), ErrorCode::mismatch);
  for (std::size_t size = 0; size < keys.size(); size = size < 100 ? size + 1 : size * 2)
    EXPECT_EQ(code_of(server.decode_keys(ByteView(keys).first(size))), ErrorCode::malformed) << size;
}

TEST(Parameters, TravelAloneAndSayWhatTheyAre) {
  const Bytes real = must(encode_parameters<Approximate>({real_parameters(), 2.5}));
  const auto back = must(decode_parameters<Approximate>(real));
  EXPECT_EQ(back.parameters->digest(), real_parameters()->digest());
  EXPECT_EQ(back.largest_magnitude, 2.5);
  EXPECT_TRUE(must(is_approximate(real)));
  EXPECT_EQ(must(named_ring(real)).log_n, real_parameters()->rlwe().spec().log_n);
  const Bytes whole = must(encode_parameters<Exact>({whole_parameters(), 0}));
  EXPECT_FALSE(must(is_approximate(whole)));
  EXPECT_EQ(code_of(decode_parameters<Approximate>(whole)), ErrorCode::mismatch);
  EXPECT_EQ(code_of(decode_parameters<Exact>(real)), ErrorCode::mismatch);
  EXPECT_LT(real.size(), 1000u);
  for (std::size_t size = 0; size < real.size(); ++size)
    EXPECT_EQ(code_of(decode_parameters<Approximate>(ByteView(real).first(size))), ErrorCode::malformed) << size;
}

TEST(Parameters, OfExactNumbersMayDeclareTheLargestInput) {
  SeededRandom random(7);
  const double half = static_cast<double>((whole_parameters()->plain_modulus() - 1) / 2);
  for (const double declared : {0.0, 5.0, half}) {
    const Bytes bytes = must(encode_parameters<Exact>({whole_parameters(), declared}));
    EXPECT_EQ(must(decode_parameters<Exact>(bytes)).largest_magnitude, declared);
  }
  for (const double declared : {-1.0, -0.0, 0.5, half + 1, HUGE_VAL, std::nan("")}) {
    const auto bytes = encode_parameters<Exact>({whole_parameters(), declared});
    ASSERT_TRUE(bytes);
    EXPECT_EQ(code_of(decode_parameters<Exact>(*bytes)), ErrorCode::malformed) << declared;
  }
  const auto holder = must(Exact::KeyHolder::create(whole_parameters(), 5, seed(), random));
  const auto again = must(Exact::Context::decode(must(holder.public_part().encode())));
  EXPECT_EQ(again.largest_magnitude(), 5);
  EXPECT_EQ(again.identity(), holder.public_part().identity());
  const std::vector<std::int64_t> fitting{5, -5}, large{0, -6};
  EXPECT_TRUE(holder.encrypt(fitting));
  EXPECT_EQ(code_of(holder.encrypt(large)), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of(holder.encrypt_to_bytes(large)), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of(again.encrypt(large, random)), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of(Exact::KeyHolder::create(whole_parameters(), half + 1, seed(), random)),
            ErrorCode::invalid_argument);
}

TEST(Summary, SaysWhatAVectorIsWithoutItsContext) {
  SeededRandom random(4);
  const auto holder = must(Approximate::KeyHolder::create(real_parameters(), 1, seed(), random));
  const std::vector<double> values(holder.public_part().slots() + 1, 0.5);
  const auto found = must(summarise(must(holder.encrypt_to_bytes(values))));
  EXPECT_EQ(found.identity, holder.public_part().identity());
  EXPECT_TRUE(found.approximate);
  EXPECT_EQ(found.size, values.size());
  EXPECT_EQ(found.ciphertexts, 2u);
  EXPECT_EQ(code_of(summarise(must(holder.public_part().encode()))), ErrorCode::mismatch);
}

TEST(Lowered, VectorsHoldTheSameValuesAtALowerLevel) {
  SeededRandom random(5);
  const auto holder = must(Approximate::KeyHolder::create(real_parameters(), 1, seed(), random));
  const auto x = must(holder.encrypt({0.5, -0.25}));
  const auto low = must(lower(x, rlwe::Level{0}));
  EXPECT_EQ(low.level().value, 0);
  EXPECT_NEAR(must(holder.decrypt_private(low))[1], -0.25, std::exp2(low.error_log2()));
  EXPECT_EQ(code_of(lower(low, rlwe::Level{1})), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of(lower(x, rlwe::Level{-1})), ErrorCode::invalid_argument);
  const auto whole = must(Exact::KeyHolder::create(whole_parameters(), 0, seed(), random));
  const auto low_whole = must(lower(whole.encrypt({7, -9}), rlwe::Level{0}));
  EXPECT_EQ(must(whole.decrypt_private(low_whole)), (std::vector<std::int64_t>{7, -9}));
}

TEST(Polynomials, OfWholeNumbersAreExact) {
  for (const auto scheme : {exact::Scheme::bgv, exact::Scheme::bfv}) {
    SeededRandom random(6);
    const auto parameters = whole_parameters(scheme);
    const auto holder = must(Exact::KeyHolder::create(parameters, 2, {}, 0, random));
    const auto p = must(circuits::IntegerPolynomial::make({5, 0, 2, 1}, parameters->plain_modulus()));
    const auto y = must(evaluate(p, holder.encrypt({0, 3, -4})));
    EXPECT_EQ(must(holder.decrypt_private(y)), (std::vector<std::int64_t>{5, 50, -27}));
    const auto other = must(circuits::IntegerPolynomial::make({5, 0, 2, 1}, 65537));
    if (parameters->plain_modulus() != 65537) {
      EXPECT_EQ(code_of(evaluate(other, holder.encrypt({1}))), ErrorCode::mismatch);
    }
  }
}

TEST(Rehearsal, NamesTheKeysAndTheBoundOfWhatWillHappen) {
  const auto rehearsal = must(Rehearsal<Approximate>::make(real_parameters(), 1));
  const auto x = must(rehearsal.input(5));
  const auto rehearsed = must(settle(sum(x * x)));
  std::size_t relinearisations = 0;
  for (const rlwe::KeyId& id : rehearsal.keys_used())
    relinearisations += id.kind == rlwe::KeyId::Kind::relinearise ? 1 : 0;
  EXPECT_EQ(relinearisations, 1u);

  SeededRandom random(8);
  const auto holder = must(Approximate::KeyHolder::create(real_parameters(), 1, seed(), random));
  const auto context = must(holder.context_with(rehearsal.keys_used()));
  const auto y = must(context.decode_vector(must(holder.encrypt_to_bytes(std::vector<double>{1, -1, 0.5, 0, 1}))));
  const auto real = must(settle(sum(y * y)));
  EXPECT_EQ(real.level(), rehearsed.level());
  EXPECT_NEAR(real.error_log2(), rehearsed.error_log2(), 1e-4);
  EXPECT_NEAR(real.magnitude_log2(), rehearsed.magnitude_log2(), 1e-4);
  EXPECT_EQ(code_of(rehearsal.input(0)), ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace prism::fhe
