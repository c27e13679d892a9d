// prism/host/file.h - reading files with a bound, and what the program asks about paths.
//
// Errors name the path and what the system said: not_found when nothing is there, io otherwise.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "prism/base/bytes.h"
#include "prism/base/result.h"
#include "prism/secret/secret.h"

namespace prism::host {

/// The whole file, pipes and devices included; exhausted when it holds more than max_bytes.
Result<Bytes> read_file(const std::string& path, std::uint64_t max_bytes);
/// The same into memory that is wiped; for keys.
Result<secret::SecretVector<std::uint8_t>> read_secret_file(const std::string& path, std::uint64_t max_bytes);
/// A passphrase: the file's content less one trailing line end. At most 4,096 bytes; invalid_argument when empty.
Result<secret::SecretVector<std::uint8_t>> read_passphrase(const std::string& path);

/// insecure unless the file or directory belongs to us and neither group nor others may touch it.
/// Pipes and devices pass: their modes say nothing.
Status check_private(const std::string& path);

bool exists(const std::string& path);
Result<std::uint64_t> file_size(const std::string& path);
/// Bytes that an unprivileged writer may still write to the disk under `path`.
Result<std::uint64_t> free_disk_bytes(const std::string& path);
/// Names, without "." and "..", sorted by bytes.
Result<std::vector<std::string>> list_directory(const std::string& path);
/// Mode 0700. A directory that is already there is fine when it passes check_private. Parents must exist.
Status create_private_directory(const std::string& path);
Status remove_file(const std::string& path);
/// io unless it is there and empty.
Status remove_directory(const std::string& path);

}  // namespace prism::host
