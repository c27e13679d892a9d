#include "apps/prism/output_guard.h"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <vector>

#include "apps/prism/budget_files.h"
#include "prism/host/file_trust.h"

namespace prism::app {
namespace {

/// A file that need not exist, by inode or by its folder and name.
bool same_file(const std::string& a, const std::string& b) {
  struct stat first{}, second{};
  if (::stat(a.c_str(), &first) == 0 && ::stat(b.c_str(), &second) == 0)
    return first.st_dev == second.st_dev && first.st_ino == second.st_ino;
  const auto left = host::resolve_folder(a), right = host::resolve_folder(b);
  return left && right && *left == *right;
}

/// Where a path ends up once links are followed, as far as it exists.
std::string target_of(const std::string& path) {
  std::error_code error;
  const auto target = std::filesystem::weakly_canonical(path, error);
  return error ? path : target.string();
}

bool is_database(const std::string& path) {
  constexpr std::string_view kMagic = "SQLite format 3";
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return false;
  std::string start(kMagic.size(), '\0');
  return std::ifstream(path, std::ios::binary).read(start.data(), static_cast<std::streamsize>(start.size())) &&
         start == kMagic;
}

}  // namespace

Status not_a_budget(const std::string& output) {
  const std::string target = target_of(output);
  for (const std::string_view end : {"", "-journal", "-wal", "-shm"}) {
    if (target.ends_with(ledger_path("").append(end)))
      return fail(ErrorCode::refused, "--output ", output,
                  " is the name of a privacy budget's ledger, or of a file that belongs to it; choose another name");
  }
  if (is_database(target))
    return fail(ErrorCode::refused, "--output ", output,
                " is a database, such as a privacy budget's ledger; choose another name");
  const auto marks = marks_folder();
  if (marks && std::filesystem::path(target).parent_path() == target_of(*marks))
    return fail(ErrorCode::refused, "--output ", output,
                " lies among the high-water marks of privacy budgets; choose another place");
  return {};
}

Status check_output(const std::string& output, std::span<const std::string> inputs) {
  PRISM_CHECKED(not_a_budget(output));
  for (const std::string& input : inputs) {
    if (same_file(input, output))
      return fail(ErrorCode::refused, "--output ", output, " is the file that is read; choose another name");
  }
  return {};
}

}  // namespace prism::app
