// One key handing over to the next.
#include <utility>

#include "prism/base/check.h"
#include "prism/channel/bundle.h"
#include "prism/channel/internal/messages.h"

namespace prism::channel {
namespace {

/// What the previous key signs.
Bytes statement(KeyOwner owner, const Digest& previous, const Digest& next, std::chrono::seconds issued) {
  wire::CborWriter out;
  out.map(4);
  out.field(0, static_cast<std::uint64_t>(owner));
  out.field(1, ByteView(previous));
  out.field(2, ByteView(next));
  out.field(3, static_cast<std::uint64_t>(issued.count()));
  return std::move(out).take();
}

}  // namespace

std::int64_t number_of(crypto::SignatureAlgorithm algorithm) {
  return algorithm == crypto::SignatureAlgorithm::ml_dsa_65 ? -49 : -50;
}

Result<crypto::SignatureAlgorithm> algorithm_numbered(std::int64_t number) {
  if (number == -49) return crypto::SignatureAlgorithm::ml_dsa_65;
  if (number == -50) return crypto::SignatureAlgorithm::ml_dsa_87;
  return fail(ErrorCode::unsupported, "signature algorithm ", number,
              "; ML-DSA-65 (-49) and ML-DSA-87 (-50) are known");
}

Result<RotationLink> sign_rotation(KeyOwner owner, const crypto::SigningKey& previous, const crypto::VerifyKey& next,
                                   std::chrono::seconds now, Random& random) {
  if (now.count() < 0 || static_cast<std::uint64_t>(now.count()) > kMaxTime)
    return fail(ErrorCode::invalid_argument, "a rotation at a time outside 1970 to 9999; look at this machine's clock");
  if (previous.verify_key() == next)
    return fail(ErrorCode::invalid_argument, "a key does not hand over to itself; make a new one");
  const Bytes signed_bytes = statement(owner, previous.verify_key().fingerprint(), next.fingerprint(), now);
  PRISM_TRY(Bytes signature, previous.sign(signed_bytes, kRotateContext, random));
  return RotationLink{previous.verify_key(), now, std::move(signature)};
}

Result<std::vector<Digest>> verify_rotations(KeyOwner owner, std::span<const RotationLink> links,
                                             const crypto::VerifyKey& current) {
  if (links.size() > kMaxRotations)
    return fail(ErrorCode::integrity, links.size(), " rotations in a chain that has at most ", kMaxRotations);
  std::vector<Digest> previous;
  for (std::size_t i = 0; i < links.size(); ++i) {
    const RotationLink& link = links[i];
    const Digest& next = i + 1 < links.size() ? links[i + 1].previous.fingerprint() : current.fingerprint();
    const Bytes signed_bytes = statement(owner, link.previous.fingerprint(), next, link.issued);
    if (!link.previous.verify(signed_bytes, kRotateContext, link.signature))
      return fail(ErrorCode::integrity, "rotation ", i + 1, " of ", links.size(),
                  " is not signed by the key before it");
    previous.push_back(link.previous.fingerprint());
  }
  return previous;
}

void write_rotations(wire::CborWriter& writer, std::span<const RotationLink> links) {
  check(links.size() <= kMaxRotations, "a chain of rotations is cut before it is written");
  writer.array(links.size());
  for (const RotationLink& link : links) {
    writer.map(4);
    writer.unsigned_integer(0);
    writer.integer(number_of(link.previous.algorithm()));
    writer.field(1, link.previous.raw());
    writer.field(2, static_cast<std::uint64_t>(link.issued.count()));
    writer.field(3, ByteView(link.signature));
  }
}

Result<std::vector<RotationLink>> read_rotations(wire::CborReader& reader) {
  PRISM_TRY(const std::size_t count, reader.array(0, kMaxRotations));
  std::vector<RotationLink> links;
  for (std::size_t i = 0; i < count; ++i) {
    PRISM_TRY([[maybe_unused]] const std::size_t pairs, reader.map(4, 4));
    PRISM_CHECKED(reader.key(0));
    PRISM_TRY(const std::int64_t number, reader.integer());
    PRISM_TRY(const crypto::SignatureAlgorithm algorithm, algorithm_numbered(number));
    const crypto::SignatureSizes sizes = crypto::sizes_of(algorithm);
    PRISM_CHECKED(reader.key(1));
    PRISM_TRY(const ByteView raw, reader.bytes(sizes.public_key, sizes.public_key));
    PRISM_TRY(crypto::VerifyKey previous, crypto::VerifyKey::from_raw(algorithm, raw));
    PRISM_CHECKED(reader.key(2));
    PRISM_TRY(const std::uint64_t issued, reader.unsigned_integer(kMaxTime));
    PRISM_CHECKED(reader.key(3));
    PRISM_TRY(const ByteView signature, reader.bytes(sizes.signature, sizes.signature));
    links.push_back({std::move(previous), std::chrono::seconds(static_cast<std::int64_t>(issued)),
                     Bytes(signature.begin(), signature.end())});
  }
  return links;
}

Bytes encode_rotations(std::span<const RotationLink> links) {
  wire::CborWriter out;
  write_rotations(out, links);
  return std::move(out).take();
}

Result<std::vector<RotationLink>> decode_rotations(ByteView bytes) {
  if (bytes.size() > kMaxBundleBytes)
    return fail(ErrorCode::malformed, "a chain of rotations of ", bytes.size(), " bytes; it has at most ",
                kMaxBundleBytes);
  wire::CborReader in(bytes, "a chain of rotations");
  PRISM_TRY(std::vector<RotationLink> links, read_rotations(in));
  PRISM_CHECKED(in.finish());
  return links;
}

}  // namespace prism::channel
