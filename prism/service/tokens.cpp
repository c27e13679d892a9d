#include "prism/service/tokens.h"

#include <utility>

#include "prism/hash/sha256.h"
#include "prism/host/atomic_file.h"
#include "prism/host/file.h"
#include "prism/secret/secret.h"
#include "prism/service/internal/strict_json.h"
#include "prism/service/names.h"

namespace prism::service {
namespace {

using std::chrono::seconds;

constexpr std::string_view kPrefix = "prism_";
constexpr std::size_t kLetters = 43;  // 32 bytes as base64url
constexpr std::uint64_t kMostFileBytes = std::uint64_t{4} << 20;
constexpr std::size_t kMostNameBytes = 64;

Digest digest_of(std::string_view token) { return hash::tagged_sha256("prism api token v1").update(token).finish(); }
/// Accounts of tokens and of client keys can never meet.
Digest account_of(const Digest& token) {
  return hash::tagged_sha256("prism token account v1").update(ByteView(token)).finish();
}

std::string letters_of(ByteView bytes) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  std::uint32_t bits = 0;
  int held = 0;
  for (const std::uint8_t byte : bytes) {
    bits = bits << 8 | byte;
    held += 8;
    while (held >= 6) {
      held -= 6;
      out.push_back(alphabet[(bits >> held) & 63U]);
    }
  }
  if (held > 0) out.push_back(alphabet[(bits << (6 - held)) & 63U]);
  return out;
}

}  // namespace

Result<Tokens> Tokens::load(const std::string& path) {
  PRISM_CHECKED(host::check_private(path));
  PRISM_TRY(const Bytes text, host::read_file(path, kMostFileBytes));
  PRISM_TRY(const nlohmann::json document, parse_json(as_text(text), path));
  PRISM_CHECKED(only_keys(document, {"tokens"}, path));
  if (!document.contains("tokens") || !document["tokens"].is_array() || document["tokens"].size() > kMost)
    return fail(ErrorCode::malformed, path, " must hold a list \"tokens\" of at most ", kMost);
  Tokens out;
  for (const nlohmann::json& row : document["tokens"]) {
    PRISM_CHECKED(only_keys(row, {"name", "sha256", "expires"}, "a token in " + path));
    Token token;
    const auto name = row.find("name"), sha256 = row.find("sha256"), expires = row.find("expires");
    if (name == row.end() || !name->is_string() || sha256 == row.end() || !sha256->is_string())
      return fail(ErrorCode::malformed, path, ": a token needs \"name\" and \"sha256\"");
    token.name = name->get<std::string>();
    const auto digest = digest_from_hex(sha256->get_ref<const std::string&>());
    if (!digest)
      return fail(ErrorCode::malformed, path, ": \"sha256\" of ", token.name, " is not 64 lower-case hex digits");
    token.digest = *digest;
    if (expires != row.end()) {
      if (!expires->is_number_unsigned())
        return fail(ErrorCode::malformed, path, ": \"expires\" of ", token.name, " is not a number of seconds");
      token.expires = seconds(expires->get<std::int64_t>());
    }
    out.tokens_.push_back(std::move(token));
  }
  return out;
}

std::optional<Caller> Tokens::find(std::string_view token, seconds now) const {
  const Digest digest = digest_of(token);
  std::optional<Caller> caller;
  // All of them, whichever matches: neither how many were looked at nor how much of one agreed shows in the time.
  for (const Token& known : tokens_) {
    const bool same = secret::equal(known.digest, digest);
    if (same && (!known.expires || now < *known.expires)) {
      caller.emplace();
      caller->transport = Transport::token_over_tls;
      caller->account = account_of(known.digest);
      caller->fingerprint = known.digest;
    }
  }
  return caller;
}

Result<std::string> add_token(const std::string& path, std::string_view name, std::optional<seconds> expires,
                              Random& random) {
  if (name.empty() || name.size() > kMostNameBytes)
    return fail(ErrorCode::invalid_argument, "a token's name has 1 to ", kMostNameBytes, " bytes");
  Tokens known;
  if (host::exists(path)) {
    PRISM_TRY(known, Tokens::load(path));
  }
  if (known.size() >= Tokens::kMost)
    return fail(ErrorCode::exhausted, path, " holds ", known.size(), " tokens, the most");
  for (const Tokens::Token& token : known.tokens_)
    if (token.name == name) return fail(ErrorCode::refused, "a token called ", name, " is there; choose another name");
  std::array<std::uint8_t, 32> bytes{};
  PRISM_CHECKED(random.fill(bytes));
  std::string text = std::string(kPrefix) + letters_of(bytes);
  secret::wipe(bytes.data(), bytes.size());
  check(text.size() == kPrefix.size() + kLetters, "a token of the wrong length");
  known.tokens_.push_back({std::string(name), digest_of(text), expires});
  nlohmann::json rows = nlohmann::json::array();
  for (const Tokens::Token& token : known.tokens_) {
    nlohmann::json row = {{"name", token.name}, {"sha256", to_hex(token.digest)}};
    if (token.expires) row["expires"] = token.expires->count();
    rows.push_back(std::move(row));
  }
  const std::string out = nlohmann::json{{"tokens", std::move(rows)}}.dump(1) + "\n";
  PRISM_CHECKED(host::write_file(path, as_bytes(out), host::AtomicFile::Access::owner_only));
  return text;
}

}  // namespace prism::service
