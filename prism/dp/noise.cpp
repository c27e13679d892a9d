#include "prism/dp/noise.h"

#include <algorithm>
#include <cmath>

#include "prism/base/check.h"
#include "prism/dp/internal/noise_tables.h"
#include "prism/kernels/kernels.h"
#include "prism/secret/secret.h"

namespace prism::dp {
namespace {

constexpr std::size_t kAtOnce = 64;  ///< draws whose words are read together
constexpr std::uint64_t kLow63 = ~std::uint64_t{0} >> 1;
constexpr unsigned kMostBits = 100;

/// kernels::Kernels::draw_by_table for one draw.
std::int64_t draw_one(std::uint64_t low, std::uint64_t high, std::span<const std::array<std::uint64_t, 2>> thresholds) {
  const std::uint64_t sign = 0 - (high >> 63);
  low &= kLow63;
  high &= kLow63;
  std::uint64_t below = 0;  // the borrow of a difference of 63-bit words is its top bit
  for (const auto& threshold : thresholds) below += (high - threshold[0] - ((low - threshold[1]) >> 63)) >> 63;
  return static_cast<std::int64_t>(((thresholds.size() - below) ^ sign) - sign);
}

Result<Rational> checked(std::string_view what, const Rational& parameter) {
  PRISM_TRY(const Rational reduced, make_rational(parameter.numerator, parameter.denominator));
  if (reduced.numerator <= 0 || compare(reduced, Rational{Int128{1} << kMostBits, 1}) > 0) {
    return fail(ErrorCode::invalid_argument, what, " must be above 0 and at most 2^100; found ", to_string(reduced));
  }
  return reduced;
}

long double ratio(Int128 a, const Rational& b) {
  return static_cast<long double>(a) * static_cast<long double>(b.denominator) / static_cast<long double>(b.numerator);
}

/// Sums over a Gaussian up to this variance are taken term by term.
constexpr double kSummedVariance = 4096;

}  // namespace

struct Noise::Tables {
  Kind kind;
  Rational parameter;
  std::vector<Component> components;
  Delta truncation;
  double value;         ///< of the parameter, nearest
  double unnormalised;  ///< Gaussian of small variance: the sum of exp(-x^2 / 2v) over all x, else 0
};

Noise::Noise(std::shared_ptr<const Tables> tables) : tables_(std::move(tables)) {}

Result<Noise> Noise::laplace(const Rational& scale) {
  PRISM_TRY(const Rational reduced, checked("a Laplace scale", scale));
  internal::NoiseTables made = internal::laplace_tables(reduced);
  const auto value = static_cast<double>(1 / ratio(1, reduced));
  return Noise(std::make_shared<const Tables>(
      Tables{Kind::laplace, reduced, std::move(made.components), made.truncation, value, 0}));
}

Result<Noise> Noise::gaussian(const Rational& variance) {
  PRISM_TRY(const Rational reduced, checked("a Gaussian variance", variance));
  internal::NoiseTables made = internal::gaussian_tables(reduced);
  const auto value = static_cast<double>(1 / ratio(1, reduced));
  double sum = 0;
  if (value <= kSummedVariance) {
    for (double x = std::ceil(14 * std::sqrt(value)); x >= 1; --x) sum += std::exp(-x * x / (2 * value));
    sum = 1 + 2 * sum;
  }
  return Noise(std::make_shared<const Tables>(
      Tables{Kind::gaussian, reduced, std::move(made.components), made.truncation, value, sum}));
}

Noise::Kind Noise::kind() const { return tables_->kind; }
const Rational& Noise::parameter() const { return tables_->parameter; }
Delta Noise::truncation() const { return tables_->truncation; }
std::span<const Noise::Component> Noise::components() const { return tables_->components; }
std::size_t Noise::words_per_draw() const { return 2 * tables_->components.size(); }

Int128 Noise::draw(DrawStream& stream) const {
  Int128 out = 0;
  for (const Component& component : tables_->components) {
    std::array<std::uint64_t, 2> words;
    stream.read(words);
    out += component.multiplier * draw_one(words[0], words[1], component.thresholds);
  }
  return out;
}

void Noise::draw(DrawStream& stream, std::span<Int128> out) const {
  const std::size_t count = tables_->components.size();
  secret::SecretVector<std::uint64_t> words_memory(kAtOnce * 2 * count), column_memory(kAtOnce * 2);
  const std::span<std::uint64_t> words = words_memory.reveal(secret::RevealKey());
  const std::span<std::uint64_t> column = column_memory.reveal(secret::RevealKey());
  std::array<std::int32_t, kAtOnce> part;
  while (!out.empty()) {
    const std::size_t n = std::min(out.size(), kAtOnce);
    stream.read(words.first(n * 2 * count));
    std::fill_n(out.begin(), n, Int128{0});
    for (std::size_t c = 0; c < count; ++c) {
      for (std::size_t i = 0; i < n; ++i) {
        column[2 * i] = words[2 * (i * count + c)];
        column[2 * i + 1] = words[2 * (i * count + c) + 1];
      }
      // The kernel takes sixteen at a time; what stands behind the last draw is left over from before, and is not used.
      const Component& component = tables_->components[c];
      kernels::best().draw_by_table(part.data(), column.data(), (n + 15) / 16 * 16, component.thresholds.data(),
                                    component.thresholds.size());
      for (std::size_t i = 0; i < n; ++i) out[i] += component.multiplier * part[i];
    }
    out = out.subspan(n);
  }
  secret::wipe(part.data(), sizeof(part));
}

Int128 Noise::largest() const {
  Int128 out = 0;
  for (const Component& component : tables_->components) {
    out += component.multiplier * static_cast<Int128>(component.thresholds.size());
  }
  return out;
}

Delta Noise::delta_of_truncation(Epsilon epsilon) const {
  const double factor = std::nextafter(1 + std::exp(epsilon.value_up()) * (1 + 0x1p-50), INFINITY);
  const double delta = std::nextafter(factor * truncation().value_up(), INFINITY);
  return Delta::from_double_up(std::min(delta, 1.0));
}

double Noise::standard_deviation() const {
  const double value = tables_->value;
  if (kind() == Kind::laplace) {
    // 2q / (1 - q)^2 with q = exp(-1/t) is 1 / (2 sinh(1 / 2t)^2).
    return std::sqrt(0.5) / std::sinh(0.5 / value);
  }
  if (value > kSummedVariance) return std::sqrt(value);
  double sum = 0;
  for (double x = std::ceil(14 * std::sqrt(value)); x >= 1; --x) sum += x * x * std::exp(-x * x / (2 * value));
  return std::sqrt(2 * sum / tables_->unnormalised);
}

double Noise::tail_up(Int128 h) const {
  if (h < 0) return 1;
  h = std::min(h, Int128{1} << 120);  // beyond every draw; h + 1 fits
  const double value = tables_->value;
  long double tail = 0;
  if (kind() == Kind::laplace) {
    tail = 2 * std::exp(-ratio(h + 1, parameter())) / (1 + std::exp(-ratio(1, parameter())));
  } else if (value <= kSummedVariance) {
    const auto from = static_cast<double>(h) + 1;
    for (double x = std::max(from, std::ceil(from + 14 * std::sqrt(value))); x >= from; --x)
      tail += std::exp(-x * x / (2 * value));
    tail = 2 * tail / tables_->unnormalised;
  } else {
    // P(|x| >= k) is at most P(|y| >= k - 1/2) for the continuous y. By Poisson summation all terms add up to between 1
    // and 1 + 3 exp(-2 pi^2 v) times their integral, which is the same to far beyond a double. Up to the deviation the
    // density is concave, so the terms below k are at least their integrals over [x - 1/2, x + 1/2]; beyond it is
    // convex, so those from k on are at most theirs.
    const long double deviation = 1 / std::sqrt(ratio(1, parameter()));
    tail = std::erfc((static_cast<long double>(h) + 0.5L) / (deviation * std::sqrt(2.0L)));
  }
  // Far more than the errors of the functions above, relative (doubles in sums of a few hundred terms) and absolute.
  const double up = static_cast<double>(tail) * (1 + 1e-12) + truncation().value_up() + 1e-300;
  return std::min(up, 1.0);
}

std::string_view name_of(Noise::Kind kind) { return kind == Noise::Kind::laplace ? "laplace" : "gaussian"; }

}  // namespace prism::dp
