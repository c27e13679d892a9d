// Backups from strangers: as they are, as bodies under a right header and checksum, around a right key file, and the
// list of manifests inside.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "prism/base/check.h"
#include "prism/custody/backup.h"
#include "prism/custody/internal/keyring_file.h"
#include "prism/custody/internal/manifest_box.h"

namespace {

using namespace prism;

void judge(ByteView bytes) {
  const auto described = custody::describe_backup(bytes);
  check(!described || described->sealed_manifest_bytes <= bytes.size(), "more manifests than bytes");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  const secret::RevealKey reveal;
  judge(bytes);
  judge(custody::internal::finish_file(wire::Kind::key_backup, 1, bytes).reveal(reveal));

  const std::size_t half = std::min<std::size_t>(size, 160);
  const auto keyring = custody::internal::finish_file(wire::Kind::master_key, 1, bytes.first(half));
  wire::Writer body;
  body.i64(0);
  body.bytes(keyring.reveal(reveal));
  body.raw(bytes.subspan(half));
  judge(custody::internal::finish_file(wire::Kind::key_backup, 1, body.view()).reveal(reveal));

  const auto list = custody::internal::read_manifest_list(bytes, "the list");
  if (list) {
    std::uint64_t total = 8;
    for (const auto& entry : *list) total += 16 + 8 + entry.manifest.size();
    check(total == size, "the list does not cover its bytes");
  }
  return 0;
}
