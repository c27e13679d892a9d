// prism/custody/fhe_keys.h - key holders of encrypted vectors inside a key directory: their secret keys are derived
// from the master seed; only what is public is stored.
//
//   DIR/fhe/ID.context   0600   the public part (fhe::Context without evaluation keys), ID: 16 random bytes as hex
//
// The secret key of ID is made from Keyring::derive("fhe", ID). Without its .context nothing can be decrypted either,
// so a Backup holds both.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "prism/custody/keyring.h"
#include "prism/fhe/key_holder.h"

namespace prism::custody {

using AnyKeyHolder = std::variant<fhe::Approximate::KeyHolder, fhe::Exact::KeyHolder>;
using AnyFheContext = std::variant<fhe::Approximate::Context, fhe::Exact::Context>;

struct StoredFheContext {
  std::string id;  ///< 32 hexadecimal digits
  AnyFheContext context;
};

/// A file of DIR/fhe as it is, for backups.
struct FheContextFile {
  std::array<std::uint8_t, 16> id;
  Bytes bytes;
};

class FheKeys {
 public:
  /// Of this keyring, which must outlive it.
  explicit FheKeys(const Keyring& keyring) : keyring_(&keyring) {}

  /// A new key holder; its public part is stored before it is returned. `largest_magnitude`: of every input, public;
  /// exact: 0 declares nothing. `random` must outlive what is returned.
  Result<AnyKeyHolder> create(std::shared_ptr<const ckks::Parameters> parameters, double largest_magnitude,
                              Random& random) const;
  Result<AnyKeyHolder> create(std::shared_ptr<const exact::Parameters> parameters, double largest_magnitude,
                              Random& random) const;

  /// All files, in the order of their ids, unread.
  Result<std::vector<FheContextFile>> files() const;
  /// Puts a file back. Errors: malformed for what is no context; refused when one of this id is there.
  Status restore_file(const std::array<std::uint8_t, 16>& id, ByteView bytes) const;
  /// All of them, in the order of their ids. Errors: malformed, naming the file.
  Result<std::vector<StoredFheContext>> list() const;
  /// The key holder of an identity (fhe::Context::identity()). not_found when it is not one of these.
  Result<AnyKeyHolder> open(const Digest& identity, Random& random) const;

 private:
  std::string directory() const;
  std::string path_of(const std::array<std::uint8_t, 16>& id) const;
  template <class Family>
  Result<AnyKeyHolder> make(std::shared_ptr<const typename Family::Parameters> parameters, double largest_magnitude,
                            Random& random) const;
  const Keyring* keyring_;
};

/// Looks a variable of the environment up, such as std::getenv.
using Environment = std::function<const char*(const char*)>;
/// Where key folders with names are: $XDG_DATA_HOME/prism/keys, or HOME/.local/share/prism/keys. invalid_argument when
/// neither variable is set.
Result<std::string> key_folders(const Environment& environment);
/// "alice": the directory of that name if it is there or the name holds a slash; else `alice` among key_folders(),
/// whether or not it is there. No name: `default` among them.
Result<std::string> find_key_folder(const std::string& name, const Environment& environment);
/// Makes what leads to a folder, each directory private.
Status make_parents(const std::string& folder);

}  // namespace prism::custody
