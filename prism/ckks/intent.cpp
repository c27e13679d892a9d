// Parameters from what is to be computed: the noise model is run on the deepest circuit of the intent, for one ring
// after another. A larger scale never makes errors larger, so the smallest that does is found by halving.
#include <algorithm>
#include <cmath>
#include <optional>

#include "prism/ckks/ciphertext.h"
#include "prism/ckks/noise.h"

namespace prism::ckks {
namespace {

constexpr unsigned kMinLogN = 11, kMaxLogN = 16;
constexpr unsigned kMostScale = 98, kOnePrime = 49, kSpecialBits = 50;
constexpr int kMostDepth = 64, kMostPrecision = 60;

struct Outcome {
  bool decrypts;
  double error_log2;
};

Outcome simulate(const Intent& intent, const Parameters& p) {
  const NoiseModel model(p.rlwe(), rlwe::ternary_norms(p.degree()), NoiseModel::Mode::tails);
  rlwe::Level level = p.max_level();
  const math::Bound largest = math::Bound::from_double(intent.largest_magnitude);
  const math::Bound encoding = NoiseModel::encoding(p.degree(), largest, p.scale(level));
  Noise x = model.fresh_public({largest, encoding}, p.scale(level));
  bool fits = true;
  for (int d = 0; d < intent.depth; ++d) {
    if (intent.rotations) x = model.key_switch(x, p.scale(level), level);
    const Scale squared = p.scale(level) * p.scale(level);
    x = model.key_switch(NoiseModel::multiply(x, x), squared, level);
    fits = fits && decrypts(p, level, NoiseModel::phase(x, squared));
    level = rlwe::Level{level.value - 1};
    x = model.rescale(x, p.scale(level), 2);
  }
  if (intent.rotations) x = model.key_switch(x, p.scale(level), level);
  x = NoiseModel::times(x, math::Bound::from_integer(intent.additions));
  return {fits && decrypts(p, level, NoiseModel::phase(x, p.scale(level))), x.error.log2()};
}

/// log2 of the largest value at the end, with the additions.
double final_magnitude(const Intent& intent) {
  return std::log2(std::max(intent.largest_magnitude, 0x1p-20)) * std::exp2(intent.depth) +
         std::log2(static_cast<double>(intent.additions));
}

struct Shape {
  unsigned log_n, scale_bits, per_level, digit_size;
  unsigned base_count, base_bits;  ///< primes of level 0, and bits of each
  unsigned special_bits;
};

bool switches(const Intent& intent) { return intent.depth > 0 || intent.rotations; }

/// Nothing when the shape is over the table. `tight`: special primes no larger than they must be, for small rings.
std::optional<Shape> shape_for(const Intent& intent, unsigned log_n, unsigned scale_bits, unsigned digit_size,
                               bool tight) {
  const double magnitude = final_magnitude(intent);
  if (scale_bits > kMostScale || magnitude > 1000) return std::nullopt;
  const unsigned per_level = scale_bits > kOnePrime ? 2 : 1;
  if (scale_bits % per_level != 0) return std::nullopt;
  Shape s{log_n, scale_bits, per_level, digit_size, 0, 0, kSpecialBits};
  // Two bits: for Q/2 instead of Q, and for the error beside the message.
  const unsigned base = scale_bits + static_cast<unsigned>(std::max(0.0, std::ceil(magnitude))) + 2;
  s.base_count = (base + 49) / 50;
  s.base_bits = std::clamp((base + s.base_count - 1) / s.base_count, 20U, 50U);
  if (tight) s.special_bits = std::min(kSpecialBits, std::max(s.base_bits, scale_bits / per_level + 1));
  const unsigned total = s.base_count * s.base_bits + static_cast<unsigned>(intent.depth) * scale_bits +
                         (switches(intent) ? digit_size * s.special_bits : 0);
  if (total > rlwe::max_log2_modulus(log_n, intent.security)) return std::nullopt;
  return s;
}

Result<std::shared_ptr<const Parameters>> build(const Intent& intent, const Shape& s) {
  rlwe::ParameterSpec spec;
  spec.log_n = s.log_n;
  spec.security = intent.security;
  spec.digit_size = s.digit_size;
  if (switches(intent)) {
    PRISM_TRY(spec.special_primes, rlwe::choose_primes(s.special_bits, s.digit_size));
  }
  PRISM_TRY(spec.primes, rlwe::choose_primes(s.base_bits, s.base_count, spec.special_primes));
  std::vector<std::uint64_t> avoid = spec.primes;
  avoid.insert(avoid.end(), spec.special_primes.begin(), spec.special_primes.end());
  PRISM_TRY(const std::vector<std::uint64_t> middle,
            rescaling_primes(s.log_n, s.scale_bits, static_cast<std::size_t>(intent.depth), s.per_level, avoid));
  spec.primes.insert(spec.primes.end(), middle.begin(), middle.end());
  for (int l = 0; l <= intent.depth; ++l)
    spec.level_sizes.push_back(s.base_count + static_cast<std::uint32_t>(l) * s.per_level);
  return Parameters::make(std::move(spec), s.scale_bits);
}

unsigned least_log_n(const Intent& intent) {
  unsigned log_n = kMinLogN;
  while (log_n <= kMaxLogN && (std::size_t{1} << (log_n - 1)) < intent.min_slots) ++log_n;
  return log_n;
}

bool accepts(const Intent& intent, const Outcome& outcome) {
  return outcome.decrypts && outcome.error_log2 <= -intent.precision_bits;
}

std::shared_ptr<const Parameters> attempt(const Intent& intent, unsigned log_n, unsigned scale_bits,
                                          unsigned digit_size, bool tight) {
  const auto shape = shape_for(intent, log_n, scale_bits, digit_size, tight);
  if (!shape) return nullptr;
  auto made = build(intent, *shape);
  if (!made || !accepts(intent, simulate(intent, **made))) return nullptr;
  return *std::move(made);
}

/// The smallest scale of one ring that does; nothing when none does.
std::shared_ptr<const Parameters> search(const Intent& intent, unsigned log_n, bool tight) {
  // A public-key encryption alone is off by more than 2^(log_n) at the scale 1.
  auto low = static_cast<unsigned>(std::max(22, intent.precision_bits + static_cast<int>(log_n)));
  const auto even = [](unsigned bits) { return bits > kOnePrime ? bits / 2 * 2 : bits; };
  unsigned high = kMostScale;
  while (high > low && !shape_for(intent, log_n, even(high), 1, tight)) --high;
  high = even(high);
  if (high <= low) return nullptr;
  std::shared_ptr<const Parameters> found = attempt(intent, log_n, high, 1, tight);
  // Rescaling primes may lie above 2^scale_bits and so the largest scale just over the table.
  for (int tries = 0; !found && tries < 2 && high > low + 2; ++tries) {
    high = even(high - 1);
    found = attempt(intent, log_n, high, 1, tight);
  }
  if (!found) return nullptr;
  while (high - low > (high > kOnePrime ? 2 : 1)) {
    const unsigned middle = even(low + (high - low) / 2);
    if (middle <= low) break;
    if (auto made = attempt(intent, log_n, middle, 1, tight)) {
      found = std::move(made);
      high = middle;
    } else {
      low = middle;
    }
  }
  // More special primes make fewer, larger digits: faster switching for a larger modulus. At least three digits stay.
  const std::size_t count = found->rlwe().spec().primes.size();
  for (unsigned digit = 3; digit >= 2 && intent.depth > 0; --digit) {
    if (count < 3 * digit) continue;
    if (auto made = attempt(intent, log_n, found->scale_bits(), digit, tight)) return made;
  }
  return found;
}

std::shared_ptr<const Parameters> search(const Intent& intent, unsigned log_n) {
  auto found = search(intent, log_n, false);
  return found || !switches(intent) ? found : search(intent, log_n, true);
}

std::shared_ptr<const Parameters> smallest(const Intent& intent) {
  for (unsigned log_n = least_log_n(intent); log_n <= kMaxLogN; ++log_n) {
    if (auto found = search(intent, log_n)) return found;
  }
  return nullptr;
}

/// The largest x in [low, high) for which `fits`; low - 1 when there is none. What fits at x fits below it.
template <class F>
int largest_fitting(int low, int high, F fits) {
  int good = low - 1, bad = high;
  while (bad - good > 1) {
    const int middle = good + (bad - good) / 2;
    (fits(middle) ? good : bad) = middle;
  }
  return good;
}

}  // namespace

Result<std::shared_ptr<const Parameters>> parameters_for(const Intent& intent) {
  if (intent.depth < 0 || intent.additions == 0)
    return fail(ErrorCode::invalid_argument, "depth ", intent.depth, " and ", intent.additions, " additions");
  if (!(intent.largest_magnitude > 0 && intent.largest_magnitude < 0x1p60))
    return fail(ErrorCode::invalid_argument, "the largest magnitude must be above 0 and below 2^60");
  if (intent.security == rlwe::Security::none_for_tests)
    return fail(ErrorCode::insecure, "parameters by intent are secure; choose 128, 192 or 256 bits");
  if (intent.min_slots > std::size_t{1} << (kMaxLogN - 1)) {
    return fail(ErrorCode::unsupported, intent.min_slots, " slots; the largest ring has ",
                std::size_t{1} << (kMaxLogN - 1), ", an EncryptedVector spans several ciphertexts");
  }
  if (intent.depth <= kMostDepth && intent.precision_bits <= kMostPrecision) {
    if (auto found = smallest(intent)) return found;
  }
  Intent less = intent;
  less.precision_bits = std::min(intent.precision_bits, kMostPrecision);
  const int depth = largest_fitting(0, std::min(intent.depth, kMostDepth), [&](int d) {
    less.depth = d;
    return search(less, kMaxLogN) != nullptr;
  });
  less.depth = intent.depth;
  const int precision = intent.depth > kMostDepth
                            ? -1
                            : largest_fitting(0, std::min(intent.precision_bits, kMostPrecision), [&](int bits) {
                                less.precision_bits = bits;
                                return search(less, kMaxLogN) != nullptr;
                              });
  std::string way_out;
  if (depth >= 0) way_out = "; depth " + std::to_string(depth) + " does";
  if (precision >= 0)
    way_out += (depth >= 0 ? ", and so do " : "; ") + std::to_string(precision) + " bits of precision";
  if (way_out.empty()) way_out = "; take a smaller depth and precision";
  if (intent.largest_magnitude > 1 && intent.depth > 0)
    way_out += "; magnitudes multiply, so divide inputs by the largest of them and multiply the result";
  return fail(ErrorCode::unsupported, "depth ", intent.depth, " to ", intent.precision_bits, " bits at ",
              static_cast<int>(intent.security), " bits of security does not fit N = 2^", kMaxLogN, way_out);
}

}  // namespace prism::ckks
