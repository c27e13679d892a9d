// The canonical embedding. A real polynomial m of degree below N is u_k = m_k + i*m_{k+N/2}, k < n = N/2: the roots
// used are zeta^(5^j) with 5^j = 1 mod 4, whose power N/2 is i, so m and u agree there. They are zeta * omega^r with
// omega = zeta^4, r = (5^j - 1)/4 mod n: a transform of length n of u_k zeta^k.
#include <cmath>
#include <numbers>

#include "prism/ckks/internal/rounding.h"
#include "prism/ckks/plaintext.h"
#include "prism/math/modular.h"

namespace prism::ckks {
namespace {

using secret::SecretVector;
constexpr secret::RevealKey kReveal{};

/// exp(2 pi i k / order), order a multiple of 8: angles are brought below pi/4 by exact symmetries first.
Complex unit_root(std::size_t k, std::size_t order) {
  k %= order;
  const std::size_t quarter = order / 4, turns = k / quarter, r = k % quarter;
  const auto angle = [&](std::size_t x) {
    return 2 * std::numbers::pi * static_cast<double>(x) / static_cast<double>(order);
  };
  const bool mirrored = 2 * r > quarter;
  const double small = angle(mirrored ? quarter - r : r);
  const double cosine = mirrored ? std::sin(small) : std::cos(small);
  const double sine = mirrored ? std::cos(small) : std::sin(small);
  switch (turns) {
    case 0:
      return {cosine, sine};
    case 1:
      return {-sine, cosine};
    case 2:
      return {-cosine, -sine};
    default:
      return {sine, -cosine};
  }
}

struct Binary {
  double fraction;  ///< in [1, 2]
  int exponent;
};
Binary binary(const Scale& scale) {
  const Scale::Approximation a = scale.approximate();
  return {static_cast<double>(static_cast<std::uint64_t>(a.mantissa >> 64)) * 0x1p-63,
          static_cast<int>(a.exponent + 127)};
}

}  // namespace

class Encoder::Embedding {
 public:
  explicit Embedding(unsigned log_n) : log_slots_(log_n - 1), n_(std::size_t{1} << (log_n - 1)) {
    const std::size_t order = 4 * n_;  // 2N
    for (std::size_t k = 0; k < n_; ++k) {
      twist_.push_back(unit_root(k, order));
      reverse_.push_back(math::reverse_bits(static_cast<std::uint32_t>(k), log_slots_));
    }
    for (std::size_t k = 0; k < n_ / 2; ++k) roots_.push_back(unit_root(4 * k, order));
    std::size_t power = 1;
    for (std::size_t j = 0; j < n_; ++j) {
      place_.push_back(static_cast<std::uint32_t>((power - 1) / 4));
      power = power * 5 % order;
    }
  }

  /// coefficients: N doubles; out: n slots.
  void to_slots(std::span<const double> coefficients, std::span<Complex> out) const {
    SecretVector<double> re(n_), im(n_);
    const auto x = re.reveal(kReveal), y = im.reveal(kReveal);
    for (std::size_t k = 0; k < n_; ++k) {
      const double a = coefficients[k], b = coefficients[k + n_];
      const Complex w = twist_[k];
      x[reverse_[k]] = a * w.real() - b * w.imag();
      y[reverse_[k]] = a * w.imag() + b * w.real();
    }
    transform(x, y, 1);
    for (std::size_t j = 0; j < n_; ++j) out[j] = {x[place_[j]], y[place_[j]]};
  }
  void to_coefficients(std::span<const Complex> slots, std::span<double> out) const {
    SecretVector<double> re(n_), im(n_);
    const auto x = re.reveal(kReveal), y = im.reveal(kReveal);
    for (std::size_t j = 0; j < n_; ++j) {
      x[reverse_[place_[j]]] = slots[j].real();
      y[reverse_[place_[j]]] = slots[j].imag();
    }
    transform(x, y, -1);
    const double share = 1 / static_cast<double>(n_);
    for (std::size_t k = 0; k < n_; ++k) {
      const Complex w = twist_[k];
      out[k] = (x[k] * w.real() + y[k] * w.imag()) * share;
      out[k + n_] = (y[k] * w.real() - x[k] * w.imag()) * share;
    }
  }

 private:
  /// Decimation in time, input in bit-reversed order; sign of the exponent as given.
  void transform(std::span<double> x, std::span<double> y, double sign) const {
    for (std::size_t half = 1; half < n_; half *= 2) {
      const std::size_t stride = n_ / (2 * half);
      for (std::size_t start = 0; start < n_; start += 2 * half) {
        for (std::size_t k = 0; k < half; ++k) {
          const Complex w = roots_[k * stride];
          const double c = w.real(), s = sign * w.imag();
          const std::size_t i = start + k, j = i + half;
          const double re = x[j] * c - y[j] * s, im = x[j] * s + y[j] * c;
          x[j] = x[i] - re;
          y[j] = y[i] - im;
          x[i] += re;
          y[i] += im;
        }
      }
    }
  }

  unsigned log_slots_;
  std::size_t n_;
  std::vector<Complex> twist_, roots_;
  std::vector<std::uint32_t> reverse_, place_;
};

Plaintext::Plaintext(std::shared_ptr<const Parameters> parameters, Scale scale, Noise noise)
    : parameters_(std::move(parameters)),
      scale_(std::move(scale)),
      noise_(noise),
      coefficients_(parameters_->degree()) {}

Plaintext Plaintext::clone() const {
  Plaintext copy(parameters_, scale_, noise_);
  const auto from = coefficients(kReveal);
  std::copy(from.begin(), from.end(), copy.coefficients(kReveal).begin());
  return copy;
}

Encoder::Encoder(std::shared_ptr<const Parameters> parameters)
    : parameters_(std::move(parameters)), embedding_(std::make_shared<Embedding>(parameters_->rlwe().ring().log_n())) {}

math::Bound Encoder::transform_error(math::Bound magnitude) const {
  return NoiseModel::transform_error(parameters_->degree(), magnitude);
}

Status Encoder::check_level(rlwe::Level level) const {
  if (level.value >= 0 && level <= parameters_->max_level()) return {};
  return fail(ErrorCode::invalid_argument, "level ", level.value, "; levels are 0 to ", parameters_->max_level().value);
}

template <class T>
Result<Plaintext> Encoder::encode_any(std::span<const T> slots, const Scale& scale, double largest) const {
  const std::size_t n = parameters_->slots();
  if (slots.size() > n) {
    return fail(ErrorCode::invalid_argument, slots.size(), " values and ", n,
                " slots; use several plaintexts or an EncryptedVector");
  }
  if (!(largest >= 0 && largest < 0x1p200))
    return fail(ErrorCode::invalid_argument, "the largest magnitude must be a number from 0 to 2^200");
  const double scale_log2 = scale.log2();
  if (!(scale_log2 >= 0 && scale_log2 <= 250) || !(scale_log2 + std::log2(largest) < 119)) {
    return fail(ErrorCode::invalid_argument, "magnitudes up to 2^", largest == 0 ? 0 : std::lround(std::log2(largest)),
                " at the scale 2^", std::lround(scale_log2), "; their product must stay below 2^119");
  }
  SecretVector<Complex> padded(n);
  const auto values = padded.reveal(kReveal);
  // A comparison with a value that is no number fails, too.
  const double limit = largest * largest * (1 + 0x1p-50);
  std::uint64_t outside = 0;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const Complex value(slots[i]);
    const double square = value.real() * value.real() + value.imag() * value.imag();
    outside |= static_cast<std::uint64_t>(!(square <= limit));
    values[i] = value;
  }
  if (outside != 0) {
    return fail(ErrorCode::invalid_argument, "a value is not within the largest magnitude that was declared, ", largest,
                ", or not finite");
  }
  const math::Bound magnitude = math::Bound::from_double(largest * (1 + 0x1p-50));
  Plaintext plaintext(parameters_, scale, {magnitude, NoiseModel::encoding(parameters_->degree(), magnitude, scale)});
  SecretVector<double> coefficients(2 * n);
  const auto x = coefficients.reveal(kReveal);
  embedding_->to_coefficients(values, x);
  const Binary b = binary(scale);
  const double down = std::ldexp(1.0, b.exponent - 60);
  const auto out = plaintext.coefficients(kReveal);
  for (std::size_t k = 0; k < out.size(); ++k) out[k] = round_times_2_60(x[k] * b.fraction * down);
  return plaintext;
}

Result<Plaintext> Encoder::encode(std::span<const Complex> slots, const Scale& scale, double largest) const {
  return encode_any(slots, scale, largest);
}
Result<Plaintext> Encoder::encode(std::span<const double> slots, const Scale& scale, double largest) const {
  return encode_any(slots, scale, largest);
}
Result<Plaintext> Encoder::encode(std::span<const Complex> slots, rlwe::Level level, double largest) const {
  PRISM_CHECKED(check_level(level));
  return encode_any(slots, parameters_->scale(level), largest);
}
Result<Plaintext> Encoder::encode(std::span<const double> slots, rlwe::Level level, double largest) const {
  PRISM_CHECKED(check_level(level));
  return encode_any(slots, parameters_->scale(level), largest);
}

Result<Plaintext> Encoder::encode_constant(const Constant& real, const Scale& scale) const {
  PRISM_TRY(const Int128 value, real.times(scale));
  Plaintext plaintext(parameters_, scale, {real.magnitude(), real.rounding(scale)});
  plaintext.coefficients(kReveal)[0] = value;
  return plaintext;
}

Result<Plaintext> Encoder::encode_constant(const Constant& real, const Constant& imaginary, const Scale& scale) const {
  PRISM_TRY(const Int128 re, real.times(scale));
  PRISM_TRY(const Int128 im, imaginary.times(scale));
  const math::Bound magnitude =
      sqrt(real.magnitude() * real.magnitude() + imaginary.magnitude() * imaginary.magnitude());
  Plaintext plaintext(parameters_, scale, {magnitude, real.rounding(scale) + imaginary.rounding(scale)});
  plaintext.coefficients(kReveal)[0] = re;
  plaintext.coefficients(kReveal)[parameters_->slots()] = im;
  return plaintext;
}

std::vector<Complex> Encoder::decode(const Plaintext& plaintext) const {
  check(&plaintext.parameters() == parameters_.get(), "a plaintext of other parameters");
  const auto in = plaintext.coefficients(kReveal);
  SecretVector<double> coefficients(in.size());
  const auto x = coefficients.reveal(kReveal);
  const Binary b = binary(plaintext.scale());
  const double inverse = std::ldexp(1 / b.fraction, -b.exponent);
  for (std::size_t k = 0; k < in.size(); ++k) x[k] = to_double(in[k]) * inverse;
  std::vector<Complex> slots(parameters_->slots());
  embedding_->to_slots(x, slots);
  return slots;
}

std::vector<double> Encoder::decode_real(const Plaintext& plaintext) const {
  const std::vector<Complex> slots = decode(plaintext);
  std::vector<double> out(slots.size());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = slots[i].real();
  return out;
}

}  // namespace prism::ckks
