#include "prism/host/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "prism/base/check.h"
#include "prism/host/internal/posix.h"
#include "prism/host/interrupt.h"
#include "prism/host/system.h"

namespace prism::host {
namespace {

using internal::system_error;

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string name_in(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

}  // namespace

Result<AtomicFile> AtomicFile::create(const std::string& path, Access access) {
  AtomicFile file;
  file.path_ = path;
  const std::string name = name_in(path);
  if (name.empty() || name == "." || name == "..")
    return fail(ErrorCode::invalid_argument, "cannot write ", path.empty() ? "to a path without a name" : path,
                ": a file name is needed");
  struct stat info{};
  if (::stat(path.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode)) return system_error("write", path, EISDIR);
    if (!S_ISREG(info.st_mode)) {
      file.direct_ = true;
      file.fd_ = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
      if (file.fd_ < 0) return system_error("write", path);
      return file;
    }
  }
  // A random name, because two programs may write the same file at once; O_EXCL, because somebody may wait with a link.
  const mode_t mode = access == Access::owner_only ? 0600 : 0644;
  for (int attempt = 0;; ++attempt) {
    std::array<std::uint8_t, 4> suffix{};
    PRISM_CHECKED(SystemRandom{}.fill(suffix));
    // 255 bytes is the usual limit of one name; the temporary's own name must fit as well.
    file.temporary_ = directory_of(path) + "/." + name.substr(0, 200) + "." + to_hex(suffix) + ".tmp";
    file.fd_ = ::open(file.temporary_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (file.fd_ >= 0) break;
    if (errno == EEXIST && attempt < 8) continue;
    const int error = errno;
    file.temporary_.clear();
    return system_error("write", path, error);
  }
  file.ticket_ = internal::remember_temporary(file.temporary_.c_str());
  return file;
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept { *this = std::move(other); }

AtomicFile& AtomicFile::operator=(AtomicFile&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(ticket_, other.ticket_);
  std::swap(direct_, other.direct_);
  std::swap(path_, other.path_);
  std::swap(temporary_, other.temporary_);
  std::swap(size_, other.size_);
  return *this;
}

AtomicFile::~AtomicFile() {
  if (fd_ >= 0) ::close(fd_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  internal::forget_temporary(ticket_);
}

Status AtomicFile::append(ByteView bytes) {
  if (!direct_) return write_at(size_, bytes);
  check(fd_ >= 0, "AtomicFile used after commit");
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd_, bytes.data(), bytes.size());
    if (put < 0) {
      if (errno == EINTR) {
        PRISM_CHECKED(check_interrupted());
        continue;
      }
      return system_error("write", path_);
    }
    size_ += static_cast<std::uint64_t>(put);
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
  return {};
}

Status AtomicFile::write_at(std::uint64_t offset, ByteView bytes) {
  check(fd_ >= 0, "AtomicFile used after commit");
  while (!bytes.empty()) {
    const ssize_t put = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put < 0) {
      if (errno == EINTR) {
        PRISM_CHECKED(check_interrupted());
        continue;
      }
      return system_error("write", path_);
    }
    offset += static_cast<std::uint64_t>(put);
    bytes = bytes.subspan(static_cast<std::size_t>(put));
    if (offset > size_) size_ = offset;
  }
  return {};
}

Status AtomicFile::give_name(IfExists policy) {
  if (policy == IfExists::replace)
    return ::rename(temporary_.c_str(), path_.c_str()) == 0 ? Status{} : system_error("write", path_);
  if (::renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, path_.c_str(), RENAME_NOREPLACE) == 0) return {};
  // Some file systems know no RENAME_NOREPLACE; a hard link refuses an existing name just as well.
  const bool unknown = errno == EINVAL || errno == ENOSYS;
  if (unknown && ::link(temporary_.c_str(), path_.c_str()) == 0) {
    ::unlink(temporary_.c_str());
    return {};
  }
  if (errno == EEXIST) return fail(ErrorCode::refused, path_, " exists already and is not overwritten");
  return system_error("write", path_);
}

Status AtomicFile::commit(IfExists policy) {
  check(fd_ >= 0, "AtomicFile committed twice");
  if (direct_) {
    if (::close(std::exchange(fd_, -1)) != 0) return system_error("write", path_);
    return {};
  }
  if (::fsync(fd_) != 0) return system_error("write", path_);
  if (::close(std::exchange(fd_, -1)) != 0) return system_error("write", path_);
  PRISM_CHECKED(give_name(policy));
  temporary_.clear();
  internal::forget_temporary(std::exchange(ticket_, -1));
  // The name itself must survive a power cut too. Some file systems cannot, and a directory that we may write to but
  // not read cannot be opened; then the name is as durable as it gets. The file is complete either way.
  const internal::Descriptor directory(::open(directory_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return errno == EACCES ? Status{} : system_error("look at", directory_of(path_));
  if (::fsync(directory.get()) != 0 && errno != EINVAL) return system_error("write", path_);
  return {};
}

Status write_file(const std::string& path, ByteView bytes, AtomicFile::Access access, AtomicFile::IfExists policy) {
  PRISM_TRY(AtomicFile file, AtomicFile::create(path, access));
  PRISM_CHECKED(file.append(bytes));
  return file.commit(policy);
}

}  // namespace prism::host
