// prism/rlwe/files.h - public keys, switching keys and bundles of them as bytes, and back. All of it is public material
// and, when read, hostile input: each length follows from the parameters and is compared before memory is spent, each
// residue is below its prime, and equal values have equal bytes.
//
//   key        u16 version, digest of the parameters, u8 kind, u32 g, u32 level, u64 error scale, seed of a,
//              then per digit and prime the row of b, bit-packed at the prime's bit length
//   bundle     u16 version, digest of the parameters, then per key: u8 kind, u32 g, u32 level, SHA-256 of the key, u64
//   length, the key.
//              Ids are distinct; order is free, so a bundle is extended by appending.
//   public key u16 version, digest of the parameters, u64 error scale, seed of a, the rows of b
#pragma once
#include <memory>
#include <vector>

#include "prism/rlwe/keys.h"

namespace prism::rlwe {

/// Bytes of a switching key with this id. The id must be valid for the parameters (checked).
std::size_t switch_key_bytes(const Parameters& parameters, const KeyId& id);
Bytes encode(const Parameters& parameters, const SwitchKey& key);
/// Expands a from its seed. Errors: mismatch for other parameters, unsupported version, malformed for all else.
Result<SwitchKey> decode_switch_key(const std::shared_ptr<const Parameters>& parameters, ByteView bytes);
/// SHA-256 of encode(key): its content address.
Digest digest_of(const Parameters& parameters, const SwitchKey& key);

Bytes encode(const Parameters& parameters, const PublicKey& key);
Result<PublicKey> decode_public_key(const std::shared_ptr<const Parameters>& parameters, ByteView bytes);

/// Where a key lies in a bundle.
struct BundleEntry {
  KeyId id;
  Digest digest{};
  std::uint64_t offset = 0;  ///< of the key's first byte in the bundle
  std::uint64_t length = 0;
};
struct BundleIndex {
  std::vector<BundleEntry> entries;  ///< in the bundle's order
  /// EvaluationKeys::digest() of the same keys, without reading them: independent of the order.
  Digest digest(const Parameters& parameters) const;
};

/// The keys added. Keys that only a source has are not written, so there must be none (a broken invariant otherwise).
Bytes encode(const EvaluationKeys& keys);
/// Adds a key at the end; what stands before keeps its bytes. Errors: mismatch when its id is there already, and those
/// of the index.
Status append_key(Bytes& bundle, const Parameters& parameters, const SwitchKey& key);
/// Walks the entries without reading keys: a few bytes per key. Errors as for a key.
Result<BundleIndex> decode_bundle_index(const Parameters& parameters, ByteView bundle);
/// Loads one key and checks its digest (integrity). The entry must come from this bundle's index.
Result<SwitchKey> decode_key(const std::shared_ptr<const Parameters>& parameters, ByteView bundle,
                             const BundleEntry& entry);
/// The same by id; not_found when the bundle has no such key.
Result<SwitchKey> decode_key(const std::shared_ptr<const Parameters>& parameters, ByteView bundle, const KeyId& id);
/// Only the rows and digits of `level` <= entry.id.level: truncate() of the key, without the rest in memory. The digest
/// is checked over the whole key all the same.
Result<SwitchKey> decode_key(const std::shared_ptr<const Parameters>& parameters, ByteView bundle,
                             const BundleEntry& entry, Level level);
/// A source over a bundle, which must outlive it: keys are read from the view when they are asked for. Its index is
/// read now. Errors as for the index.
Result<std::unique_ptr<KeySource>> open_bundle(std::shared_ptr<const Parameters> parameters, ByteView bundle);
/// All keys.
Result<EvaluationKeys> decode_evaluation_keys(const std::shared_ptr<const Parameters>& parameters, ByteView bundle);

}  // namespace prism::rlwe
