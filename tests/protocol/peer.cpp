// A server's side of the protocol on standard input and output, for tests/protocol: the real state machines without
// HTTP. One request per line, words between blanks, bytes in hexadecimal, "-" for nothing; one answer line, "ok ..." or
// "error CODE". State: one identity, one handshake, one session, a clock that the tests set.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <iostream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "prism/channel/cookie.h"
#include "prism/channel/handshake.h"
#include "prism/channel/receipt.h"
#include "prism/channel/session_keys.h"
#include "prism/crypto/signature.h"
#include "prism/host/system.h"

namespace {

using namespace prism;
using Words = std::vector<std::string>;

Result<Bytes> from_hex(std::string_view text) {
  Bytes out;
  if (text == "-") {
    return out;
  }
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    std::uint8_t byte = 0;
    if (std::from_chars(text.data() + i, text.data() + i + 2, byte, 16).ptr != text.data() + i + 2) {
      return fail(ErrorCode::malformed, "no hexadecimal");
    }
    out.push_back(byte);
  }
  return out;
}

Result<Digest> digest_from(std::string_view text) {
  PRISM_TRY(const auto bytes, from_hex(text));
  Digest out{};
  if (bytes.size() != out.size()) {
    return fail(ErrorCode::malformed, "no digest");
  }
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return out;
}

std::string hex(ByteView bytes) { return bytes.empty() ? "-" : to_hex(bytes); }

/// Lets in all fingerprints but one.
class Gate final : public channel::ClientGate {
 public:
  std::optional<Digest> refused;
  bool admits(const Digest& fingerprint, std::span<const Digest>) const override { return fingerprint != refused; }
};

class Peer {
 public:
  Result<std::string> answer(const Words& words);

 private:
  std::chrono::seconds now() const { return now_; }
  Result<std::string> identity(const Words& words);
  Result<std::string> finish(const Words& words);
  Result<std::string> open(const Words& words);
  Result<std::string> reply(const Words& words);
  Result<std::string> receipt(const Words& words);

  host::SystemRandom random_;
  std::chrono::seconds now_{1'800'000'000};
  std::optional<channel::Identity> identity_;
  std::optional<channel::ServerHandshake> handshake_;
  std::optional<channel::SessionKeys> session_;
  std::optional<channel::CookieJar> jar_;
  Gate gate_;
  std::vector<channel::SuiteId> suites_;
  // What the last opened request was bound to: its answer is bound to the same.
  std::string method_, path_, idempotency_key_;
  channel::Binding binding_;
  channel::RecordId request_;
};

/// identity SUITE...: a new server key for the first suite, which accepts these.
Result<std::string> Peer::identity(const Words& words) {
  suites_.clear();
  for (std::size_t i = 1; i < words.size(); ++i) {
    PRISM_TRY(const auto id, channel::suite_numbered(static_cast<std::uint64_t>(words[i].front() - '0')));
    suites_.push_back(id);
  }
  if (suites_.empty()) {
    return fail(ErrorCode::invalid_argument, "no suite");
  }
  PRISM_TRY(auto key, crypto::SigningKey::generate(channel::suite(suites_.front()).signature, random_));
  channel::IdentitySettings settings;
  settings.server_id = "peer";
  settings.suites = suites_;
  PRISM_TRY(auto made, channel::Identity::create(std::move(key), settings, {}, random_));
  identity_.emplace(std::move(made));
  PRISM_TRY(const auto bundle, identity_->bundle(now_, random_));
  return hex(bundle.bytes());
}

Result<std::string> Peer::finish(const Words& words) {
  PRISM_TRY(const auto third, from_hex(words.at(1)));
  auto established = handshake_->finish(third, now_, gate_);
  if (!established.has_value()) {
    return fail(established.error().code,
                established.error().message + " " + std::string(name_of(handshake_->rejection())));
  }
  const Bytes fourth = established.value().fourth;
  const Digest client = established.value().peer;
  session_.emplace(channel::Role::server, std::move(established).value(), now_);
  return hex(fourth) + " " + hex(client);
}

/// open METHOD PATH CONTEXT PROGRAM IDEMPOTENCY-KEY RECORD
Result<std::string> Peer::open(const Words& words) {
  method_ = words.at(1);
  path_ = words.at(2);
  binding_ = {};
  PRISM_TRY(binding_.context, digest_from(words.at(3)));
  PRISM_TRY(binding_.program, digest_from(words.at(4)));
  idempotency_key_ = words.at(5) == "-" ? "" : words.at(5);
  binding_.method = method_;
  binding_.path = path_;
  binding_.idempotency_key = idempotency_key_;
  PRISM_TRY(const auto record, from_hex(words.at(6)));
  PRISM_TRY(const auto opened, session_->open(binding_, record, now_));
  request_ = opened.id;
  return hex(as_bytes(opened.content_type)) + " " + hex(opened.body);
}

/// reply STATUS CONTENT-TYPE BODY: the answer to the request that was opened last.
Result<std::string> Peer::reply(const Words& words) {
  binding_.answer = channel::Answer{request_, static_cast<std::uint16_t>(std::stoi(words.at(1)))};
  binding_.content_type = words.at(2);
  PRISM_TRY(const auto body, from_hex(words.at(3)));
  PRISM_TRY(const auto record, session_->seal(binding_, body, now_, random_));
  return hex(record);
}

Result<std::string> Peer::receipt(const Words& words) {
  channel::ReceiptClaims claims;
  claims.server = "peer";
  claims.engine = "peer 1";
  PRISM_TRY(claims.request, digest_from(words.at(1)));
  PRISM_TRY(claims.result, digest_from(words.at(2)));
  claims.inputs = {claims.request, claims.result};
  claims.time = now_;
  claims.sequence = 7;
  if (session_) {
    claims.session = session_->id();
  } else {
    claims.transport = channel::Transport::token;
  }
  PRISM_TRY(const auto bundle, identity_->bundle(now_, random_));
  PRISM_TRY(const auto signed_one, channel::sign_receipt(claims, identity_->key(), bundle.bytes(), random_));
  return hex(signed_one);
}

Result<std::string> Peer::answer(const Words& words) {
  const std::string& what = words.at(0);
  if (what == "identity") {
    return identity(words);
  }
  if (what == "rotate") {  // the next key, with the hand-over
    PRISM_TRY(auto key, crypto::SigningKey::generate(identity_->key().verify_key().algorithm(), random_));
    PRISM_TRY(auto next, identity_->rotate(std::move(key), now_, random_));
    identity_.emplace(std::move(next));
    PRISM_TRY(const auto bundle, identity_->bundle(now_, random_));
    return hex(bundle.bytes());
  }
  if (what == "time") {
    now_ = std::chrono::seconds(std::stoll(words.at(1)));
    return std::string();
  }
  if (what == "refuse") {
    PRISM_TRY(gate_.refused, digest_from(words.at(1)));
    return std::string();
  }
  if (what == "retry") {  // a busy server's answer to M1
    PRISM_TRY(const auto first, from_hex(words.at(1)));
    PRISM_TRY(auto jar, channel::CookieJar::create(random_));
    jar_.emplace(std::move(jar));
    PRISM_TRY(const auto out, jar_->retry(first, as_bytes("peer"), now_));
    return hex(out);
  }
  if (what == "admits") {
    PRISM_TRY(const auto first, from_hex(words.at(1)));
    return std::string(jar_->admits(first, as_bytes("peer"), now_) ? "yes" : "no");
  }
  if (what == "accept") {
    PRISM_TRY(const auto first, from_hex(words.at(1)));
    channel::ServerPolicy policy;
    policy.suites = suites_;
    PRISM_TRY(auto made, channel::ServerHandshake::accept(policy, *identity_, first, now_, random_));
    handshake_.emplace(std::move(made));
    return hex(handshake_->second());
  }
  if (what == "finish") {
    return finish(words);
  }
  if (what == "open") {
    return open(words);
  }
  if (what == "reply") {
    return reply(words);
  }
  if (what == "update") {
    PRISM_CHECKED(session_->update(now_));
    return std::string();
  }
  if (what == "rekey") {
    PRISM_TRY(const auto first, from_hex(words.at(1)));
    PRISM_TRY(const auto second, session_->answer_rekey(first, now_, random_));
    return hex(second);
  }
  if (what == "receipt") {
    return receipt(words);
  }
  return fail(ErrorCode::invalid_argument, "no such request");
}

}  // namespace

int main() {
  Peer peer;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream in(line);
    const Words words(std::istream_iterator<std::string>{in}, std::istream_iterator<std::string>{});
    if (words.empty()) {
      continue;
    }
    const auto answer = peer.answer(words);
    if (answer.has_value()) {
      std::cout << "ok " << answer.value() << std::endl;
    } else {
      std::cout << "error " << name_of(answer.error().code) << " " << answer.error().message << std::endl;
    }
  }
}
