#include <algorithm>
#include <utility>

#include "prism/channel/handshake.h"
#include "prism/channel/internal/messages.h"
#include "prism/channel/internal/seal_once.h"
#include "prism/channel/internal/transcript.h"
#include "prism/crypto/key_file.h"

namespace prism::channel {
namespace {

struct KemKey {
  SuiteId suite;
  crypto::KemSecretKey key;
};

Error spent() {
  return fail(ErrorCode::invalid_argument, "this handshake is over, or waits for another message; start a new one");
}

Result<std::vector<SuiteId>> offered_suites(const ClientPolicy& policy, crypto::SignatureAlgorithm algorithm) {
  std::vector<SuiteId> suites = policy.suites;
  if (suites.empty())
    for (const SuiteId id : all_suites())
      if (!suite(id).gated && fits(id, algorithm)) suites.push_back(id);
  for (const SuiteId id : suites) {
    if (!fits(id, algorithm))
      return fail(ErrorCode::mismatch, "suite ", static_cast<unsigned>(id), " (", suite(id).name,
                  ") needs another key than ", name_of(algorithm), "; leave the suite out, or use such a key");
    if (std::count(suites.begin(), suites.end(), id) != 1)
      return fail(ErrorCode::invalid_argument, "suite ", static_cast<unsigned>(id), " is named twice");
  }
  return suites;
}

}  // namespace

struct ClientHandshake::State {
  enum class Stage : std::uint8_t { wants_second, wants_fourth, over };

  Stage stage = Stage::wants_second;
  bool retried = false;
  const crypto::SigningKey* identity = nullptr;
  Digest expected_server{};
  std::uint64_t minimum_epoch = 0;
  Bytes client_identity;  ///< encoded, for M3
  Bytes hello;
  Bytes first;
  std::vector<KemKey> kem_keys;

  // From M2 on:
  HandshakeSecrets secrets;
  TranscriptHash all{};
  std::optional<SessionId> session;
  Established established;

  /// Everything secret dies here, whatever happened.
  void end() {
    stage = Stage::over;
    kem_keys.clear();
    secrets = {};
    established = {};
  }

  Result<Bytes> answer(ByteView second, std::chrono::seconds now, Random& random);
};

ClientHandshake::ClientHandshake(std::unique_ptr<State> state) : state_(std::move(state)) {}
ClientHandshake::ClientHandshake(ClientHandshake&&) noexcept = default;
ClientHandshake& ClientHandshake::operator=(ClientHandshake&&) noexcept = default;
ClientHandshake::~ClientHandshake() = default;

const Bytes& ClientHandshake::first() const { return state_->first; }
const std::optional<SessionId>& ClientHandshake::session() const { return state_->session; }
bool ClientHandshake::is_retry(ByteView answer) { return channel::is_retry(answer); }

Result<ClientHandshake> ClientHandshake::start(const ClientPolicy& policy, const crypto::SigningKey& identity,
                                               const Digest& expected_server, std::chrono::seconds now,
                                               Random& random) {
  if (!is_name(policy.name))
    return fail(ErrorCode::invalid_argument, "a client's name has 1 to ", kMaxNameBytes,
                " printable ASCII characters and no blanks");
  if (now.count() < 0 || static_cast<std::uint64_t>(now.count()) > kMaxTime)
    return fail(ErrorCode::invalid_argument, "the time is outside 1970 to 9999; look at this machine's clock");
  PRISM_TRY(const std::vector<SuiteId> suites, offered_suites(policy, identity.algorithm()));
  // A chain that does not verify would only be found out by the server, which does not say why it rejects.
  PRISM_CHECKED(verify_rotations(KeyOwner::client, policy.rotations, identity.verify_key()));

  auto state = std::make_unique<State>();
  state->identity = &identity;
  state->expected_server = expected_server;
  state->minimum_epoch = policy.minimum_epoch;
  state->client_identity = encode_client_identity(policy.name, identity.verify_key().raw(), policy.rotations);
  Hello hello{};
  for (const SuiteId id : suites) {
    PRISM_TRY(crypto::KemSecretKey key, crypto::KemSecretKey::generate(suite(id).kem, random));
    state->kem_keys.push_back({id, std::move(key)});
  }
  for (const KemKey& key : state->kem_keys)
    hello.offers.push_back({static_cast<std::uint64_t>(key.suite), key.key.public_key()});
  PRISM_CHECKED(random.fill(hello.random));
  hello.expected_server = expected_server;
  hello.time = now;
  hello.tls_exporter = policy.tls_exporter;
  state->hello = encode(hello);
  state->first = encode_first(state->hello, {});
  return ClientHandshake(std::move(state));
}

Status ClientHandshake::on_retry(ByteView answer) {
  State& s = *state_;
  if (s.stage != State::Stage::wants_second) return spent();
  if (s.retried) return fail(ErrorCode::refused, "the server asks a second time to be asked again; try later");
  PRISM_TRY(const ByteView cookie, read_retry(answer));
  s.retried = true;
  s.first = encode_first(s.hello, cookie);
  return {};
}

Result<Bytes> ClientHandshake::on_second(ByteView second, std::chrono::seconds now, Random& random) {
  State& s = *state_;
  if (s.stage != State::Stage::wants_second) return spent();
  auto third = s.answer(second, now, random);
  // The KEM keys have done their work, or never will.
  s.kem_keys.clear();
  if (third)
    s.stage = State::Stage::wants_fourth;
  else
    s.end();
  return third;
}

Result<Bytes> ClientHandshake::State::answer(ByteView second, std::chrono::seconds now, Random& random) {
  PRISM_TRY(const Second message, read_second(second));
  PRISM_TRY(const SecondHeader header, read_second_header(message.header));
  const auto key =
      std::find_if(kem_keys.begin(), kem_keys.end(), [&](const KemKey& k) { return k.suite == header.suite; });
  if (key == kem_keys.end())
    return fail(ErrorCode::integrity, "the server chose suite ", static_cast<unsigned>(header.suite),
                ", which was not offered; something between changes messages");
  const Suite& chosen = suite(header.suite);
  PRISM_TRY(const crypto::SharedSecret shared, key->key.decapsulate(header.ciphertext));

  Transcript transcript;
  transcript.absorb(Part::first, first);
  const TranscriptHash hello_hash = transcript.absorb(Part::second_header, message.header);
  PRISM_TRY(secrets, HandshakeSecrets::derive(shared.reveal(secret::RevealKey{}), hello_hash));
  PRISM_TRY(const TrafficKey server_key, secrets.server_key());
  const auto opened = open_once(server_key, hello_hash, message.sealed);
  if (!opened)
    return fail(ErrorCode::integrity,
                "the server's answer does not belong to this handshake, or was changed on its way");
  PRISM_TRY(const Proof proof, read_proof(*opened, chosen.signature_bytes));
  PRISM_TRY(const ServerIdentity server, read_server_identity(proof.identity, chosen.public_key_bytes));
  PRISM_TRY(const crypto::VerifyKey server_verify, crypto::VerifyKey::from_raw(chosen.signature, server.public_key));
  if (server_verify.fingerprint() != expected_server)
    return fail(ErrorCode::unauthorised, "another server answers than expected: expected ",
                crypto::fingerprint_text(expected_server), ", found ",
                crypto::fingerprint_text(server_verify.fingerprint()));
  const TranscriptHash to_sign = transcript.absorb(Part::server_identity, proof.identity);
  if (!server_verify.verify(to_sign, kServerContext, proof.signature))
    return fail(ErrorCode::integrity, "the server's signature does not cover this handshake");
  const TranscriptHash to_finish = transcript.absorb(Part::server_signature, proof.signature);
  PRISM_TRY(const Finished finished, secrets.server_finished(to_finish));
  if (!secret::equal(finished, proof.finished))
    return fail(ErrorCode::integrity, "the server's proof of the shared secret does not cover this handshake");
  if (server.epoch < minimum_epoch)
    return fail(ErrorCode::refused, "the server answers with epoch ", server.epoch, " of its identity, older than ",
                minimum_epoch, ", which it has shown; ask its operator");

  const TranscriptHash answered = transcript.absorb(Part::server_finished, proof.finished);
  const TranscriptHash ours_to_sign = transcript.absorb(Part::client_identity, client_identity);
  PRISM_TRY(const Bytes signature, identity->sign(ours_to_sign, kClientContext, random));
  const TranscriptHash ours_to_finish = transcript.absorb(Part::client_signature, signature);
  PRISM_TRY(const Finished our_finished, secrets.client_finished(ours_to_finish));
  all = transcript.absorb(Part::client_finished, our_finished);
  PRISM_TRY(const TrafficKey client_key, secrets.client_key());
  PRISM_TRY(const Bytes sealed,
            seal_once(client_key, answered, encode(Proof{client_identity, signature, our_finished})));

  session = header.session;
  established.id = header.session;
  established.suite = header.suite;
  established.peer = expected_server;
  established.peer_name = server.name;
  established.peer_epoch = server.epoch;
  established.limits.expires_at = now;  // M4 adds the lifetime
  return encode(Third{header.session, sealed});
}

Result<Established> ClientHandshake::on_fourth(ByteView fourth) {
  State& s = *state_;
  if (s.stage != State::Stage::wants_fourth) return spent();
  const auto finish = [&]() -> Result<Established> {
    PRISM_TRY(const ByteView sealed, read_fourth(fourth));
    PRISM_TRY(const TrafficKey key, s.secrets.fourth_key(s.all));
    const auto opened = open_once(key, s.all, sealed);
    if (!opened)
      return fail(ErrorCode::integrity, "the server's last message does not belong to this handshake, or was changed");
    PRISM_TRY(const Grant grant, read_grant(*opened));
    PRISM_TRY(s.established.secrets, s.secrets.application(s.all));
    s.established.limits.expires_at += grant.lifetime;
    s.established.limits.rekey_after = grant.rekey_after;
    s.established.limits.rekey_after_records = grant.rekey_after_records;
    return std::move(s.established);
  };
  auto result = finish();
  s.end();
  return result;
}

}  // namespace prism::channel
