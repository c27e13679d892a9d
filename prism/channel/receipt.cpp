#include "prism/channel/receipt.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "prism/channel/bundle.h"
#include "prism/crypto/key_file.h"
#include "prism/crypto/signature.h"
#include "prism/wire/cbor.h"

namespace prism::channel {
namespace {

using crypto::SignatureAlgorithm;

constexpr std::uint64_t kCoseSign1 = 18;
constexpr std::uint64_t kAlgorithm = 1, kContentType = 3, kKeyId = 4;  // COSE header labels
constexpr std::string_view kBundleLabel = "prism-bundle";
constexpr std::string_view kSignatureContext = "Signature1";  // RFC 9052, section 4.4; not a context of FIPS 204

// RFC 9964.
constexpr std::int64_t kMlDsa65 = -49, kMlDsa87 = -50;
constexpr std::uint64_t kVersion = 1;

std::int64_t cose_algorithm(SignatureAlgorithm algorithm) {
  return algorithm == SignatureAlgorithm::ml_dsa_65 ? kMlDsa65 : kMlDsa87;
}

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
}

Status check_claims(const ReceiptClaims& claims) {
  for (const auto& [what, text] : {std::pair{"server id", &claims.server}, {"engine", &claims.engine}})
    if (text->empty() || text->size() > kMaxReceiptTextBytes || !is_printable(*text))
      return fail(ErrorCode::invalid_argument, "a receipt's ", what, " has 1 to ", kMaxReceiptTextBytes,
                  " printable ASCII characters");
  if (claims.inputs.size() > kMaxReceiptInputs)
    return fail(ErrorCode::invalid_argument, "a receipt over ", claims.inputs.size(), " inputs; at most ",
                kMaxReceiptInputs);
  if (claims.time.count() < 0) return fail(ErrorCode::invalid_argument, "a receipt of a time before 1970");
  if (claims.session.has_value() != (claims.transport == Transport::session))
    return fail(ErrorCode::invalid_argument, "a receipt names a session exactly when one carried the request");
  return {};
}

Bytes encode_claims(const ReceiptClaims& claims) {
  wire::CborWriter out;
  out.map(claims.session ? 13 : 12);
  out.field(1, kVersion);
  out.field(2, std::string_view(claims.server));
  out.field(3, ByteView(claims.request));
  out.field(4, ByteView(claims.program));
  out.field(5, ByteView(claims.context));
  out.unsigned_integer(6);
  out.array(claims.inputs.size());
  for (const Digest& input : claims.inputs) out.bytes(input);
  out.field(7, ByteView(claims.result));
  out.field(8, std::string_view(claims.engine));
  out.field(9, ByteView(claims.build));
  out.field(10, static_cast<std::uint64_t>(claims.time.count()));
  out.field(11, claims.sequence);
  out.field(12, static_cast<std::uint64_t>(claims.transport));
  if (claims.session) out.field(13, ByteView(*claims.session));
  return std::move(out).take();
}

Result<ReceiptClaims> decode_claims(ByteView bytes) {
  wire::CborReader in(bytes, "the receipt's claims");
  ReceiptClaims claims;
  const auto digest = [&in](std::uint64_t key, Digest& into) -> Status {
    PRISM_CHECKED(in.key(key));
    PRISM_TRY(into, in.bytes_of<32>());
    return {};
  };
  const auto text = [&in](std::uint64_t key, std::string& into) -> Status {
    PRISM_CHECKED(in.key(key));
    PRISM_TRY(into, in.text(1, kMaxReceiptTextBytes));
    return {};
  };
  PRISM_TRY(const std::size_t pairs, in.map(12, 13));
  PRISM_CHECKED(in.key(1));
  PRISM_TRY(const std::uint64_t version, in.unsigned_integer());
  if (version != kVersion)
    return fail(ErrorCode::unsupported, "a receipt of version ", version, "; this program reads version ", kVersion);
  PRISM_CHECKED(text(2, claims.server));
  PRISM_CHECKED(digest(3, claims.request));
  PRISM_CHECKED(digest(4, claims.program));
  PRISM_CHECKED(digest(5, claims.context));
  PRISM_CHECKED(in.key(6));
  PRISM_TRY(const std::size_t inputs, in.array(0, kMaxReceiptInputs));
  for (std::size_t i = 0; i < inputs; ++i) {
    PRISM_TRY(claims.inputs.emplace_back(), in.bytes_of<32>());
  }
  PRISM_CHECKED(digest(7, claims.result));
  PRISM_CHECKED(text(8, claims.engine));
  PRISM_CHECKED(digest(9, claims.build));
  PRISM_CHECKED(in.key(10));
  PRISM_TRY(const std::uint64_t time, in.unsigned_integer(std::numeric_limits<std::int64_t>::max()));
  claims.time = std::chrono::seconds(time);
  PRISM_CHECKED(in.key(11));
  PRISM_TRY(claims.sequence, in.unsigned_integer());
  PRISM_CHECKED(in.key(12));
  PRISM_TRY(const std::uint64_t transport, in.unsigned_integer(1));
  claims.transport = static_cast<Transport>(transport);
  if (pairs == 13) {
    PRISM_CHECKED(in.key(13));
    PRISM_TRY(claims.session, in.bytes_of<16>());
  }
  PRISM_CHECKED(in.finish());
  auto sound = check_claims(claims);
  if (!sound) return Error{ErrorCode::malformed, std::move(sound).error().message};
  return claims;
}

Bytes encode_protected(SignatureAlgorithm algorithm, const Digest& signer) {
  wire::CborWriter out;
  out.map(3);
  out.unsigned_integer(kAlgorithm);
  out.integer(cose_algorithm(algorithm));
  out.field(kContentType, kReceiptMediaType);
  out.field(kKeyId, ByteView(signer));
  return std::move(out).take();
}

/// What is signed (RFC 9052, section 4.4), without external data.
Bytes signed_bytes(ByteView protected_header, ByteView payload) {
  wire::CborWriter out;
  out.array(4);
  out.text(kSignatureContext);
  out.bytes(protected_header);
  out.bytes({});
  out.bytes(payload);
  return std::move(out).take();
}

/// The receipt's parts as they lie in its bytes.
struct Parts {
  ByteView protected_header, bundle, payload, signature;
  SignatureAlgorithm algorithm{};
  Digest signer{};
};

Status read_protected(Parts& parts) {
  wire::CborReader in(parts.protected_header, "the receipt's header");
  PRISM_CHECKED(in.map(3, 3));
  PRISM_CHECKED(in.key(kAlgorithm));
  PRISM_TRY(const std::int64_t algorithm, in.integer());
  if (algorithm != kMlDsa65 && algorithm != kMlDsa87)
    return fail(ErrorCode::unsupported, "a receipt signed with COSE algorithm ", algorithm, "; ", kMlDsa65,
                " (ML-DSA-65) and ", kMlDsa87, " (ML-DSA-87) are known");
  parts.algorithm = algorithm == kMlDsa65 ? SignatureAlgorithm::ml_dsa_65 : SignatureAlgorithm::ml_dsa_87;
  PRISM_CHECKED(in.key(kContentType));
  PRISM_TRY(const std::string_view type, in.text(0, kMaxReceiptTextBytes));
  if (type != kReceiptMediaType) return fail(ErrorCode::malformed, "signed, but not a receipt");
  PRISM_CHECKED(in.key(kKeyId));
  PRISM_TRY(parts.signer, in.bytes_of<32>());
  return in.finish();
}

Result<Parts> read_parts(ByteView bytes) {
  if (bytes.size() > kMaxReceiptBytes)
    return fail(ErrorCode::malformed, "a receipt of ", bytes.size(), " bytes; at most ", kMaxReceiptBytes);
  wire::CborReader in(bytes, "the receipt");
  Parts parts;
  PRISM_CHECKED(in.tag(kCoseSign1));
  PRISM_CHECKED(in.array(4, 4));
  PRISM_TRY(parts.protected_header, in.bytes(1, 256));
  PRISM_TRY(const std::size_t unprotected, in.map(0, 1));
  if (unprotected == 1) {
    PRISM_TRY(const std::string_view label, in.text(0, kBundleLabel.size()));
    if (label != kBundleLabel) return fail(ErrorCode::malformed, "a receipt with an unknown header beside it");
    PRISM_TRY(parts.bundle, in.bytes(1, kMaxBundleBytes));
  }
  PRISM_TRY(parts.payload, in.bytes(1, kMaxReceiptBytes));
  PRISM_CHECKED(read_protected(parts));
  const std::size_t size = crypto::sizes_of(parts.algorithm).signature;
  PRISM_TRY(parts.signature, in.bytes(size, size));
  PRISM_CHECKED(in.finish());
  return parts;
}

Result<ReceiptClaims> verify_parts(const Parts& parts, const crypto::VerifyKey& key) {
  if (key.fingerprint() != parts.signer || key.algorithm() != parts.algorithm)
    return fail(ErrorCode::unauthorised, "the receipt names ", crypto::fingerprint_text(parts.signer),
                " as its signer, not ", crypto::fingerprint_text(key.fingerprint()));
  const Status good = key.verify(signed_bytes(parts.protected_header, parts.payload), "", parts.signature);
  if (!good) return fail(ErrorCode::integrity, "the receipt's signature does not verify: it was changed, or forged");
  return decode_claims(parts.payload);
}

}  // namespace

Result<Bytes> sign_receipt(const ReceiptClaims& claims, const crypto::SigningKey& key, ByteView bundle,
                           Random& random) {
  PRISM_CHECKED(check_claims(claims));
  if (bundle.size() > kMaxBundleBytes)
    return fail(ErrorCode::invalid_argument, "a bundle of ", bundle.size(), " bytes; at most ", kMaxBundleBytes);
  const Bytes header = encode_protected(key.algorithm(), key.verify_key().fingerprint());
  const Bytes payload = encode_claims(claims);
  PRISM_TRY(const Bytes signature, key.sign(signed_bytes(header, payload), "", random));
  wire::CborWriter out;
  out.tag(kCoseSign1);
  out.array(4);
  out.bytes(header);
  out.map(bundle.empty() ? 0 : 1);
  if (!bundle.empty()) {
    out.text(kBundleLabel);
    out.bytes(bundle);
  }
  out.bytes(payload);
  out.bytes(signature);
  return std::move(out).take();
}

Result<Receipt> read_receipt(ByteView bytes) {
  PRISM_TRY(const Parts parts, read_parts(bytes));
  PRISM_TRY(ReceiptClaims claims, decode_claims(parts.payload));
  return Receipt{std::move(claims), parts.algorithm, parts.signer, Bytes(parts.bundle.begin(), parts.bundle.end())};
}

Result<ReceiptClaims> verify_receipt(ByteView bytes, const crypto::VerifyKey& key) {
  PRISM_TRY(const Parts parts, read_parts(bytes));
  return verify_parts(parts, key);
}

Result<ReceiptClaims> verify_receipt(ByteView bytes, const Digest& pinned) {
  PRISM_TRY(const Parts parts, read_parts(bytes));
  if (parts.bundle.empty())
    return fail(ErrorCode::unauthorised, "the receipt carries no identity bundle; give the signer's public key");
  PRISM_TRY(const IdentityBundle bundle, IdentityBundle::open(parts.bundle));
  const auto previous = bundle.previous();
  if (bundle.fingerprint() != pinned && std::find(previous.begin(), previous.end(), pinned) == previous.end())
    return fail(ErrorCode::unauthorised, "the receipt is signed by ", crypto::fingerprint_text(parts.signer),
                ", pinned is ", crypto::fingerprint_text(pinned),
                ", and no cross-signature leads from one to the other");
  PRISM_TRY(ReceiptClaims claims, verify_parts(parts, bundle.key()));
  if (claims.server != bundle.content().server_id)
    return fail(ErrorCode::integrity, "the receipt speaks for another server than its signer's identity");
  PRISM_CHECKED(bundle.valid_at(claims.time));
  return claims;
}

}  // namespace prism::channel
