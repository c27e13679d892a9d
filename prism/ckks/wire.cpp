#include "prism/ckks/wire.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "prism/wire/reader.h"
#include "prism/wire/writer.h"

namespace prism::ckks {
namespace {

enum class Form : std::uint8_t { ciphertext = 0, seeded = 1 };
constexpr std::uint8_t kVersion = 1;
constexpr std::int64_t kZero = std::numeric_limits<std::int64_t>::min();
constexpr double kLargestLog2 = 1e6;

std::size_t row_bytes(std::size_t n, unsigned bits) { return (n * bits + 7) / 8; }

std::size_t rows_bytes(const rlwe::Parameters& rlwe, rlwe::Level level) {
  std::size_t total = 0;
  const ring::PrimeSet primes = rlwe.primes(level);
  for (const std::uint32_t i : primes.indexes()) total += row_bytes(rlwe.degree(), rlwe.ring().modulus(i).bits);
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

void write_wide(wire::Writer& w, Int128 value) {
  w.u64(static_cast<std::uint64_t>(value));
  w.i64(static_cast<std::int64_t>(value >> 64));
}

Status write_scale(wire::Writer& w, const Scale& scale, const ring::Ring& ring) {
  if (!scale.bounded()) return fail(ErrorCode::invalid_argument, "a scale out of range does not go into a file");
  write_wide(w, scale.two());
  // Ascending indexes, whatever the order of the primes.
  std::vector<std::pair<std::uint8_t, Int128>> factors;
  for (std::size_t i = 0; i < ring.prime_count(); ++i) {
    for (const Scale::Factor& f : scale.factors()) {
      if (f.prime == ring.prime(static_cast<std::uint32_t>(i)))
        factors.emplace_back(static_cast<std::uint8_t>(i), f.exponent);
    }
  }
  if (factors.size() != scale.factors().size())
    return fail(ErrorCode::invalid_argument, "a scale with a prime that is not the ring's does not go into a file");
  w.u8(static_cast<std::uint8_t>(factors.size()));
  for (const auto& [index, exponent] : factors) {
    w.u8(index);
    write_wide(w, exponent);
  }
  return {};
}

/// Reading adds Bound's slack, so that much is taken off before rounding up: a bound read is at least the bound written
/// (up to a rounding of the last bit, which the slack is a thousand times above), and written again is the same number.
void write_bound(wire::Writer& w, math::Bound bound) {
  if (bound.is_zero()) return w.i64(kZero);
  const double log2 = std::clamp(bound.log2(), -kLargestLog2, kLargestLog2);
  w.i64(static_cast<std::int64_t>(std::ceil((log2 - 0x1p-40 * std::max(1.0, std::fabs(log2))) * 0x1p20)));
}

void write_noise(wire::Writer& w, const Noise& noise) {
  write_bound(w, noise.magnitude);
  write_bound(w, noise.error);
}

void write_rows(wire::Writer& w, const ring::Evaluations& part) {
  for (std::size_t i = 0; i < part.rows(); ++i) {
    const unsigned bits = part.modulus(i).bits;
    kernels::best().pack_bits(w.grow(row_bytes(part.degree(), bits)).data(), part.row(i).data(), part.degree(), bits);
  }
}

// -- reading

Result<wire::Reader> open(Form form, ByteView bytes, const Parameters& parameters, std::string_view what) {
  PRISM_CHECKED(writable(parameters));
  wire::Reader r(bytes, what);
  PRISM_TRY(const std::uint8_t found, r.choice(2));
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

Result<rlwe::Level> read_level(wire::Reader& r, const Parameters& parameters) {
  PRISM_TRY(const std::uint8_t level, r.u8());
  if (level > parameters.max_level().value)
    return fail(ErrorCode::malformed, r.what(), " at level ", level, " of ", parameters.max_level().value);
  return rlwe::Level{level};
}

Result<Int128> read_wide(wire::Reader& r) {
  PRISM_TRY(const std::uint64_t low, r.u64());
  PRISM_TRY(const std::int64_t high, r.i64());
  // bounded() asks for less than 2^80; far below what arithmetic on exponents overflows at.
  if (high < -(1 << 20) || high > (1 << 20)) return fail(ErrorCode::malformed, r.what(), " with a scale out of range");
  return static_cast<Int128>(high) * (Int128{1} << 64) + low;
}

Result<Scale> read_scale(wire::Reader& r, const ring::Ring& ring) {
  PRISM_TRY(const Int128 two, read_wide(r));
  PRISM_TRY(const std::uint8_t count, r.u8());
  if (count > ring.prime_count()) return fail(ErrorCode::malformed, r.what(), " with ", count, " primes in its scale");
  Scale scale = Scale::power_of_two(two);
  int before = -1;
  for (std::uint8_t i = 0; i < count; ++i) {
    PRISM_TRY(const std::uint8_t index, r.u8());
    PRISM_TRY(const Int128 exponent, read_wide(r));
    if (index <= before || index >= ring.prime_count() || exponent == 0)
      return fail(ErrorCode::malformed, r.what(), " with a scale out of order");
    before = index;
    scale = scale * Scale::power_of(ring.prime(index), exponent);
  }
  if (!scale.bounded()) return fail(ErrorCode::malformed, r.what(), " with a scale out of range");
  return scale;
}

Result<math::Bound> read_bound(wire::Reader& r) {
  PRISM_TRY(const std::int64_t units, r.i64());
  if (units == kZero) return math::Bound::zero();
  const double log2 = static_cast<double>(units) * 0x1p-20;
  if (!(std::fabs(log2) <= kLargestLog2)) return fail(ErrorCode::malformed, r.what(), " with a bound out of range");
  return math::Bound::from_log2(log2);
}

Result<Noise> read_noise(wire::Reader& r) {
  PRISM_TRY(const math::Bound magnitude, read_bound(r));
  PRISM_TRY(const math::Bound error, read_bound(r));
  return Noise{magnitude, error};
}

Status expect_remaining(const wire::Reader& r, std::size_t wanted) {
  if (r.remaining() == wanted) return {};
  return fail(ErrorCode::malformed, r.what(), " with ", r.remaining(),
              " bytes of residues where its parameters ask for ", wanted);
}

Result<ring::Evaluations> read_rows(wire::Reader& r, const Parameters& parameters, rlwe::Level level) {
  ring::Evaluations part(parameters.rlwe().ring(), parameters.rlwe().primes(level));
  for (std::size_t i = 0; i < part.rows(); ++i) {
    const kernels::Modulus& m = part.modulus(i);
    PRISM_TRY(const ByteView packed, r.view(row_bytes(part.degree(), m.bits)));  // N is a multiple of 8: no spare bits
    kernels::best().unpack_bits(part.row(i).data(), packed.data(), part.degree(), m.bits);
    if (!kernels::best().all_below(part.row(i).data(), part.degree(), m.q))
      return fail(ErrorCode::malformed, r.what(), " with a residue above its prime");
  }
  return part;
}

}  // namespace

Result<Bytes> encode(const Ciphertext& c) {
  PRISM_CHECKED(writable(*c.parameters));
  wire::Writer w = begin(Form::ciphertext, *c.parameters);
  w.u8(static_cast<std::uint8_t>(c.parts.size()));
  w.u8(static_cast<std::uint8_t>(c.level.value));
  PRISM_CHECKED(write_scale(w, c.scale, c.parameters->rlwe().ring()));
  write_noise(w, c.noise);
  for (const ring::Evaluations& part : c.parts) write_rows(w, part);
  return std::move(w).take();
}

Result<Bytes> encode(const SeededCiphertext& c) {
  PRISM_CHECKED(writable(*c.parameters));
  wire::Writer w = begin(Form::seeded, *c.parameters);
  w.u8(static_cast<std::uint8_t>(c.level.value));
  PRISM_CHECKED(write_scale(w, c.scale, c.parameters->rlwe().ring()));
  write_noise(w, c.noise);
  w.raw(c.seed);
  w.u64(c.stream);
  write_rows(w, c.b);
  return std::move(w).take();
}

Result<Ciphertext> decode_ciphertext(ByteView bytes, std::shared_ptr<const Parameters> parameters) {
  PRISM_TRY(wire::Reader r, open(Form::ciphertext, bytes, *parameters, "a ciphertext"));
  PRISM_TRY(const std::uint8_t parts, r.u8());
  if (parts != 2 && parts != 3)
    return fail(ErrorCode::malformed, "a ciphertext of ", parts, " parts; 2 or 3 are possible");
  PRISM_TRY(const rlwe::Level level, read_level(r, *parameters));
  PRISM_TRY(Scale scale, read_scale(r, parameters->rlwe().ring()));
  PRISM_TRY(const Noise noise, read_noise(r));
  PRISM_CHECKED(expect_remaining(r, parts * rows_bytes(parameters->rlwe(), level)));
  Ciphertext out{parameters, {}, level, std::move(scale), noise};
  for (std::uint8_t i = 0; i < parts; ++i) {
    PRISM_TRY(ring::Evaluations part, read_rows(r, *parameters, level));
    out.parts.push_back(std::move(part));
  }
  PRISM_CHECKED(r.finish());
  return out;
}

Result<SeededCiphertext> decode_seeded_ciphertext(ByteView bytes, std::shared_ptr<const Parameters> parameters) {
  PRISM_TRY(wire::Reader r, open(Form::seeded, bytes, *parameters, "a seeded ciphertext"));
  PRISM_TRY(const rlwe::Level level, read_level(r, *parameters));
  PRISM_TRY(Scale scale, read_scale(r, parameters->rlwe().ring()));
  PRISM_TRY(const Noise noise, read_noise(r));
  PRISM_TRY(const ring::Seed seed, r.array<32>());
  PRISM_TRY(const std::uint64_t stream, r.u64());
  PRISM_CHECKED(expect_remaining(r, rows_bytes(parameters->rlwe(), level)));
  PRISM_TRY(ring::Evaluations b, read_rows(r, *parameters, level));
  PRISM_CHECKED(r.finish());
  return SeededCiphertext{parameters, std::move(b), seed, stream, level, std::move(scale), noise};
}

}  // namespace prism::ckks
