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
  ChannelOptions channel;
  std::string format = "table";
};

Status run(const Arguments& a) {
  PRISM_TRY(const auto channel, open_channel(a.channel));
  const client::Connection& service = *channel->connection;
  const auto& bundle = service.meeting().bundle;
  const auto now = channel->clock.wall();
  Json suites = Json::array(), earlier = Json::array();
  for (const auto id : bundle.content().suites) suites.push_back(channel::suite(id).name);
  for (const Digest& fingerprint : bundle.previous()) earlier.push_back(crypto::fingerprint_text(fingerprint));
  Json out = {{"server", service.server()},
              {"name", printable(bundle.content().server_id)},
              {"identity", crypto::fingerprint_text(bundle.fingerprint())},
              {"epoch", bundle.content().epoch},
              {"bundle_seconds_left", (bundle.content().not_after - now).count()},
              {"suites", suites},
              {"earlier_identities", earlier}};
  if (const auto& session = service.session()) {
    out["suite"] = channel::suite(session->suite).name;
    out["session_seconds_left"] = (session->expires_at - now).count();
    out["tls"] = session->tls ? printable(session->tls->version + " " + session->tls->group) : "none";
  }
  if (channel->identity) out["client"] = crypto::fingerprint_text(channel->identity->verify_key().fingerprint());
  if (a.format == "json") return print(out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  std::string text;
  for (const auto& [name, value] : out.items()) {
    std::string shown = value.is_string() ? value.get<std::string>() : value.dump();
    if (value.is_array()) {
      shown.clear();
      for (const auto& entry : value) shown += (shown.empty() ? "" : ", ") + entry.get<std::string>();
      if (shown.empty()) shown = "none";
    }
    std::string label = name;
    std::replace(label.begin(), label.end(), '_', ' ');
    text += fmt::format("{:<21} {}\n", label, shown);
  }
  return print(text);
}

}  // namespace

void add_channel_info(CLI::App& channel, Action& action) {
  CLI::App* const command = channel.add_subcommand(
      "info", "Open a session and say what was agreed: is the server there, and does it let us in?");
  command->footer("Example:\n  prism channel info --server https://host:8000 --identity client.key --pin FINGERPRINT");
  const auto a = std::make_shared<Arguments>();
  add_channel_options(*command, a->channel);
  command->add_option("-o,--format", a->format, "table or json")->check(CLI::IsMember({"table", "json"}));
  command->callback([a, &action] { action = [a] { return run(*a); }; });
}

}  // namespace prism::app
