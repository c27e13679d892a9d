// prism/channel/internal/session_fixture.h - two sides of one session for the tests of records; included by tests only.
#pragma once
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "prism/base/random.h"
#include "prism/channel/handshake.h"
#include "prism/channel/session_keys.h"
#include "prism/hash/chacha20.h"

namespace prism::channel::testing_support {

using std::chrono::seconds;

/// The same bytes every time: a ChaCha20 stream under a small number.
class StreamRandom final : public Random {
 public:
  explicit StreamRandom(std::uint64_t seed) : stream_(key(seed), hash::ChaCha20Nonce{}) {}
  Status fill(MutableByteView out) override {
    stream_.read(out);
    return {};
  }

 private:
  static hash::ChaCha20Key key(std::uint64_t seed) {
    hash::ChaCha20Key bytes{};
    for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<std::uint8_t>(seed >> (8 * i));
    return bytes;
  }
  hash::ChaCha20Stream stream_;
};

inline constexpr seconds kStart{1'800'000'000};
inline constexpr seconds kEnd = kStart + seconds(24 * 3600);

/// `first`, first + 1, ...: the secrets of the worked example in docs/protocol.md.
inline TrafficSecret counting_secret(std::uint8_t first) {
  std::array<std::uint8_t, kSecretBytes> bytes;
  for (std::uint8_t& byte : bytes) byte = first++;
  return TrafficSecret(bytes);
}

/// What the handshake leaves on either side. `session` makes another id and other secrets.
inline Established established(std::uint8_t session = 0, SuiteId suite = SuiteId::mlkem768_x25519) {
  Established e;
  for (std::size_t i = 0; i < e.id.size(); ++i) e.id[i] = static_cast<std::uint8_t>(17 * i + session);
  e.suite = suite;
  e.peer.fill(static_cast<std::uint8_t>(0xee - session));
  e.secrets.client = counting_secret(static_cast<std::uint8_t>(session));
  e.secrets.server = counting_secret(static_cast<std::uint8_t>(session + 0x30));
  e.secrets.rekey = counting_secret(static_cast<std::uint8_t>(session + 0x60));
  e.limits.expires_at = kEnd;
  return e;
}

/// Never killed by the many forgeries of a test.
inline KeyPolicy patient() {
  KeyPolicy policy;
  policy.failures = 1'000'000'000;
  return policy;
}

struct Pair {
  SessionKeys client, server;
  explicit Pair(const KeyPolicy& policy = {}, std::uint8_t session = 0, SuiteId suite = SuiteId::mlkem768_x25519)
      : client(Role::client, established(session, suite), kStart, policy),
        server(Role::server, established(session, suite), kStart, policy) {}
};

inline Binding request_binding(std::string_view type = "application/json") {
  Binding binding{"POST", "/api/v1/compute", type};
  binding.context.fill(0xc0);
  binding.idempotency_key = "monday";
  return binding;
}
inline Binding answer_binding(const RecordId& request, std::uint16_t status = 200) {
  Binding binding = request_binding("application/cbor");
  binding.answer = Answer{request, status};
  return binding;
}

inline Bytes body_of(std::size_t size, std::uint64_t seed = 1) {
  Bytes body(size);
  StreamRandom random(seed);
  static_cast<void>(random.fill(body));
  return body;
}

}  // namespace prism::channel::testing_support
