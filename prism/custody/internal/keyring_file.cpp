#include "prism/custody/internal/keyring_file.h"

#include <utility>

namespace prism::custody::internal {

Result<SecretBytes> encode_keyring(const KeyId& id, std::chrono::seconds created, const Seed& seed,
                                   const Passphrase& passphrase, const crypto::ScryptCost& cost, Random& random) {
  Bytes space;
  space.reserve(id.bytes.size() + sizeof(std::int64_t) + kMaxSeedBoxBytes);
  wire::Writer writer(std::move(space));
  writer.raw(id.view());
  writer.i64(created.count());
  const Status sealed = write_seed(writer, wire::Kind::master_key, kKeyringVersion, seed, passphrase, cost, random);
  Bytes body = std::move(writer).take();
  const WipeAtEnd wipe(body);
  if (!sealed) return sealed.error();
  return finish_file(wire::Kind::master_key, kKeyringVersion, body);
}

Result<KeyringFile> parse_keyring(ByteView bytes, std::string_view what) {
  PRISM_TRY(const ByteView body, body_of(bytes, wire::Kind::master_key, kKeyringVersion, what));
  wire::Reader reader(body, what);
  KeyringFile file{{kKeyringVersion, {}, {}, Protection::none, {}}, {}, {}};
  PRISM_TRY(file.description.id.bytes, reader.array<16>());
  PRISM_TRY(const std::int64_t created, reader.i64());
  file.description.created = std::chrono::seconds(created);
  file.before_box = body.first(reader.position());
  PRISM_TRY(file.box, read_seed_box(reader));
  PRISM_CHECKED(reader.finish());
  file.description.protection = file.box.protection;
  file.description.cost = file.box.cost;
  return file;
}

}  // namespace prism::custody::internal
