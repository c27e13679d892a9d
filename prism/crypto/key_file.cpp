#include "prism/crypto/key_file.h"

#include <algorithm>
#include <utility>

#include "prism/crypto/internal/pbes2.h"
#include "prism/crypto/internal/pem.h"
#include "prism/crypto/internal/spki.h"

namespace prism::crypto {
namespace {

using secret::RevealKey;
using Form = KeyFileInfo::Form;
using Kind = KeyFileInfo::Kind;

constexpr std::string_view kPublicLabel = "PUBLIC KEY", kSecretLabel = "PRIVATE KEY",
                           kProtectedLabel = "ENCRYPTED PRIVATE KEY";

constexpr std::string_view kNames[] = {"ML-KEM-768", "ML-KEM-1024", "X-Wing", "ML-DSA-65", "ML-DSA-87", "X25519"};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}
std::string all_names() {
  std::string out;
  for (const std::string_view name : kNames) out += (out.empty() ? "" : ", ") + std::string(name);
  return out;
}

std::optional<Kem> kem_of(KeyAlgorithm algorithm) {
  switch (algorithm) {
    case KeyAlgorithm::ml_kem_768:
      return Kem::ml_kem_768;
    case KeyAlgorithm::ml_kem_1024:
      return Kem::ml_kem_1024;
    case KeyAlgorithm::x_wing:
      return Kem::mlkem768_x25519;
    default:
      return std::nullopt;
  }
}
std::optional<SignatureAlgorithm> signature_of(KeyAlgorithm algorithm) {
  switch (algorithm) {
    case KeyAlgorithm::ml_dsa_65:
      return SignatureAlgorithm::ml_dsa_65;
    case KeyAlgorithm::ml_dsa_87:
      return SignatureAlgorithm::ml_dsa_87;
    default:
      return std::nullopt;
  }
}
KeyAlgorithm key_of(SignatureAlgorithm algorithm) {
  return algorithm == SignatureAlgorithm::ml_dsa_65 ? KeyAlgorithm::ml_dsa_65 : KeyAlgorithm::ml_dsa_87;
}
Result<KeyAlgorithm> key_of(Kem kem) {
  for (const KeyAlgorithm algorithm : internal::kKeyAlgorithms)
    if (kem_of(algorithm) == kem) return algorithm;
  return fail(ErrorCode::unsupported, name_of(kem), " has no object identifier, so no key file");
}

Result<internal::PemBlock> read_block(ByteView file) {
  if (file.size() > kMaxKeyFileBytes)
    return fail(ErrorCode::malformed, file.size(), " bytes are too many for a key file");
  return internal::read_pem(file);
}

struct PublicKey {
  KeyAlgorithm algorithm;
  ByteView raw;
};
Result<PublicKey> parse_spki(ByteView der) {
  for (const KeyAlgorithm algorithm : internal::kKeyAlgorithms)
    if (const auto raw = internal::raw_of_spki(algorithm, der)) return PublicKey{algorithm, *raw};
  return fail(ErrorCode::unsupported, "a public key of another kind than ", all_names());
}

/// Views into the DER.
struct SecretKey {
  KeyAlgorithm algorithm;
  Form form;
  ByteView seed, expanded;
};
Result<SecretKey> parse_pkcs8(ByteView der) {
  for (const KeyAlgorithm algorithm : internal::kKeyAlgorithms)
    for (const Form form : {Form::plain, Form::seed, Form::expanded, Form::seed_and_expanded}) {
      const auto shape = internal::shape_of(algorithm, form);
      if (!shape || der.size() != shape->size()) continue;
      // Head and middle are public: every key of this form has the same.
      const std::size_t middle_at = shape->head.size() + shape->first;
      if (!std::equal(shape->head.begin(), shape->head.end(), der.begin()) ||
          !std::equal(shape->middle.begin(), shape->middle.end(), der.begin() + static_cast<std::ptrdiff_t>(middle_at)))
        continue;
      const ByteView first = der.subspan(shape->head.size(), shape->first);
      if (form == Form::expanded) return SecretKey{algorithm, form, {}, first};
      return SecretKey{algorithm, form, first, der.subspan(middle_at + shape->middle.size())};
    }
  return fail(ErrorCode::unsupported, "a secret key of another kind than ", all_names(),
              ", or with parts that OpenSSL's own forms do not have");
}

/// A secret file down to its PKCS#8.
struct OpenedBlock {
  SecretText der;
  internal::PassphraseCost cost{KeyFileInfo::Protection::none, {}, 0};
};
Result<OpenedBlock> open_block(internal::PemBlock block, const KeyPassphrase& passphrase) {
  OpenedBlock out;
  if (block.label == kSecretLabel) {
    if (passphrase)
      return fail(ErrorCode::invalid_argument, "a passphrase for a key file that is not protected by one");
    out.der = std::move(block.der);
    return out;
  }
  if (block.label == kPublicLabel)
    return fail(ErrorCode::mismatch, "a public key, where the secret one is needed (by convention FILE.key)");
  if (block.label != kProtectedLabel)
    return fail(ErrorCode::unsupported,
                "a PEM block of another kind than \"PRIVATE KEY\"; openssl pkcs8 -topk8 converts");
  PRISM_TRY(out.cost, internal::describe_protection(block.der.reveal(RevealKey{})));
  if (!passphrase) return fail(ErrorCode::unauthorised, "the key file is protected by a passphrase");
  PRISM_TRY(out.der, internal::open_protected(block.der.reveal(RevealKey{}), *passphrase));
  return out;
}

/// A file may hold both forms; whoever made one of them wrong must not get a key that half works.
template <class Key>
Status check_expanded(const Key& key, const SecretKey& parsed) {
  if (parsed.form != Form::seed_and_expanded) return {};
  PRISM_TRY(const auto expanded, key.reveal_expanded(RevealKey{}));
  if (!secret::equal(expanded.reveal(RevealKey{}), parsed.expanded))
    return fail(ErrorCode::integrity, "a key file whose seed and expanded key do not belong together");
  return {};
}

Result<SigningKey> signing_key_of(const SecretKey& parsed) {
  const auto algorithm = signature_of(parsed.algorithm);
  if (!algorithm) return fail(ErrorCode::mismatch, "a key of ", name_of(parsed.algorithm), ", which does not sign");
  if (parsed.form == Form::expanded) return SigningKey::from_expanded(*algorithm, parsed.expanded);
  PRISM_TRY(auto key, SigningKey::from_seed(*algorithm, parsed.seed));
  PRISM_CHECKED(check_expanded(key, parsed));
  return key;
}

Result<KemSecretKey> kem_key_of(const SecretKey& parsed) {
  const auto kem = kem_of(parsed.algorithm);
  if (!kem) return fail(ErrorCode::mismatch, "a key of ", name_of(parsed.algorithm), ", which does not decapsulate");
  if (parsed.form == Form::expanded) return KemSecretKey::from_expanded(*kem, parsed.expanded);
  PRISM_TRY(auto key, KemSecretKey::from_seed(*kem, parsed.seed));
  PRISM_CHECKED(check_expanded(key, parsed));
  return key;
}

template <class Key>
Result<SecretText> pkcs8_of(const Key& key, KeyAlgorithm algorithm) {
  const ByteView seed = key.reveal_seed(RevealKey{});
  PRISM_TRY(const auto expanded, key.reveal_expanded(RevealKey{}));
  const Form form = expanded.size() == 0 ? Form::plain : seed.empty() ? Form::expanded : Form::seed_and_expanded;
  const auto shape = internal::shape_of(algorithm, form);
  check(shape.has_value(), "a key in a form that its algorithm does not have");
  SecretText der(shape->size());
  auto at = std::copy(shape->head.begin(), shape->head.end(), der.reveal(RevealKey{}).begin());
  at = std::copy(seed.begin(), seed.end(), at);
  at = std::copy(shape->middle.begin(), shape->middle.end(), at);
  std::copy(expanded.reveal(RevealKey{}).begin(), expanded.reveal(RevealKey{}).end(), at);
  return der;
}

template <class Key>
Result<SecretText> write_secret(const Key& key, KeyAlgorithm algorithm, const KeyPassphrase& passphrase, Random& random,
                                const ScryptCost& cost) {
  PRISM_TRY(const auto der, pkcs8_of(key, algorithm));
  if (!passphrase) return internal::write_pem(kSecretLabel, der.reveal(RevealKey{}));
  PRISM_TRY(const auto sealed, internal::protect(der.reveal(RevealKey{}), *passphrase, cost, random));
  return internal::write_pem(kProtectedLabel, sealed);
}

std::string public_text(KeyAlgorithm algorithm, ByteView raw) {
  const auto pem = internal::write_pem(kPublicLabel, internal::spki_of(algorithm, raw));
  return std::string(as_text(pem.reveal(RevealKey{})));
}

Result<internal::PemBlock> read_public_block(ByteView file) {
  PRISM_TRY(auto block, read_block(file));
  if (block.label == kSecretLabel || block.label == kProtectedLabel)
    return fail(ErrorCode::mismatch, "a secret key, where the public one is meant; keep it to yourself");
  if (block.label != kPublicLabel)
    return fail(ErrorCode::unsupported, "a PEM block of another kind than \"PUBLIC KEY\"");
  return block;
}

}  // namespace

std::string_view name_of(KeyAlgorithm algorithm) {
  const auto index = static_cast<std::size_t>(algorithm);
  check(index < std::size(kNames), "there is no such key algorithm");
  return kNames[index];
}

Result<KeyAlgorithm> key_algorithm_from(std::string_view name) {
  for (const KeyAlgorithm algorithm : internal::kKeyAlgorithms)
    if (same_word(name, name_of(algorithm))) return algorithm;
  return fail(ErrorCode::invalid_argument, "no algorithm of this name; there are ", all_names());
}

std::string public_key_file(const VerifyKey& key) { return public_text(key_of(key.algorithm()), key.raw()); }

Result<std::string> public_key_file(Kem kem, ByteView public_key) {
  PRISM_TRY(const KeyAlgorithm algorithm, key_of(kem));
  PRISM_CHECKED(check_public_key(kem, public_key));
  return public_text(algorithm, public_key);
}

Result<SecretText> secret_key_file(const SigningKey& key, const KeyPassphrase& passphrase, Random& random,
                                   const ScryptCost& cost) {
  return write_secret(key, key_of(key.algorithm()), passphrase, random, cost);
}

Result<SecretText> secret_key_file(const KemSecretKey& key, const KeyPassphrase& passphrase, Random& random,
                                   const ScryptCost& cost) {
  PRISM_TRY(const KeyAlgorithm algorithm, key_of(key.kem()));
  return write_secret(key, algorithm, passphrase, random, cost);
}

Result<VerifyKey> read_verify_key(ByteView file) {
  PRISM_TRY(const auto block, read_public_block(file));
  PRISM_TRY(const auto parsed, parse_spki(block.der.reveal(RevealKey{})));
  const auto algorithm = signature_of(parsed.algorithm);
  if (!algorithm) return fail(ErrorCode::mismatch, "a key of ", name_of(parsed.algorithm), ", which does not sign");
  return VerifyKey::from_raw(*algorithm, parsed.raw);
}

Result<KemPublicKey> read_kem_public_key(ByteView file) {
  PRISM_TRY(const auto block, read_public_block(file));
  PRISM_TRY(const auto parsed, parse_spki(block.der.reveal(RevealKey{})));
  const auto kem = kem_of(parsed.algorithm);
  if (!kem)
    return fail(ErrorCode::mismatch, "a key of ", name_of(parsed.algorithm), ", to which nothing is encapsulated");
  PRISM_CHECKED(check_public_key(*kem, parsed.raw));
  return KemPublicKey{*kem, Bytes(parsed.raw.begin(), parsed.raw.end())};
}

Result<SigningKey> read_signing_key(ByteView file, const KeyPassphrase& passphrase) {
  PRISM_TRY(auto block, read_block(file));
  PRISM_TRY(const auto opened, open_block(std::move(block), passphrase));
  PRISM_TRY(const auto parsed, parse_pkcs8(opened.der.reveal(RevealKey{})));
  return signing_key_of(parsed);
}

Result<KemSecretKey> read_kem_key(ByteView file, const KeyPassphrase& passphrase) {
  PRISM_TRY(auto block, read_block(file));
  PRISM_TRY(const auto opened, open_block(std::move(block), passphrase));
  PRISM_TRY(const auto parsed, parse_pkcs8(opened.der.reveal(RevealKey{})));
  return kem_key_of(parsed);
}

Result<AgreementKey> read_x25519_key(ByteView file, const KeyPassphrase& passphrase) {
  PRISM_TRY(auto block, read_block(file));
  PRISM_TRY(const auto opened, open_block(std::move(block), passphrase));
  PRISM_TRY(const auto parsed, parse_pkcs8(opened.der.reveal(RevealKey{})));
  if (parsed.algorithm != KeyAlgorithm::x25519)
    return fail(ErrorCode::mismatch, "a key of ", name_of(parsed.algorithm), " where one of X25519 is needed");
  return AgreementKey::from_scalar(Group::x25519, parsed.seed);
}

Result<Digest> fingerprint_of(Kem kem, ByteView public_key) {
  PRISM_TRY(const KeyAlgorithm algorithm, key_of(kem));
  PRISM_CHECKED(check_public_key(kem, public_key));
  return internal::sha256(internal::spki_of(algorithm, public_key));
}

std::string fingerprint_text(const Digest& fingerprint) {
  const std::string hex = to_hex(fingerprint);
  std::string out = "SHA256:";
  for (std::size_t i = 0; i < hex.size(); i += 8) out += (i == 0 ? "" : "-") + hex.substr(i, 8);
  return out;
}

Result<Digest> fingerprint_from(std::string_view text) {
  constexpr std::string_view kPrefix = "SHA256:";
  if (text.size() >= kPrefix.size() && same_word(text.substr(0, kPrefix.size()), kPrefix))
    text.remove_prefix(kPrefix.size());
  Digest out{};
  std::size_t digits = 0;
  bool good = true;
  for (const char c : text) {
    if (c == '-') continue;
    const char l = lower(c);
    const bool digit = (l >= '0' && l <= '9') || (l >= 'a' && l <= 'f');
    if (!digit || digits == 2 * out.size()) {
      good = false;
      break;
    }
    out[digits / 2] = static_cast<std::uint8_t>(out[digits / 2] << 4 | (l <= '9' ? l - '0' : l - 'a' + 10));
    ++digits;
  }
  if (!good || digits != 2 * out.size())
    return fail(ErrorCode::invalid_argument,
                "not a fingerprint: it is \"SHA256:\" and 64 hexadecimal digits, as prism keys inspect shows it");
  return out;
}

Result<KeyFileInfo> describe_key_file(ByteView file, const KeyPassphrase& passphrase) {
  PRISM_TRY(auto block, read_block(file));
  KeyFileInfo info{};
  const auto is_public = [&](KeyAlgorithm algorithm, ByteView raw) {
    info.algorithm = algorithm;
    info.public_key_bytes = raw.size();
    info.fingerprint = internal::sha256(internal::spki_of(algorithm, raw));
  };
  if (block.label == kPublicLabel) {
    info.kind = Kind::public_key;
    PRISM_TRY(const auto parsed, parse_spki(block.der.reveal(RevealKey{})));
    if (const auto kem = kem_of(parsed.algorithm)) PRISM_CHECKED(check_public_key(*kem, parsed.raw));
    is_public(parsed.algorithm, parsed.raw);
    return info;
  }
  info.kind = Kind::secret_key;
  if (block.label == kProtectedLabel) {
    PRISM_TRY(const auto cost, internal::describe_protection(block.der.reveal(RevealKey{})));
    info.protection = cost.protection;
    info.cost = cost.scrypt;
    info.iterations = cost.iterations;
    if (!passphrase) return info;
  }
  PRISM_TRY(const auto opened, open_block(std::move(block), passphrase));
  PRISM_TRY(const auto parsed, parse_pkcs8(opened.der.reveal(RevealKey{})));
  info.form = parsed.form;
  if (signature_of(parsed.algorithm)) {
    PRISM_TRY(const auto key, signing_key_of(parsed));
    is_public(parsed.algorithm, key.verify_key().raw());
  } else if (kem_of(parsed.algorithm)) {
    PRISM_TRY(const auto key, kem_key_of(parsed));
    is_public(parsed.algorithm, key.public_key());
  } else {
    PRISM_TRY(const auto key, AgreementKey::from_scalar(Group::x25519, parsed.seed));
    is_public(parsed.algorithm, key.public_key());
  }
  return info;
}

bool looks_like_key_file(ByteView file) {
  return as_text(file.first(std::min(file.size(), kMaxKeyFileBytes))).find("-----BEGIN ") != std::string_view::npos;
}

}  // namespace prism::crypto
