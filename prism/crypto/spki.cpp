#include "prism/crypto/internal/spki.h"

#include <algorithm>

#include "prism/base/check.h"
#include "prism/crypto/internal/openssl.h"

namespace prism::crypto::internal {
namespace {

using Form = KeyFileInfo::Form;

// X.690: universal tags, and a context-specific [0] that stands in for an octet string.
constexpr std::uint8_t kInteger = 0x02, kBitString = 0x03, kOctetString = 0x04, kOid = 0x06, kSequence = 0x30,
                       kImplicit0 = 0x80;

struct Facts {
  Bytes oid;
  std::size_t public_key, seed, expanded;
};
const Facts& facts_of(KeyAlgorithm algorithm) {
  // Object identifiers: RFC 9935 and RFC 9881 (2.16.840.1.101.3.4.{4,3}), RFC 8410 (1.3.101.110), X-Wing's draft.
  static const Facts kFacts[] = {
      {{0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x04, 0x02}, 1184, 64, 2400},
      {{0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x04, 0x03}, 1568, 64, 3168},
      {{0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xe6, 0x2d, 0x81, 0xc8, 0x7a}, 1216, 32, 0},
      {{0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x12}, 1952, 32, 4032},
      {{0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x13}, 2592, 32, 4896},
      {{0x2b, 0x65, 0x6e}, 32, 32, 0},
  };
  const auto index = static_cast<std::size_t>(algorithm);
  check(index < std::size(kFacts), "there is no such key algorithm");
  return kFacts[index];
}

/// Tag and length (X.690, section 8.1.3); the content follows.
Bytes header(std::uint8_t tag, std::size_t length) {
  if (length < 0x80) return {tag, static_cast<std::uint8_t>(length)};
  if (length < 0x100) return {tag, 0x81, static_cast<std::uint8_t>(length)};
  return {tag, 0x82, static_cast<std::uint8_t>(length >> 8), static_cast<std::uint8_t>(length & 0xff)};
}
void append(Bytes& out, ByteView more) { out.insert(out.end(), more.begin(), more.end()); }

Bytes algorithm_identifier(const Facts& facts) {
  Bytes oid = header(kOid, facts.oid.size());
  append(oid, facts.oid);
  Bytes out = header(kSequence, oid.size());
  append(out, oid);
  return out;
}

Bytes spki_head(const Facts& facts) {
  Bytes content = algorithm_identifier(facts);
  append(content, header(kBitString, facts.public_key + 1));
  content.push_back(0);  // no unused bits
  Bytes out = header(kSequence, content.size() + facts.public_key);
  append(out, content);
  return out;
}

}  // namespace

std::size_t public_key_bytes(KeyAlgorithm algorithm) { return facts_of(algorithm).public_key; }

Bytes spki_of(KeyAlgorithm algorithm, ByteView raw) {
  check(raw.size() == public_key_bytes(algorithm), "spki_of: a public key of another size");
  Bytes out = spki_head(facts_of(algorithm));
  append(out, raw);
  return out;
}

std::optional<ByteView> raw_of_spki(KeyAlgorithm algorithm, ByteView der) {
  const Bytes head = spki_head(facts_of(algorithm));
  if (der.size() != head.size() + public_key_bytes(algorithm) || !std::equal(head.begin(), head.end(), der.begin()))
    return std::nullopt;
  return der.subspan(head.size());
}

Digest sha256(ByteView data) {
  static const EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA2-256", nullptr);  // looked up once, never freed
  Digest out;
  check(md != nullptr && EVP_Digest(pointer(data), data.size(), out.data(), nullptr, md, nullptr) == 1,
        "OpenSSL has no SHA-256");
  return out;
}

std::optional<SecretShape> shape_of(KeyAlgorithm algorithm, Form form) {
  const Facts& facts = facts_of(algorithm);
  SecretShape shape{{}, facts.seed, {}, 0};
  Bytes inner;  // what stands inside PKCS#8's octet string before the first secret byte
  const bool lattice = facts.expanded != 0;
  if (form == Form::plain) {
    if (lattice) return std::nullopt;
    if (algorithm == KeyAlgorithm::x25519) inner = header(kOctetString, facts.seed);  // RFC 8410, section 7
  } else {
    if (!lattice) return std::nullopt;
    // The choice of three in RFC 9935 (section 6) and RFC 9881 (section 6).
    if (form == Form::seed) {
      inner = header(kImplicit0, facts.seed);
    } else if (form == Form::expanded) {
      inner = header(kOctetString, facts.expanded);
      shape.first = facts.expanded;
    } else {
      const Bytes seed = header(kOctetString, facts.seed);
      shape.middle = header(kOctetString, facts.expanded);
      shape.second = facts.expanded;
      inner = header(kSequence, seed.size() + facts.seed + shape.middle.size() + facts.expanded);
      append(inner, seed);
    }
  }
  Bytes content = header(kInteger, 1);
  content.push_back(0);  // version 1, whose number is 0
  append(content, algorithm_identifier(facts));
  const std::size_t secret = shape.first + shape.middle.size() + shape.second;
  append(content, header(kOctetString, inner.size() + secret));
  append(content, inner);
  shape.head = header(kSequence, content.size() + secret);
  append(shape.head, content);
  return shape;
}

}  // namespace prism::crypto::internal
