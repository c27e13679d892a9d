// prism/host/internal/posix.h - descriptors that close themselves, and errno as an Error.
#pragma once
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "prism/base/result.h"

namespace prism::host::internal {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

/// "cannot read patients.csv: Permission denied"
inline Error system_error(const std::string& doing, const std::string& path, int error = errno) {
  return fail(error == ENOENT ? ErrorCode::not_found : ErrorCode::io, "cannot ", doing, " ", path, ": ",
              std::strerror(error));
}

}  // namespace prism::host::internal
