#include "prism/fhe/fhe.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "prism/fhe/internal/testing.h"

namespace prism::fhe {
namespace {

using testing::must;
using testing::SeededRandom;

/// A value where an error was wanted is no code of an error.
template <class T>
ErrorCode code_of(const Result<T>& result) {
  if (!result) return result.error().code;
  ADD_FAILURE() << "a value where an error was expected";
  return ErrorCode::io;
}

ApproximateIntent approximate_intent() {
  ApproximateIntent intent;
  intent.depth = 2;
  intent.precision_bits = 12;
  intent.largest_magnitude = 2;
  intent.values = 3000;
  intent.movement = {.sums = true, .rotations = {}, .any_rotation = false};
  return intent;
}

ExactIntent exact_intent(exact::Scheme scheme) {
  ExactIntent intent;
  intent.depth = 2;
  intent.largest_value = 1 << 24;
  intent.movement = {.sums = true, .rotations = {}, .any_rotation = false};
  intent.scheme = scheme;
  return intent;
}

/// One key holder for each kind of number, made once: keys take the longest.
template <class Family>
struct World {
  SeededRandom random{7};
  KeyHolder<Family> holder;
  World(const typename Family::Intent& intent) : holder(must(KeyHolder<Family>::create(intent, random))) {}
  std::size_t slots() const { return holder.public_part().slots(); }
};
World<Approximate>& reals() {
  static World<Approximate> made(approximate_intent());
  return made;
}
World<Exact>& integers(exact::Scheme scheme = exact::Scheme::bgv) {
  static World<Exact> bgv(exact_intent(exact::Scheme::bgv)), bfv(exact_intent(exact::Scheme::bfv));
  return scheme == exact::Scheme::bgv ? bgv : bfv;
}

std::vector<double> some_reals(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 engine(seed);
  std::uniform_real_distribution<double> uniform(-2, 2);
  std::vector<double> out(count);
  for (double& v : out) v = uniform(engine);
  return out;
}
std::vector<std::int64_t> some_integers(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 engine(seed);
  std::vector<std::int64_t> out(count);
  for (std::int64_t& v : out) v = static_cast<std::int64_t>(engine() % 101) - 50;
  return out;
}

/// Decrypted values are within the vector's own bound of what was meant; and the bound is within the intent's promise,
/// which covers one sum of a product, not a sum of a sum.
void expect_near(const Result<Approximate::Vector>& found, const std::vector<double>& wanted, int line,
                 bool promised = true) {
  SCOPED_TRACE("line " + std::to_string(line));
  ASSERT_TRUE(found) << found.error().message;
  const auto values = must(reals().holder.decrypt_private(found));
  ASSERT_EQ(values.size(), wanted.size());
  const double bound = std::exp2(found->error_log2());
  if (promised) {
    EXPECT_LE(bound, std::exp2(-12));
  }
  for (std::size_t i = 0; i < wanted.size(); ++i) ASSERT_NEAR(values[i], wanted[i], bound) << i;
}
void expect_equal(const Result<Exact::Vector>& found, const std::vector<std::int64_t>& wanted, exact::Scheme scheme,
                  int line) {
  SCOPED_TRACE("line " + std::to_string(line));
  ASSERT_TRUE(found) << found.error().message << ": " << found.error().detail;
  ASSERT_EQ(must(integers(scheme).holder.decrypt_private(found)), wanted);
}

template <class T, class F>
std::vector<T> map(const std::vector<T>& a, const std::vector<T>& b, F f) {
  std::vector<T> out(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) out[i] = f(a[i], b[i]);
  return out;
}

template <class T>
std::vector<T> turned(const std::vector<T>& a, int steps) {
  const auto n = static_cast<int>(a.size());
  std::vector<T> out(a.size());
  for (int i = 0; i < n; ++i) out[static_cast<std::size_t>(i)] = a[static_cast<std::size_t>(((i + steps) % n + n) % n)];
  return out;
}

// -- what operators mean, at lengths of less than one, exactly one and several ciphertexts

TEST(ApproximateTest, FormulasMeanWhatTheySay) {
  const std::size_t n = reals().slots();
  for (const std::size_t size : {std::size_t{1}, std::size_t{3}, n - 1, n, n + 5}) {
    SCOPED_TRACE("size " + std::to_string(size) + " of " + std::to_string(n) + " slots");
    const auto a = some_reals(size, 1), b = some_reals(size, 2), c = some_reals(size, 3);
    const auto x = must(reals().holder.encrypt(a)), y = must(reals().holder.encrypt(b));
    const auto z = must(reals().holder.public_part().encrypt(c, reals().random));
    expect_near(x + y - z, map(map(a, b, std::plus<>{}), c, std::minus<>{}), __LINE__);
    expect_near(x * y + z * x, map(map(a, b, std::multiplies<>{}), map(c, a, std::multiplies<>{}), std::plus<>{}),
                __LINE__);
    expect_near((x + y) * z, map(map(a, b, std::plus<>{}), c, std::multiplies<>{}), __LINE__);
    expect_near(x * y - z, map(map(a, b, std::multiplies<>{}), c, std::minus<>{}), __LINE__);
    expect_near(x * b, map(a, b, std::multiplies<>{}), __LINE__);
    expect_near(b - x, map(b, a, std::minus<>{}), __LINE__);
    expect_near(x - b, map(a, b, std::minus<>{}), __LINE__);
    expect_near(0.5 * x + 1, map(a, a, [](double v, double) { return 0.5 * v + 1; }), __LINE__);
    expect_near(1 - x * 3, map(a, a, [](double v, double) { return 1 - 3 * v; }), __LINE__);
    expect_near(-x, map(a, a, [](double v, double) { return -v; }), __LINE__);
  }
}

TEST(ExactTest, FormulasMeanWhatTheySay) {
  for (const exact::Scheme scheme : {exact::Scheme::bgv, exact::Scheme::bfv}) {
    auto& world = integers(scheme);
    const std::size_t n = world.slots();
    for (const std::size_t size : {std::size_t{1}, n / 2, n / 2 + 1, n, n + 5}) {
      SCOPED_TRACE("size " + std::to_string(size) + " of " + std::to_string(n) + " slots");
      const auto a = some_integers(size, 1), b = some_integers(size, 2), c = some_integers(size, 3);
      const auto x = must(world.holder.encrypt(a)), y = must(world.holder.encrypt(b));
      const auto z = must(world.holder.public_part().encrypt(c, world.random));
      expect_equal(x + y - z, map(map(a, b, std::plus<>{}), c, std::minus<>{}), scheme, __LINE__);
      expect_equal(x * y + z * x, map(map(a, b, std::multiplies<>{}), map(c, a, std::multiplies<>{}), std::plus<>{}),
                   scheme, __LINE__);
      expect_equal((x + y) * z * x, map(map(map(a, b, std::plus<>{}), c, std::multiplies<>{}), a, std::multiplies<>{}),
                   scheme, __LINE__);
      expect_equal(x * y - z, map(map(a, b, std::multiplies<>{}), c, std::minus<>{}), scheme, __LINE__);
      expect_equal(x * b * y, map(map(a, b, std::multiplies<>{}), b, std::multiplies<>{}), scheme, __LINE__);
      expect_equal(b - x, map(b, a, std::minus<>{}), scheme, __LINE__);
      expect_equal(x - b, map(a, b, std::minus<>{}), scheme, __LINE__);
      expect_equal(1 - 3 * x, map(a, a, [](auto v, auto) { return 1 - 3 * v; }), scheme, __LINE__);
    }
  }
}

template <class T>
T total(const std::vector<T>& a) {
  T out = 0;
  for (const T v : a) out += v;
  return out;
}

TEST(ApproximateTest, SumsCountNoSlotThatHoldsNoValue) {
  const std::size_t n = reals().slots();
  for (const std::size_t size : {std::size_t{1}, std::size_t{5}, n, n + 5}) {
    SCOPED_TRACE("size " + std::to_string(size));
    const auto a = some_reals(size, 1), b = some_reals(size, 2);
    const auto x = must(reals().holder.encrypt(a)), y = must(reals().holder.encrypt(b));
    expect_near(sum(x), {total(a)}, __LINE__);
    expect_near(sum(x + 1), {total(a) + static_cast<double>(size)}, __LINE__);
    expect_near(dot(x, y), {total(map(a, b, std::multiplies<>{}))}, __LINE__);
    expect_near(dot(x, b), {total(map(a, b, std::multiplies<>{}))}, __LINE__);
    expect_near(mean(x), {total(a) / static_cast<double>(size)}, __LINE__);
    expect_near(sum(sum(x)), {total(a)}, __LINE__);
    // What a single sum is added to has no zeros left beside its values; the next sum must not count them.
    const auto centred = x - mean(x);
    const double middle = total(a) / static_cast<double>(size);
    expect_near(centred, map(a, a, [&](double v, double) { return v - middle; }), __LINE__);
    expect_near(sum(centred), {0}, __LINE__, false);
  }
}

TEST(ExactTest, SumsCountNoSlotThatHoldsNoValue) {
  for (const exact::Scheme scheme : {exact::Scheme::bgv, exact::Scheme::bfv}) {
    auto& world = integers(scheme);
    const std::size_t n = world.slots();
    for (const std::size_t size : {std::size_t{1}, std::size_t{5}, n, n + 5}) {
      SCOPED_TRACE("size " + std::to_string(size));
      const auto a = some_integers(size, 1), b = some_integers(size, 2);
      const auto x = must(world.holder.encrypt(a)), y = must(world.holder.encrypt(b));
      const std::int64_t count = static_cast<std::int64_t>(size);
      expect_equal(sum(x), {total(a)}, scheme, __LINE__);
      expect_equal(sum(x + 1), {total(a) + count}, scheme, __LINE__);
      expect_equal(dot(x, y), {total(map(a, b, std::multiplies<>{}))}, scheme, __LINE__);
      // n*x - sum(x): the values' distances from their mean, times n. They add up to zero.
      expect_equal(sum(count * x - sum(x)), {0}, scheme, __LINE__);
    }
  }
}

TEST(ApproximateTest, RotationsTurnTheVectorWhateverItsLength) {
  const std::size_t n = reals().slots();
  for (const std::size_t size : {std::size_t{1}, std::size_t{5}, n, n + 3}) {
    const auto a = some_reals(size, 1);
    const auto x = must(reals().holder.encrypt(a));
    for (const int steps : {1, -2, 7, static_cast<int>(n)}) {
      SCOPED_TRACE("size " + std::to_string(size) + " by " + std::to_string(steps));
      expect_near(rotate(x, steps), turned(a, steps), __LINE__);
    }
    expect_near(sum(rotate(x, 3)), {total(a)}, __LINE__);
  }
}

TEST(ExactTest, RotationsTurnTheVectorWhateverItsLength) {
  auto& world = integers();
  const std::size_t n = world.slots();
  for (const std::size_t size : {std::size_t{5}, n / 2, n / 2 + 2, n, n + 3}) {
    const auto a = some_integers(size, 1);
    const auto x = must(world.holder.encrypt(a));
    for (const int steps : {1, -2, static_cast<int>(n / 2)}) {
      SCOPED_TRACE("size " + std::to_string(size) + " by " + std::to_string(steps));
      expect_equal(rotate(x, steps), turned(a, steps), exact::Scheme::bgv, __LINE__);
    }
  }
}

TEST(ApproximateTest, PolynomialsAreEvaluatedWhereThereAreValues) {
  SeededRandom random(17);
  ApproximateIntent intent;
  intent.depth = 5;
  intent.precision_bits = 8;
  intent.largest_magnitude = 1;
  const auto holder = must(Approximate::KeyHolder::create(intent, random));
  const auto square = must(circuits::Polynomial::monomial({1, 0, -2}));
  // 1/x on [0.5, 1]: slots without a value hold zero, where the series is of no use and must do no harm.
  const auto inverse = must(circuits::Polynomial::chebyshev(
      must(circuits::chebyshev_interpolate([](double x) { return 1 / x; }, {0.5, 1}, 7))));
  const std::vector<double> values = {0.5, 0.625, 0.75, 1};
  const auto x = must(holder.encrypt(values));
  for (const auto* p : {&square, &inverse}) {
    const auto y = must(evaluate(*p, x));
    EXPECT_EQ(y.level().value, x.level().value - p->depth());
    const auto found = must(holder.decrypt_private(y));
    for (std::size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(found[i], (*p)(values[i]), std::exp2(y.error_log2()));
    EXPECT_LT(y.error_log2(), -8);
  }
  const auto deep = evaluate(inverse, evaluate(inverse, x));
  EXPECT_EQ(code_of(deep), ErrorCode::level_exhausted);
}

// -- release

TEST(ReleaseTest, CountsAndHidesAndSaysHowPrecise) {
  SeededRandom random(19);
  ApproximateIntent intent;
  intent.depth = 1;
  intent.precision_bits = 30;
  const auto holder = must(Approximate::KeyHolder::create(intent, random));
  auto ledger = must(holder.open_ledger({.queries = 3, .statistical_bits = 30}));
  const std::vector<double> values = {0.5, -0.25, 0.125};
  const auto x = must(holder.encrypt(values));
  const auto first = must(holder.release(x, 4, ledger)), second = must(holder.release(x, 4, ledger));
  ASSERT_EQ(first.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(first[i], values[i], std::exp2(-4));
  EXPECT_NE(first, second);  // noise is fresh
  EXPECT_EQ(ledger.left(), 1u);

  // What is refused is not charged.
  EXPECT_EQ(code_of(holder.release(x, 40, ledger)), ErrorCode::noise_exceeded);
  const auto sent = must(holder.public_part().decode_vector(must(x.encode())));
  EXPECT_EQ(code_of(holder.release(sent, 4, ledger)), ErrorCode::refused);
  EXPECT_EQ(code_of(holder.release(sent + x, 4, ledger)), ErrorCode::refused);
  auto other = must(reals().holder.open_ledger({}));
  EXPECT_EQ(code_of(holder.release(x, 4, other)), ErrorCode::mismatch);
  EXPECT_EQ(ledger.left(), 1u);

  EXPECT_TRUE(holder.release(sent, 4, ledger, Bounds::as_claimed));
  EXPECT_EQ(code_of(holder.release(x, 4, ledger)), ErrorCode::refused);
}

// -- what is put off

TEST(VectorTest, APutOffProductIsFinishedOnceAndAlwaysToTheSameBytes) {
  const auto x = must(reals().holder.encrypt({1, 1.5, 2}));
  const auto product = must(x * x);
  const Bytes first = must(product.encode());
  EXPECT_EQ(must(product.encode()), first);
  EXPECT_EQ(must(must(x * x).encode()), first);
  expect_near(product * x, {1, 3.375, 8}, __LINE__);
}

TEST(VectorTest, WholeNumbersCostNoLevelAndFractionsOne) {
  const auto x = must(reals().holder.encrypt({1, 1.5, 2}));
  EXPECT_EQ(must(x * 3).level(), x.level());
  EXPECT_EQ(must(x * 0.5 + 0).level().value, x.level().value - 1);
  EXPECT_EQ(must(x * x + 0).level().value, x.level().value - 1);
}

// -- refusals

TEST(RefusalTest, DeeperThanTheIntentSaysSo) {
  const auto x = must(reals().holder.encrypt({1.5, 2}));
  const auto deep = x * x * x * x * x;
  ASSERT_EQ(code_of(deep), ErrorCode::level_exhausted);
  EXPECT_NE(deep.error().message.find("larger depth"), std::string::npos) << deep.error().message;
  for (const exact::Scheme scheme : {exact::Scheme::bgv, exact::Scheme::bfv}) {
    const auto y = must(integers(scheme).holder.encrypt({1, 2}));
    auto power = y * y;
    for (int i = 0; i < 12; ++i) power = power * power;
    EXPECT_EQ(code_of(integers(scheme).holder.decrypt_private(power)), ErrorCode::level_exhausted);
  }
}

TEST(RefusalTest, MoreValuesThanCountsHold) {
  for (const std::size_t values : {std::size_t{0}, std::numeric_limits<std::size_t>::max(), std::size_t{1} << 63}) {
    const auto refused =
        parameters_for(ApproximateIntent{.values = values, .additions = 2, .movement = {.sums = true}});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
  }
  const auto refused = parameters_for(ExactIntent{.additions = std::size_t{1} << 60, .movement = {.sums = true}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
}

TEST(RefusalTest, TheFirstErrorComesOutAtTheEnd) {
  const auto x = must(reals().holder.encrypt({1.5, 2}));
  const auto y = must(reals().holder.encrypt({1.5, 2, 1}));
  const auto result = reals().holder.decrypt_private(sum((x + y) * 2 - 1));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::mismatch);
  EXPECT_EQ(result.error().message,
            "vectors of 2 and 3 values; both must have the same number, or one must be a single sum or mean");
}

TEST(RefusalTest, VectorsOfDifferentKeyHoldersDoNotMix) {
  SeededRandom random(9);
  const auto other = must(Exact::KeyHolder::create(
      integers().holder.public_part().parameters().scheme() == exact::Scheme::bgv ? exact_intent(exact::Scheme::bgv)
                                                                                  : exact_intent(exact::Scheme::bfv),
      random));
  const auto x = must(integers().holder.encrypt({1, 2})), y = must(other.encrypt({1, 2}));
  EXPECT_EQ(code_of(x + y), ErrorCode::mismatch);
  EXPECT_EQ(code_of(x * y), ErrorCode::mismatch);
  EXPECT_EQ(code_of(other.decrypt_private(x)), ErrorCode::mismatch);
  EXPECT_EQ(code_of(other.public_part().decode_vector(must(x.encode()))), ErrorCode::mismatch);
  // A restored key holder must fit its context.
  EXPECT_EQ(
      code_of(Exact::KeyHolder::restore(integers().holder.public_part(), other.seed(secret::RevealKey{}), random)),
      ErrorCode::unauthorised);
}

TEST(RefusalTest, KeysThatWereNotMadeAreNamed) {
  SeededRandom random(5);
  ExactIntent intent;
  intent.depth = 1;
  intent.movement.rotations = {3};
  const auto holder = must(Exact::KeyHolder::create(intent, random));
  const std::vector<std::int64_t> values(holder.public_part().slots(), 1);
  const auto x = must(holder.encrypt(values));
  EXPECT_NE(sum(x).error().message.find("Movement::sums"), std::string::npos);
  EXPECT_NE(rotate(x, 2).error().message.find("Movement::rotations"), std::string::npos);
  EXPECT_EQ(code_of(rotate(x, 2)), ErrorCode::not_found);
  intent.movement.rotations = {1 << 20};
  EXPECT_EQ(code_of(Exact::KeyHolder::create(intent, random)), ErrorCode::invalid_argument);
}

TEST(RefusalTest, InputsBeyondWhatWasDeclared) {
  EXPECT_EQ(code_of(reals().holder.encrypt({2.5})), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of(reals().holder.encrypt({NAN})), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of(reals().holder.encrypt(std::span<const double>())), ErrorCode::invalid_argument);
  const auto t = static_cast<std::int64_t>(integers().holder.public_part().parameters().plain_modulus());
  EXPECT_EQ(code_of(integers().holder.encrypt({t / 2 + 1})), ErrorCode::invalid_argument);
  const auto x = must(integers().holder.encrypt({1}));
  EXPECT_EQ(code_of(x + t), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of(x - std::numeric_limits<std::int64_t>::min()), ErrorCode::invalid_argument);
  const auto y = must(reals().holder.encrypt({1.0}));
  EXPECT_EQ(code_of(y * INFINITY), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of(y * std::vector<double>{NAN}), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of(y + std::vector<double>{INFINITY}), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of(x * std::vector<std::int64_t>{std::numeric_limits<std::int64_t>::min()}),
            ErrorCode::invalid_argument);
}

// -- bytes

TEST(WireTest, AServerComputesWithWhatItWasSent) {
  SeededRandom server_random(11);
  const Bytes sent_context = must(reals().holder.public_part().encode());
  const Bytes sent_x = must(reals().holder.encrypt_to_bytes(std::vector<double>{1, 1.5, 2}));
  const Bytes whole = must(must(reals().holder.encrypt({1, 1.5, 2})).encode());
  EXPECT_LT(sent_x.size(), whole.size() * 51 / 100);

  const auto server = must(Approximate::Context::decode(sent_context));
  EXPECT_EQ(must(server.encode()), sent_context);
  const auto x = must(server.decode_vector(sent_x));
  const auto y = must(server.encrypt({2, 1, -1}, server_random));
  const Bytes answer = must(must(dot(x, y)).encode());

  // Separately decoded: the same key holder, but not the same objects.
  EXPECT_EQ(code_of(reals().holder.decrypt_private(x)), ErrorCode::mismatch);
  expect_near(reals().holder.public_part().decode_vector(answer), {1.5}, __LINE__);
}

TEST(WireTest, ARestoredKeyHolderReadsWhatTheFirstOneWrote) {
  SeededRandom random(13);
  const Bytes stored = must(integers().holder.public_part().encode());
  const auto context = must(Exact::Context::decode(stored));
  const auto holder = must(Exact::KeyHolder::restore(context, integers().holder.seed(secret::RevealKey{}), random));
  const Bytes sent = must(must(integers().holder.encrypt({1, -2, 3})).encode());
  EXPECT_EQ(must(holder.decrypt_private(holder.public_part().decode_vector(sent))),
            (std::vector<std::int64_t>{1, -2, 3}));
}

TEST(WireTest, EveryTruncationIsRefused) {
  const Bytes vector = must(must(integers().holder.encrypt({1, 2})).encode());
  const auto& context = integers().holder.public_part();
  for (std::size_t size = 0; size < vector.size(); size = size < 200 ? size + 1 : size * 2)
    EXPECT_EQ(code_of(context.decode_vector(ByteView(vector).first(size))), ErrorCode::malformed) << size;
  const Bytes whole = must(context.encode());
  for (std::size_t size = 0; size < whole.size(); size = size < 300 ? size + 1 : size * 2)
    EXPECT_EQ(code_of(Exact::Context::decode(ByteView(whole).first(size))), ErrorCode::malformed) << size;
  EXPECT_EQ(code_of(Approximate::Context::decode(whole)), ErrorCode::mismatch);
  EXPECT_EQ(code_of(reals().holder.public_part().decode_vector(vector)), ErrorCode::mismatch);
  EXPECT_EQ(code_of(Exact::Context::decode(vector)), ErrorCode::mismatch);
}

TEST(ContextTest, DescribesItself) {
  const std::string text = integers().holder.public_part().describe();
  EXPECT_NE(text.find("BGV, t = "), std::string::npos) << text;
  EXPECT_NE(text.find("128-bit security"), std::string::npos) << text;
  EXPECT_NE(text.find("relinearisation key"), std::string::npos) << text;
}

}  // namespace
}  // namespace prism::fhe
