#include "prism/host/growing_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "prism/base/check.h"
#include "prism/host/internal/posix.h"

namespace prism::host {

using internal::system_error;

Result<GrowingFile> GrowingFile::open(const std::string& path) {
  GrowingFile file;
  file.path_ = path;
  file.fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file.fd_ < 0) return system_error("write", path);
  struct stat info{};
  if (::fstat(file.fd_, &info) != 0) return system_error("look at", path);
  if (!S_ISREG(info.st_mode)) return fail(ErrorCode::io, "cannot write ", path, ": it is not a regular file");
  file.size_ = static_cast<std::uint64_t>(info.st_size);
  return file;
}

GrowingFile::GrowingFile(GrowingFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), size_(other.size_), path_(std::move(other.path_)) {}

GrowingFile& GrowingFile::operator=(GrowingFile&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(size_, other.size_);
  std::swap(path_, other.path_);
  return *this;
}

GrowingFile::~GrowingFile() {
  if (fd_ >= 0) ::close(fd_);
}

Status GrowingFile::append(ByteView bytes) {
  check(fd_ >= 0, "a GrowingFile was used after it was moved away");
  std::uint64_t at = size_;
  while (!bytes.empty()) {
    const ssize_t put = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (put < 0) {
      if (errno == EINTR) continue;
      const int error = errno;
      if (::ftruncate(fd_, static_cast<off_t>(size_)) != 0) return system_error("shorten", path_);
      return system_error("write", path_, error);
    }
    at += static_cast<std::uint64_t>(put);
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
  size_ = at;
  return {};
}

Status GrowingFile::cut(std::uint64_t size) {
  check(fd_ >= 0 && size <= size_, "a GrowingFile is cut where it does not reach");
  if (::ftruncate(fd_, static_cast<off_t>(size)) != 0) return system_error("shorten", path_);
  size_ = size;
  return {};
}

Status GrowingFile::sync() { return ::fdatasync(fd_) == 0 ? Status{} : system_error("write", path_); }

Status GrowingFile::rename_to(const std::string& path) {
  PRISM_CHECKED(sync());
  if (::rename(path_.c_str(), path.c_str()) != 0) return system_error("rename", path_);
  path_ = path;
  const std::size_t slash = path.rfind('/');
  return sync_directory(slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash));
}

Status sync_directory(const std::string& path) {
  const internal::Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return system_error("look at", path);
  // Some file systems cannot; then names are as durable there as they get.
  if (::fsync(directory.get()) != 0 && errno != EINVAL) return system_error("write", path);
  return {};
}

Status touch(const std::string& path) {
  return ::utimensat(AT_FDCWD, path.c_str(), nullptr, 0) == 0 ? Status{} : system_error("touch", path);
}

Result<std::int64_t> changed_at(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return system_error("look at", path);
  return static_cast<std::int64_t>(info.st_mtim.tv_sec);
}

}  // namespace prism::host
