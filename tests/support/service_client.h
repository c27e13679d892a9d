// tests/support/service_client.h - the client's side of a session, straight on the service. For tests only.
#pragma once
#include <memory>
#include <optional>
#include <utility>

#include "prism/channel/bundle.h"
#include "prism/channel/handshake.h"
#include "prism/channel/session_keys.h"
#include "tests/support/service.h"

namespace prism::service::test {

inline crypto::SigningKey client_key(Random& random) {
  auto key = crypto::SigningKey::generate(crypto::SignatureAlgorithm::ml_dsa_65, random);
  if (!key) ADD_FAILURE() << key.error().message;
  return *std::move(key);
}

/// Whatever has initiate, finish and open_request: the table of sessions, or the whole service.
template <class Server>
class TestClient {
 public:
  TestClient(Server& server, const Digest& fingerprint, const crypto::SigningKey& key, const Clock& clock,
             Random& random, channel::ClientPolicy policy = {})
      : server_(server),
        fingerprint_(fingerprint),
        key_(key),
        clock_(clock),
        random_(random),
        policy_(std::move(policy)) {}

  Status connect() {
    auto machine = channel::ClientHandshake::start(policy_, key_, fingerprint_, clock_.wall(), random_);
    if (!machine) return machine.error();
    PRISM_TRY(Initiated begun, server_.initiate(machine->first(), "127.0.0.1"));
    if (begun.retry) {
      ++retries;
      PRISM_CHECKED(machine->on_retry(begun.second));
      PRISM_TRY(begun, server_.initiate(machine->first(), "127.0.0.1"));
    }
    PRISM_TRY(const Bytes third, machine->on_second(begun.second, clock_.wall(), random_));
    PRISM_TRY(const Bytes fourth, server_.finish(begun.id, third, "127.0.0.1"));
    PRISM_TRY(channel::Established established, machine->on_fourth(fourth));
    keys_.emplace(channel::Role::client, std::move(established), clock_.wall());
    return {};
  }

  channel::SessionKeys& keys() { return *keys_; }
  Bytes seal(std::string_view method, std::string_view path, std::string_view content_type, ByteView body) {
    auto record = keys_->seal({method, path, content_type, {}, {}, {}, {}}, body, clock_.wall(), random_);
    if (!record) ADD_FAILURE() << record.error().message;
    return record ? *std::move(record) : Bytes();
  }
  Result<Bytes> open_answer(std::string_view method, std::string_view path, ByteView request, int status,
                            ByteView record) {
    channel::Binding binding{method, path, {}, {}, {}, {}, {}};
    binding.answer = channel::Answer{channel::record_id(request), static_cast<std::uint16_t>(status)};
    PRISM_TRY(auto opened, keys_->open(binding, record, clock_.wall()));
    return std::move(opened.body);
  }

  int retries = 0;

 private:
  Server& server_;
  Digest fingerprint_;
  const crypto::SigningKey& key_;
  const Clock& clock_;
  Random& random_;
  channel::ClientPolicy policy_;
  std::optional<channel::SessionKeys> keys_;
};

}  // namespace prism::service::test
