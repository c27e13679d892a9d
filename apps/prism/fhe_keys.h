// apps/prism/fhe_keys.h - what `fhe-encrypt`, `fhe-decrypt` and `channel compute` do with `--keys`.
#pragma once
#include <functional>
#include <string>

#include "prism/custody/fhe_keys.h"

namespace prism::app {

/// The key directory that --keys names (custody::find_key_folder; empty: the default one), for reading. A name without
/// a folder stands for the default one, if that is there, and it is said so.
Result<custody::Keyring> open_key_folder(const std::string& keys, const std::string& passphrase_file);
/// The same, made when it is not there, and it is said so.
Result<custody::Keyring> open_or_make_key_folder(const std::string& keys, const std::string& passphrase_file);
/// The key holder that an artefact (a vector, a result) names. unauthorised when the keys are others'.
Result<custody::AnyKeyHolder> open_key_holder(const custody::Keyring& keyring, const Digest& identity, Random& random);

}  // namespace prism::app
