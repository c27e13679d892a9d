// prism/host/growing_file.h - a file that grows at its end and is made durable when asked: uploads in parts, logs.
#pragma once
#include <cstdint>
#include <string>

#include "prism/base/bytes.h"
#include "prism/base/result.h"

namespace prism::host {

/// Mode 0600; a symbolic link in its place is refused. After a crash the file holds a prefix of what was appended, at
/// least all of it up to the last sync().
class GrowingFile {
 public:
  /// Goes on at the end of what is there. Errors: io.
  static Result<GrowingFile> open(const std::string& path);
  GrowingFile(GrowingFile&& other) noexcept;
  GrowingFile& operator=(GrowingFile&& other) noexcept;
  ~GrowingFile();

  std::uint64_t size() const { return size_; }
  const std::string& path() const { return path_; }
  /// On an error nothing was added, as far as the system lets us: what a short write left is cut off again.
  Status append(ByteView bytes);
  /// Takes away what is past the first `size` bytes; not durable before sync().
  Status cut(std::uint64_t size);
  /// Content and length are on the disk when it returns.
  Status sync();
  /// sync(), then the name `path` (same directory), durable too. What had that name is replaced.
  Status rename_to(const std::string& path);

 private:
  GrowingFile() = default;
  int fd_ = -1;
  std::uint64_t size_ = 0;
  std::string path_;
};

/// Makes names that were made or removed in a directory durable.
Status sync_directory(const std::string& path);
/// Sets the time of the last change to now; what was used lately shows it.
Status touch(const std::string& path);
/// Seconds since 1970 of the last change.
Result<std::int64_t> changed_at(const std::string& path);

}  // namespace prism::host
