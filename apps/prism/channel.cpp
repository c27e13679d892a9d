// `prism channel`: the channel to a compute service, and what comes out of it.
#include <CLI/CLI.hpp>

#include "apps/prism/commands.h"

namespace prism::app {

void add_channel(CLI::App& app, Action& action) {
  CLI::App* const channel = app.add_subcommand("channel", "Encrypted work on a server, and its signed receipts");
  channel->require_subcommand(1);
  channel->footer("Example:\n  prism channel verify receipt.cbor --result result.enc --data data.enc");
  add_channel_verify(*channel, action);
}

}  // namespace prism::app
