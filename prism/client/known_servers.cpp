#include "prism/client/known_servers.h"

#include <cstdlib>

#include "prism/host/atomic_file.h"
#include "prism/host/file.h"
#include "prism/host/file_lock.h"

namespace prism::client {
namespace {

constexpr std::chrono::seconds kLockPatience{10};

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

/// The directory and the one above it, which on a new account may both be missing.
Status make_directories(const std::string& directory) {
  if (host::exists(directory)) return {};
  const std::string above = directory_of(directory);
  if (!host::exists(above)) PRISM_CHECKED(host::create_private_directory(above));
  return host::create_private_directory(directory);
}

}  // namespace

Result<std::string> config_directory() {
  // XDG Base Directory Specification: relative paths are to be ignored.
  if (const char* const set = std::getenv("XDG_CONFIG_HOME"); set != nullptr && *set == '/')
    return std::string(set) + "/prism";
  if (const char* const home = std::getenv("HOME"); home != nullptr && *home == '/')
    return std::string(home) + "/.config/prism";
  return fail(ErrorCode::not_found,
              "neither XDG_CONFIG_HOME nor HOME is set, so nobody knows where known servers are "
              "kept; set one, or name the file");
}

Result<KnownServers> KnownServers::of_this_user() {
  PRISM_TRY(const std::string directory, config_directory());
  return KnownServers(directory + "/known_servers");
}

Result<channel::PinStore> KnownServers::load() const {
  if (!host::exists(path_)) return channel::PinStore();
  // Whoever may write it decides whom this client trusts.
  PRISM_CHECKED(host::check_private(path_));
  PRISM_TRY(const Bytes bytes, host::read_file(path_, channel::PinStore::kMaxFileBytes));
  auto store = channel::PinStore::decode(as_text(bytes));
  if (!store) return fail(store.error().code, path_, ": ", store.error().message);
  return store;
}

Status KnownServers::change(const std::function<Result<bool>(channel::PinStore&)>& edit) const {
  PRISM_CHECKED(make_directories(directory_of(path_)));
  // The lock is on a file of its own: the one with the pins is another file after every change.
  PRISM_TRY(const auto lock, host::FileLock::acquire(path_ + ".lock", kLockPatience));
  PRISM_TRY(auto store, load());
  PRISM_TRY(const bool changed, edit(store));
  if (!changed) return {};
  return host::write_file(path_, as_bytes(store.encode()), host::AtomicFile::Access::owner_only);
}

}  // namespace prism::client
