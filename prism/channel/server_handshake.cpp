#include <algorithm>
#include <utility>

#include "prism/channel/handshake.h"
#include "prism/channel/internal/messages.h"
#include "prism/channel/internal/seal_once.h"
#include "prism/channel/internal/transcript.h"
#include "prism/crypto/key_file.h"

namespace prism::channel {
namespace {

/// The first of the server's suites that the client offers: a function of the offer and the policy alone, and the offer
/// is signed, so nobody between can make it smaller.
Result<Offer> choose(const ServerPolicy& policy, const Identity& identity, const Hello& hello) {
  const std::vector<SuiteId>& suites = policy.suites.empty() ? identity.settings().suites : policy.suites;
  for (const SuiteId id : suites) {
    if (!fits(id, identity.key().algorithm())) continue;
    for (const Offer& offer : hello.offers)
      if (offer.suite == static_cast<std::uint64_t>(id)) return offer;
  }
  return fail(ErrorCode::unsupported,
              "none of the suites that the client offers is one of this server's; GET "
              "/api/v1/keys/public names them");
}

Status check_binding(const ServerPolicy& policy, const Arrival& arrival, const std::optional<TlsExporter>& claimed) {
  if (!claimed) {
    if (!policy.require_tls_exporter) return {};
    return fail(ErrorCode::refused,
                "this server wants handshakes bound to their TLS connection; send its exporter value");
  }
  if (!arrival.tls_exporter)
    return fail(ErrorCode::refused,
                "the handshake is bound to a TLS connection that does not end at this server (a proxy "
                "is between); leave the binding out");
  if (!secret::equal(*claimed, *arrival.tls_exporter))
    return fail(ErrorCode::refused, "the handshake is bound to another TLS connection than the one that brought it");
  return {};
}

}  // namespace

std::string_view name_of(Rejection reason) {
  switch (reason) {
    case Rejection::none:
      return "none";
    case Rejection::malformed:
      return "malformed";
    case Rejection::late:
      return "late";
    case Rejection::spent:
      return "spent";
    case Rejection::bad_tag:
      return "bad-tag";
    case Rejection::bad_identity:
      return "bad-identity";
    case Rejection::bad_signature:
      return "bad-signature";
    case Rejection::bad_finished:
      return "bad-finished";
    case Rejection::unknown_client:
      return "unknown-client";
  }
  return "unknown";
}

struct ServerHandshake::State {
  bool over = false;
  Rejection rejection = Rejection::none;
  SuiteId suite{};
  SessionId id{};
  std::chrono::seconds accepted{};
  Grant grant{};
  HandshakeSecrets secrets;
  Transcript transcript;  ///< of M1 and M2
  /// Owned with the identity, which a rotation may end before the handshake.
  std::shared_ptr<const Decoy> decoy;
  Bytes second;
  std::optional<Digest> claimed_peer;

  Result<Established> judge(ByteView third, const ClientGate& gate, std::chrono::seconds now);
};

ServerHandshake::ServerHandshake(std::unique_ptr<State> state) : state_(std::move(state)) {}
ServerHandshake::ServerHandshake(ServerHandshake&&) noexcept = default;
ServerHandshake& ServerHandshake::operator=(ServerHandshake&&) noexcept = default;
ServerHandshake::~ServerHandshake() = default;

const SessionId& ServerHandshake::id() const { return state_->id; }
const Bytes& ServerHandshake::second() const { return state_->second; }
void ServerHandshake::drop_second() { state_->second = Bytes(); }
Rejection ServerHandshake::rejection() const { return state_->rejection; }
const std::optional<Digest>& ServerHandshake::claimed_peer() const { return state_->claimed_peer; }
std::size_t ServerHandshake::memory_bytes() const { return sizeof(State) + state_->second.capacity(); }

Result<Digest> ServerHandshake::expected_server(ByteView first) {
  PRISM_TRY(const First message, read_first(first));
  PRISM_TRY(const Hello hello, read_hello(message.hello));
  return hello.expected_server;
}

Result<ServerHandshake> ServerHandshake::accept(const ServerPolicy& policy, const Identity& identity, ByteView first,
                                                std::chrono::seconds now, Random& random, const Arrival& arrival) {
  const Grant grant{policy.lifetime, policy.rekey_after, policy.rekey_after_records};
  if (!in_bounds(grant))
    return fail(ErrorCode::invalid_argument, "a session lives 1 to ", kMaxSessionLifetime.count(),
                " seconds, and its keys up to ", kMaxRekeyRecords, " records");
  PRISM_TRY(const First message, read_first(first));
  PRISM_TRY(const Hello hello, read_hello(message.hello));
  if (hello.expected_server != identity.fingerprint())
    return fail(ErrorCode::mismatch, "the client expects the server ", crypto::fingerprint_text(hello.expected_server),
                ", and this one is ", crypto::fingerprint_text(identity.fingerprint()),
                "; GET /api/v1/keys/public again");
  if (hello.time < now - kClockTolerance || hello.time > now + kClockTolerance)
    return fail(ErrorCode::refused, "the client's clock shows ", hello.time.count(), ", this server's ", now.count(),
                " (seconds since 1970); they may differ by ", kClockTolerance.count());
  PRISM_CHECKED(check_binding(policy, arrival, hello.tls_exporter));
  PRISM_TRY(const Offer offer, choose(policy, identity, hello));
  PRISM_TRY(const SuiteId id, suite_numbered(offer.suite));
  const Suite& chosen = suite(id);

  auto state = std::make_unique<State>();
  State& s = *state;
  s.suite = id;
  s.accepted = now;
  s.grant = grant;
  s.decoy = identity.decoy();
  PRISM_CHECKED(random.fill(s.id));
  SecondHeader header{};
  header.suite = id;
  header.session = s.id;
  PRISM_CHECKED(random.fill(header.random));
  // Refuses keys that are none before anything is computed with them (FIPS 203, section 7.2).
  PRISM_TRY(const crypto::Encapsulation encapsulation, crypto::encapsulate(chosen.kem, offer.public_key, random));
  header.ciphertext = encapsulation.ciphertext;
  const Bytes header_bytes = encode(header);

  s.transcript.absorb(Part::first, first);
  const TranscriptHash hello_hash = s.transcript.absorb(Part::second_header, header_bytes);
  PRISM_TRY(s.secrets, HandshakeSecrets::derive(encapsulation.secret.reveal(secret::RevealKey{}), hello_hash));
  const Bytes who = encode(
      ServerIdentity{identity.settings().server_id, identity.settings().epoch, identity.key().verify_key().raw()});
  const TranscriptHash to_sign = s.transcript.absorb(Part::server_identity, who);
  PRISM_TRY(const Bytes signature, identity.key().sign(to_sign, kServerContext, random));
  const TranscriptHash to_finish = s.transcript.absorb(Part::server_signature, signature);
  PRISM_TRY(const Finished finished, s.secrets.server_finished(to_finish));
  s.transcript.absorb(Part::server_finished, finished);
  PRISM_TRY(const TrafficKey key, s.secrets.server_key());
  PRISM_TRY(const Bytes sealed, seal_once(key, hello_hash, encode(Proof{who, signature, finished})));
  s.second = encode(Second{header_bytes, sealed});
  return ServerHandshake(std::move(state));
}

Result<Established> ServerHandshake::finish(ByteView third, std::chrono::seconds now, const ClientGate& gate) {
  State& s = *state_;
  const Error rejected{ErrorCode::unauthorised, std::string(kSessionRejected)};
  // Whoever sends a second or a late M3 knows that it is one: here the time of the answer need not hide anything.
  if (s.over) {
    s.rejection = Rejection::spent;
    return rejected;
  }
  s.over = true;
  if (now > s.accepted + kHalfOpenLifetime) {
    s.rejection = Rejection::late;
    s.secrets = {};
    return rejected;
  }
  auto established = s.judge(third, gate, now);
  s.secrets = {};
  if (!established || s.rejection == Rejection::none) return established;
  return rejected;
}

/// Goes all the way whatever is wrong: a proof that cannot be read is replaced by a decoy, whose signature takes as
/// long to fail as a real one to succeed. Equal for every M3 of a length: one AEAD opening, one key import, one
/// signature verification, one finished MAC, the gate, the application's keys and M4. What differs depends on what the
/// sender put into the sealed part itself: the number of rotations, and where inside it stops to make sense.
Result<Established> ServerHandshake::State::judge(ByteView third, const ClientGate& gate, std::chrono::seconds now) {
  const Suite& chosen = channel::suite(suite);
  const auto reject = [&](Rejection reason) {
    if (rejection == Rejection::none) rejection = reason;
  };
  const TranscriptHash answered = transcript.hash();

  ByteView sealed;
  const auto message = read_third(third);
  if (!message || message->session != id)
    reject(Rejection::malformed);
  else
    sealed = message->sealed;
  PRISM_TRY(const TrafficKey client_key, secrets.client_key());
  const auto opened = open_once(client_key, answered, sealed);
  if (!opened) reject(Rejection::bad_tag);

  Proof proof{decoy->key.raw(), decoy->signature, {}};
  ByteView public_key = decoy->key.raw();
  std::vector<RotationLink> rotations;
  std::string name;
  bool readable = false;
  if (opened) {
    if (const auto read = read_proof(*opened, chosen.signature_bytes)) {
      proof = *read;
      if (auto client = read_client_identity(proof.identity, chosen.public_key_bytes)) {
        readable = true;
        public_key = client->public_key;
        rotations = std::move(client->rotations);
        name = client->name;
      }
    }
  }
  if (!readable) reject(Rejection::bad_identity);
  PRISM_TRY(const crypto::VerifyKey key, crypto::VerifyKey::from_raw(chosen.signature, public_key));
  if (readable) claimed_peer = key.fingerprint();
  std::vector<Digest> previous;
  if (auto chain = verify_rotations(KeyOwner::client, rotations, key))
    previous = *std::move(chain);
  else
    reject(Rejection::bad_identity);

  const TranscriptHash to_verify = transcript.absorb(Part::client_identity, proof.identity);
  if (!key.verify(to_verify, kClientContext, proof.signature)) reject(Rejection::bad_signature);
  const TranscriptHash to_finish = transcript.absorb(Part::client_signature, proof.signature);
  PRISM_TRY(const Finished finished, secrets.client_finished(to_finish));
  if (!secret::equal(finished, proof.finished)) reject(Rejection::bad_finished);
  if (!gate.admits(key.fingerprint(), previous)) reject(Rejection::unknown_client);

  const TranscriptHash all = transcript.absorb(Part::client_finished, proof.finished);
  Established out;
  PRISM_TRY(out.secrets, secrets.application(all));
  PRISM_TRY(const TrafficKey fourth_key, secrets.fourth_key(all));
  PRISM_TRY(const Bytes fourth, seal_once(fourth_key, all, encode(grant)));
  out.fourth = encode_fourth(fourth);
  out.id = id;
  out.suite = suite;
  out.peer = key.fingerprint();
  out.peer_name = std::move(name);
  out.peer_previous = std::move(previous);
  out.limits = {now + grant.lifetime, grant.rekey_after, grant.rekey_after_records};
  return out;
}

}  // namespace prism::channel
