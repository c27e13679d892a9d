// `prism channel verify`: checks a receipt without asking anybody, and says what it proves and what it does not.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "apps/prism/commands.h"
#include "apps/prism/terminal.h"
#include "prism/channel/bundle.h"
#include "prism/channel/receipt.h"
#include "prism/client/known_servers.h"
#include "prism/crypto/key_file.h"
#include "prism/custody/key_files.h"
#include "prism/hash/sha256.h"
#include "prism/host/file.h"
#include "prism/host/mapped_file.h"

namespace prism::app {
namespace {

using Json = nlohmann::ordered_json;
using crypto::fingerprint_text;

struct Arguments {
  std::string receipt, pin, key, known_servers, request, context, result, format = "table";
  std::vector<std::string> data;
};

/// Where the trust in the signer comes from.
struct Signer {
  Digest pinned{};
  std::string source;  ///< "--pin", "known as host:8000", ...
  std::optional<crypto::VerifyKey> key{};
};

/// For somebody who asks whether a receipt is good, a broken one is a bad one.
template <class T>
Result<T> or_not_verified(Result<T> result) {
  if (result || result.error().code == ErrorCode::unauthorised || result.error().code == ErrorCode::integrity)
    return result;
  return fail(ErrorCode::integrity, "not a valid receipt: ", result.error().message);
}

Result<Digest> digest_of_file(const std::string& path) {
  PRISM_TRY(const auto file, host::MappedFile::open(path, std::uint64_t{1} << 40));
  return hash::sha256(file.bytes());
}

/// The name under which this computer knows the signer, or a key that handed over to it.
Result<Signer> known_signer(const Arguments& a, const channel::Receipt& receipt) {
  const std::string way_out = "; give --pin FINGERPRINT or --key FILE if you know the server otherwise";
  if (receipt.bundle.empty()) return fail(ErrorCode::unauthorised, "the receipt carries no identity bundle", way_out);
  PRISM_TRY(const auto bundle, or_not_verified(channel::IdentityBundle::open(receipt.bundle)));
  PRISM_TRY(const auto known, a.known_servers.empty() ? client::KnownServers::of_this_user()
                                                      : Result(client::KnownServers(a.known_servers)));
  PRISM_TRY(const auto pins, known.load());
  for (const auto& [name, pin] : pins.pins()) {
    const auto previous = bundle.previous();
    if (pin.fingerprint == bundle.fingerprint() ||
        std::find(previous.begin(), previous.end(), pin.fingerprint) != previous.end())
      return Signer{pin.fingerprint, "known as " + name};
  }
  return fail(ErrorCode::unauthorised, "the signer ", fingerprint_text(receipt.signer), " is not in ", known.path(),
              way_out);
}

Result<Signer> trusted_signer(const Arguments& a, const channel::Receipt& receipt) {
  if (!a.key.empty()) {
    PRISM_TRY(crypto::VerifyKey key, custody::load_verify_key(a.key));
    return Signer{key.fingerprint(), "--key " + a.key, std::move(key)};
  }
  if (a.pin.empty()) return known_signer(a, receipt);
  PRISM_TRY(const Digest pinned, crypto::fingerprint_from(a.pin));
  return Signer{pinned, "--pin"};
}

Error differs(std::string_view what, const std::string& path, const Digest& found, std::string_view wanted) {
  return fail(ErrorCode::integrity, path, " is not the ", what, " of this receipt: its SHA-256 is ", to_hex(found),
              ", the receipt says ", wanted);
}

/// One digest of the receipt, and the file that was compared with it, if any.
Result<Json> compared(std::string_view what, const Digest& claimed, const std::string& path) {
  Json entry = {{"sha256", to_hex(claimed)}};
  if (path.empty()) return entry;
  PRISM_TRY(const Digest found, digest_of_file(path));
  if (found != claimed) return differs(what, path, found, to_hex(claimed));
  entry["file"] = path;
  return entry;
}

Result<Json> compared_inputs(const std::vector<Digest>& claimed, const std::vector<std::string>& paths) {
  Json entries = Json::array();
  for (const Digest& digest : claimed) entries.push_back({{"sha256", to_hex(digest)}});
  for (const std::string& path : paths) {
    PRISM_TRY(const Digest found, digest_of_file(path));
    bool used = false;
    for (std::size_t i = 0; i < claimed.size(); ++i) {
      if (claimed[i] != found) continue;
      entries[i]["file"] = path;
      used = true;
    }
    if (!used) return differs("data", path, found, claimed.empty() ? "there was none" : "others");
  }
  return entries;
}

/// What the report may claim: about files only when there were some.
void say_what_is_proven(Json& report, bool files) {
  report["proven"] = Json::array({"the holder of the signer's key made this statement, and nobody changed it"});
  report["not_proven"] = Json::array(
      {"that the server computed what it was asked to: a signature says who answered, not that the answer is right",
       "that the time is right: it is the server's clock"});
  if (files)
    report["proven"].push_back("every file named here is the one that the statement is about");
  else
    report["not_proven"].push_back("that a file is the one meant: compare with --result, --data, --context, --request");
}

Status show(const Json& report) {
  const auto row = [](std::string_view name, const std::string& value) {
    return fmt::format("{:<9}  {}\n", name, printable(value));
  };
  const auto digest = [&row](std::string_view name, const Json& entry) {
    const std::string file = entry.value("file", "");
    return row(name, entry["sha256"].get<std::string>() + (file.empty() ? "  (not compared)" : "  = " + file));
  };
  std::string out = row("receipt", "verified, signed by " + report["signer"].get<std::string>());
  out += row("trust", report["trust"].get<std::string>());
  out += row("server", report["server"].get<std::string>());
  out += row("algorithm", report["algorithm"].get<std::string>());
  out += row("engine", report["engine"].get<std::string>());
  out += row("build", report["build"].get<std::string>());
  out += row("time", report["time"].get<std::string>());
  out += row("sequence", std::to_string(report["sequence"].get<std::uint64_t>()));
  out += row("transport", report["transport"].get<std::string>());
  out += digest("request", report["request"]);
  out += row("program", report["program"].get<std::string>());
  out += digest("context", report["context"]);
  for (const Json& input : report["inputs"]) out += digest("data", input);
  out += digest("result", report["result"]);
  for (const auto& [title, key] : {std::pair{"\nProven:\n", "proven"}, {"Not proven:\n", "not_proven"}}) {
    out += title;
    for (const Json& line : report[key]) out += "  " + line.get<std::string>() + "\n";
  }
  return print(out);
}

Status run(const Arguments& a) {
  PRISM_TRY(const Bytes bytes, host::read_file(a.receipt, channel::kMaxReceiptBytes));
  PRISM_TRY(const channel::Receipt receipt, or_not_verified(channel::read_receipt(bytes)));
  PRISM_TRY(const Signer signer, trusted_signer(a, receipt));
  PRISM_TRY(const channel::ReceiptClaims claims,
            or_not_verified(signer.key ? channel::verify_receipt(bytes, *signer.key)
                                       : channel::verify_receipt(bytes, signer.pinned)));
  Json report = {
      {"verified", true},
      {"signer", fingerprint_text(receipt.signer)},
      {"pinned", fingerprint_text(signer.pinned)},
      {"trust", signer.pinned == receipt.signer ? signer.source : signer.source + ", an earlier key that handed over"},
      {"algorithm", crypto::name_of(receipt.algorithm)},
      {"server", claims.server},
      {"engine", claims.engine},
      {"build", to_hex(claims.build)},
      {"time", utc_text(claims.time)},
      {"seconds", claims.time.count()},
      {"sequence", claims.sequence},
      {"transport", claims.session ? "session " + to_hex(*claims.session) : "token over TLS"},
      {"program", to_hex(claims.program)}};
  PRISM_TRY(report["request"], compared("request", claims.request, a.request));
  PRISM_TRY(report["context"], compared("context", claims.context, a.context));
  PRISM_TRY(report["inputs"], compared_inputs(claims.inputs, a.data));
  PRISM_TRY(report["result"], compared("result", claims.result, a.result));
  say_what_is_proven(report, !(a.request.empty() && a.context.empty() && a.data.empty() && a.result.empty()));
  if (a.format == "json") return print(report.dump(1) + "\n");
  return show(report);
}

}  // namespace

void add_channel_verify(CLI::App& channel, Action& action) {
  CLI::App* const command = channel.add_subcommand("verify", "Check a receipt offline, and files against it");
  command->footer(
      "Example:\n  prism channel verify receipt.cbor --result result.enc --data data.enc\n"
      "  prism channel verify receipt.cbor --pin SHA256:... -o json\n"
      "Exit status: 4 when the signer is not the pinned server, 6 when signature or files do not fit.");
  const auto a = std::make_shared<Arguments>();
  command->add_option("receipt", a->receipt, "The receipt, as the server sent it")->required();
  CLI::Option* const pin = command->add_option(
      "--pin", a->pin, "Fingerprint of the server's key; without it, the servers this computer knows");
  command->add_option("--key", a->key, "The server's public key (PEM), instead of a fingerprint")->excludes(pin);
  command->add_option("--known-servers", a->known_servers,
                      "That file (default: known_servers in $XDG_CONFIG_HOME/prism or ~/.config/prism)");
  command->add_option("--request", a->request, "Compare the request's body");
  command->add_option("--context", a->context, "Compare the key context");
  command->add_option("--data", a->data, "Compare an encrypted input; may be given for each")->allow_extra_args(false);
  command->add_option("--result", a->result, "Compare the encrypted result");
  command->add_option("-o,--format", a->format, "How to print it: table or json")
      ->check(CLI::IsMember({"table", "json"}));
  command->callback([a, &action] { action = [a] { return run(*a); }; });
}

}  // namespace prism::app
