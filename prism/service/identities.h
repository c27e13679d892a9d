// prism/service/identities.h - the server's long-term keys on disk: the one that signs now, and those that still finish
// what they began.
//
//   DIR/N.key     secret key of epoch N, PEM (crypto/key_file.h), mode 0600
//   DIR/N.chain   how older keys led to it (channel/bundle.h)
//   DIR/current   N, written last: a rotation has happened when this file says so
//
// Thread-safe. Identities are shared by this store and by requests that hold one while it is replaced.
#pragma once
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "prism/channel/identity.h"
#include "prism/service/compute_service.h"

namespace prism::service {

class Identities {
 public:
  /// Clients that know the previous key, and read no new bundle since, can begin handshakes for this long.
  static constexpr std::chrono::seconds kPreviousFor{3600};

  /// Makes the first identity when there is none.
  static Result<std::unique_ptr<Identities>> open(const std::string& directory, const Options& options,
                                                  std::chrono::seconds now, Random& random);

  std::shared_ptr<const channel::Identity> current() const;
  /// The one of that fingerprint: the current, or a previous one that still counts; else the current.
  std::shared_ptr<const channel::Identity> expected(const Digest& fingerprint, std::chrono::seconds now) const;
  struct Signed {
    std::shared_ptr<const channel::Identity> identity;
    std::shared_ptr<const Bytes> bundle;  ///< the identity's, valid now
  };
  /// The bundle is signed anew at half its life.
  Result<Signed> signed_bundle(std::chrono::seconds now, Random& random);
  /// Reads `current` again; true when another identity took over.
  Result<bool> reload(std::chrono::seconds now, Random& random);

  /// As service::rotate_identity, for a directory of this kind.
  static Result<Digest> rotate(const std::string& directory, std::chrono::seconds now, Random& random);

 private:
  struct Previous {
    std::shared_ptr<const channel::Identity> identity;
    std::chrono::seconds until;
  };
  Identities(std::string directory, channel::IdentitySettings settings)
      : directory_(std::move(directory)), settings_(std::move(settings)) {}

  const std::string directory_;
  const channel::IdentitySettings settings_;
  mutable std::mutex mutex_;
  std::shared_ptr<const channel::Identity> current_;
  std::shared_ptr<const Bytes> bundle_;
  std::chrono::seconds renew_at_{};
  std::vector<Previous> previous_;
};

}  // namespace prism::service
