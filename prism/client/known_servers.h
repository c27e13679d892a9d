// prism/client/known_servers.h - the file in which a person's computer remembers which servers it has met.
//
// Text, mode 0600, one line for each server (prism/channel/pin.h). Changed under a lock and replaced as a whole, so
// that programs that run at the same time lose nothing of each other's.
#pragma once
#include <functional>
#include <string>

#include "prism/base/result.h"
#include "prism/channel/pin.h"

namespace prism::client {

/// Where configuration of a person lives: $XDG_CONFIG_HOME/prism, else ~/.config/prism. Not made here. Errors:
/// not_found when neither variable is set to an absolute path.
Result<std::string> config_directory();

class KnownServers {
 public:
  /// Nothing is read yet. The directory of `path` is made (0700) when something is stored.
  explicit KnownServers(std::string path) : path_(std::move(path)) {}
  /// config_directory() + "/known_servers".
  static Result<KnownServers> of_this_user();

  const std::string& path() const { return path_; }
  /// An empty store when there is no file. Errors: insecure when others may write the file, malformed with the line.
  Result<channel::PinStore> load() const;
  /// Loads, lets `edit` change the store, and stores it when `edit` returns true; nobody else changes the file
  /// meanwhile. Errors: those of load and edit, exhausted when another holds the lock for 10 seconds, io.
  Status change(const std::function<Result<bool>(channel::PinStore&)>& edit) const;

 private:
  std::string path_;
};

}  // namespace prism::client
