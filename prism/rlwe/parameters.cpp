#include "prism/rlwe/parameters.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "prism/hash/sha256.h"
#include "prism/math/natural.h"
#include "prism/math/primes.h"
#include "prism/wire/reader.h"
#include "prism/wire/writer.h"

namespace prism::rlwe {
namespace {

constexpr unsigned kFirstRow = 11;
constexpr unsigned kLastRow = 17;
/// ePrint 2024/463, Table 5.2, classical security, uniform ternary secret; rows N = 2^11 .. 2^17, columns 128, 192,
/// 256.
constexpr std::array<std::array<unsigned, 3>, kLastRow - kFirstRow + 1> kTable = {{{53, 36, 27},
                                                                                   {106, 73, 56},
                                                                                   {214, 147, 114},
                                                                                   {430, 297, 230},
                                                                                   {868, 597, 462},
                                                                                   {1747, 1199, 929},
                                                                                   {3523, 2411, 1866}}};

constexpr std::size_t kMostPrimes = 64;  // what the kernels' inner products accept
constexpr std::uint16_t kSpecVersion = 1;

/// The smallest b with product < 2^b. Exact, so that no two machines disagree about a set at the table's edge.
unsigned modulus_bits(const std::vector<std::uint64_t>& primes) { return math::Natural::product(primes).bit_length(); }

ParameterSpec with_default_levels(ParameterSpec spec) {
  if (spec.level_sizes.empty())
    for (std::uint32_t size = 1; size <= spec.primes.size(); ++size) spec.level_sizes.push_back(size);
  return spec;
}

/// Everything but the primes' arithmetic, which takes longer.
Status check_shape(const ParameterSpec& spec) {
  // Rows come in eights in the kernels; above 2^17 neither the table nor the transforms go.
  if (spec.log_n < 3 || spec.log_n > kLastRow)
    return fail(ErrorCode::invalid_argument, "N = 2^", spec.log_n, " is outside 2^3 .. 2^", kLastRow);
  if (spec.primes.empty()) return fail(ErrorCode::invalid_argument, "no ciphertext primes: at least one is needed");
  if (spec.primes.size() > kMostPrimes || spec.special_primes.size() > kMostPrimes - spec.primes.size())
    return fail(ErrorCode::invalid_argument, spec.primes.size(), " + ", spec.special_primes.size(), " primes: at most ",
                kMostPrimes, " in all");
  if (spec.digit_size < 1 || spec.digit_size > kMostPrimes)
    return fail(ErrorCode::invalid_argument, spec.digit_size, " primes per digit: 1 .. ", kMostPrimes, " are possible");
  std::uint32_t before = 0;
  for (const std::uint32_t size : spec.level_sizes) {
    if (size <= before)
      return fail(ErrorCode::invalid_argument, "level sizes must increase from at least 1, found ", size, " after ",
                  before);
    before = size;
  }
  if (!spec.level_sizes.empty() && before != spec.primes.size())
    return fail(ErrorCode::invalid_argument, "the last level has ", before, " primes, there are ", spec.primes.size());
  switch (spec.security) {
    case Security::bits128:
    case Security::bits192:
    case Security::bits256:
    case Security::none_for_tests:
      return {};
  }
  return fail(ErrorCode::invalid_argument, "security of ", static_cast<int>(spec.security),
              " bits: 128, 192 and 256 are offered");
}

Status check_primes(const ParameterSpec& spec, const std::vector<std::uint64_t>& all) {
  const std::uint64_t step = std::uint64_t{2} << spec.log_n;
  for (const std::uint64_t q : all) {
    if (q >= std::uint64_t{1} << 50) return fail(ErrorCode::invalid_argument, q, " is not below 2^50");
    if (q % step != 1)
      return fail(ErrorCode::invalid_argument, q, " is not 1 modulo 2N = ", step, "; choose_primes finds such primes");
    if (!math::is_prime(q)) return fail(ErrorCode::invalid_argument, q, " is not a prime");
  }
  std::vector<std::uint64_t> sorted = all;
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice != sorted.end()) return fail(ErrorCode::invalid_argument, *twice, " appears twice among the primes");
  return {};
}

std::vector<std::uint64_t> primes_of(const ring::Ring& ring, const ring::PrimeSet& set) {
  std::vector<std::uint64_t> primes;
  for (const std::uint32_t index : set.indexes()) primes.push_back(ring.prime(index));
  return primes;
}

}  // namespace

unsigned max_log2_modulus(unsigned log_n, Security security) {
  if (log_n < kFirstRow || log_n > kLastRow) return 0;
  const auto& row = kTable[log_n - kFirstRow];
  switch (security) {
    case Security::bits128:
      return row[0];
    case Security::bits192:
      return row[1];
    case Security::bits256:
      return row[2];
    case Security::none_for_tests:
      break;
  }
  return 0;
}

Status check_modulus_bits(unsigned log_n, Security security, unsigned bits, std::string_view what) {
  if (security == Security::none_for_tests) return {};
  const unsigned limit = max_log2_modulus(log_n, security);
  if (bits <= limit) return {};
  std::string way_out;
  for (unsigned larger = std::max(log_n + 1, kFirstRow); larger <= kLastRow; ++larger) {
    if (bits <= max_log2_modulus(larger, security)) {
      way_out = " use N = 2^" + std::to_string(larger) + " (up to " +
                std::to_string(max_log2_modulus(larger, security)) + " bits)";
      break;
    }
  }
  if (limit != 0) {
    way_out += way_out.empty() ? " no larger N allows it either;" : ", or";
    way_out += " remove " + std::to_string(bits - limit) + " bits of primes";
  } else if (way_out.empty()) {
    way_out = " the table has no N that allows it: at most " + std::to_string(max_log2_modulus(kLastRow, security)) +
              " bits at N = 2^" + std::to_string(kLastRow);
  }
  const auto level = static_cast<int>(security);
  if (limit == 0)
    return fail(ErrorCode::insecure, what, " of ", bits, " bits at N = 2^", log_n, ": the table for ", level,
                "-bit security has no such N;", way_out);
  return fail(ErrorCode::insecure, what, " of ", bits, " bits is over the limit of ", limit, " bits for ", level,
              "-bit security at N = 2^", log_n, ";", way_out);
}

Result<std::shared_ptr<const Parameters>> Parameters::make(const ParameterSpec& spec) {
  PRISM_CHECKED(check_shape(spec));
  std::vector<std::uint64_t> all = spec.primes;
  all.insert(all.end(), spec.special_primes.begin(), spec.special_primes.end());
  PRISM_CHECKED(check_primes(spec, all));
  PRISM_CHECKED(check_modulus_bits(spec.log_n, spec.security, modulus_bits(all),
                                   spec.special_primes.empty() ? "a modulus Q" : "a key modulus Q*P"));
  // The constructor is private; make_shared cannot reach it.
  std::shared_ptr<Parameters> made(new Parameters());
  made->spec_ = with_default_levels(spec);
  PRISM_TRY(made->ring_, ring::Ring::make(spec.log_n, all));
  made->digest_ = hash::tagged_sha256("prism rlwe parameters").update(encode(made->spec_)).finish();
  return std::shared_ptr<const Parameters>(std::move(made));
}

ring::PrimeSet Parameters::primes(Level level) const {
  check(level.value >= 0 && level <= max_level(), "Parameters::primes: no such level");
  return ring::PrimeSet::range(0, spec_.level_sizes[static_cast<std::size_t>(level.value)]);
}

ring::PrimeSet Parameters::special_primes() const {
  return ring::PrimeSet::range(static_cast<std::uint32_t>(spec_.primes.size()),
                               static_cast<std::uint32_t>(spec_.special_primes.size()));
}

Result<Level> Parameters::level_of(const ring::PrimeSet& set) const {
  const auto found = std::lower_bound(spec_.level_sizes.begin(), spec_.level_sizes.end(), set.size());
  if (found != spec_.level_sizes.end()) {
    const Level level{static_cast<int>(found - spec_.level_sizes.begin())};
    if (primes(level) == set) return level;
  }
  return fail(ErrorCode::mismatch, "a set of ", set.size(), " primes is no level of these parameters (levels 0 .. ",
              max_level().value, ")");
}

double Parameters::log2_key_modulus(Level level) const {
  return ring_->log2_product(primes(level).united(special_primes()));
}

Status check_key_modulus(const Parameters& parameters, const ring::PrimeSet& set) {
  return check_modulus_bits(parameters.spec().log_n, parameters.security(),
                            modulus_bits(primes_of(parameters.ring(), set)), "a key modulus");
}

Bytes encode(const ParameterSpec& given) {
  const ParameterSpec spec = with_default_levels(given);
  wire::Writer out;
  out.u16(kSpecVersion);
  out.u16(static_cast<std::uint16_t>(spec.security));
  out.u32(spec.log_n);
  out.u32(spec.digit_size);
  for (const auto* primes : {&spec.primes, &spec.special_primes}) {
    out.count(primes->size());
    for (const std::uint64_t q : *primes) out.u64(q);
  }
  out.count(spec.level_sizes.size());
  for (const std::uint32_t size : spec.level_sizes) out.u32(size);
  return std::move(out).take();
}

Result<ParameterSpec> decode_parameter_spec(ByteView bytes) {
  wire::Reader in(bytes, "a parameter set");
  PRISM_TRY(const auto version, in.u16());
  if (version != kSpecVersion)
    return fail(ErrorCode::unsupported, "parameter set of version ", version, "; this program reads ", kSpecVersion);
  ParameterSpec spec;
  PRISM_TRY(const auto security, in.u16());
  spec.security = static_cast<Security>(security);
  if (spec.security != Security::bits128 && spec.security != Security::bits192 && spec.security != Security::bits256)
    return fail(ErrorCode::malformed, "parameter set with a security of ", security, " bits: 128, 192 and 256 exist");
  PRISM_TRY(spec.log_n, in.u32());
  PRISM_TRY(spec.digit_size, in.u32());
  for (auto* primes : {&spec.primes, &spec.special_primes}) {
    PRISM_TRY(const auto count, in.count(kMostPrimes, 8));
    for (std::size_t i = 0; i < count; ++i) {
      PRISM_TRY(const auto q, in.u64());
      primes->push_back(q);
    }
  }
  PRISM_TRY(const auto levels, in.count(kMostPrimes, 4));
  if (levels == 0) return fail(ErrorCode::malformed, "a parameter set without levels");
  for (std::size_t i = 0; i < levels; ++i) {
    PRISM_TRY(const auto size, in.u32());
    spec.level_sizes.push_back(size);
  }
  PRISM_CHECKED(in.finish());
  std::vector<std::uint64_t> all = spec.primes;
  all.insert(all.end(), spec.special_primes.begin(), spec.special_primes.end());
  PRISM_CHECKED(check_shape(spec));
  PRISM_CHECKED(check_primes(spec, all));
  PRISM_CHECKED(check_modulus_bits(spec.log_n, spec.security, modulus_bits(all), "a key modulus Q*P"));
  return spec;
}

Result<std::vector<std::uint64_t>> choose_primes(unsigned bits, std::size_t count,
                                                 const std::vector<std::uint64_t>& avoid) {
  constexpr unsigned kLogStep = 18;
  if (bits <= kLogStep || bits > 50)
    return fail(ErrorCode::invalid_argument, "primes of ", bits, " bits: ", kLogStep + 1, " .. 50 are possible");
  PRISM_TRY(auto primes, math::primes_below(bits, std::uint64_t{1} << kLogStep, count, avoid));
  if (!primes.empty() && primes.back() >> (bits - 1) == 0)
    return fail(ErrorCode::invalid_argument, "there are fewer than ", count, " primes of exactly ", bits,
                " bits that are 1 modulo 2^", kLogStep, "; ask for more bits");
  return primes;
}

}  // namespace prism::rlwe
