#include "prism/custody/internal/seed_box.h"

#include <algorithm>
#include <string>

#include "prism/hash/sha256.h"

namespace prism::custody::internal {
namespace {

using secret::RevealKey;

constexpr std::size_t kSeedBytes = 32;
constexpr std::size_t kSealedSeedBytes = kSeedBytes + crypto::kTagBytes;

}  // namespace

SecretBytes to_secret(ByteView bytes) {
  SecretBytes out(bytes.size());
  std::copy(bytes.begin(), bytes.end(), out.reveal(RevealKey{}).begin());
  return out;
}

Bytes associated(wire::Kind kind, std::uint16_t version, ByteView fields) {
  wire::Writer aad;
  aad.u16(static_cast<std::uint16_t>(kind));
  aad.u16(version);
  aad.raw(fields);
  return std::move(aad).take();
}

Status write_seed(wire::Writer& body, wire::Kind kind, std::uint16_t version, const Seed& seed,
                  const Passphrase& passphrase, const crypto::ScryptCost& cost, Random& random) {
  const auto& bytes = seed.reveal(RevealKey{});
  if (!passphrase) {
    body.choice(static_cast<std::uint8_t>(Protection::none));
    body.raw(bytes);
    return {};
  }
  std::array<std::uint8_t, kSaltBytes> salt{};
  crypto::Nonce nonce{};
  PRISM_CHECKED(random.fill(salt));
  PRISM_CHECKED(random.fill(nonce));
  PRISM_TRY(const crypto::Key256 key, crypto::scrypt(*passphrase, salt, cost));
  body.choice(static_cast<std::uint8_t>(Protection::passphrase));
  body.u8(cost.log2_n);
  body.u8(cost.r);
  body.u8(cost.p);
  body.raw(salt);
  body.raw(nonce);
  PRISM_TRY(const Bytes sealed, crypto::aead_seal(key, nonce, associated(kind, version, body.view()), bytes));
  body.raw(sealed);
  return {};
}

Result<SeedBox> read_seed_box(wire::Reader& reader) {
  SeedBox box;
  PRISM_TRY(const std::uint8_t protection, reader.choice(2));
  box.protection = static_cast<Protection>(protection);
  std::size_t size = kSeedBytes;
  if (box.protection == Protection::passphrase) {
    PRISM_TRY(box.cost.log2_n, reader.u8());
    PRISM_TRY(box.cost.r, reader.u8());
    PRISM_TRY(box.cost.p, reader.u8());
    PRISM_CHECKED(crypto::check_cost(box.cost));
    PRISM_TRY(box.salt, reader.array<kSaltBytes>());
    PRISM_TRY(box.nonce, reader.array<crypto::kNonceBytes>());
    size = kSealedSeedBytes;
  }
  PRISM_TRY(const ByteView content, reader.view(size));
  std::copy(content.begin(), content.end(), box.content.reveal(RevealKey{}).begin());
  return box;
}

Result<Seed> open_seed_box(const SeedBox& box, wire::Kind kind, std::uint16_t version, ByteView before,
                           const Passphrase& passphrase, std::string_view what) {
  Seed seed;
  auto& out = seed.reveal(RevealKey{});
  const auto& content = box.content.reveal(RevealKey{});
  if (box.protection == Protection::none) {
    if (passphrase)
      return fail(ErrorCode::invalid_argument, what, " is not protected by a passphrase; open it without one");
    std::copy_n(content.begin(), kSeedBytes, out.begin());
    return seed;
  }
  if (!passphrase) return fail(ErrorCode::unauthorised, what, " is protected by a passphrase, and none was given");
  PRISM_TRY(const crypto::Key256 key, crypto::scrypt(*passphrase, box.salt, box.cost));
  wire::Writer fields{Bytes(before.begin(), before.end())};
  fields.choice(static_cast<std::uint8_t>(box.protection));
  fields.u8(box.cost.log2_n);
  fields.u8(box.cost.r);
  fields.u8(box.cost.p);
  fields.raw(box.salt);
  fields.raw(box.nonce);
  const Status opened = crypto::aead_open_into(key, box.nonce, associated(kind, version, fields.view()), content, out);
  if (opened) return seed;
  if (opened.error().code != ErrorCode::unauthorised) return opened.error();
  return fail(ErrorCode::unauthorised, "the passphrase does not open ", what);
}

SecretBytes finish_file(wire::Kind kind, std::uint16_t version, ByteView body) {
  const Bytes header = wire::encode_header({kind, version, body.size() + kChecksumBytes});
  SecretBytes file(header.size() + body.size() + kChecksumBytes);
  const auto out = file.reveal(RevealKey{});
  const auto end = std::copy(body.begin(), body.end(), std::copy(header.begin(), header.end(), out.begin()));
  const Digest checksum = hash::sha256(out.first(out.size() - kChecksumBytes));
  std::copy(checksum.begin(), checksum.end(), end);
  return file;
}

Result<ByteView> body_of(ByteView bytes, wire::Kind kind, std::uint16_t version, std::string_view what) {
  wire::Reader reader(bytes, what);
  PRISM_TRY(const wire::Header header, wire::read_header(reader, kind, {version}));
  static_cast<void>(header);
  if (reader.remaining() < kChecksumBytes) return fail(ErrorCode::malformed, what, " is too short");
  PRISM_TRY(const ByteView body, reader.view(reader.remaining() - kChecksumBytes));
  PRISM_TRY(const Digest checksum, reader.digest());
  if (hash::sha256(bytes.first(bytes.size() - kChecksumBytes)) != checksum)
    return fail(ErrorCode::integrity, what, " is damaged: its checksum is wrong");
  return body;
}

Result<Seed> derive(const Seed& from, ByteView salt, std::string_view purpose, ByteView id) {
  const bool printable = std::all_of(purpose.begin(), purpose.end(), [](char c) { return c > ' ' && c < 127; });
  if (purpose.empty() || purpose.size() > kMaxPurposeBytes || !printable)
    return fail(ErrorCode::invalid_argument, "a purpose is 1 to ", kMaxPurposeBytes, " printable ASCII characters");
  if (id.size() > kMaxDerivationIdBytes)
    return fail(ErrorCode::invalid_argument, "an id of ", id.size(), " bytes; at most ", kMaxDerivationIdBytes,
                " can be derived from");
  // The zero byte ends the purpose, so that no purpose followed by an id reads like another purpose.
  Bytes info;
  for (const char c : std::string("prism/v1/") + std::string(purpose)) info.push_back(static_cast<std::uint8_t>(c));
  info.push_back(0);
  info.insert(info.end(), id.begin(), id.end());
  return crypto::hkdf_sha384_key(from.reveal(RevealKey{}), salt, info);
}

}  // namespace prism::custody::internal
