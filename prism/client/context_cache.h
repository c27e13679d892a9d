// prism/client/context_cache.h - contexts with evaluation keys that were made before, so that they need not be made and
// sent again.
//
// Fresh keys for the same computation would be other bytes with another digest, and the server would have to take them
// all again. What is kept is public material; it lies beside the secret keys because whoever could replace it could
// spoil results.
#pragma once
#include <optional>
#include <span>
#include <string>

#include "prism/base/bytes.h"
#include "prism/base/result.h"
#include "prism/rlwe/keys.h"

namespace prism::client {

class ContextCache {
 public:
  static constexpr std::uint64_t kMostBytes = std::uint64_t{4} << 30;

  /// One file for each set of keys in `directory`, which is made (0700) when something is kept. Its parent must exist.
  explicit ContextCache(std::string directory) : directory_(std::move(directory)) {}

  /// An artefact of kind context of this identity (fhe::Context::identity()) with exactly these keys, if there is one.
  /// Errors: insecure when others may touch the file, malformed when it is none, io.
  Result<std::optional<Bytes>> find(const Digest& identity, std::span<const rlwe::KeyId> keys) const;
  Status keep(const Digest& identity, std::span<const rlwe::KeyId> keys, ByteView context) const;

 private:
  std::string path_of(const Digest& identity, std::span<const rlwe::KeyId> keys) const;
  std::string directory_;
};

}  // namespace prism::client
