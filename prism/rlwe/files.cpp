#include "prism/rlwe/files.h"

#include <algorithm>
#include <set>
#include <utility>

#include "prism/hash/sha256.h"
#include "prism/wire/reader.h"
#include "prism/wire/writer.h"

namespace prism::rlwe {
namespace {

constexpr std::uint16_t kKeyVersion = 1;
constexpr std::uint16_t kBundleVersion = 1;
constexpr std::uint16_t kPublicKeyVersion = 1;
constexpr std::size_t kIdBytes = 1 + 4 + 4;
constexpr std::size_t kKeyHeadBytes = 2 + 32 + kIdBytes + 8 + 32;

std::size_t row_bytes(const ring::Ring& ring, std::uint32_t prime) {
  return (ring.degree() * ring.modulus(prime).bits + 7) / 8;
}

std::size_t rows_bytes(const ring::Ring& ring, const ring::PrimeSet& set) {
  std::size_t bytes = 0;
  for (const std::uint32_t prime : set.indexes()) bytes += row_bytes(ring, prime);
  return bytes;
}

void write_rows(wire::Writer& out, const ring::Evaluations& poly) {
  for (std::size_t i = 0; i < poly.rows(); ++i) {
    const auto place = out.grow(row_bytes(poly.ring(), poly.primes()[i]));
    poly.ring().kernels().pack_bits(place.data(), poly.row(i).data(), poly.degree(), poly.modulus(i).bits);
  }
}

Result<ring::Evaluations> read_rows(wire::Reader& in, const ring::Ring& ring, const ring::PrimeSet& set) {
  ring::Evaluations poly(ring, set);
  for (std::size_t i = 0; i < set.size(); ++i) {
    PRISM_TRY(const ByteView packed, in.view(row_bytes(ring, set[i])));
    const kernels::Modulus& m = poly.modulus(i);
    ring.kernels().unpack_bits(poly.row(i).data(), packed.data(), ring.degree(), m.bits);
    if (!ring.kernels().all_below(poly.row(i).data(), ring.degree(), m.q))
      return fail(ErrorCode::malformed, in.what(), " holds a value that is not below its prime");
  }
  return poly;
}

/// Version and parameters, which all three kinds start with.
void write_head(wire::Writer& out, std::uint16_t version, const Parameters& parameters) {
  out.u16(version);
  out.digest(parameters.digest());
}

Status read_head(wire::Reader& in, std::uint16_t wanted, const Parameters& parameters) {
  PRISM_TRY(const auto version, in.u16());
  if (version != wanted)
    return fail(ErrorCode::unsupported, in.what(), " of version ", version, "; this program reads ", wanted);
  PRISM_TRY(const Digest digest, in.digest());
  if (digest != parameters.digest()) return fail(ErrorCode::mismatch, in.what(), " was made for other parameters");
  return {};
}

void write_id(wire::Writer& out, const KeyId& id) {
  out.choice(static_cast<std::uint8_t>(id.kind));
  out.u32(id.g);
  out.u32(static_cast<std::uint32_t>(id.level.value));
}

Result<KeyId> read_id(wire::Reader& in, const Parameters& parameters) {
  KeyId id;
  PRISM_TRY(const auto kind, in.choice(2));
  id.kind = static_cast<KeyId::Kind>(kind);
  PRISM_TRY(id.g, in.u32());
  PRISM_TRY(const auto level, in.u32());
  if (level > static_cast<std::uint32_t>(parameters.max_level().value))
    return fail(ErrorCode::malformed, in.what(), " names level ", level, ", the highest is ",
                parameters.max_level().value);
  id.level = Level{static_cast<int>(level)};
  const bool sensible =
      id.kind == KeyId::Kind::relinearise ? id.g == 0 : id.g % 2 == 1 && id.g < 2 * parameters.degree();
  if (!sensible) return fail(ErrorCode::malformed, in.what(), " names X -> X^", id.g, ", which is no automorphism");
  if (parameters.special_primes().size() == 0)
    return fail(ErrorCode::malformed, in.what(), " is for parameters without special primes, which have no such keys");
  return id;
}

Result<std::uint64_t> read_error_scale(wire::Reader& in, const ring::Ring& ring, const ring::PrimeSet& set) {
  PRISM_TRY(const auto scale, in.u64());
  bool sensible = scale != 0 && scale < std::uint64_t{1} << 50;
  for (const std::uint32_t prime : set.indexes()) sensible = sensible && scale % ring.prime(prime) != 0;
  if (!sensible) return fail(ErrorCode::malformed, in.what(), " has an impossible error scale of ", scale);
  return scale;
}

ring::PrimeSet key_primes(const Parameters& parameters, const KeyId& id) {
  return parameters.primes(id.level).united(parameters.special_primes());
}

std::size_t digit_count(const Parameters& parameters, const KeyId& id) {
  const std::size_t digit_size = parameters.spec().digit_size;
  return (parameters.primes(id.level).size() + digit_size - 1) / digit_size;
}

}  // namespace

std::size_t switch_key_bytes(const Parameters& parameters, const KeyId& id) {
  return kKeyHeadBytes + digit_count(parameters, id) * rows_bytes(parameters.ring(), key_primes(parameters, id));
}

std::size_t SwitchKey::file_bytes() const {
  std::size_t bytes = kKeyHeadBytes;
  for (const auto& poly : b) bytes += rows_bytes(poly.ring(), poly.primes());
  return bytes;
}

Bytes encode(const Parameters& parameters, const SwitchKey& key) {
  Bytes memory;
  memory.reserve(key.file_bytes());
  wire::Writer out(std::move(memory));
  write_head(out, kKeyVersion, parameters);
  write_id(out, key.id);
  out.u64(key.error_scale);
  out.raw(key.seed);
  // In memory the rows are moved (SwitchKey); X -> X^g brings them back.
  const std::uint32_t order = memory_order(key.id, parameters.degree());
  ring::Evaluations moved;
  for (const auto& poly : key.b) {
    if (order != 1) ring::automorphism(moved, poly, key.id.g);
    write_rows(out, order != 1 ? moved : poly);
  }
  check(out.size() == switch_key_bytes(parameters, key.id), "encode: a switching key of other parameters");
  return std::move(out).take();
}

Result<SwitchKey> decode_switch_key(const std::shared_ptr<const Parameters>& parameters, ByteView bytes) {
  wire::Reader in(bytes, "an evaluation key");
  PRISM_CHECKED(read_head(in, kKeyVersion, *parameters));
  SwitchKey key;
  PRISM_TRY(key.id, read_id(in, *parameters));
  const ring::PrimeSet set = key_primes(*parameters, key.id);
  PRISM_TRY(key.error_scale, read_error_scale(in, parameters->ring(), set));
  PRISM_TRY(key.seed, in.array<32>());
  if (bytes.size() != switch_key_bytes(*parameters, key.id))
    return fail(ErrorCode::malformed, in.what(), " of ", bytes.size(), " bytes, where ",
                switch_key_bytes(*parameters, key.id), " are needed");
  for (std::size_t j = 0; j < digit_count(*parameters, key.id); ++j) {
    PRISM_TRY(auto b, read_rows(in, parameters->ring(), set));
    key.b.push_back(std::move(b));
  }
  PRISM_CHECKED(in.finish());
  const std::uint32_t order = memory_order(key.id, parameters->degree());
  for (std::size_t j = 0; j < key.b.size(); ++j) {
    key.a.push_back(ring::uniform(parameters->ring(), set, key.seed, j));
    if (order == 1) continue;
    key.a[j] = ring::automorphism(key.a[j], order);
    key.b[j] = ring::automorphism(key.b[j], order);
  }
  return key;
}

Digest digest_of(const Parameters& parameters, const SwitchKey& key) { return hash::sha256(encode(parameters, key)); }

Bytes encode(const Parameters& parameters, const PublicKey& key) {
  wire::Writer out;
  write_head(out, kPublicKeyVersion, parameters);
  out.u64(key.error_scale);
  out.raw(key.seed);
  write_rows(out, key.b);
  return std::move(out).take();
}

Result<PublicKey> decode_public_key(const std::shared_ptr<const Parameters>& parameters, ByteView bytes) {
  wire::Reader in(bytes, "a public key");
  PRISM_CHECKED(read_head(in, kPublicKeyVersion, *parameters));
  const ring::PrimeSet set = parameters->primes(parameters->max_level());
  PublicKey key;
  PRISM_TRY(key.error_scale, read_error_scale(in, parameters->ring(), set));
  PRISM_TRY(key.seed, in.array<32>());
  if (in.remaining() != rows_bytes(parameters->ring(), set))
    return fail(ErrorCode::malformed, in.what(), " with ", in.remaining(), " bytes of residues, where ",
                rows_bytes(parameters->ring(), set), " are needed");
  PRISM_TRY(key.b, read_rows(in, parameters->ring(), set));
  PRISM_CHECKED(in.finish());
  key.a = ring::uniform(parameters->ring(), set, key.seed, 0);
  return key;
}

Digest BundleIndex::digest(const Parameters& parameters) const {
  std::vector<const BundleEntry*> sorted;
  for (const BundleEntry& entry : entries) sorted.push_back(&entry);
  std::sort(sorted.begin(), sorted.end(), [](const auto* x, const auto* y) { return x->id < y->id; });
  hash::Sha256 hash = hash::tagged_sha256("prism evaluation keys");
  hash.update(parameters.digest()).update_u64(sorted.size());
  for (const BundleEntry* entry : sorted) {
    wire::Writer id;
    write_id(id, entry->id);
    hash.update(id.view()).update(entry->digest);
  }
  return hash.finish();
}

namespace {

void write_entry(wire::Writer& out, const Parameters& parameters, const SwitchKey& key) {
  const Bytes bytes = encode(parameters, key);
  write_id(out, key.id);
  out.digest(hash::sha256(bytes));
  out.bytes(bytes);
}

}  // namespace

Bytes encode(const EvaluationKeys& keys) {
  wire::Writer out;
  write_head(out, kBundleVersion, keys.parameters());
  for (const auto& [id, key] : keys.keys()) write_entry(out, keys.parameters(), key);
  return std::move(out).take();
}

Status append_key(Bytes& bundle, const Parameters& parameters, const SwitchKey& key) {
  PRISM_TRY(const BundleIndex index, decode_bundle_index(parameters, bundle));
  for (const BundleEntry& entry : index.entries)
    if (entry.id == key.id)
      return fail(ErrorCode::mismatch, "the evaluation keys already hold one of this kind, element ", key.id.g,
                  " and level ", key.id.level.value);
  wire::Writer out(std::move(bundle));
  write_entry(out, parameters, key);
  bundle = std::move(out).take();
  return {};
}

Result<BundleIndex> decode_bundle_index(const Parameters& parameters, ByteView bundle) {
  wire::Reader in(bundle, "a bundle of evaluation keys");
  PRISM_CHECKED(read_head(in, kBundleVersion, parameters));
  BundleIndex index;
  std::set<KeyId> seen;
  while (in.remaining() != 0) {
    BundleEntry entry;
    PRISM_TRY(entry.id, read_id(in, parameters));
    PRISM_TRY(entry.digest, in.digest());
    PRISM_TRY(entry.length, in.u64());
    if (entry.length != switch_key_bytes(parameters, entry.id))
      return fail(ErrorCode::malformed, in.what(), " holds a key of ", entry.length, " bytes, where ",
                  switch_key_bytes(parameters, entry.id), " are needed");
    entry.offset = in.position();
    PRISM_TRY([[maybe_unused]] const ByteView key, in.view(entry.length));
    if (!seen.insert(entry.id).second)
      return fail(ErrorCode::malformed, in.what(), " holds two keys for element ", entry.id.g, " and level ",
                  entry.id.level.value);
    index.entries.push_back(entry);
  }
  return index;
}

Result<SwitchKey> decode_key(const std::shared_ptr<const Parameters>& parameters, ByteView bundle,
                             const BundleEntry& entry) {
  check(entry.offset <= bundle.size() && entry.length <= bundle.size() - entry.offset,
        "decode_key: an entry of another bundle");
  const ByteView bytes = bundle.subspan(entry.offset, entry.length);
  if (hash::sha256(bytes) != entry.digest)
    return fail(ErrorCode::integrity, "an evaluation key does not have the digest that its bundle gives");
  PRISM_TRY(auto key, decode_switch_key(parameters, bytes));
  if (key.id != entry.id) return fail(ErrorCode::malformed, "an evaluation key is not the one its bundle names");
  return key;
}

Result<SwitchKey> decode_key(const std::shared_ptr<const Parameters>& parameters, ByteView bundle, const KeyId& id) {
  PRISM_TRY(const BundleIndex index, decode_bundle_index(*parameters, bundle));
  for (const BundleEntry& entry : index.entries)
    if (entry.id == id) return decode_key(parameters, bundle, entry);
  return fail(ErrorCode::not_found, "no evaluation key for element ", id.g, " at level ", id.level.value, " among the ",
              index.entries.size(), " in the bundle");
}

Result<EvaluationKeys> decode_evaluation_keys(const std::shared_ptr<const Parameters>& parameters, ByteView bundle) {
  PRISM_TRY(const BundleIndex index, decode_bundle_index(*parameters, bundle));
  EvaluationKeys keys(parameters);
  for (const BundleEntry& entry : index.entries) {
    PRISM_TRY(auto key, decode_key(parameters, bundle, entry));
    keys.add(std::move(key));
  }
  return keys;
}

}  // namespace prism::rlwe
