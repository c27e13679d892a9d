// apps/prism/commands.h - one function per command: it declares the arguments, and says what to run once they are read.
#pragma once
#include <functional>
#include <string>

#include "prism/base/result.h"

namespace CLI {
class App;
}

namespace prism::app {

/// What the command line asked for; empty until a command is chosen.
using Action = std::function<Status()>;

void add_demo(CLI::App& app, Action& action);
void add_doctor(CLI::App& app, Action& action);
void add_keys(CLI::App& app, Action& action);
/// Below `keys`.
void add_keys_inspect(CLI::App& keys, Action& action);
void add_keygen(CLI::App& app, Action& action);
void add_seal(CLI::App& app, Action& action);
void add_inspect(CLI::App& app, Action& action);
/// What `prism inspect` does; `format` is text or json.
Status inspect_file(const std::string& path, const std::string& format);
void add_explain(CLI::App& app, Action& action);
void add_query(CLI::App& app, Action& action);
void add_open(CLI::App& app, Action& action);
void add_budget(CLI::App& app, Action& action);
/// Below `budget`.
void add_budget_grant(CLI::App& budget, Action& action);
void add_dictionary(CLI::App& app, Action& action);
void add_fhe(CLI::App& app, Action& action);
void add_serve(CLI::App& app, Action& action);
/// Commands below `fhe`.
void add_fhe_noise(CLI::App& fhe, Action& action);
void add_fhe_encrypt(CLI::App& app, Action& action);
void add_fhe_decrypt(CLI::App& app, Action& action);
void add_channel(CLI::App& app, Action& action);
/// Commands below `channel`.
void add_channel_compute(CLI::App& channel, Action& action);
void add_channel_info(CLI::App& channel, Action& action);
void add_channel_pins(CLI::App& channel, Action& action);
void add_channel_rotate(CLI::App& channel, Action& action);
void add_channel_token(CLI::App& channel, Action& action);
void add_channel_verify(CLI::App& channel, Action& action);

}  // namespace prism::app
