// Products of ciphertexts, and the way down the levels.
#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "prism/ckks/evaluator.h"
#include "prism/ckks/internal/evaluator_tables.h"

namespace prism::ckks {

// -- products

void Evaluator::tensor(ring::Evaluations* const (&c)[3], const Ciphertext& a, const Ciphertext& b) const {
  const ring::Ring& ring = parameters_->rlwe().ring();
  for (std::size_t i = 0; i < c[0]->rows(); ++i) {
    std::uint64_t *const c0 = c[0]->row(i).data(), *const c1 = c[1]->row(i).data(), *const c2 = c[2]->row(i).data();
    const std::uint64_t *const a0 = a.parts[0].row(i).data(), *const a1 = a.parts[1].row(i).data();
    const std::uint64_t *const b0 = b.parts[0].row(i).data(), *const b1 = b.parts[1].row(i).data();
    const kernels::Modulus& m = c[0]->modulus(i);
    if (&a == &b) {
      ring.kernels().tensor_square(c0, c1, c2, a0, a1, ring.degree(), m);
    } else {
      ring.kernels().tensor(c0, c1, c2, a0, a1, b0, b1, ring.degree(), m);
    }
  }
}

Status Evaluator::multiply(Ciphertext& out, const Ciphertext& a, const Ciphertext& b) const {
  PRISM_CHECKED(valid(a, 2, 2));
  PRISM_CHECKED(valid(b, 2, 2));
  check(&out != &a && &out != &b, "a product is none of its operands");
  PRISM_TRY(const Scale scale, product_of(a.scale, b.scale));
  shape(out, 3, std::min(a.level, b.level));
  tensor({&out.parts[0], &out.parts[1], &out.parts[2]}, a, b);
  out.scale = scale;
  out.noise = NoiseModel::multiply(a.noise, b.noise);
  return {};
}

Status Evaluator::square(Ciphertext& out, const Ciphertext& a) const { return multiply(out, a, a); }
Result<Ciphertext> Evaluator::multiply(const Ciphertext& a, const Ciphertext& b) const {
  return made([&](Ciphertext& out) { return multiply(out, a, b); });
}
Result<Ciphertext> Evaluator::square(const Ciphertext& a) const { return multiply(a, a); }

Status Evaluator::tensor_add(Ciphertext& accumulator, const Ciphertext& a, const Ciphertext& b) const {
  if (accumulator.parts.empty()) return multiply(accumulator, a, b);
  PRISM_CHECKED(valid(a, 2, 2));
  PRISM_CHECKED(valid(b, 2, 2));
  PRISM_CHECKED(valid(accumulator, 3, 3));
  PRISM_TRY(const Scale scale, product_of(a.scale, b.scale));
  PRISM_CHECKED(same_scale(accumulator.scale, scale));
  const rlwe::Level level = std::min(a.level, b.level);
  if (level < accumulator.level) PRISM_CHECKED(drop_to(accumulator, accumulator, level));
  const ring::Ring& ring = parameters_->rlwe().ring();
  for (std::size_t i = 0; i < accumulator.parts[0].rows(); ++i) {
    ring.kernels().tensor_add(accumulator.parts[0].row(i).data(), accumulator.parts[1].row(i).data(),
                              accumulator.parts[2].row(i).data(), a.parts[0].row(i).data(), a.parts[1].row(i).data(),
                              b.parts[0].row(i).data(), b.parts[1].row(i).data(), ring.degree(),
                              accumulator.parts[0].modulus(i));
  }
  accumulator.noise = NoiseModel::add(accumulator.noise, NoiseModel::multiply(a.noise, b.noise));
  return {};
}

Status Evaluator::can_switch(const rlwe::EvaluationKeys& keys) const {
  if (parameters_->rlwe().special_primes().size() == 0) {
    return fail(ErrorCode::invalid_argument,
                "these parameters have no special primes, so nothing can be relinearised or rotated");
  }
  if (&keys.parameters() != &parameters_->rlwe())
    return fail(ErrorCode::mismatch, "evaluation keys of other parameters");
  return {};
}

Status Evaluator::relinearise(Ciphertext& out, const Ciphertext& a, const rlwe::EvaluationKeys& keys,
                              Workspace& workspace) const {
  PRISM_CHECKED(valid(a, 2, 3));
  check(&out != &a, "a relinearised ciphertext is not its operand");
  if (a.parts.size() == 2) return drop_to(out, a, a.level);
  PRISM_CHECKED(can_switch(keys));
  PRISM_TRY(const rlwe::SwitchKey* key, keys.find(rlwe::KeyId::Kind::relinearise, 0, a.level));
  shape(out, 2, a.level);
  PRISM_CHECKED(tables_->switcher.switch_key(out.parts[0], out.parts[1], a.parts[2], *key, workspace));
  for (std::size_t part = 0; part < 2; ++part) ring::add_into(out.parts[part], a.parts[part]);
  out.scale = a.scale;
  out.noise = noise_.key_switch(a.noise, a.scale, a.level);
  return {};
}

Result<Ciphertext> Evaluator::relinearise(const Ciphertext& a, const rlwe::EvaluationKeys& keys) const {
  return made([&](Ciphertext& out, Workspace& workspace) { return relinearise(out, a, keys, workspace); });
}

/// (c0, c1, c2) of a scale and noise to a ciphertext one level lower, divided by P and the dropped primes at once.
Status Evaluator::switch_down(Ciphertext& out, const ring::Evaluations* const (&c)[3], rlwe::Level level,
                              const Scale& from, const Noise& noise, const rlwe::EvaluationKeys& keys,
                              Workspace& workspace) const {
  PRISM_TRY(const Scale scale, scale_below(from, level));
  PRISM_TRY(const rlwe::SwitchKey* key, keys.find(rlwe::KeyId::Kind::relinearise, 0, level));
  rlwe::BorrowedExtended sum(workspace, parameters_->rlwe(), level);
  PRISM_CHECKED(tables_->switcher.accumulate(*sum, *c[2], *key, workspace));
  for (int part = 0; part < 2; ++part) tables_->switcher.add_lifted(*sum, part, *c[part], 1, workspace);
  const rlwe::Level lower{level.value - 1};
  shape(out, 2, lower);
  tables_->switcher.divide(out.parts[0], out.parts[1], *sum, lower, workspace);
  // The rounding that a switch of its own would make is counted with the switch, on top of the single one there is.
  out.noise = noise_.rescale(noise_.key_switch(noise, from, level), scale, 2);
  out.scale = scale;
  return {};
}

Status Evaluator::relinearise_rescale(Ciphertext& out, const Ciphertext& a, const rlwe::EvaluationKeys& keys,
                                      Workspace& workspace) const {
  PRISM_CHECKED(valid(a, 2, 3));
  check(&out != &a, "a relinearised ciphertext is not its operand");
  if (a.parts.size() == 2) return rescale(out, a, workspace);
  PRISM_CHECKED(can_switch(keys));
  return switch_down(out, {&a.parts[0], &a.parts[1], &a.parts[2]}, a.level, a.scale, a.noise, keys, workspace);
}

Result<Ciphertext> Evaluator::relinearise_rescale(const Ciphertext& a, const rlwe::EvaluationKeys& keys) const {
  return made([&](Ciphertext& out, Workspace& workspace) { return relinearise_rescale(out, a, keys, workspace); });
}

Status Evaluator::multiply_relinearise_rescale(Ciphertext& out, const Ciphertext& a, const Ciphertext& b,
                                               const rlwe::EvaluationKeys& keys, Workspace& workspace) const {
  PRISM_CHECKED(valid(a, 2, 2));
  PRISM_CHECKED(valid(b, 2, 2));
  PRISM_CHECKED(can_switch(keys));
  PRISM_TRY(const Scale scale, product_of(a.scale, b.scale));
  const rlwe::Level level = std::min(a.level, b.level);
  const ring::Ring& ring = parameters_->rlwe().ring();
  const ring::PrimeSet primes = parameters_->rlwe().primes(level);
  ring::Borrowed<ring::Domain::evaluations> c0(workspace, ring, primes), c1(workspace, ring, primes),
      c2(workspace, ring, primes);
  tensor({&*c0, &*c1, &*c2}, a, b);
  const Noise noise = NoiseModel::multiply(a.noise, b.noise);
  return switch_down(out, {&*c0, &*c1, &*c2}, level, scale, noise, keys, workspace);
}

Result<Ciphertext> Evaluator::multiply_relinearise_rescale(const Ciphertext& a, const Ciphertext& b,
                                                           const rlwe::EvaluationKeys& keys) const {
  return made(
      [&](Ciphertext& out, Workspace& workspace) { return multiply_relinearise_rescale(out, a, b, keys, workspace); });
}

Result<Ciphertext> Evaluator::power(const Ciphertext& a, std::uint32_t exponent,
                                    const rlwe::EvaluationKeys& keys) const {
  PRISM_CHECKED(valid(a, 2, 2));
  if (exponent == 0) return fail(ErrorCode::invalid_argument, "the power 0; use a plaintext of ones");
  const int depth = static_cast<int>(std::bit_width(exponent - 1));
  if (depth > a.level.value) {
    return fail(ErrorCode::level_exhausted, "the power ", exponent, " takes ", depth, " levels and there are ",
                a.level.value, "; start at a higher level");
  }
  // From the lowest bit up: a product of powers below 2^k has at most depth k, so it waits for a^(2^k), not the other
  // way round.
  Workspace workspace;
  Ciphertext square = a.clone(), next, result;
  for (;;) {
    if ((exponent & 1) != 0) {
      if (result.parts.empty()) {
        result = square.clone();
      } else {
        // At one level products of any scales are fine; only what waited above comes down, to the canonical one.
        if (result.level != square.level) {
          PRISM_TRY(result, align_to(result, square.level));
        }
        PRISM_CHECKED(multiply_relinearise_rescale(next, result, square, keys, workspace));
        std::swap(result, next);
      }
    }
    exponent >>= 1;
    if (exponent == 0) return result;
    PRISM_CHECKED(multiply_relinearise_rescale(next, square, square, keys, workspace));
    std::swap(square, next);
  }
}

// -- levels

Result<Scale> Evaluator::scale_below(const Scale& scale, rlwe::Level level) const {
  if (level.value == 0) {
    return fail(ErrorCode::level_exhausted,
                "a ciphertext at level 0 cannot be rescaled; start at a higher level or use parameters with more");
  }
  Scale lower = scale.divided_by(tables_->dropped[static_cast<std::size_t>(level.value)]);
  if (!lower.bounded()) return fail(ErrorCode::level_exhausted, "rescaled to a scale out of range");
  return lower;
}

Status Evaluator::rescale(Ciphertext& out, const Ciphertext& a, Workspace& workspace) const {
  PRISM_CHECKED(valid(a, 2, 3));
  check(&out != &a, "a rescaled ciphertext is not its operand");
  PRISM_TRY(const Scale scale, scale_below(a.scale, a.level));
  const rlwe::Level lower{a.level.value - 1};
  shape(out, a.parts.size(), lower);
  const ring::Divider& down = tables_->down[static_cast<std::size_t>(lower.value)];
  for (std::size_t part = 0; part < a.parts.size(); ++part) down.divide(out.parts[part], a.parts[part], workspace);
  out.noise = noise_.rescale(a.noise, scale, static_cast<int>(a.parts.size()));
  out.scale = scale;
  return {};
}

Result<Ciphertext> Evaluator::rescale(const Ciphertext& a) const {
  return made([&](Ciphertext& out, Workspace& workspace) { return rescale(out, a, workspace); });
}

Status Evaluator::drop_to(Ciphertext& out, const Ciphertext& a, rlwe::Level level) const {
  PRISM_CHECKED(valid(a, 2, 3));
  if (level.value < 0 || level > a.level) {
    return fail(ErrorCode::invalid_argument, "a ciphertext at level ", a.level.value, " cannot go to level ",
                level.value, "; levels only fall, down to 0");
  }
  const ring::PrimeSet primes = parameters_->rlwe().primes(level);
  if (&out == &a) {
    if (level == a.level) return {};
    for (ring::Evaluations& part : out.parts) part = part.restricted(primes);
    out.level = level;
    return {};
  }
  shape(out, a.parts.size(), level);
  for (std::size_t part = 0; part < a.parts.size(); ++part) ring::restrict_to(out.parts[part], a.parts[part], primes);
  out.scale = a.scale;
  out.noise = a.noise;
  return {};
}

Result<Ciphertext> Evaluator::drop_to(const Ciphertext& a, rlwe::Level level) const {
  return made([&](Ciphertext& out) { return drop_to(out, a, level); });
}

Result<Ciphertext> Evaluator::align_to(const Ciphertext& a, rlwe::Level level) const {
  PRISM_CHECKED(valid(a, 2, 3));
  if (level.value < 0 || level > a.level) return drop_to(a, level);
  return align_to(a, level, parameters_->scale(level));
}

Result<Ciphertext> Evaluator::align_to(const Ciphertext& a, rlwe::Level level, const Scale& scale) const {
  PRISM_CHECKED(valid(a, 2, 3));
  if (a.scale == scale || level.value < 0 || level >= a.level) {
    if (a.level == level) PRISM_CHECKED(same_scale(a.scale, scale));
    return drop_to(a, level);
  }
  PRISM_TRY(Ciphertext out, drop_to(a, rlwe::Level{level.value + 1}));
  Scale factor = scale / a.scale;
  for (const std::uint64_t prime : tables_->dropped[static_cast<std::size_t>(out.level.value)])
    factor = factor * Scale::power_of(prime, 1);
  if (!factor.bounded())
    return fail(ErrorCode::invalid_argument, "from the scale ", shown(a.scale), " to ", shown(scale));
  const Constant one(1);
  PRISM_TRY(const Int128 integer, one.times(factor));
  if (integer == 0) {
    return fail(ErrorCode::invalid_argument, "from the scale ", shown(a.scale), " to ", shown(scale), " at level ",
                level.value, " a ciphertext would be multiplied by less than one half; rescale it instead");
  }
  multiply_wide(out, integer, 0);
  // The phase is now integer*a.scale times the message and is read as factor*a.scale times it.
  out.noise = NoiseModel::stretch(out.noise, one.rounding(factor));
  out.scale = factor * a.scale;
  PRISM_TRY(Ciphertext lower, rescale(out));
  check(lower.scale == scale, "align_to reaches the scale exactly");
  return lower;
}

}  // namespace prism::ckks
