#include "prism/client/context_cache.h"

#include "prism/fhe/context.h"
#include "prism/hash/sha256.h"
#include "prism/host/atomic_file.h"
#include "prism/host/file.h"

namespace prism::client {

std::string ContextCache::path_of(const Digest& identity, std::span<const rlwe::KeyId> keys) const {
  auto hash = hash::tagged_sha256("prism kept context v1");
  hash.update(identity).update_u64(keys.size());
  for (const rlwe::KeyId& key : keys)
    hash.update_u64(static_cast<std::uint64_t>(key.kind))
        .update_u64(key.g)
        .update_u64(static_cast<std::uint64_t>(key.level.value));
  return directory_ + "/" + to_hex(hash.finish()) + ".context";
}

Result<std::optional<Bytes>> ContextCache::find(const Digest& identity, std::span<const rlwe::KeyId> keys) const {
  const std::string path = path_of(identity, keys);
  if (!host::exists(path)) return std::optional<Bytes>();
  PRISM_CHECKED(host::check_private(path));
  PRISM_TRY(Bytes bytes, host::read_file(path, kMostBytes));
  const auto family = fhe::is_approximate(bytes);
  if (!family) return fail(family.error().code, path, ": ", family.error().message, "; remove the file");
  return std::optional<Bytes>(std::move(bytes));
}

Status ContextCache::keep(const Digest& identity, std::span<const rlwe::KeyId> keys, ByteView context) const {
  PRISM_CHECKED(host::create_private_directory(directory_));
  return host::write_file(path_of(identity, keys), context, host::AtomicFile::Access::owner_only);
}

}  // namespace prism::client
