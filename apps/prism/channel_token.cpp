#include <CLI/CLI.hpp>
#include <memory>

#include "apps/prism/commands.h"
#include "apps/prism/terminal.h"
#include "prism/host/atomic_file.h"
#include "prism/host/file.h"
#include "prism/host/system.h"
#include "prism/service/tokens.h"

namespace prism::app {
namespace {

struct Arguments {
  std::string tokens, name, output;
  std::uint64_t days = 0;
};

Status run(const Arguments& a) {
  using host::AtomicFile;
  host::SystemRandom random;
  std::optional<std::chrono::seconds> expires;
  if (a.days != 0) expires = host::SystemClock{}.wall() + std::chrono::hours(24 * a.days);
  // Before the token exists: one that cannot be written down would be known to nobody.
  if (host::exists(a.output))
    return fail(ErrorCode::refused, a.output, " is there already; a token is not written over");
  PRISM_TRY(auto file, AtomicFile::create(a.output, AtomicFile::Access::owner_only));
  PRISM_TRY(std::string token, service::add_token(a.tokens, a.name, expires, random));
  const std::string line = token + "\n";
  PRISM_CHECKED(file.append(as_bytes(line)));
  PRISM_CHECKED(file.commit(AtomicFile::IfExists::refuse));
  say("wrote the token of " + printable(a.name) + " into " + a.output + ", and its digest into " + a.tokens +
      "\nthe server takes it up when it starts with --allow-token " + a.tokens + ", or when it gets SIGHUP");
  return {};
}

}  // namespace

void add_channel_token(CLI::App& channel, Action& action) {
  CLI::App* const command = channel.add_subcommand(
      "token", "For operators: make an API token, for clients that need no session of their own");
  command->footer("Example:\n  prism channel token --tokens tokens.json --name reports --output reports.token");
  const auto a = std::make_shared<Arguments>();
  command->add_option("--tokens", a->tokens, "The server's file of tokens; it keeps digests, and is made when absent")
      ->required();
  command->add_option("--name", a->name, "Whose token it is, for the operator")->required();
  command->add_option("--output,--out", a->output, "The token's file, mode 0600; it must not exist")->required();
  command->add_option("--days", a->days, "How long it is valid (default: until it is removed)")
      ->check(CLI::Range(1, 36500));
  command->callback([a, &action] { action = [a] { return run(*a); }; });
}

}  // namespace prism::app
