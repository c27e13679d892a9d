// prism/host/file_trust.h - whether a file can be ours alone: for files that may be read by others but changed by none.
#pragma once
#include <cstdint>
#include <string>

#include "prism/base/result.h"

namespace prism::host {

/// A regular file of this user that neither group nor others may write, in a folder where others cannot replace it.
/// Looks without opening: closing a file gives back the locks that this process holds on it. Errors: insecure, saying
/// what to do, also for a symbolic link; not_found; io.
Status check_own_file(const std::string& path);

/// How many names (hard links) a file has. Looks without opening. Errors: not_found; io.
Result<std::uint64_t> count_names(const std::string& path);

/// The path with its folder made absolute and free of links; the name at its end is kept and need not exist.
/// Errors: not_found or io for the folder, invalid_argument without a name.
Result<std::string> resolve_folder(const std::string& path);

}  // namespace prism::host
