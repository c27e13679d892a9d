// Records are sealed by the thousand each second: neither we nor OpenSSL may allocate for one of them.
#include <gtest/gtest.h>
#include <openssl/crypto.h>

#include <atomic>
#include <cstdlib>

#include "prism/crypto/aead.h"
#include "prism/crypto/chunked.h"
#include "tests/support/allocations.h"

namespace prism::crypto {
namespace {

std::atomic<std::size_t> library_allocations{0};

void* counted_malloc(std::size_t size, const char*, int) {
  ++library_allocations;
  return std::malloc(size);
}
void* counted_realloc(void* p, std::size_t size, const char*, int) {
  ++library_allocations;
  return std::realloc(p, size);
}
void plain_free(void* p, const char*, int) { std::free(p); }

/// OpenSSL takes other allocators only before its first allocation, so this runs before main().
const bool kCounting = CRYPTO_set_mem_functions(counted_malloc, counted_realloc, plain_free) == 1;

TEST(AllocationTest, RecordsAndChunksAreSealedAndOpenedWithoutAny) {
  PRISM_SKIP_UNLESS_COUNTED();
  ASSERT_TRUE(kCounting) << "OpenSSL had allocated already";
  Aead aead{Key256{}};
  auto cipher = ChunkCipher::make(Key256{}, {}, ChunkSalt{});
  ASSERT_TRUE(cipher);
  ASSERT_GT(library_allocations, 0u) << "nothing is counted";
  Bytes record(1000 + kTagBytes), chunk(kSealedChunkBytes), aad(100);
  Nonce nonce{};
  const auto round = [&](std::uint64_t number) {
    nonce[0] = static_cast<std::uint8_t>(number);
    bool good = aead.seal_into(nonce, aad, ByteView(record).first(1000), record).has_value();
    good &= aead.open_into(nonce, aad, record, MutableByteView(record).first(1000)).has_value();
    good &= cipher->seal_chunk(number, ByteView(chunk).first(kChunkBytes), chunk).has_value();
    good &= cipher->open_chunk(number, chunk, MutableByteView(chunk).first(kChunkBytes)).has_value();
    return good;
  };
  ASSERT_TRUE(round(0));
  const std::size_t ours = allocations, theirs = library_allocations;
  for (std::uint64_t number = 1; number < 100; ++number) ASSERT_TRUE(round(number));
  EXPECT_EQ(allocations - ours, 0u);
  EXPECT_EQ(library_allocations - theirs, 0u);
}

}  // namespace
}  // namespace prism::crypto
