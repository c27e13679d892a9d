// prism/service/clients.h - which clients may come in, and which account a key stands for.
//
// A client's account is the fingerprint of the first key that this server knew it by. When a client comes with a new
// key that its old one has signed (channel, "Rotation"), the new one stands for the same account from then on: kept in
// FILE, one line "NEW ACCOUNT" in hexadecimal each. Of an account that has nothing and is not listed no line is kept,
// as keys cost nothing: the chain, which the client shows each time, says it until there is something.
#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "prism/channel/handshake.h"
#include "prism/host/growing_file.h"
#include "prism/service/compute_service.h"

namespace prism::service {

struct DigestHash {
  std::size_t operator()(const Digest& digest) const {
    std::size_t out = 0;  // digests are uniform: any bytes of one are a hash
    for (std::size_t i = 0; i < sizeof out; ++i) out = out << 8 | digest[i];
    return out;
  }
};

class Clients final : public channel::ClientGate {
 public:
  static constexpr std::size_t kMostListed = 1'000'000;
  /// Keys with an account of another name. Past it, accounts follow the chain that the client shows alone.
  static constexpr std::size_t kMostRotated = 100'000;
  static constexpr std::size_t kMostRotatedOfOne = 256;  ///< of them, for one account
  /// Whether anything is stored for an account. Thread-safe.
  using Owns = std::function<bool(const Digest& account)>;

  static Result<std::unique_ptr<Clients>> open(const std::string& file, Admission admission,
                                               const std::string& list_file);
  /// Once, before the first handshake; without it every account counts as one that has something.
  void set_owns(Owns owns) { owns_ = std::move(owns); }
  /// Reads the list again; on an error the old one stays.
  Status reload();

  /// A key is admitted when it, or one that handed over to it, is on the list.
  bool admits(const Digest& fingerprint, std::span<const Digest> previous) const override;
  /// Remembers a rotation of an account that has something or is listed. Errors: io when it could not be kept.
  Result<Digest> account_of(const Digest& fingerprint, std::span<const Digest> previous);

 private:
  using List = std::set<Digest>;
  Clients(Admission admission, std::string list_file, host::GrowingFile rotated)
      : admission_(admission), list_file_(std::move(list_file)), file_(std::move(rotated)) {}
  static Result<List> read_list(const std::string& path);
  Status take_up(std::string_view text);
  bool worth_keeping_locked(const Digest& account) const;
  Digest inherited_locked(const Digest& fingerprint, std::span<const Digest> previous) const;

  const Admission admission_;
  const std::string list_file_;
  mutable std::mutex mutex_;
  std::shared_ptr<const List> list_;
  std::unordered_map<Digest, Digest, DigestHash> rotated_;
  std::unordered_map<Digest, std::size_t, DigestHash> rotated_of_;  ///< how many of them by account
  Owns owns_ = [](const Digest&) { return true; };
  host::GrowingFile file_;
};

}  // namespace prism::service
