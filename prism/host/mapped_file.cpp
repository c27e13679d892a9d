#include "prism/host/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "prism/host/internal/posix.h"

namespace prism::host {

Result<MappedFile> MappedFile::open(const std::string& path, std::uint64_t max_bytes) {
  using internal::system_error;
  const internal::Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!descriptor) return system_error("read", path);
  struct stat info{};
  if (::fstat(descriptor.get(), &info) != 0) return system_error("read", path);
  if (!S_ISREG(info.st_mode)) return fail(ErrorCode::invalid_argument, path, " is not a regular file");
  const auto size = static_cast<std::uint64_t>(info.st_size);
  if (size > max_bytes)
    return fail(ErrorCode::exhausted, path, " has ", size, " bytes; at most ", max_bytes, " are allowed here");
  MappedFile file;
  if (size == 0) return file;  // nothing to map; an empty view
  void* const data = ::mmap(nullptr, static_cast<std::size_t>(size), PROT_READ, MAP_PRIVATE, descriptor.get(), 0);
  if (data == MAP_FAILED) return system_error("map", path);
  file.data_ = static_cast<const std::uint8_t*>(data);
  file.size_ = static_cast<std::size_t>(size);
  return file;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::uint8_t*>(data_), size_);
}

void MappedFile::advise(std::uint64_t offset, std::uint64_t size, int advice, bool inside) const {
  if (offset >= size_) return;
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  std::uint64_t begin = offset;
  std::uint64_t end = offset + std::min<std::uint64_t>(size, size_ - offset);
  // Pages shared with a neighbour are dropped only by whoever covers them whole.
  begin = inside ? (begin + page - 1) / page * page : begin / page * page;
  if (inside && end != size_) end = end / page * page;
  if (begin >= end) return;
  ::madvise(const_cast<std::uint8_t*>(data_) + begin, static_cast<std::size_t>(end - begin), advice);
}

void MappedFile::will_need(std::uint64_t offset, std::uint64_t size) const {
  advise(offset, size, MADV_WILLNEED, false);
}

void MappedFile::done_with(std::uint64_t offset, std::uint64_t size) const {
  advise(offset, size, MADV_DONTNEED, true);
}

}  // namespace prism::host
