// What sessions leave in memory: little while they live, nothing of their keys afterwards.
#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "prism/channel/epoch_keys.h"
#include "prism/channel/internal/session_fixture.h"

// Sanitizers have their own heap: theirs counts differently and keeps what was freed.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PRISM_OWN_HEAP 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define PRISM_OWN_HEAP 0
#endif
#endif
#ifndef PRISM_OWN_HEAP
#define PRISM_OWN_HEAP 1
#endif

namespace prism::channel {
namespace {

using namespace testing_support;
using secret::RevealKey;

#define PRISM_SKIP_UNLESS_OWN_HEAP() \
  if (!PRISM_OWN_HEAP) GTEST_SKIP() << "a sanitizer's heap"

/// Bytes that somebody looks for, kept so that this itself is not found.
class Needle {
 public:
  explicit Needle(ByteView bytes) {
    for (const std::uint8_t byte : bytes) masked_.push_back(static_cast<std::uint8_t>(byte ^ kMask));
  }
  bool at(const std::uint8_t* place) const {
    for (std::size_t i = 0; i < masked_.size(); ++i)
      if ((place[i] ^ kMask) != masked_[i]) return false;
    return true;
  }
  int first() const { return masked_[0] ^ kMask; }
  std::size_t size() const { return masked_.size(); }

 private:
  static constexpr std::uint8_t kMask = 0x5c;
  Bytes masked_;
};

/// How often the needle lies in this process's own writable memory: heap, globals, and all anonymous maps, OpenSSL's
/// and the allocator's free lists included. `stack` counts the part that the stack holds.
struct Found {
  int heap = 0, stack = 0;
};
Found count(const Needle& needle) {
  Found found;
  std::ifstream maps("/proc/self/maps");
  std::FILE* const memory = std::fopen("/proc/self/mem", "rb");
  std::string line;
  std::vector<std::uint8_t> block(1 << 20);
  while (std::getline(maps, line)) {
    unsigned long begin = 0, end = 0;
    char mode[5] = {};
    if (std::sscanf(line.c_str(), "%lx-%lx %4s", &begin, &end, mode) != 3 || mode[0] != 'r' || mode[1] != 'w') continue;
    const bool stack = line.find("[stack]") != std::string::npos;
    for (unsigned long at = begin; at < end;) {
      const std::size_t wanted = std::min<std::size_t>(block.size(), end - at);
      std::fseek(memory, static_cast<long>(at), SEEK_SET);
      const std::size_t got = std::fread(block.data(), 1, wanted, memory);
      if (got < needle.size()) break;
      const auto place = reinterpret_cast<unsigned long>(block.data());
      const std::uint8_t* const last = block.data() + (got - needle.size() + 1);
      for (const std::uint8_t* i = block.data(); i < last; ++i) {
        i = static_cast<const std::uint8_t*>(std::memchr(i, needle.first(), static_cast<std::size_t>(last - i)));
        if (i == nullptr) break;
        // What was just read must not be found again when the search comes to its own buffer.
        const unsigned long address = at + static_cast<unsigned long>(i - block.data());
        const bool own = address >= place && address < place + block.size();
        if (!own && needle.at(i)) ++(stack ? found.stack : found.heap);
      }
      if (got < wanted || at + got == end) break;
      at += got - needle.size() + 1;
    }
  }
  std::fclose(memory);
  return found;
}

/// Secrets that occur nowhere else, unlike the worked example's.
TrafficSecret unusual(std::uint8_t purpose) {
  std::array<std::uint8_t, kSecretBytes> bytes;
  std::uint32_t x = 0x9e3779b9u * (purpose + 1u);
  for (auto& byte : bytes) {
    x = x * 1664525u + 1013904223u;
    byte = static_cast<std::uint8_t>(x >> 24);
  }
  TrafficSecret secret(bytes);
  secret::wipe(bytes.data(), bytes.size());
  return secret;
}
Established unusual_established() {
  Established e = established();
  e.secrets.client = unusual(0);
  e.secrets.server = unusual(1);
  e.secrets.rekey = unusual(2);
  return e;
}

/// All that a forensic search would love: traffic secrets, AES keys and initial vectors of the first epoch and the
/// next.
std::vector<Needle> needles() {
  std::vector<Needle> all;
  for (std::uint8_t purpose = 0; purpose < 3; ++purpose) {
    const TrafficSecret secret = unusual(purpose);
    all.emplace_back(secret.reveal(RevealKey{}));
    if (purpose == 2) continue;
    const TrafficKey key = traffic_key(secret).value();
    all.emplace_back(key.key.reveal(RevealKey{}));
    const TrafficSecret next = expand_secret(secret, "traffic upd", {}).value();
    all.emplace_back(next.reveal(RevealKey{}));
    const TrafficKey next_key = traffic_key(next).value();
    all.emplace_back(next_key.key.reveal(RevealKey{}));
  }
  return all;
}

TEST(SessionMemory, DeadKeysAreNowhere) {
  PRISM_SKIP_UNLESS_OWN_HEAP();
  const std::vector<Needle> wanted = needles();
  auto client = std::make_unique<SessionKeys>(Role::client, unusual_established(), kStart);
  auto server = std::make_unique<SessionKeys>(Role::server, unusual_established(), kStart);
  // The search must find what is there, or finding nothing means nothing.
  EXPECT_GT(count(wanted[0]).heap, 0);
  EXPECT_GT(count(wanted[1]).heap, 0) << "the AES key, in OpenSSL's key schedule";
  EXPECT_GT(count(wanted.back()).heap, 0) << "the rekey secret";
  {
    StreamRandom random(1);
    for (int epoch = 0; epoch < 2; ++epoch) {
      for (const std::size_t size : {std::size_t{100}, 3 * kMaxSingleBytes}) {
        const Bytes record = client->seal(request_binding(), Bytes(size), kStart, random).value();
        const auto opened = server->open(request_binding(), record, kStart);
        ASSERT_TRUE(opened);
        const Bytes answer = server->seal(answer_binding(opened->id), Bytes(size), kStart, random).value();
        ASSERT_TRUE(client->open(answer_binding(opened->id), answer, kStart));
      }
      if (epoch == 0) {
        ASSERT_TRUE(client->update(kStart));
        ASSERT_TRUE(server->update(kStart));
      }
    }
  }
  client->wipe();
  server.reset();
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const Found left = count(wanted[i]);
    EXPECT_EQ(left.heap, 0) << "needle " << i;
    EXPECT_EQ(left.stack, 0) << "needle " << i;
  }
}

TEST(SessionMemory, TenThousandSessionsTakeLittle) {
  PRISM_SKIP_UNLESS_OWN_HEAP();
  constexpr std::size_t kSessions = 10'000;
  std::vector<std::unique_ptr<SessionKeys>> sessions;
  sessions.reserve(kSessions);
  const std::size_t before = ::mallinfo2().uordblks;
  for (std::size_t i = 0; i < kSessions; ++i)
    sessions.push_back(std::make_unique<SessionKeys>(Role::server, established(), kStart));
  const std::size_t each = (::mallinfo2().uordblks - before) / kSessions;
  RecordProperty("bytes_per_session", static_cast<int>(each));
  std::printf("%zu bytes for each session, its keys' schedules included\n", each);
  EXPECT_LE(each, 4096u);
}

}  // namespace
}  // namespace prism::channel
