// prism/host/atomic_file.h - a file that appears complete or not at all.
//
// Written under another name in the same directory, made durable, then renamed. Whatever ends the program before
// commit() - an error, a full disk, Ctrl-C - leaves the old file, or none, in place. A second Ctrl-C removes the
// temporary too (interrupt.h); only a kill or a power cut can leave one behind, named `.NAME.XXXXXXXX.tmp`.
// Devices and pipes (/dev/stdout, /dev/full) have nothing to rename and are written directly.
#pragma once
#include <cstdint>
#include <string>

#include "prism/base/bytes.h"
#include "prism/base/result.h"

namespace prism::host {

class AtomicFile {
 public:
  enum class Access {
    owner_only,  ///< mode 0600: keys, answers
    everybody,   ///< mode 0644 less the umask: public material
  };
  enum class IfExists { replace, refuse };

  static Result<AtomicFile> create(const std::string& path, Access access);
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&& other) noexcept;
  /// Removes the temporary unless committed.
  ~AtomicFile();

  /// Adds at the end. Unbuffered: hand over kilobytes, not bytes. Errors: io with the path and what the system said.
  Status append(ByteView bytes);
  /// Overwrites, or leaves a hole of zeros before `offset`; the end moves to cover what was written.
  Status write_at(std::uint64_t offset, ByteView bytes);
  /// Where append would write.
  std::uint64_t size() const { return size_; }

  /// Makes the content durable and gives it its name. Once; nothing may be written afterwards.
  /// With IfExists::refuse an existing file is kept and the error is refused.
  Status commit(IfExists policy = IfExists::replace);

 private:
  AtomicFile() = default;
  Status give_name(IfExists policy);

  int fd_ = -1;
  int ticket_ = -1;
  bool direct_ = false;  ///< a device: no temporary, no rename
  std::string path_;
  std::string temporary_;  ///< empty once there is nothing to remove
  std::uint64_t size_ = 0;
};

/// create, append, commit.
Status write_file(const std::string& path, ByteView bytes, AtomicFile::Access access,
                  AtomicFile::IfExists policy = AtomicFile::IfExists::replace);

}  // namespace prism::host
