// Key files from strangers: as they are, and as bodies under a right header and checksum, so that the parsers behind
// these are reached.
#include <cstddef>
#include <cstdint>

#include "prism/base/check.h"
#include "prism/custody/internal/keyring_file.h"
#include "prism/custody/internal/manifest_box.h"
#include "prism/custody/table_key.h"

namespace {

using namespace prism;

void judge_keyring(ByteView bytes) {
  const auto described = custody::describe_keyring(bytes);
  if (!described) return;
  if (described->protection == custody::Protection::passphrase)
    check(crypto::check_cost(described->cost).has_value(), "an absurd cost came through");
  const auto file = custody::internal::parse_keyring(bytes, "the key");
  check(file.has_value(), "described and not parsed");
  const auto seed =
      custody::internal::open_seed_box(file->box, wire::Kind::master_key, 1, file->before_box, std::nullopt, "the key");
  check(seed.has_value() == (described->protection == custody::Protection::none), "opened without a passphrase");
}

void judge_table_key(ByteView bytes) {
  const auto described = custody::describe_table_key(bytes);
  const auto key = custody::TableKey::decode(bytes);
  check(!key || described, "decoded and not described");
  if (!key) return;
  const auto manifest = key->load_manifest(described->table);
  check(!manifest || described->has_manifest, "a manifest out of nothing");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  const secret::RevealKey reveal;
  judge_keyring(bytes);
  judge_keyring(custody::internal::finish_file(wire::Kind::master_key, 1, bytes).reveal(reveal));
  judge_table_key(bytes);
  judge_table_key(custody::internal::finish_file(wire::Kind::secret_key, 1, bytes).reveal(reveal));
  const custody::Seed secret;
  check(!custody::internal::open_manifest(secret, {}, {}, bytes, "the manifest"), "a forged manifest was opened");
  return 0;
}
