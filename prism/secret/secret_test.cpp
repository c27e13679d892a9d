#include "prism/secret/secret.h"

#include <gtest/gtest.h>

#include <array>
#include <concepts>
#include <cstring>
#include <memory>
#include <new>
#include <ostream>
#include <type_traits>
#include <vector>

namespace prism::secret {
namespace {

using Key = std::array<std::uint8_t, 32>;

Key filled(std::uint8_t value) {
  Key key;
  key.fill(value);
  return key;
}

template <class T>
concept Printable = requires(std::ostream& out, const T& value) { out << value; };

static_assert(!std::is_copy_constructible_v<Secret<Key>> && !std::is_copy_assignable_v<Secret<Key>>);
static_assert(!std::is_copy_constructible_v<SecretVector<int>> && !std::is_copy_assignable_v<SecretVector<int>>);
static_assert(!std::equality_comparable<Secret<Key>> && !std::equality_comparable<SecretVector<int>>);
static_assert(!Printable<Secret<int>> && !Printable<SecretVector<int>>);
static_assert(!std::is_convertible_v<Key, Secret<Key>> && !std::is_convertible_v<Secret<Key>, Key>);

/// The same pointer, but the compiler no longer knows what it points to: it must assume that somebody looks.
void* opaque(void* pointer) {
  __asm__ __volatile__("" : "+r"(pointer) : : "memory");
  return pointer;
}

// Looks at memory we own after the object in it has died.
template <class T>
std::vector<std::uint8_t> remains_of(const Key& key) {
  alignas(T) std::array<std::uint8_t, sizeof(T)> memory{};
  auto* object = static_cast<T*>(opaque(new (memory.data()) T(key)));
  std::destroy_at(object);
  const auto* bytes = static_cast<const volatile std::uint8_t*>(opaque(memory.data()));
  return {bytes, bytes + sizeof(T)};
}

TEST(SecretTest, IsWipedWhenItDies) {
  EXPECT_EQ(remains_of<Secret<Key>>(filled(0xA5)), std::vector<std::uint8_t>(sizeof(Key), 0));
  // The same look at something that does not wipe sees the key: the test can fail.
  struct Careless {
    explicit Careless(const Key& k) : key(k) {}
    ~Careless() { opaque(this); }
    Key key;
  };
  EXPECT_EQ(remains_of<Careless>(filled(0xA5)), std::vector<std::uint8_t>(sizeof(Key), 0xA5));
}

TEST(SecretTest, AMoveLeavesNothingBehind) {
  Secret<Key> from(filled(7));
  const Secret<Key> to(std::move(from));
  EXPECT_EQ(to.reveal(RevealKey{}), filled(7));
  EXPECT_EQ(from.reveal(RevealKey{}), Key{});  // NOLINT(bugprone-use-after-move): what is tested
  Secret<Key> again;
  Secret<Key> source(filled(9));
  again = std::move(source);
  EXPECT_EQ(again.reveal(RevealKey{}), filled(9));
  EXPECT_EQ(source.reveal(RevealKey{}), Key{});  // NOLINT(bugprone-use-after-move)
}

TEST(SecretVectorTest, StartsAsZerosAndMovesWhole) {
  SecretVector<std::uint64_t> from(100);
  for (const std::uint64_t value : from.reveal(RevealKey{})) EXPECT_EQ(value, 0u);
  from.reveal(RevealKey{})[99] = 42;
  SecretVector<std::uint64_t> to(std::move(from));
  ASSERT_EQ(to.size(), 100u);
  EXPECT_EQ(to.reveal(RevealKey{})[99], 42u);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(to.reveal(RevealKey{}).data()) % 64, 0u);
}

TEST(WipeTest, ZeroesExactlyTheBytesGiven) {
  std::vector<std::uint8_t> memory(64, 0xFF);
  wipe(memory.data() + 8, 16);
  for (std::size_t i = 0; i < memory.size(); ++i) EXPECT_EQ(memory[i], i >= 8 && i < 24 ? 0x00 : 0xFF) << i;
}

TEST(ChooseTest, MasksAreAllOnesOrZero) {
  for (const std::uint64_t x : {std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{1} << 63, ~std::uint64_t{0}})
    EXPECT_EQ(mask_if(x), ~std::uint64_t{0}) << x;
  EXPECT_EQ(mask_if(0), 0u);
  EXPECT_EQ(choose(mask_if(1), 5, 6), 5u);
  EXPECT_EQ(choose(mask_if(0), 5, 6), 6u);
}

TEST(EqualTest, SeesADifferenceInAnyByteAndAnyLength) {
  const Key a = filled(3);
  EXPECT_TRUE(equal(a, a));
  EXPECT_TRUE(equal({}, {}));
  EXPECT_FALSE(equal(a, std::span(a).first(31)));
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      Key b = a;
      b[i] = static_cast<std::uint8_t>(b[i] ^ (1 << bit));
      EXPECT_FALSE(equal(a, b)) << "byte " << i << ", bit " << bit;
    }
  }
}

}  // namespace
}  // namespace prism::secret
