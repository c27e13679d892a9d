// Constants in every slot. a + b*i is the polynomial a + b*X^(N/2); modulo a prime it takes two values only: X^(N/2) at
// psi^(2*bitrev(j)+1) is I = psi^(N/2) where j < N/2, and -I in the upper half.
#include <cmath>

#include "prism/ckks/evaluator.h"
#include "prism/ckks/internal/evaluator_tables.h"
#include "prism/ckks/internal/integer_rows.h"
#include "prism/math/modular.h"

namespace prism::ckks {
namespace {

math::Bound size_of(std::int64_t x) {
  return math::Bound::from_integer(x < 0 ? 0 - static_cast<std::uint64_t>(x) : static_cast<std::uint64_t>(x));
}

math::Bound magnitude_of(const Constant& real, const Constant& imaginary) {
  return sqrt(real.magnitude() * real.magnitude() + imaginary.magnitude() * imaginary.magnitude());
}

math::Bound rounding_of(const Constant& real, const Constant& imaginary, const Scale& scale) {
  return imaginary.magnitude().is_zero() ? real.rounding(scale) : real.rounding(scale) + imaginary.rounding(scale);
}

/// What real + imaginary*X^(N/2) is modulo q in the lower and in the upper half of a row.
struct Halves {
  std::uint64_t lower, upper;
};
Halves halves(Int128 real, Int128 imaginary, std::uint64_t unit, std::uint64_t q) {
  const std::uint64_t re = reduce_wide(real, q), im = math::multiply_mod(reduce_wide(imaginary, q), unit, q);
  return {math::add_mod(re, im, q), math::subtract_mod(re, im, q)};
}

}  // namespace

Status Evaluator::add_scalar_into(Ciphertext& a, const Constant& scalar) const {
  return add_scalar_into(a, scalar, Constant(0));
}

Status Evaluator::add_scalar_into(Ciphertext& a, const Constant& real, const Constant& imaginary) const {
  PRISM_CHECKED(valid(a, 2, 3));
  PRISM_TRY(const Int128 re, real.times(a.scale));
  PRISM_TRY(const Int128 im, imaginary.times(a.scale));
  const std::size_t half = parameters_->slots();
  for (std::size_t i = 0; i < a.parts[0].rows(); ++i) {
    const std::uint64_t q = a.parts[0].modulus(i).q;
    const Halves by = halves(re, im, tables_->imaginary_unit[i], q);
    const auto row = a.parts[0].row(i);
    for (std::size_t j = 0; j < half; ++j) row[j] = math::add_mod(row[j], by.lower, q);
    for (std::size_t j = half; j < 2 * half; ++j) row[j] = math::add_mod(row[j], by.upper, q);
  }
  a.noise = NoiseModel::add(a.noise, {magnitude_of(real, imaginary), rounding_of(real, imaginary, a.scale)});
  return {};
}

void Evaluator::multiply_wide(Ciphertext& a, Int128 real, Int128 imaginary) const {
  const ring::Ring& ring = parameters_->rlwe().ring();
  const std::size_t half = parameters_->slots();
  for (std::size_t i = 0; i < a.parts[0].rows(); ++i) {
    const kernels::Modulus& m = a.parts[0].modulus(i);
    const Halves by = halves(real, imaginary, tables_->imaginary_unit[i], m.q);
    const kernels::Multiplier lower = kernels::make_multiplier(by.lower, m);
    const kernels::Multiplier upper = kernels::make_multiplier(by.upper, m);
    for (ring::Evaluations& part : a.parts) {
      std::uint64_t* const row = part.row(i).data();
      if (imaginary == 0) {
        ring.kernels().multiply_scalar(row, row, lower, 2 * half, m);
      } else {
        ring.kernels().multiply_scalar(row, row, lower, half, m);
        ring.kernels().multiply_scalar(row + half, row + half, upper, half, m);
      }
    }
  }
}

Status Evaluator::multiply_scalar_into(Ciphertext& a, const Constant& scalar, const Scale& scale) const {
  return multiply_scalar_into(a, scalar, Constant(0), scale);
}

Status Evaluator::multiply_scalar_into(Ciphertext& a, const Constant& real, const Constant& imaginary,
                                       const Scale& scale) const {
  PRISM_CHECKED(valid(a, 2, 3));
  PRISM_TRY(const Int128 re, real.times(scale));
  PRISM_TRY(const Int128 im, imaginary.times(scale));
  PRISM_TRY(const Scale product, product_of(a.scale, scale));
  multiply_wide(a, re, im);
  a.noise = NoiseModel::multiply(a.noise, {magnitude_of(real, imaginary), rounding_of(real, imaginary, scale)});
  a.scale = product;
  return {};
}

Status Evaluator::multiply_integer_into(Ciphertext& a, std::int64_t scalar) const {
  PRISM_CHECKED(valid(a, 2, 3));
  multiply_wide(a, scalar, 0);
  a.noise = NoiseModel::times(a.noise, size_of(scalar));
  return {};
}

Result<Ciphertext> Evaluator::add_scalar(const Ciphertext& a, const Constant& scalar) const {
  return add_scalar(a, scalar, Constant(0));
}
Result<Ciphertext> Evaluator::add_scalar(const Ciphertext& a, const Constant& real, const Constant& imaginary) const {
  Ciphertext out = a.clone();
  PRISM_CHECKED(add_scalar_into(out, real, imaginary));
  return out;
}
Result<Ciphertext> Evaluator::multiply_scalar(const Ciphertext& a, const Constant& scalar) const {
  return multiply_scalar(a, scalar, Constant(0));
}
Result<Ciphertext> Evaluator::multiply_scalar(const Ciphertext& a, const Constant& real,
                                              const Constant& imaginary) const {
  PRISM_CHECKED(valid(a, 2, 3));
  Ciphertext out = a.clone();
  PRISM_CHECKED(multiply_scalar_into(out, real, imaginary, parameters_->scale(a.level)));
  return out;
}
Result<Ciphertext> Evaluator::multiply_scalar(const Ciphertext& a, const Constant& scalar, const Scale& scale) const {
  Ciphertext out = a.clone();
  PRISM_CHECKED(multiply_scalar_into(out, scalar, scale));
  return out;
}
Result<Ciphertext> Evaluator::multiply_integer(const Ciphertext& a, std::int64_t scalar) const {
  Ciphertext out = a.clone();
  PRISM_CHECKED(multiply_integer_into(out, scalar));
  return out;
}

}  // namespace prism::ckks
