// prism/host/mapped_file.h - a file as memory, for sealed tables larger than memory.
#pragma once
#include <cstdint>
#include <string>

#include "prism/base/bytes.h"
#include "prism/base/result.h"

namespace prism::host {

/// Read-only. The content is fixed by whoever owns the file: if somebody shortens it meanwhile, the system stops the
/// process (SIGBUS); if somebody rewrites it, bytes change under the reader. Files that AtomicFile replaces are safe.
class MappedFile {
 public:
  /// Errors: not_found, io, exhausted when larger than max_bytes, invalid_argument when not a regular file.
  static Result<MappedFile> open(const std::string& path, std::uint64_t max_bytes);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  ByteView bytes() const { return {data_, size_}; }
  /// Says that these bytes will be read soon, so that the disk can start.
  void will_need(std::uint64_t offset, std::uint64_t size) const;
  /// Says that these bytes are done with: their pages no longer count as this process's memory. They can still be read.
  void done_with(std::uint64_t offset, std::uint64_t size) const;

 private:
  MappedFile() = default;
  void advise(std::uint64_t offset, std::uint64_t size, int advice, bool inside) const;

  const std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace prism::host
