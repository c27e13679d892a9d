#include "prism/exact/wire.h"

#include <cmath>
#include <cstring>

#include "prism/wire/reader.h"
#include "prism/wire/writer.h"

namespace prism::exact {
namespace {

enum class Form : std::uint8_t { plaintext = 0, ciphertext = 1, seeded = 2, sample = 3 };
constexpr std::uint8_t kVersion = 1;

std::size_t row_bytes(std::size_t n, unsigned bits) { return (n * bits + 7) / 8; }

std::size_t rows_bytes(const rlwe::Parameters& rlwe, rlwe::Level level) {
  std::size_t total = 0;
  const ring::PrimeSet level_primes = rlwe.primes(level);
  for (const std::uint32_t i : level_primes.indexes()) total += row_bytes(rlwe.degree(), rlwe.ring().modulus(i).bits);
  return total;
}

Status writable(const Parameters& parameters) {
  if (parameters.rlwe().security() != rlwe::Security::none_for_tests) return {};
  return fail(ErrorCode::refused, "parameters without security are for tests and do not go into files");
}

// -- writing

wire::Writer begin(Form form, const Parameters& parameters) {
  wire::Writer w;
  w.u8(static_cast<std::uint8_t>(form));
  w.u8(kVersion);
  w.digest(parameters.digest());
  return w;
}

void write_row(wire::Writer& w, std::span<const std::uint64_t> row, unsigned bits) {
  kernels::best().pack_bits(w.grow(row_bytes(row.size(), bits)).data(), row.data(), row.size(), bits);
}

// The browser's library (libc++ 13) has no std::bit_cast.
void write_bound(wire::Writer& w, math::Bound bound) {
  const double log2 = bound.log2();
  std::uint64_t bits;
  std::memcpy(&bits, &log2, sizeof bits);
  w.u64(bits);
}

void write_noise(wire::Writer& w, const Noise& noise) {
  for (const math::Bound bound :
       {noise.coefficient, noise.euclidean, noise.canonical, noise.spread, noise.rest_euclidean})
    write_bound(w, bound);
  w.boolean(noise.ancestry.is_everything());
  const auto events = noise.ancestry.events();
  w.u16(static_cast<std::uint16_t>(events.size()));
  for (const std::uint64_t event : events) w.u64(event);
}

void write_rows(wire::Writer& w, const ring::Evaluations& part) {
  for (std::size_t i = 0; i < part.rows(); ++i) write_row(w, part.row(i), part.modulus(i).bits);
}

// -- reading

Result<wire::Reader> open(Form form, ByteView bytes, const Parameters& parameters, std::string_view what) {
  PRISM_CHECKED(writable(parameters));
  wire::Reader r(bytes, what);
  PRISM_TRY(const std::uint8_t found, r.choice(4));
  if (found != static_cast<std::uint8_t>(form))
    return fail(ErrorCode::malformed, what, " was wanted, something else was found");
  PRISM_TRY(const std::uint8_t version, r.u8());
  if (version != kVersion)
    return fail(ErrorCode::unsupported, what, " of format version ", version, "; this program reads version ",
                kVersion);
  PRISM_TRY(const Digest digest, r.digest());
  if (digest != parameters.digest()) return fail(ErrorCode::mismatch, what, " of other parameters");
  return r;
}

Status read_row(wire::Reader& r, std::span<std::uint64_t> row, const kernels::Modulus& m) {
  PRISM_TRY(const ByteView packed, r.view(row_bytes(row.size(), m.bits)));
  kernels::best().unpack_bits(row.data(), packed.data(), row.size(), m.bits);
  if (!kernels::best().all_below(row.data(), row.size(), m.q))
    return fail(ErrorCode::malformed, r.what(), " with a residue above its prime");
  const unsigned used = static_cast<unsigned>((row.size() * m.bits) % 8);
  if (used != 0 && (packed.back() >> used) != 0)
    return fail(ErrorCode::malformed, r.what(), " with bits after a row's end");
  return {};
}

Result<math::Bound> read_bound(wire::Reader& r) {
  PRISM_TRY(const std::uint64_t bits, r.u64());
  double log2;
  std::memcpy(&log2, &bits, sizeof log2);
  if (log2 == -INFINITY) return math::Bound::zero();
  if (!(std::abs(log2) < 1e6)) return fail(ErrorCode::malformed, r.what(), " with a noise bound that is no number");
  return math::Bound::from_log2(log2);
}

Result<Noise> read_noise(wire::Reader& r) {
  Noise noise;
  for (math::Bound* bound :
       {&noise.coefficient, &noise.euclidean, &noise.canonical, &noise.spread, &noise.rest_euclidean}) {
    PRISM_TRY(*bound, read_bound(r));
  }
  PRISM_TRY(const bool everything, r.boolean());
  PRISM_TRY(const std::uint16_t count, r.u16());
  if (count > Ancestry::kMostEvents || (everything && count != 0))
    return fail(ErrorCode::malformed, r.what(), " with an ancestry of ", count, " events");
  std::uint64_t before = 0;
  for (std::uint16_t i = 0; i < count; ++i) {
    PRISM_TRY(const std::uint64_t event, r.u64());
    if (i > 0 && event <= before) return fail(ErrorCode::malformed, r.what(), " with an ancestry out of order");
    noise.ancestry = noise.ancestry.united(Ancestry::event(event));
    before = event;
  }
  if (everything) noise.ancestry = Ancestry::everything();
  return noise;
}

struct Place {
  rlwe::Level level;
  std::uint64_t correction;
};
Result<Place> read_place(wire::Reader& r, const Parameters& parameters) {
  PRISM_TRY(const std::uint8_t level, r.u8());
  if (level > parameters.max_level().value)
    return fail(ErrorCode::malformed, r.what(), " at level ", level, " of ", parameters.max_level().value);
  PRISM_TRY(const std::uint64_t correction, r.u64());
  if (correction == 0 || correction >= parameters.plain_modulus() ||
      (parameters.scheme() == Scheme::bfv && correction != 1)) {
    return fail(ErrorCode::malformed, r.what(), " with a correction factor out of range");
  }
  return Place{rlwe::Level{level}, correction};
}

Status expect_remaining(const wire::Reader& r, std::size_t wanted) {
  if (r.remaining() == wanted) return {};
  return fail(ErrorCode::malformed, r.what(), " with ", r.remaining(),
              " bytes of residues where its parameters ask for ", wanted);
}

Result<ring::Evaluations> read_rows(wire::Reader& r, const Parameters& parameters, rlwe::Level level) {
  ring::Evaluations part(parameters.rlwe().ring(), parameters.rlwe().primes(level));
  for (std::size_t i = 0; i < part.rows(); ++i) PRISM_CHECKED(read_row(r, part.row(i), part.modulus(i)));
  return part;
}

}  // namespace

Result<Bytes> encode(const Plaintext& plaintext) {
  PRISM_CHECKED(writable(plaintext.parameters()));
  wire::Writer w = begin(Form::plaintext, plaintext.parameters());
  write_row(w, plaintext.coefficients(), plaintext.parameters().plain().bits);
  return std::move(w).take();
}

Result<Bytes> encode(const Ciphertext& c) {
  PRISM_CHECKED(writable(*c.parameters));
  wire::Writer w = begin(Form::ciphertext, *c.parameters);
  w.u8(static_cast<std::uint8_t>(c.parts.size()));
  w.u8(static_cast<std::uint8_t>(c.level.value));
  w.u64(c.correction);
  write_noise(w, c.noise);
  for (const ring::Evaluations& part : c.parts) write_rows(w, part);
  return std::move(w).take();
}

Result<Bytes> encode(const SeededCiphertext& c) {
  PRISM_CHECKED(writable(*c.parameters));
  wire::Writer w = begin(Form::seeded, *c.parameters);
  w.u8(static_cast<std::uint8_t>(c.level.value));
  w.u64(c.correction);
  write_noise(w, c.noise);
  w.raw(c.seed);
  w.u64(c.stream);
  write_rows(w, c.b);
  return std::move(w).take();
}

Result<Bytes> encode(const LweSample& sample) {
  PRISM_CHECKED(writable(*sample.parameters));
  wire::Writer w = begin(Form::sample, *sample.parameters);
  w.u8(static_cast<std::uint8_t>(sample.level.value));
  w.u64(sample.correction);
  write_bound(w, sample.noise);
  for (const std::uint64_t residue : sample.b) w.u64(residue);
  const ring::PrimeSet primes = sample.parameters->rlwe().primes(sample.level);
  for (std::size_t i = 0; i < primes.size(); ++i) {
    write_row(w, sample.a[i], sample.parameters->rlwe().ring().modulus(primes[i]).bits);
  }
  return std::move(w).take();
}

Result<Plaintext> decode_plaintext(ByteView bytes, std::shared_ptr<const Parameters> parameters) {
  PRISM_TRY(wire::Reader r, open(Form::plaintext, bytes, *parameters, "a plaintext"));
  PRISM_CHECKED(expect_remaining(r, row_bytes(parameters->degree(), parameters->plain().bits)));
  Plaintext plaintext(parameters);
  PRISM_CHECKED(read_row(r, plaintext.coefficients(), parameters->plain()));
  PRISM_CHECKED(r.finish());
  return plaintext;
}

Result<Ciphertext> decode_ciphertext(ByteView bytes, std::shared_ptr<const Parameters> parameters) {
  PRISM_TRY(wire::Reader r, open(Form::ciphertext, bytes, *parameters, "a ciphertext"));
  PRISM_TRY(const std::uint8_t parts, r.u8());
  if (parts != 2 && parts != 3)
    return fail(ErrorCode::malformed, "a ciphertext of ", parts, " parts; 2 or 3 are possible");
  PRISM_TRY(const Place place, read_place(r, *parameters));
  PRISM_TRY(Noise noise, read_noise(r));
  PRISM_CHECKED(expect_remaining(r, parts * rows_bytes(parameters->rlwe(), place.level)));
  Ciphertext out{parameters, {}, place.level, place.correction, std::move(noise)};
  for (std::uint8_t i = 0; i < parts; ++i) {
    PRISM_TRY(ring::Evaluations part, read_rows(r, *parameters, place.level));
    out.parts.push_back(std::move(part));
  }
  PRISM_CHECKED(r.finish());
  return out;
}

Result<SeededCiphertext> decode_seeded_ciphertext(ByteView bytes, std::shared_ptr<const Parameters> parameters) {
  PRISM_TRY(wire::Reader r, open(Form::seeded, bytes, *parameters, "a seeded ciphertext"));
  PRISM_TRY(const Place place, read_place(r, *parameters));
  PRISM_TRY(Noise noise, read_noise(r));
  PRISM_TRY(const ring::Seed seed, r.array<32>());
  PRISM_TRY(const std::uint64_t stream, r.u64());
  PRISM_CHECKED(expect_remaining(r, rows_bytes(parameters->rlwe(), place.level)));
  PRISM_TRY(ring::Evaluations b, read_rows(r, *parameters, place.level));
  PRISM_CHECKED(r.finish());
  return SeededCiphertext{parameters, std::move(b), seed, stream, place.level, place.correction, std::move(noise)};
}

Result<LweSample> decode_lwe_sample(ByteView bytes, std::shared_ptr<const Parameters> parameters) {
  PRISM_TRY(wire::Reader r, open(Form::sample, bytes, *parameters, "an LWE sample"));
  PRISM_TRY(const Place place, read_place(r, *parameters));
  PRISM_TRY(const math::Bound noise, read_bound(r));
  const rlwe::Parameters& rlwe = parameters->rlwe();
  const ring::PrimeSet primes = rlwe.primes(place.level);
  PRISM_CHECKED(expect_remaining(r, 8 * primes.size() + rows_bytes(rlwe, place.level)));
  LweSample out{parameters, {}, {}, place.level, place.correction, noise};
  for (const std::uint32_t i : primes.indexes()) {
    PRISM_TRY(const std::uint64_t residue, r.u64());
    if (residue >= rlwe.ring().prime(i)) return fail(ErrorCode::malformed, r.what(), " with a residue above its prime");
    out.b.push_back(residue);
  }
  for (const std::uint32_t i : primes.indexes()) {
    PRISM_CHECKED(read_row(r, out.a.emplace_back(rlwe.degree()), rlwe.ring().modulus(i)));
  }
  PRISM_CHECKED(r.finish());
  return out;
}

}  // namespace prism::exact
