// prism/channel/pin.h - which server a client has met under which name, and whether what answers now is still it.
//
// First use asks; afterwards only the same key, or one that the same key cross-signed, is accepted. A change without a
// cross-signature is final: only a person who forgets the pin undoes it.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "prism/base/bytes.h"
#include "prism/base/result.h"
#include "prism/channel/bundle.h"

namespace prism::channel {

struct Pin {
  Digest fingerprint{};
  std::uint64_t epoch = 0;  ///< the highest seen
  std::chrono::seconds since{};
};

enum class PinAnswer {
  accept,   ///< the pinned key
  rotated,  ///< another key, with cross-signatures from the pinned one: accepted, to be remembered
  ask,      ///< nothing known under this name: a person compares fingerprints
  changed,  ///< another key, no cross-signature
  rollback  ///< an older epoch than one that was seen
};

struct PinDecision {
  PinAnswer answer;
  Digest pinned{};   ///< meaningless for `ask`
  Digest offered{};  ///< what the bundle says

  bool trusted() const { return answer == PinAnswer::accept || answer == PinAnswer::rotated; }
  /// unauthorised with both fingerprints for changed and rollback, and with the offered one for ask.
  Status require_trusted(std::string_view server_name) const;
};

/// Against one pin, such as that of an option `--pin`.
PinDecision decide(const Pin& pin, const IdentityBundle& bundle);

/// A value: reading and writing its file is the caller's.
class PinStore {
 public:
  static constexpr std::size_t kMaxPins = 10'000;
  static constexpr std::size_t kMaxFileBytes = 8u << 20;
  static constexpr std::size_t kMaxServerNameBytes = 300;  ///< a DNS name, a colon and a port
  /// Whether a server may be called so: printable ASCII without blanks that does not begin with #.
  static bool is_server_name(std::string_view name);

  PinStore() = default;
  /// Lines "name fingerprint epoch since" (64 hexadecimal digits, two decimals) after a first line "prism pins 1";
  /// empty lines and lines that begin with # are skipped. Errors: malformed, with the line.
  static Result<PinStore> decode(std::string_view text);
  std::string encode() const;

  /// `server_name` is what the user calls the server, such as "host:8000".
  PinDecision decide(std::string_view server_name, const IdentityBundle& bundle) const;
  /// Remembers what was decided: after accept, rotated, or a person's yes to ask. Errors: unauthorised when the
  /// decision is changed or rollback: nothing here re-trusts; exhausted, invalid_argument.
  Status remember(std::string_view server_name, const IdentityBundle& bundle, std::chrono::seconds now);
  /// A person's decision. Whether there was something to forget.
  bool forget(std::string_view server_name);

  const Pin* find(std::string_view server_name) const;
  const std::map<std::string, Pin, std::less<>>& pins() const { return pins_; }

 private:
  std::map<std::string, Pin, std::less<>> pins_;
};

}  // namespace prism::channel
