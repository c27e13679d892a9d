#include "prism/custody/internal/new_directory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

namespace prism::custody::internal {
namespace {

bool taken(const std::string& path) {
  struct stat info{};
  return ::lstat(path.c_str(), &info) == 0;
}

Error already_there(const std::string& path) {
  return fail(ErrorCode::refused, path, " exists already; keys are never overwritten, choose another directory");
}

Error cannot_create(const std::string& path, int error) {
  return fail(ErrorCode::io, "cannot create ", path, ": ", std::strerror(error));
}

/// The part up to the last slash, which may be empty, and the name after it.
std::pair<std::string, std::string> split(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {"", path};
  return {path.substr(0, slash + 1), path.substr(slash + 1)};
}

}  // namespace

std::string trim_path(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

Status check_free(const std::string& path) {
  const std::string name = split(trim_path(path)).second;
  if (name.empty() || name == "." || name == "..")
    return fail(ErrorCode::invalid_argument, "a new key directory needs a name, which \"", path, "\" has not");
  if (taken(trim_path(path))) return already_there(trim_path(path));
  return {};
}

Result<NewDirectory> NewDirectory::create(const std::string& path, Random& random) {
  PRISM_CHECKED(check_free(path));
  NewDirectory made;
  made.path_ = trim_path(path);
  const auto [parent, name] = split(made.path_);
  std::array<std::uint8_t, 4> suffix{};
  PRISM_CHECKED(random.fill(suffix));
  std::string temporary = parent + "." + name.substr(0, 200) + "." + to_hex(suffix) + ".tmp";
  if (::mkdir(temporary.c_str(), 0700) != 0) return cannot_create(made.path_, errno);
  made.temporary_ = std::move(temporary);
  return made;
}

NewDirectory::~NewDirectory() {
  if (temporary_.empty()) return;
  std::error_code ignored;
  std::filesystem::remove_all(temporary_, ignored);
}

Status NewDirectory::commit() {
  int failed = ::renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, path_.c_str(), RENAME_NOREPLACE);
  if (failed != 0 && (errno == EINVAL || errno == ENOSYS)) {
    // A file system without RENAME_NOREPLACE: rename replaces nothing but an empty directory, which holds no keys.
    if (taken(path_)) return already_there(path_);
    failed = ::rename(temporary_.c_str(), path_.c_str());
  }
  if (failed != 0) return errno == EEXIST || errno == ENOTEMPTY ? already_there(path_) : cannot_create(path_, errno);
  temporary_.clear();
  // The name must survive a power cut too; where a file system cannot do that, the keys are complete all the same.
  const std::string parent = split(path_).first;
  if (const int fd = ::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); fd >= 0) {
    ::fsync(fd);
    ::close(fd);
  }
  return {};
}

}  // namespace prism::custody::internal
