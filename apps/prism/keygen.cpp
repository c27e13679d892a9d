#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "apps/prism/commands.h"
#include "apps/prism/steps.h"
#include "apps/prism/terminal.h"
#include "prism/custody/key_files.h"
#include "prism/host/file.h"
#include "prism/host/mapped_file.h"
#include "prism/host/system.h"

namespace prism::app {
namespace {

using Json = nlohmann::ordered_json;
using crypto::KeyFileInfo;

struct Arguments {
  std::string algorithm, output_public, output_secret, passphrase_file, format = "table";
  bool ask = false, overwrite = false;
};

Result<PassphraseSource> new_passphrase(const Arguments& a, const std::string& path) {
  if (!a.ask) return PassphraseSource::find(a.passphrase_file, false, "");
  PRISM_TRY(auto first, PassphraseSource::ask("new passphrase for " + path));
  PRISM_TRY(const auto second, PassphraseSource::ask("the same again"));
  if (!secret::equal(*first.view(), *second.view()))
    return fail(ErrorCode::invalid_argument, "the two passphrases differ; nothing was written");
  return first;
}

Status generate(const Arguments& a) {
  PRISM_TRY(const auto algorithm, crypto::key_algorithm_from(a.algorithm));
  const std::string secret_path =
      a.output_secret.empty() ? custody::secret_path_beside(a.output_public) : a.output_secret;
  PRISM_TRY(const auto passphrase, new_passphrase(a, secret_path));
  host::SystemRandom random;
  using host::AtomicFile;
  PRISM_TRY(const Digest fingerprint,
            custody::make_key_files(algorithm, a.output_public, secret_path, passphrase.view(), random,
                                    a.overwrite ? AtomicFile::IfExists::replace : AtomicFile::IfExists::refuse));
  const bool protected_by_passphrase = passphrase.view().has_value();
  say("the secret key is in " + secret_path + (protected_by_passphrase ? ", protected by the passphrase" : "") +
      "; its mode is 0600, keep it there");
  const std::string name(crypto::name_of(algorithm)), shown = crypto::fingerprint_text(fingerprint);
  if (a.format == "json") {
    const Json out = {{"algorithm", name},
                      {"fingerprint", shown},
                      {"public_key", a.output_public},
                      {"secret_key", secret_path},
                      {"protection", protected_by_passphrase ? "passphrase" : "none"}};
    return print(out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  }
  return print(fmt::format("algorithm    {}\nfingerprint  {}\npublic key   {}\nsecret key   {}\n", name, shown,
                           printable(a.output_public), printable(secret_path)));
}

std::string_view form_text(KeyFileInfo::Form form, crypto::KeyAlgorithm algorithm) {
  switch (form) {
    case KeyFileInfo::Form::seed:
      return "seed";
    case KeyFileInfo::Form::expanded:
      return "expanded key";
    case KeyFileInfo::Form::seed_and_expanded:
      return "seed and expanded key";
    case KeyFileInfo::Form::plain:
      break;
  }
  return algorithm == crypto::KeyAlgorithm::x_wing ? "seed" : "scalar";
}

std::string protection_text(const KeyFileInfo& info) {
  if (info.kind == KeyFileInfo::Kind::public_key) return "none needed";
  switch (info.protection) {
    case KeyFileInfo::Protection::scrypt:
      return fmt::format("passphrase (scrypt N=2^{}, r={}, p={}; AES-CBC)", info.cost.log2_n, info.cost.r, info.cost.p);
    case KeyFileInfo::Protection::pbkdf2:
      return fmt::format("passphrase (PBKDF2, {} iterations; AES-CBC)", info.iterations);
    case KeyFileInfo::Protection::none:
      break;
  }
  return "none but the file's mode";
}

struct InspectArguments {
  std::string file, passphrase_file, format = "table";
  bool ask = false;
};

Status inspect_key(const InspectArguments& a) {
  PRISM_TRY(const auto passphrase, PassphraseSource::find(a.passphrase_file, a.ask, "passphrase of " + a.file));
  PRISM_TRY(const KeyFileInfo info, custody::describe_key_file(a.file, passphrase.view()));
  const bool is_secret = info.kind == KeyFileInfo::Kind::secret_key;
  if (is_secret)
    if (const Status mode = host::check_private(a.file); !mode) say("careful: " + mode.error().message);
  Json facts = {{"kind", is_secret ? "secret key" : "public key"}};
  if (info.algorithm) facts["algorithm"] = std::string(crypto::name_of(*info.algorithm));
  if (info.fingerprint) facts["fingerprint"] = crypto::fingerprint_text(*info.fingerprint);
  if (info.algorithm) facts["public key bytes"] = info.public_key_bytes;
  if (is_secret) {
    facts["protection"] = protection_text(info);
    if (info.form) facts["holds"] = std::string(form_text(*info.form, *info.algorithm));
  }
  if (a.format == "json") {
    Json out = {{"file", a.file}};
    for (const auto& [name, value] : facts.items()) {
      std::string key = name;
      std::replace(key.begin(), key.end(), ' ', '_');
      out[key] = value;
    }
    return print(out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  }
  std::string text = fmt::format("{:<17} {}\n", "file", printable(a.file));
  for (const auto& [name, value] : facts.items())
    text += fmt::format("{:<17} {}\n", name, value.is_string() ? value.get<std::string>() : value.dump());
  PRISM_CHECKED(print(text));
  if (!info.algorithm) say("algorithm and fingerprint are inside; --passphrase-file or --ask-passphrase opens it");
  return {};
}

/// PEM is for this command; directories and Prism's own files are for `prism inspect`.
Status inspect(const InspectArguments& a) {
  if (host::exists(a.file) && host::file_size(a.file)) {
    PRISM_TRY(auto start, host::MappedFile::open(a.file, std::uint64_t{1} << 44));
    if (crypto::looks_like_key_file(start.bytes())) return inspect_key(a);
  }
  return inspect_file(a.file, a.format == "json" ? "json" : "text");
}

}  // namespace

void add_keygen(CLI::App& app, Action& action) {
  CLI::App* const command = app.add_subcommand(
      "keygen", "Make a pair of keys for the channel: ML-DSA to sign, ML-KEM or X-Wing to agree on secrets");
  command->footer(
      "Example:\n  prism keygen --algorithm ML-DSA-65 --output-public client.pub\n"
      "  prism keygen --algorithm ML-KEM-768 --output-public client_kem.pub --output-secret client_kem.key\n"
      "\nThe files are PEM (SubjectPublicKeyInfo and PKCS#8), as openssl pkey reads and writes them.");
  const auto a = std::make_shared<Arguments>();
  command->add_option("--algorithm", a->algorithm, "ML-DSA-65, ML-DSA-87, ML-KEM-768, ML-KEM-1024 or X-Wing")
      ->required();
  command->add_option("--output-public", a->output_public, "The public key's file")->required();
  command->add_option("--output-secret", a->output_secret,
                      "The secret key's file; without it beside the public one, with the ending .key");
  CLI::Option* const file = command->add_option("--passphrase-file", a->passphrase_file,
                                                "A file that holds a passphrase to protect the secret key with");
  command->add_flag("--ask-passphrase", a->ask, "Ask for that passphrase")->excludes(file);
  command->add_flag("--overwrite", a->overwrite, "Replace keys that are there; they are lost then");
  command->add_option("-o,--format", a->format, "How to print what was made: table or json")
      ->check(CLI::IsMember({"table", "json"}));
  command->callback([a, &action] { action = [a] { return generate(*a); }; });
}

void add_keys_inspect(CLI::App& keys, Action& action) {
  CLI::App* const command =
      keys.add_subcommand("inspect", "Say what a key file or key directory is, never the secret in it");
  command->footer("Example:\n  prism keys inspect client.pub\n  prism keys inspect alice -o json");
  const auto a = std::make_shared<InspectArguments>();
  command->add_option("file", a->file, "A PEM key file, or a key directory or file of Prism")->required();
  CLI::Option* const file = command->add_option("--passphrase-file", a->passphrase_file,
                                                "A file that holds the passphrase, to see what is inside");
  command->add_flag("--ask-passphrase", a->ask, "Ask for the passphrase")->excludes(file);
  command->add_option("-o,--format", a->format, "How to print it: table or json")
      ->check(CLI::IsMember({"table", "json"}));
  command->callback([a, &action] { action = [a] { return inspect(*a); }; });
}

}  // namespace prism::app
