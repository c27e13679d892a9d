// prism/host/file_lock.h - one process at a time, by a lock on a file that goes when its holder does.
#pragma once
#include <chrono>
#include <string>

#include "prism/base/result.h"

namespace prism::host {

/// An exclusive lock (flock(2)) on the file `path`, which is made when absent (mode 0600) and stays. The system gives
/// it back when the process ends, however it ends. It holds between processes and between objects of one process.
class FileLock {
 public:
  /// Waits up to `patience`. Errors: exhausted when another still holds it, io.
  static Result<FileLock> acquire(const std::string& path, std::chrono::milliseconds patience = {});
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  ~FileLock();

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace prism::host
