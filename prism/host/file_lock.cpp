#include "prism/host/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <thread>
#include <utility>

#include "prism/host/internal/posix.h"

namespace prism::host {

Result<FileLock> FileLock::acquire(const std::string& path, std::chrono::milliseconds patience) {
  internal::Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return internal::system_error("lock", path);
  // flock has no timeout; its wakeups are not worth a signal handler, so we look again every few milliseconds.
  constexpr std::chrono::milliseconds kPause{5};
  for (std::chrono::milliseconds waited{0};; waited += kPause) {
    if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) return FileLock(file.release());
    if (errno != EWOULDBLOCK && errno != EINTR) return internal::system_error("lock", path);
    if (waited >= patience)
      return fail(ErrorCode::exhausted, path, " is locked: another process works with what it guards");
    std::this_thread::sleep_for(kPause);
  }
}

FileLock::FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}
FileLock::~FileLock() {
  if (fd_ >= 0) ::close(fd_);  // the last descriptor of the open file gives the lock back
}

}  // namespace prism::host
