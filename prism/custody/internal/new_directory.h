// prism/custody/internal/new_directory.h - a directory that appears complete or not at all, as AtomicFile does for
// files.
#pragma once
#include <string>
#include <utility>

#include "prism/base/random.h"
#include "prism/base/result.h"

namespace prism::custody::internal {

/// Filled under another name beside the final one, then renamed. Mode 0700.
class NewDirectory {
 public:
  /// Errors: refused when something is at `path` already, io.
  static Result<NewDirectory> create(const std::string& path, Random& random);
  NewDirectory(NewDirectory&& other) noexcept
      : path_(std::move(other.path_)), temporary_(std::exchange(other.temporary_, {})) {}
  NewDirectory& operator=(NewDirectory&&) = delete;
  /// Removes all that was written unless committed.
  ~NewDirectory();

  /// Where to write for now.
  const std::string& temporary() const { return temporary_; }
  /// Errors: refused when something came to be there meanwhile, io.
  Status commit();

 private:
  NewDirectory() = default;
  std::string path_;
  std::string temporary_;  ///< empty once there is nothing to remove
};

/// refused when something is at `path`, a dangling link included; invalid_argument when it is no name for a directory.
Status check_free(const std::string& path);
/// Without slashes at the end.
std::string trim_path(std::string path);

}  // namespace prism::custody::internal
