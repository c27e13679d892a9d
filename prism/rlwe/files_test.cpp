#include "prism/rlwe/files.h"

#include <gtest/gtest.h>

#include "prism/rlwe/internal/test_support.h"
#include "prism/rlwe/key_switch.h"

namespace prism::rlwe {
namespace {

using test::SeededRandom;
using Kind = KeyId::Kind;

constexpr std::uint64_t kT = 8588886017;

class FilesTest : public ::testing::Test {
 protected:
  SwitchKey make(const KeyId& id) { return make_switch_key(key_, id, kT, random_).value(); }
  static bool equal(const SwitchKey& x, const SwitchKey& y) {
    return x.id == y.id && x.error_scale == y.error_scale && x.seed == y.seed && x.a == y.a && x.b == y.b;
  }
  SeededRandom random_{21};
  // Primes of 50 and 42 bits: rows of different packed lengths.
  std::shared_ptr<const Parameters> parameters_ = test::make_parameters(test::small_spec(10, 3, 2, 2));
  std::shared_ptr<const Parameters> other_ = test::make_parameters(test::small_spec(10, 3, 2, 1));
  SecretKey key_ = SecretKey::generate(parameters_, random_).value();
  const KeyId relinearise_{Kind::relinearise, 0, Level{2}};
  const KeyId rotate_{Kind::automorphism, 5, Level{1}};
};

TEST_F(FilesTest, DecodeUndoesEncode) {
  for (const KeyId& id : {relinearise_, rotate_}) {
    const SwitchKey key = make(id);
    const Bytes bytes = encode(*parameters_, key);
    EXPECT_EQ(bytes.size(), key.file_bytes());
    EXPECT_EQ(bytes.size(), switch_key_bytes(*parameters_, id));
    EXPECT_GT(key.memory_bytes(), 2 * key.file_bytes());
    const auto read = decode_switch_key(parameters_, bytes);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_TRUE(equal(*read, key));
  }
  const PublicKey key = make_public_key(key_, kT, random_).value();
  const auto read = decode_public_key(parameters_, encode(*parameters_, key));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_TRUE(read->a == key.a && read->b == key.b && read->seed == key.seed && read->error_scale == key.error_scale);
}

TEST_F(FilesTest, EveryOtherLengthIsRefused) {
  const Bytes key = encode(*parameters_, make(rotate_));
  const Bytes open = encode(*parameters_, make_public_key(key_, kT, random_).value());
  const auto lengths = [](std::size_t size) {
    std::vector<std::size_t> some;
    for (std::size_t i = 0; i < size; i += i < 128 || i + 32 > size ? 1 : 997) some.push_back(i);
    return some;
  };
  for (const std::size_t size : lengths(key.size()))
    EXPECT_FALSE(decode_switch_key(parameters_, ByteView(key).first(size))) << size;
  for (const std::size_t size : lengths(open.size()))
    EXPECT_FALSE(decode_public_key(parameters_, ByteView(open).first(size))) << size;
  Bytes longer = key;
  longer.push_back(0);
  EXPECT_EQ(decode_switch_key(parameters_, longer).error().code, ErrorCode::malformed);
  longer = open;
  longer.push_back(0);
  EXPECT_EQ(decode_public_key(parameters_, longer).error().code, ErrorCode::malformed);
}

TEST_F(FilesTest, OtherParametersAndVersionsAreNamed) {
  Bytes bytes = encode(*parameters_, make(rotate_));
  EXPECT_EQ(decode_switch_key(other_, bytes).error().code, ErrorCode::mismatch);
  bytes[0] = 2;
  EXPECT_EQ(decode_switch_key(parameters_, bytes).error().code, ErrorCode::unsupported);
}

TEST_F(FilesTest, HeadsThatMakeNoSenseAreRefused) {
  const Bytes good = encode(*parameters_, make(rotate_));
  const auto refused = [&](std::size_t offset, std::uint8_t value) {
    Bytes bytes = good;
    bytes[offset] = value;
    return !decode_switch_key(parameters_, bytes);
  };
  EXPECT_TRUE(refused(34, 2));     // kind
  EXPECT_TRUE(refused(34, 0));     // a relinearisation with g = 5
  EXPECT_TRUE(refused(35, 4));     // even g
  EXPECT_TRUE(refused(38, 1));     // g above 2N
  EXPECT_TRUE(refused(39, 2));     // a level with other primes: length
  EXPECT_TRUE(refused(39, 3));     // no such level
  EXPECT_TRUE(refused(50, 0xff));  // error scale above 2^50
  EXPECT_FALSE(refused(51, 1));    // the seed may be anything
}

TEST_F(FilesTest, ValuesNotBelowTheirPrimeAreRefused) {
  Bytes bytes = encode(*parameters_, make(rotate_));
  for (std::size_t i = 83; i < 83 + 7; ++i) bytes[i] = 0xff;  // the first residue becomes 2^50 - 1
  EXPECT_EQ(decode_switch_key(parameters_, bytes).error().code, ErrorCode::malformed);
}

TEST_F(FilesTest, BundlesListLoadAndGrow) {
  const SwitchKey relinearise = make(relinearise_), rotate = make(rotate_);
  EvaluationKeys both(parameters_), one(parameters_);
  one.add(decode_switch_key(parameters_, encode(*parameters_, rotate)).value());
  both.add(decode_switch_key(parameters_, encode(*parameters_, rotate)).value());
  both.add(decode_switch_key(parameters_, encode(*parameters_, relinearise)).value());

  Bytes grown = encode(one);
  const Bytes before = grown;
  ASSERT_TRUE(append_key(grown, *parameters_, relinearise));
  EXPECT_TRUE(std::equal(before.begin(), before.end(), grown.begin()));
  EXPECT_EQ(append_key(grown, *parameters_, relinearise).error().code, ErrorCode::mismatch);

  const auto index = decode_bundle_index(*parameters_, grown);
  ASSERT_TRUE(index) << index.error().message;
  ASSERT_EQ(index->entries.size(), 2U);
  EXPECT_EQ(index->digest(*parameters_), both.digest());
  EXPECT_EQ(decode_bundle_index(*parameters_, encode(both))->digest(*parameters_), both.digest());
  EXPECT_NE(one.digest(), both.digest());
  EXPECT_TRUE(equal(decode_key(parameters_, grown, index->entries[1]).value(), relinearise));
  EXPECT_TRUE(equal(decode_key(parameters_, grown, rotate_).value(), rotate));
  EXPECT_EQ(decode_key(parameters_, grown, KeyId{Kind::automorphism, 3, Level{0}}).error().code, ErrorCode::not_found);
  const auto all = decode_evaluation_keys(parameters_, grown);
  ASSERT_TRUE(all);
  EXPECT_EQ(all->ids(), both.ids());
  EXPECT_EQ(encode(*all), encode(both));
  EXPECT_TRUE(decode_evaluation_keys(parameters_, encode(EvaluationKeys(parameters_))));
}

TEST_F(FilesTest, TamperedBundlesAreRefused) {
  EvaluationKeys keys(parameters_);
  keys.add(make(rotate_));
  keys.add(make(relinearise_));
  const Bytes good = encode(keys);
  const auto index = decode_bundle_index(*parameters_, good).value();
  Bytes bytes = good;
  bytes[index.entries[1].offset + 60] ^= 1;  // in the seed: only the digest can tell
  EXPECT_TRUE(decode_bundle_index(*parameters_, bytes));
  EXPECT_TRUE(decode_key(parameters_, bytes, index.entries[0]));
  EXPECT_EQ(decode_key(parameters_, bytes, index.entries[1]).error().code, ErrorCode::integrity);
  EXPECT_EQ(decode_evaluation_keys(parameters_, bytes).error().code, ErrorCode::integrity);

  bytes = good;
  bytes[index.entries[0].offset - 8] ^= 1;  // a length that its id does not have
  EXPECT_EQ(decode_bundle_index(*parameters_, bytes).error().code, ErrorCode::malformed);
  EXPECT_FALSE(decode_bundle_index(*parameters_, ByteView(good).first(good.size() - 1)));
  EXPECT_EQ(decode_bundle_index(*other_, good).error().code, ErrorCode::mismatch);

  // The same key twice.
  bytes = good;
  const auto first = index.entries[0];
  const std::size_t begin = first.offset - 49;
  bytes.insert(bytes.end(), good.begin() + static_cast<std::ptrdiff_t>(begin),
               good.begin() + static_cast<std::ptrdiff_t>(first.offset + first.length));
  EXPECT_EQ(decode_bundle_index(*parameters_, bytes).error().code, ErrorCode::malformed);
}

bool alike(const SwitchKey& x, const SwitchKey& y) {
  return x.id == y.id && x.error_scale == y.error_scale && x.seed == y.seed && x.a == y.a && x.b == y.b;
}

TEST(TruncationTest, KeysForALowerLevelDoTheSameThereInFewerBytes) {
  for (const std::uint32_t digit_size : {1U, 2U}) {
    const auto parameters = test::make_parameters(test::small_spec(10, 5, 2, digit_size));
    test::SeededRandom random(21);
    const auto secret = SecretKey::generate(parameters, random).value();
    const auto whole =
        make_switch_key(secret, {KeyId::Kind::automorphism, 5, parameters->max_level()}, 1, random).value();
    const KeySwitcher switcher(parameters, 1);
    std::size_t before = whole.memory_bytes() + 1;
    for (int level = parameters->max_level().value; level >= 0; --level) {
      const auto part = truncate(*parameters, whole, Level{level}).value();
      EXPECT_EQ(part.id.level, Level{level});
      EXPECT_LT(part.memory_bytes(), before);
      before = part.memory_bytes();
      EXPECT_EQ(part.file_bytes(), switch_key_bytes(*parameters, part.id));
      EXPECT_TRUE(alike(decode_switch_key(parameters, encode(*parameters, part)).value(), part));
      const auto d = ring::uniform(parameters->ring(), parameters->primes(Level{level}), {}, 3);
      EXPECT_TRUE(switcher.switch_key(d, part).value() == switcher.switch_key(d, whole).value()) << level;
    }
    EXPECT_EQ(truncate(*parameters, truncate(*parameters, whole, Level{1}).value(), Level{2}).error().code,
              ErrorCode::mismatch);
  }
}

TEST(KeySourceTest, ReadsWhatIsAskedForAndKeepsToItsBound) {
  const auto parameters = test::make_parameters(test::small_spec(10, 4, 2, 2));
  test::SeededRandom random(22);
  const auto secret = SecretKey::generate(parameters, random).value();
  EvaluationKeys keys(parameters);
  for (const std::uint32_t g : {5U, 25U, 125U, 625U})
    keys.add(make_switch_key(secret, {KeyId::Kind::automorphism, g, Level{3}}, 1, random).value());
  const Bytes bundle = encode(keys);
  const std::size_t one = keys.keys().begin()->second.memory_bytes();

  EvaluationKeys lazy(parameters, open_bundle(parameters, bundle).value(), 3 * one);
  EXPECT_EQ(lazy.memory_bytes(), 0U);
  EXPECT_EQ(lazy.ids(), keys.ids());
  EXPECT_EQ(lazy.digest(), keys.digest());
  for (const std::uint32_t g : {625U, 5U, 25U, 125U, 625U, 5U}) {
    const auto found = lazy.find(KeyId::Kind::automorphism, g, Level{3});
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_TRUE(alike(**found, **keys.find(KeyId::Kind::automorphism, g, Level{3})));
    EXPECT_LE(lazy.memory_bytes(), 3 * one);
  }
  EXPECT_EQ(lazy.memory_bytes(), 3 * one);
  // What is at hand is not read again.
  const SwitchKey* const at = *lazy.find(KeyId::Kind::automorphism, 5, Level{3});
  EXPECT_EQ(at, *lazy.find(KeyId::Kind::automorphism, 5, Level{2}));
  lazy.drop_loaded();
  EXPECT_EQ(lazy.memory_bytes(), 0U);
  // Only the rows of the level.
  const auto low = lazy.find(KeyId::Kind::automorphism, 25, Level{1}).value();
  EXPECT_TRUE(
      alike(*low, truncate(*parameters, **keys.find(KeyId::Kind::automorphism, 25, Level{3}), Level{1}).value()));
  EXPECT_LT(lazy.memory_bytes(), one / 2);

  EXPECT_EQ(lazy.find(KeyId::Kind::relinearise, 0, Level{1}).error().code, ErrorCode::not_found);
  Bytes broken = bundle;
  broken[broken.size() - 100] ^= 1;
  EvaluationKeys damaged(parameters, open_bundle(parameters, broken).value(), one);
  EXPECT_EQ(damaged.find(KeyId::Kind::automorphism, 625, Level{0}).error().code, ErrorCode::integrity);
}

}  // namespace
}  // namespace prism::rlwe
