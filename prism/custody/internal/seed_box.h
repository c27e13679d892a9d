// prism/custody/internal/seed_box.h - a seed inside a file, in the clear or under a passphrase; and the file around it.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

#include "prism/custody/keyring.h"
#include "prism/wire/artefact.h"
#include "prism/wire/reader.h"
#include "prism/wire/writer.h"

namespace prism::custody::internal {

inline constexpr std::size_t kSaltBytes = 16;
inline constexpr std::size_t kChecksumBytes = 32;
/// Protection, seed and all that comes with it are no longer than this.
inline constexpr std::size_t kMaxSeedBoxBytes = 128;

using SecretBytes = secret::SecretVector<std::uint8_t>;
SecretBytes to_secret(ByteView bytes);

/// Wipes bytes that held a key when the scope ends.
class WipeAtEnd {
 public:
  explicit WipeAtEnd(Bytes& bytes) : bytes_(bytes) {}
  WipeAtEnd(const WipeAtEnd&) = delete;
  WipeAtEnd& operator=(const WipeAtEnd&) = delete;
  ~WipeAtEnd() {
    if (!bytes_.empty()) secret::wipe(bytes_.data(), bytes_.size());
  }

 private:
  Bytes& bytes_;
};

/// A seed as a file holds it; `content` is the seed, or the sealed seed.
struct SeedBox {
  Protection protection = Protection::none;
  crypto::ScryptCost cost{};
  std::array<std::uint8_t, kSaltBytes> salt{};
  crypto::Nonce nonce{};
  secret::Secret<std::array<std::uint8_t, 48>> content;
};

/// Appends protection and seed to `body`, which becomes the AAD together with kind and version. The writer must have
/// kMaxSeedBoxBytes reserved, or its growth leaves copies of the seed in memory.
Status write_seed(wire::Writer& body, wire::Kind kind, std::uint16_t version, const Seed& seed,
                  const Passphrase& passphrase, const crypto::ScryptCost& cost, Random& random);
Result<SeedBox> read_seed_box(wire::Reader& reader);
/// `before` is the body up to the box. `what` names the file in errors.
Result<Seed> open_seed_box(const SeedBox& box, wire::Kind kind, std::uint16_t version, ByteView before,
                           const Passphrase& passphrase, std::string_view what);

/// Header, body, checksum; into memory that is wiped.
SecretBytes finish_file(wire::Kind kind, std::uint16_t version, ByteView body);
/// Reads the header of `bytes`; checks version and checksum; the body without the checksum.
Result<ByteView> body_of(ByteView bytes, wire::Kind kind, std::uint16_t version, std::string_view what);

/// All but the nonce of a message's AAD: kind and version, then `fields`.
Bytes associated(wire::Kind kind, std::uint16_t version, ByteView fields);

/// HKDF as Keyring::derive documents it.
Result<Seed> derive(const Seed& from, ByteView salt, std::string_view purpose, ByteView id);

}  // namespace prism::custody::internal
