#include <CLI/CLI.hpp>
#include <memory>

#include "apps/prism/client_identity.h"
#include "apps/prism/commands.h"
#include "apps/prism/steps.h"
#include "apps/prism/terminal.h"
#include "prism/custody/key_files.h"
#include "prism/host/atomic_file.h"
#include "prism/host/file.h"
#include "prism/host/system.h"
#include "prism/service/compute_service.h"

namespace prism::app {
namespace {

struct Arguments {
  std::string data_dir;
  std::string identity, passphrase_file, output_public, output_secret, output_passphrase_file;
};

Status rotate_server(const Arguments& a) {
  host::SystemRandom random;
  PRISM_TRY(const Digest next, service::rotate_identity(a.data_dir, host::SystemClock{}.wall(), random));
  say("the next identity of this server is " + crypto::fingerprint_text(next) +
      ", signed by the present one\nthe running server takes it up when it gets SIGHUP, others at their start; clients "
      "that pinned an earlier one follow by themselves");
  return print(crypto::fingerprint_text(next) + "\n");
}

/// What protects the next secret: from the file, or asked for twice where the present secret is protected. refused
/// where nobody can be asked: a key does not lose its protection without a word.
Result<PassphraseSource> next_passphrase(const Arguments& a, const std::string& path) {
  PRISM_TRY(const auto present, custody::describe_key_file(a.identity));
  const bool protect = present.protection != crypto::KeyFileInfo::Protection::none;
  if (!a.output_passphrase_file.empty() || !protect) return PassphraseSource::find(a.output_passphrase_file, false, "");
  if (!can_ask())
    return fail(ErrorCode::refused, a.identity,
                " is protected by a passphrase, and the next key would not be; give --output-passphrase-file");
  PRISM_TRY(auto first, PassphraseSource::ask("new passphrase for " + path));
  PRISM_TRY(const auto second, PassphraseSource::ask("the same again"));
  if (!secret::equal(*first.view(), *second.view()))
    return fail(ErrorCode::invalid_argument, "the two passphrases differ; nothing was written");
  return first;
}

/// The new pair, then the chain that ends at it: a key without its chain would be a stranger to the server.
Status rotate_client(const Arguments& a) {
  if (a.output_public.empty())
    return fail(ErrorCode::invalid_argument, "where shall the next key go? Give --output-public");
  PRISM_TRY(ClientIdentity present, load_client_identity(a.identity, a.passphrase_file));
  if (present.rotations.size() >= channel::kMaxRotations) present.rotations.erase(present.rotations.begin());
  const std::string secret_path =
      a.output_secret.empty() ? custody::secret_path_beside(a.output_public) : a.output_secret;
  const std::string chain_path = rotations_path(secret_path);
  if (host::exists(chain_path))
    return fail(ErrorCode::refused, chain_path, " is there already; choose another name for the next key");
  PRISM_TRY(const auto passphrase, next_passphrase(a, secret_path));
  host::SystemRandom random;
  const auto algorithm = present.key.algorithm() == crypto::SignatureAlgorithm::ml_dsa_65
                             ? crypto::KeyAlgorithm::ml_dsa_65
                             : crypto::KeyAlgorithm::ml_dsa_87;
  PRISM_TRY(const Digest fingerprint,
            custody::make_key_files(algorithm, a.output_public, secret_path, passphrase.view(), random));
  PRISM_TRY(const auto next, custody::load_verify_key(a.output_public));
  PRISM_TRY(auto link,
            channel::sign_rotation(channel::KeyOwner::client, present.key, next, host::SystemClock{}.wall(), random));
  present.rotations.push_back(std::move(link));
  PRISM_CHECKED(host::write_file(chain_path, channel::encode_rotations(present.rotations),
                                 host::AtomicFile::Access::owner_only, host::AtomicFile::IfExists::refuse));
  say("the next key is in " + secret_path + ", and what the present one signed about it in " + chain_path +
      "; keep both together\nservers learn of it when it is used: --identity " + secret_path +
      "\nkeep the present key until every server has seen the next one");
  return print(crypto::fingerprint_text(fingerprint) + "\n");
}

}  // namespace

void add_channel_rotate(CLI::App& channel, Action& action) {
  CLI::App* const command = channel.add_subcommand(
      "rotate", "Make the next identity of a client or a server, signed by the present one, so that peers follow");
  command->footer(
      "Example:\n  prism channel rotate --identity client.key --output-public client2.pub\n"
      "  prism channel rotate --data-dir /var/lib/prism");
  const auto a = std::make_shared<Arguments>();
  CLI::Option* const server =
      command->add_option("--data-dir", a->data_dir, "Of a server: the data directory of prism serve");
  command->add_option("--identity", a->identity, "Of a client: the secret file of its present key")->excludes(server);
  command->add_option("--identity-passphrase-file", a->passphrase_file,
                      "A file that holds the present key's passphrase; without it a prompt asks when one is needed");
  command->add_option("--output-public", a->output_public, "The next public key's file")->excludes(server);
  command->add_option("--output-secret", a->output_secret,
                      "The next secret key's file; without it beside the public one, with the ending .key");
  command->add_option(
      "--output-passphrase-file", a->output_passphrase_file,
      "A file that holds a passphrase to protect the next secret key with; without it a prompt asks when "
      "the present key has one");
  command->callback([a, &action] {
    action = [a]() -> Status {
      if (a->data_dir.empty() == a->identity.empty())
        return fail(ErrorCode::invalid_argument,
                    "whose identity? Give --data-dir of a server, or --identity of a client");
      return a->identity.empty() ? rotate_server(*a) : rotate_client(*a);
    };
  });
}

}  // namespace prism::app
