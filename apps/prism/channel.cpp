// `prism channel`: the channel to a compute service, and what comes out of it.
#include <CLI/CLI.hpp>

#include "apps/prism/commands.h"

namespace prism::app {

void add_channel(CLI::App& app, Action& action) {
  CLI::App* const channel = app.add_subcommand("channel", "Encrypted work on a server, and its signed receipts");
  channel->require_subcommand(1);
  channel->footer(
      "Example:\n"
      "  prism channel compute --server https://host:8000 --identity client.key --pin FINGERPRINT --data "
      "data.enc --operation mean --output result.enc --receipt receipt.cbor\n"
      "  prism channel verify receipt.cbor --result result.enc --data data.enc");
  add_channel_compute(*channel, action);
  add_channel_verify(*channel, action);
  add_channel_info(*channel, action);
  add_channel_pins(*channel, action);
  add_channel_rotate(*channel, action);
  add_channel_token(*channel, action);
}

}  // namespace prism::app
