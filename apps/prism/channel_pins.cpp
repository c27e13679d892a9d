#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "apps/prism/channel_options.h"
#include "apps/prism/commands.h"
#include "apps/prism/terminal.h"
#include "prism/crypto/key_file.h"

namespace prism::app {
namespace {

using Json = nlohmann::ordered_json;

struct Arguments {
  std::string file, server, format = "table";
};

Status list(const Arguments& a) {
  PRISM_TRY(const auto known, known_servers(a.file));
  PRISM_TRY(const auto store, known.load());
  if (a.format == "json") {
    Json out = Json::array();
    for (const auto& [name, pin] : store.pins())
      out.push_back({{"server", name},
                     {"fingerprint", crypto::fingerprint_text(pin.fingerprint)},
                     {"epoch", pin.epoch},
                     {"since", pin.since.count()}});
    return print(out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  }
  std::string text;
  for (const auto& [name, pin] : store.pins())
    text += fmt::format("{:<28} {} since {}\n", printable(name), crypto::fingerprint_text(pin.fingerprint),
                        utc_text(pin.since));
  if (text.empty()) say("no server is known in " + known.path());
  return print(text);
}

Status forget(const Arguments& a) {
  PRISM_TRY(const auto url, client::ServerUrl::parse(a.server));
  PRISM_TRY(const auto known, known_servers(a.file));
  bool found = false;
  const auto edit = [&](channel::PinStore& store) -> Result<bool> { return found = store.forget(url.name()); };
  PRISM_CHECKED(known.change(edit));
  if (!found) return fail(ErrorCode::not_found, url.name(), " is not among the servers in ", known.path());
  say("forgot " + url.name() + "; the next connection asks about it as about a new server");
  return {};
}

}  // namespace

void add_channel_pins(CLI::App& channel, Action& action) {
  CLI::App* const pins = channel.add_subcommand("pins", "The servers that this user has met: list them, forget one");
  pins->require_subcommand(1);
  pins->footer("Example:\n  prism channel pins list\n  prism channel pins forget host:8000");
  const auto a = std::make_shared<Arguments>();
  const auto common = [&](CLI::App* command, Status (*run)(const Arguments&)) {
    command->add_option("--known-servers", a->file,
                        "The file (default: known_servers in $XDG_CONFIG_HOME/prism or ~/.config/prism)");
    command->callback([a, run, &action] { action = [a, run] { return run(*a); }; });
  };
  CLI::App* const listed = pins->add_subcommand("list", "Print servers with the fingerprints they are known by");
  common(listed, list);
  listed->add_option("-o,--format", a->format, "table or json")->check(CLI::IsMember({"table", "json"}));
  CLI::App* const forgotten = pins->add_subcommand(
      "forget", "Forget a server, after its operator has confirmed out of band why its identity changed");
  common(forgotten, forget);
  forgotten->add_option("server", a->server, "The server, as --server names it")->required();
}

}  // namespace prism::app
