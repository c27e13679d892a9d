#include "apps/prism/fhe_keys.h"

#include <cstdlib>

#include "apps/prism/steps.h"
#include "apps/prism/terminal.h"
#include "prism/host/file.h"
#include "prism/host/system.h"

namespace prism::app {
namespace {

const char* environment(const char* name) { return std::getenv(name); }

}  // namespace

Result<custody::Keyring> open_key_folder(const std::string& keys, const std::string& passphrase_file) {
  PRISM_TRY(std::string folder, custody::find_key_folder(keys, environment));
  if (!host::exists(folder) && !keys.empty() && keys.find('/') == std::string::npos) {
    PRISM_TRY(const std::string usual, custody::find_key_folder("", environment));
    if (host::exists(usual)) {
      say("note: there is no key folder " + printable(keys) + "; looking in the default one, " + printable(usual));
      folder = usual;
    }
  }
  return open_keyring(folder, passphrase_file);
}

Result<custody::Keyring> open_or_make_key_folder(const std::string& keys, const std::string& passphrase_file) {
  PRISM_TRY(const std::string folder, custody::find_key_folder(keys, environment));
  if (host::exists(folder)) return open_keyring(folder, passphrase_file);
  PRISM_CHECKED(custody::make_parents(folder));
  PRISM_TRY(const auto passphrase, PassphraseSource::find(passphrase_file, false, ""));
  host::SystemRandom random;
  auto made = custody::Keyring::create(folder, random, host::SystemClock{}, passphrase.view());
  if (made) {
    say("made the key folder " + printable(folder) +
        (passphrase.view() ? " (its seed is under the passphrase)" : " (protected by its mode alone)"));
  }
  return made;
}

Result<custody::AnyKeyHolder> open_key_holder(const custody::Keyring& keyring, const Digest& identity, Random& random) {
  auto made = custody::FheKeys(keyring).open(identity, random);
  if (made || made.error().code != ErrorCode::not_found) return made;
  return Error{ErrorCode::unauthorised, made.error().message, made.error().detail};
}

}  // namespace prism::app
