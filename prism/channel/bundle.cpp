#include "prism/channel/bundle.h"

#include <algorithm>
#include <utility>

#include "prism/channel/internal/messages.h"

namespace prism::channel {
namespace {

using Content = IdentityBundle::Content;

Status check_content(const Content& content, crypto::SignatureAlgorithm algorithm, ErrorCode code) {
  if (!is_name(content.server_id))
    return fail(code, "a server's name has 1 to ", kMaxNameBytes, " printable ASCII characters and no blanks");
  const auto time = [](std::chrono::seconds t) {
    return t.count() >= 0 && static_cast<std::uint64_t>(t.count()) <= kMaxTime;
  };
  if (!time(content.not_before) || !time(content.not_after) || content.not_after < content.not_before ||
      content.not_after - content.not_before > kMaxBundleLifetime)
    return fail(code, "a bundle is valid for up to ", kMaxBundleLifetime.count(), " seconds between 1970 and 9999");
  if (content.suites.empty()) return fail(code, "a bundle names at least one suite");
  for (std::size_t i = 0; i < content.suites.size(); ++i) {
    const SuiteId id = content.suites[i];
    if (!fits(id, algorithm))
      return fail(code, "suite ", static_cast<unsigned>(id), " needs a key of another algorithm than ",
                  name_of(algorithm));
    if (std::count(content.suites.begin(), content.suites.end(), id) != 1)
      return fail(code, "suite ", static_cast<unsigned>(id), " is named twice");
  }
  if (content.rotations.size() > kMaxRotations)
    return fail(code, content.rotations.size(), " rotations; a bundle has at most ", kMaxRotations);
  return {};
}

Bytes encode_body(const Content& content, const crypto::VerifyKey& key) {
  wire::CborWriter out;
  out.map(9);
  out.field(0, std::string_view(content.server_id));
  out.field(1, content.epoch);
  out.unsigned_integer(2);
  out.integer(number_of(key.algorithm()));
  out.field(3, key.raw());
  out.unsigned_integer(4);
  out.array(content.suites.size());
  for (const SuiteId id : content.suites) out.unsigned_integer(static_cast<std::uint64_t>(id));
  out.field(5, ByteView(content.profiles));
  out.field(6, static_cast<std::uint64_t>(content.not_before.count()));
  out.field(7, static_cast<std::uint64_t>(content.not_after.count()));
  out.unsigned_integer(8);
  write_rotations(out, content.rotations);
  return std::move(out).take();
}

struct Body {
  Content content;
  crypto::VerifyKey key;
};

Result<Body> read_body(ByteView bytes) {
  wire::CborReader in(bytes, "the bundle");
  Content content;
  PRISM_TRY([[maybe_unused]] const std::size_t pairs, in.map(9, 9));
  PRISM_CHECKED(in.key(0));
  PRISM_TRY(const std::string_view server_id, in.text(1, kMaxNameBytes));
  content.server_id = server_id;
  PRISM_CHECKED(in.key(1));
  PRISM_TRY(content.epoch, in.unsigned_integer());
  PRISM_CHECKED(in.key(2));
  PRISM_TRY(const std::int64_t number, in.integer());
  PRISM_TRY(const crypto::SignatureAlgorithm algorithm, algorithm_numbered(number));
  PRISM_CHECKED(in.key(3));
  const std::size_t key_bytes = crypto::sizes_of(algorithm).public_key;
  PRISM_TRY(const ByteView raw, in.bytes(key_bytes, key_bytes));
  PRISM_TRY(crypto::VerifyKey key, crypto::VerifyKey::from_raw(algorithm, raw));
  PRISM_CHECKED(in.key(4));
  PRISM_TRY(const std::size_t suites, in.array(1, all_suites().size()));
  for (std::size_t i = 0; i < suites; ++i) {
    PRISM_TRY(const std::uint64_t id, in.unsigned_integer());
    PRISM_TRY(const SuiteId known, suite_numbered(id));
    content.suites.push_back(known);
  }
  PRISM_CHECKED(in.key(5));
  PRISM_TRY(content.profiles, in.bytes_of<32>());
  PRISM_CHECKED(in.key(6));
  PRISM_TRY(const std::uint64_t not_before, in.unsigned_integer(kMaxTime));
  content.not_before = std::chrono::seconds(static_cast<std::int64_t>(not_before));
  PRISM_CHECKED(in.key(7));
  PRISM_TRY(const std::uint64_t not_after, in.unsigned_integer(kMaxTime));
  content.not_after = std::chrono::seconds(static_cast<std::int64_t>(not_after));
  PRISM_CHECKED(in.key(8));
  PRISM_TRY(content.rotations, read_rotations(in));
  PRISM_CHECKED(in.finish());
  PRISM_CHECKED(check_content(content, algorithm, ErrorCode::malformed));
  return Body{std::move(content), std::move(key)};
}

}  // namespace

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameBytes &&
         std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c <= '~'; });
}

IdentityBundle::IdentityBundle(Content content, crypto::VerifyKey key, std::vector<Digest> previous, Bytes bytes)
    : content_(std::move(content)),
      key_(std::move(key)),
      fingerprint_(key_.fingerprint()),
      previous_(std::move(previous)),
      bytes_(std::move(bytes)) {}

Result<IdentityBundle> IdentityBundle::sign(const crypto::SigningKey& key, Content content, Random& random) {
  PRISM_CHECKED(check_content(content, key.algorithm(), ErrorCode::invalid_argument));
  PRISM_TRY(std::vector<Digest> previous, verify_rotations(KeyOwner::server, content.rotations, key.verify_key()));
  const Bytes body = encode_body(content, key.verify_key());
  PRISM_TRY(const Bytes signature, key.sign(body, kBundleContext, random));
  wire::CborWriter out;
  out.map(3);
  out.field(0, 1u);
  out.field(1, ByteView(body));
  out.field(2, ByteView(signature));
  return IdentityBundle(std::move(content), key.verify_key(), std::move(previous), std::move(out).take());
}

Result<IdentityBundle> IdentityBundle::open(ByteView bytes) {
  if (bytes.size() > kMaxBundleBytes)
    return fail(ErrorCode::malformed, "a bundle of ", bytes.size(), " bytes; it has at most ", kMaxBundleBytes);
  wire::CborReader in(bytes, "the bundle");
  PRISM_TRY([[maybe_unused]] const std::size_t pairs, in.map(3, 3));
  PRISM_CHECKED(in.key(0));
  PRISM_TRY(const std::uint64_t version, in.unsigned_integer());
  if (version != 1)
    return fail(ErrorCode::unsupported, "version ", version, " of identity bundles; this program reads version 1");
  PRISM_CHECKED(in.key(1));
  PRISM_TRY(const ByteView body_bytes, in.bytes(1, kMaxBundleBytes));
  PRISM_CHECKED(in.key(2));
  PRISM_TRY(const ByteView signature, in.bytes(1, kMaxBundleBytes));
  PRISM_CHECKED(in.finish());
  PRISM_TRY(Body body, read_body(body_bytes));
  if (!body.key.verify(body_bytes, kBundleContext, signature))
    return fail(ErrorCode::integrity, "the bundle is not signed by the key that it holds");
  PRISM_TRY(std::vector<Digest> previous, verify_rotations(KeyOwner::server, body.content.rotations, body.key));
  return IdentityBundle(std::move(body.content), std::move(body.key), std::move(previous),
                        Bytes(bytes.begin(), bytes.end()));
}

Status IdentityBundle::valid_at(std::chrono::seconds at) const {
  if (at < content_.not_before - kClockTolerance)
    return fail(ErrorCode::refused, "the server's bundle is valid from ", content_.not_before.count(),
                " (seconds since 1970), and it is ", at.count(), " here; compare the two machines' clocks");
  if (at > content_.not_after + kClockTolerance)
    return fail(ErrorCode::refused, "the server's bundle was valid until ", content_.not_after.count(),
                " (seconds since 1970), and it is ", at.count(),
                " here; get a new one, or compare the two machines' clocks");
  return {};
}

}  // namespace prism::channel
