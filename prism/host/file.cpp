#include "prism/host/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <memory>

#include "prism/host/growing_file.h"
#include "prism/host/internal/posix.h"
#include "prism/host/interrupt.h"

namespace prism::host {
namespace {

using internal::Descriptor;
using internal::system_error;

Result<Descriptor> open_for_reading(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return system_error("read", path);
  return Descriptor(fd);
}

/// Reads on until `out` is full or the file ends; returns the bytes read.
Result<std::size_t> read_some(const Descriptor& file, MutableByteView out, const std::string& path) {
  std::size_t filled = 0;
  while (filled < out.size()) {
    const ssize_t got = ::read(file.get(), out.data() + filled, out.size() - filled);
    if (got == 0) break;
    if (got < 0) {
      if (errno == EINTR) {
        PRISM_CHECKED(check_interrupted());
        continue;
      }
      return system_error("read", path);
    }
    filled += static_cast<std::size_t>(got);
  }
  return filled;
}

Error too_large(const std::string& path, std::uint64_t max_bytes) {
  return fail(ErrorCode::exhausted, path, " holds more than the ", max_bytes, " bytes allowed here");
}

}  // namespace

Result<Bytes> read_file(const std::string& path, std::uint64_t max_bytes) {
  PRISM_TRY(const Descriptor file, open_for_reading(path));
  struct stat info{};
  if (::fstat(file.get(), &info) != 0) return system_error("read", path);
  std::uint64_t step = std::uint64_t{64} << 10;
  if (S_ISREG(info.st_mode)) {
    if (static_cast<std::uint64_t>(info.st_size) > max_bytes) return too_large(path, max_bytes);
    step = std::max(step, static_cast<std::uint64_t>(info.st_size) + 1);  // + 1: one read sees the end
  }
  // The size above is a hint only: pipes have none, and a file may grow while it is read.
  Bytes out;
  for (;;) {
    const std::size_t start = out.size();
    out.resize(start + static_cast<std::size_t>(step));
    PRISM_TRY(const std::size_t got, read_some(file, MutableByteView(out).subspan(start), path));
    out.resize(start + got);
    if (out.size() > max_bytes) return too_large(path, max_bytes);
    if (got < step) return out;
  }
}

Result<secret::SecretVector<std::uint8_t>> read_secret_file(const std::string& path, std::uint64_t max_bytes) {
  PRISM_TRY(const Descriptor file, open_for_reading(path));
  struct stat info{};
  if (::fstat(file.get(), &info) != 0) return system_error("read", path);
  // Memory for what a regular file says it holds, for a pipe what is allowed; one byte more, to tell "as large as that"
  // from "larger".
  std::uint64_t most = max_bytes;
  if (S_ISREG(info.st_mode)) most = std::min(most, static_cast<std::uint64_t>(info.st_size));
  secret::SecretVector<std::uint8_t> buffer(static_cast<std::size_t>(most) + 1);
  PRISM_TRY(const std::size_t size, read_some(file, buffer.reveal(secret::RevealKey{}), path));
  if (size > most) return too_large(path, max_bytes);
  secret::SecretVector<std::uint8_t> out(size);
  std::copy_n(buffer.reveal(secret::RevealKey{}).begin(), size, out.reveal(secret::RevealKey{}).begin());
  return out;
}

Result<secret::SecretVector<std::uint8_t>> read_passphrase(const std::string& path) {
  PRISM_TRY(const auto content, read_secret_file(path, 4096));
  auto text = content.reveal(secret::RevealKey{});
  if (!text.empty() && text.back() == '\n') text = text.first(text.size() - 1);
  if (!text.empty() && text.back() == '\r') text = text.first(text.size() - 1);
  if (text.empty()) return fail(ErrorCode::invalid_argument, "the passphrase in ", path, " is empty");
  secret::SecretVector<std::uint8_t> out(text.size());
  std::copy(text.begin(), text.end(), out.reveal(secret::RevealKey{}).begin());
  return out;
}

Status check_private(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return system_error("look at", path);
  if (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) return {};
  if (info.st_uid != ::geteuid())
    return fail(ErrorCode::insecure, path, " belongs to another user; keys must belong to whoever uses them");
  if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return fail(ErrorCode::insecure, "others may touch ", path, "; run chmod ", S_ISDIR(info.st_mode) ? "700 " : "600 ",
                path);
  return {};
}

bool exists(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0;
}

Result<std::uint64_t> file_size(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return system_error("look at", path);
  if (!S_ISREG(info.st_mode)) return fail(ErrorCode::invalid_argument, path, " is not a regular file");
  return static_cast<std::uint64_t>(info.st_size);
}

Result<std::uint64_t> free_disk_bytes(const std::string& path) {
  struct statvfs info{};
  if (::statvfs(path.c_str(), &info) != 0) return system_error("look at", path);
  return static_cast<std::uint64_t>(info.f_bavail) * static_cast<std::uint64_t>(info.f_frsize);
}

Result<std::vector<std::string>> list_directory(const std::string& path) {
  struct Close {
    void operator()(DIR* directory) const { ::closedir(directory); }
  };
  const std::unique_ptr<DIR, Close> directory(::opendir(path.c_str()));
  if (!directory) return system_error("list", path);
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(directory.get());
    if (entry == nullptr) {
      if (errno != 0) return system_error("list", path);
      break;
    }
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

Status create_private_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0) {
    // Durable where the system lets us: what is written into it says for itself whether it is.
    const std::size_t slash = path.find_last_not_of('/') == std::string::npos
                                  ? std::string::npos
                                  : path.rfind('/', path.find_last_not_of('/'));
    (void)sync_directory(slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash));
    return {};
  }
  if (errno != EEXIST) return system_error("create", path);
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return system_error("look at", path);
  if (!S_ISDIR(info.st_mode)) return fail(ErrorCode::io, "cannot create ", path, ": a file is in its place");
  return check_private(path);
}

Status remove_file(const std::string& path) {
  if (::unlink(path.c_str()) != 0) return system_error("remove", path);
  return {};
}

Status remove_directory(const std::string& path) {
  if (::rmdir(path.c_str()) != 0) return system_error("remove", path);
  return {};
}

}  // namespace prism::host
