#include "prism/host/file_trust.h"

#include <sys/stat.h>

#include <cstdlib>
#include <memory>

#include "prism/host/internal/posix.h"

namespace prism::host {
namespace {

using internal::system_error;

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

Status check_own_file(const std::string& path) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) return system_error("look at", path);
  if (S_ISLNK(info.st_mode))
    return fail(ErrorCode::insecure, path,
                " is a symbolic link; name the file itself, so that nobody can turn it elsewhere");
  if (!S_ISREG(info.st_mode)) return fail(ErrorCode::insecure, path, " is not a regular file");
  if (info.st_uid != ::geteuid())
    return fail(ErrorCode::insecure, path, " belongs to another user; it must belong to whoever uses it");
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return fail(ErrorCode::insecure, "others may change ", path, "; run chmod go-w ", path);
  const std::string folder = folder_of(path);
  if (::stat(folder.c_str(), &info) != 0) return system_error("look at", folder);
  if ((info.st_mode & S_IWOTH) != 0 && (info.st_mode & S_ISVTX) == 0)
    return fail(ErrorCode::insecure, "everybody may replace files in ", folder, "; run chmod o-w ", folder);
  return {};
}

Result<std::uint64_t> count_names(const std::string& path) {
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) return system_error("look at", path);
  return static_cast<std::uint64_t>(info.st_nlink);
}

Result<std::string> resolve_folder(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  if (name.empty() || name == "." || name == "..")
    return fail(ErrorCode::invalid_argument, "a file name is needed, not ", path.empty() ? "an empty path" : path);
  const std::unique_ptr<char, decltype(&std::free)> folder(::realpath(folder_of(path).c_str(), nullptr), &std::free);
  if (!folder) return system_error("look at", folder_of(path));
  const std::string resolved = folder.get();
  return (resolved == "/" ? "" : resolved) + "/" + name;
}

}  // namespace prism::host
