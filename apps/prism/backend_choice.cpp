#include "apps/prism/backend_choice.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include "apps/prism/terminal.h"
#include "prism/wire/artefact.h"

namespace prism::app {
namespace {

/// What kind of Prism's files this is; none when it is not one of them.
Result<std::optional<wire::Kind>> kind_of(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode))
    return fail(ErrorCode::invalid_argument, path, " is not a regular file, which a table must be");
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return fail(errno == ENOENT ? ErrorCode::not_found : ErrorCode::io, "cannot read ", path, ": ",
                std::strerror(errno));
  std::array<std::uint8_t, wire::kHeaderBytes> start{};
  std::size_t have = 0;
  ssize_t got = 1;
  while (have < start.size() && got > 0) {
    got = ::read(fd, start.data() + have, start.size() - have);
    if (got < 0 && errno == EINTR)
      got = 1;
    else if (got > 0)
      have += static_cast<std::size_t>(got);
  }
  const int reason = errno;
  ::close(fd);
  if (got < 0) return fail(ErrorCode::io, "cannot read ", path, ": ", std::strerror(reason));
  const auto head = wire::peek_header(ByteView(start).first(have));
  if (!head) return std::optional<wire::Kind>{};
  return std::optional<wire::Kind>(head->kind);
}

}  // namespace

void add_backend_option(CLI::App& command, std::string& name) {
  command.add_option(
      "--backend", name,
      "Who answers: he_backend (sealed tables, encrypted and exact) or dp_sandbox (CSV files, with noise); "
      "default: the one that the file is for");
}

Result<BackendChoice> choose_backend(const std::string& path, const std::string& named) {
  if (named == "mpc_backend" || named == "enclave_backend")
    return fail(ErrorCode::unsupported, named,
                " is not part of this program; he_backend answers from sealed tables, dp_sandbox from CSV files");
  if (!named.empty() && named != "he_backend" && named != "dp_sandbox")
    return fail(ErrorCode::invalid_argument, "--backend is \"", printable(named),
                "\"; it takes he_backend (sealed tables) or dp_sandbox (CSV files)");
  PRISM_TRY(const auto kind, kind_of(path));
  if (kind == wire::Kind::sealed_table) {
    if (named == "dp_sandbox")
      return fail(ErrorCode::refused, path,
                  " is a sealed table, which dp_sandbox cannot read: it needs the rows themselves; he_backend answers "
                  "from it (leave --backend out)");
    return BackendChoice::he;
  }
  if (kind)
    return fail(ErrorCode::mismatch, path, " is ", wire::name_of(*kind),
                "; questions are answered from sealed tables and from CSV files");
  if (named == "he_backend")
    return fail(
        ErrorCode::refused, path,
        " is not a sealed table, which is what he_backend answers from; make one (prism seal), or leave --backend "
        "out for an answer with noise from dp_sandbox");
  return BackendChoice::dp;
}

}  // namespace prism::app
