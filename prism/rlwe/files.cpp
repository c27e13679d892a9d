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

/// The rows of `set`, of all those of `whole` that lie there.
Result<ring::Evaluations> read_rows(wire::Reader& in, const ring::Ring& ring, const ring::PrimeSet& whole,
                                    const ring::PrimeSet& set) {
  ring::Evaluations poly;
  poly.reshape(ring, set);
  for (const std::uint32_t prime : whole.indexes()) {
    PRISM_TRY(const ByteView packed, in.view(row_bytes(ring, prime)));
    if (!set.contains(prime)) continue;
    const std::size_t i = set.position(prime);
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

namespace {

/// The part of a key that `level` needs, and nothing else in memory. A level above the key's own: all of it.
Result<SwitchKey> decode_part(const std::shared_ptr<const Parameters>& parameters, ByteView bytes, Level level) {
  wire::Reader in(bytes, "an evaluation key");
  PRISM_CHECKED(read_head(in, kKeyVersion, *parameters));
  SwitchKey key;
  PRISM_TRY(key.id, read_id(in, *parameters));
  const ring::PrimeSet whole = key_primes(*parameters, key.id);
  const std::size_t digits = digit_count(*parameters, key.id);
  PRISM_TRY(key.error_scale, read_error_scale(in, parameters->ring(), whole));
  PRISM_TRY(key.seed, in.array<32>());
  if (bytes.size() != switch_key_bytes(*parameters, key.id))
    return fail(ErrorCode::malformed, in.what(), " of ", bytes.size(), " bytes, where ",
                switch_key_bytes(*parameters, key.id), " are needed");
  key.id.level = std::min(key.id.level, level);
  const ring::PrimeSet set = key_primes(*parameters, key.id);
  const std::uint32_t order = memory_order(key.id, parameters->degree());
  for (std::size_t j = 0; j < digits; ++j) {
    if (j >= digit_count(*parameters, key.id)) {
      PRISM_TRY([[maybe_unused]] const ByteView skipped, in.view(rows_bytes(parameters->ring(), whole)));
      continue;
    }
    PRISM_TRY(auto b, read_rows(in, parameters->ring(), whole, set));
    auto a = ring::uniform(parameters->ring(), set, key.seed, j);
    key.b.push_back(order == 1 ? std::move(b) : ring::automorphism(b, order));
    key.a.push_back(order == 1 ? std::move(a) : ring::automorphism(a, order));
  }
  PRISM_CHECKED(in.finish());
  return key;
}

}  // namespace

Result<SwitchKey> decode_switch_key(const std::shared_ptr<const Parameters>& parameters, ByteView bytes) {
  return decode_part(parameters, bytes, parameters->max_level());
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
  PRISM_TRY(key.b, read_rows(in, parameters->ring(), set, set));
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
  check(keys.ids().size() == keys.keys().size(), "encode: evaluation keys that lie in a source are not written");
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
                             const BundleEntry& entry, Level level) {
  check(entry.offset <= bundle.size() && entry.length <= bundle.size() - entry.offset,
        "decode_key: an entry of another bundle");
  check(level.value >= 0 && level <= entry.id.level, "decode_key: a level that the key does not reach");
  const ByteView bytes = bundle.subspan(entry.offset, entry.length);
  if (hash::sha256(bytes) != entry.digest)
    return fail(ErrorCode::integrity, "an evaluation key does not have the digest that its bundle gives");
  PRISM_TRY(auto key, decode_part(parameters, bytes, level));
  KeyId expected = entry.id;
  expected.level = level;
  if (key.id != expected) return fail(ErrorCode::malformed, "an evaluation key is not the one its bundle names");
  return key;
}

Result<SwitchKey> decode_key(const std::shared_ptr<const Parameters>& parameters, ByteView bundle,
                             const BundleEntry& entry) {
  return decode_key(parameters, bundle, entry, entry.id.level);
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

namespace {

class BundleSource final : public KeySource {
 public:
  BundleSource(std::shared_ptr<const Parameters> parameters, ByteView bundle, BundleIndex index)
      : parameters_(std::move(parameters)), bundle_(bundle), index_(std::move(index)) {
    for (const BundleEntry& entry : index_.entries) ids_.push_back(entry.id);
  }
  const std::vector<KeyId>& ids() const override { return ids_; }
  Result<SwitchKey> load(const KeyId& id, Level level) override {
    const auto at = std::find(ids_.begin(), ids_.end(), id);
    check(at != ids_.end(), "KeySource::load of a key that it does not have");
    return decode_key(parameters_, bundle_, index_.entries[static_cast<std::size_t>(at - ids_.begin())], level);
  }
  Digest digest() const override { return index_.digest(*parameters_); }

 private:
  std::shared_ptr<const Parameters> parameters_;
  ByteView bundle_;
  BundleIndex index_;
  std::vector<KeyId> ids_;
};

}  // namespace

Result<std::unique_ptr<KeySource>> open_bundle(std::shared_ptr<const Parameters> parameters, ByteView bundle) {
  PRISM_TRY(BundleIndex index, decode_bundle_index(*parameters, bundle));
  return std::unique_ptr<KeySource>(std::make_unique<BundleSource>(std::move(parameters), bundle, std::move(index)));
}

}  // namespace prism::rlwe
