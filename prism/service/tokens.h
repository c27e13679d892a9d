// prism/service/tokens.h - API tokens: random, kept as digests, compared in constant time.
//
// The file is JSON: {"tokens": [{"name": "ci", "sha256": HEX, "expires": SECONDS}, ...]}, mode 0600, `expires`
// optional. A token holds 256 random bits, so a plain SHA-256 of it is as hard to invert as the token is to guess.
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "prism/base/random.h"
#include "prism/service/caller.h"

namespace prism::service {

class Tokens {
 public:
  struct Token {
    std::string name;
    Digest digest{};
    std::optional<std::chrono::seconds> expires;
  };
  static constexpr std::size_t kMost = 10'000;

  /// No tokens: every one is refused.
  Tokens() = default;
  /// Errors: those of host::read_file, insecure for a file that others may read, malformed.
  static Result<Tokens> load(const std::string& path);
  /// The caller whose token this is. Time does not depend on the token or on which one matches.
  std::optional<Caller> find(std::string_view token, std::chrono::seconds now) const;
  std::size_t size() const { return tokens_.size(); }

 private:
  friend Result<std::string> add_token(const std::string&, std::string_view, std::optional<std::chrono::seconds>,
                                       Random&);
  std::vector<Token> tokens_;
};

/// Makes a token, adds it to the file (made when absent) and returns its text, `prism_` and 43 letters: the only time
/// that it is seen. refused when the name is taken.
Result<std::string> add_token(const std::string& path, std::string_view name,
                              std::optional<std::chrono::seconds> expires, Random& random);

}  // namespace prism::service
