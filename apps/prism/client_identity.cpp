#include "apps/prism/client_identity.h"

#include "apps/prism/steps.h"
#include "prism/custody/key_files.h"
#include "prism/host/file.h"

namespace prism::app {
namespace {

constexpr std::uint64_t kMostRotationsBytes = std::uint64_t{256} << 10;

}  // namespace

std::string rotations_path(const std::string& identity) { return identity + ".rotations"; }

Result<ClientIdentity> load_client_identity(const std::string& path, const std::string& passphrase_file) {
  PRISM_TRY(const auto info, custody::describe_key_file(path));
  const bool needed = info.protection != crypto::KeyFileInfo::Protection::none;
  PRISM_TRY(const auto passphrase, PassphraseSource::find(passphrase_file, needed, "passphrase of " + path));
  PRISM_TRY(auto key, custody::load_signing_key(path, passphrase.view()));
  ClientIdentity identity{std::move(key), {}};
  const std::string chain = rotations_path(path);
  if (host::exists(chain)) {
    PRISM_TRY(const Bytes bytes, host::read_file(chain, kMostRotationsBytes));
    PRISM_TRY(identity.rotations, channel::decode_rotations(bytes));
    const auto holds =
        channel::verify_rotations(channel::KeyOwner::client, identity.rotations, identity.key.verify_key());
    if (!holds) return fail(holds.error().code, chain, " does not lead to ", path, ": ", holds.error().message);
  }
  return identity;
}

}  // namespace prism::app
