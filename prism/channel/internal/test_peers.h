// prism/channel/internal/test_peers.h - keys, randomness and a gate for tests, fuzz targets and benchmarks of the
// channel. Never for anything else: the randomness is a function of a name.
#pragma once
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "prism/base/random.h"
#include "prism/channel/handshake.h"
#include "prism/crypto/signature.h"
#include "prism/hash/sha256.h"

namespace prism::channel::test {

/// Blocks SHA-256(name || n), n = 0, 1, ... as 8 big-endian bytes, one after the other: the worked example's
/// randomness.
class NamedRandom : public Random {
 public:
  explicit NamedRandom(std::string name) : name_(std::move(name)) {}
  Status fill(MutableByteView out) override {
    for (std::uint8_t& byte : out) {
      if (used_ == block_.size()) {
        Bytes input(name_.begin(), name_.end());
        for (int shift = 56; shift >= 0; shift -= 8) input.push_back(static_cast<std::uint8_t>(counter_ >> shift));
        block_ = hash::sha256(input);
        ++counter_;
        used_ = 0;
      }
      byte = block_[used_++];
    }
    return {};
  }

 private:
  std::string name_;
  std::uint64_t counter_ = 0;
  Digest block_{};
  std::size_t used_ = 32;
};

inline crypto::SigningKey make_key(const std::string& name,
                                   crypto::SignatureAlgorithm algorithm = crypto::SignatureAlgorithm::ml_dsa_65) {
  NamedRandom random("key of " + name);
  return crypto::SigningKey::generate(algorithm, random).value();
}

/// Lets in whom it knows.
class ListGate : public ClientGate {
 public:
  explicit ListGate(std::set<Digest> known) : known_(std::move(known)) {}
  bool admits(const Digest& fingerprint, std::span<const Digest> previous) const override {
    ++asked;
    return known_.contains(fingerprint) ||
           std::any_of(previous.begin(), previous.end(), [&](const Digest& d) { return known_.contains(d); });
  }
  mutable int asked = 0;

 private:
  std::set<Digest> known_;
};

inline constexpr std::chrono::seconds kNow{1'800'000'000};

/// One server, one client it knows, and policies that tests change.
struct Peers {
  explicit Peers(SuiteId id = SuiteId::mlkem768_x25519)
      : client_key(make_key("client", suite(id).signature)), server(make_server(id)), gate({client_fingerprint()}) {
    client_policy.suites = {id};
  }
  static Identity make_server(SuiteId id) {
    NamedRandom random("server");
    IdentitySettings settings;
    settings.server_id = "test.server";
    settings.suites = {id};
    return Identity::create(make_key("server", suite(id).signature), settings, {}, random).value();
  }
  Digest client_fingerprint() const { return client_key.verify_key().fingerprint(); }
  ClientHandshake start(const std::string& name, std::chrono::seconds now = kNow) const {
    NamedRandom random("client " + name);
    return ClientHandshake::start(client_policy, client_key, server.fingerprint(), now, random).value();
  }
  Result<ServerHandshake> accept(ByteView first, const std::string& name, std::chrono::seconds now = kNow,
                                 const Arrival& arrival = {}) const {
    NamedRandom random("server " + name);
    return ServerHandshake::accept(server_policy, server, first, now, random, arrival);
  }
  static Result<Bytes> answer(ClientHandshake& client, ByteView second, std::chrono::seconds now = kNow) {
    NamedRandom random("third");
    return client.on_second(second, now, random);
  }

  crypto::SigningKey client_key;
  Identity server;
  ListGate gate;
  ClientPolicy client_policy;
  ServerPolicy server_policy;
};

inline bool same(const TrafficSecret& a, const TrafficSecret& b) {
  return secret::equal(a.reveal(secret::RevealKey{}), b.reveal(secret::RevealKey{}));
}
/// Whether both sides hold the same session.
inline bool agree(const Established& a, const Established& b) {
  return a.id == b.id && a.suite == b.suite && same(a.secrets.client, b.secrets.client) &&
         same(a.secrets.server, b.secrets.server) && same(a.secrets.exporter, b.secrets.exporter) &&
         same(a.secrets.rekey, b.secrets.rekey);
}

}  // namespace prism::channel::test
