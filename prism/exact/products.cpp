// Products of ciphertexts, and what makes two parts of three.
#include <array>
#include <bit>

#include "prism/exact/evaluator.h"
#include "prism/exact/internal/output.h"
#include "prism/exact/internal/tables.h"
#include "prism/math/modular.h"

namespace prism::exact {
namespace {

using Borrowed = ring::Borrowed<ring::Domain::evaluations>;

}  // namespace

Status Evaluator::check_product(const Ciphertext& a, const Ciphertext& b) const {
  PRISM_CHECKED(comparable(a, b, false));
  PRISM_CHECKED(parts_are(a, 2, 2));
  return parts_are(b, 2, 2);
}

std::uint64_t Evaluator::product_correction(const Ciphertext& a, const Ciphertext& b) const {
  return math::multiply_mod(a.correction, b.correction, parameters_->plain_modulus());
}

Noise Evaluator::product_noise(const Ciphertext& a, const Ciphertext& b) const {
  return parameters_->scheme() == Scheme::bfv ? noise_.multiply_bfv(a.noise, b.noise, a.level)
                                              : noise_.multiply(a.noise, b.noise);
}

void Evaluator::tensor(const std::array<ring::Evaluations*, 3>& parts, const Ciphertext& a, const Ciphertext& b,
                       ring::Workspace& workspace) const {
  const ring::Ring& ring = parameters_->rlwe().ring();
  const auto& k = ring.kernels();
  const std::size_t n = ring.degree();
  const bool square = &a == &b;
  if (parameters_->scheme() == Scheme::bfv) {
    const ScaledProduct& product = tables_->products[static_cast<std::size_t>(a.level.value)];
    ring::BorrowedRows scratch(workspace, 1, product.scratch_words());
    product.multiply({parts[0]->row(0).data(), parts[1]->row(0).data(), parts[2]->row(0).data()},
                     {&a.parts[0], &a.parts[1]}, {&b.parts[0], &b.parts[1]}, scratch.row(0));
    return;
  }
  for (std::size_t i = 0; i < a.parts[0].rows(); ++i) {
    std::uint64_t *const c0 = parts[0]->row(i).data(), *const c1 = parts[1]->row(i).data(),
                         *const c2 = parts[2]->row(i).data();
    const std::uint64_t *const a0 = a.parts[0].row(i).data(), *const a1 = a.parts[1].row(i).data();
    if (square) {
      k.tensor_square(c0, c1, c2, a0, a1, n, a.parts[0].modulus(i));
    } else {
      k.tensor(c0, c1, c2, a0, a1, b.parts[0].row(i).data(), b.parts[1].row(i).data(), n, a.parts[0].modulus(i));
    }
  }
}

Status Evaluator::multiply(Ciphertext& out, const Ciphertext& a, const Ciphertext& b,
                           ring::Workspace& workspace) const {
  PRISM_CHECKED(check_product(a, b));
  PRISM_CHECKED(internal::distinct(out, a));
  PRISM_CHECKED(internal::distinct(out, b));
  shape(out, 3, a.level);
  tensor({&out.parts[0], &out.parts[1], &out.parts[2]}, a, b, workspace);
  out.correction = product_correction(a, b);
  out.noise = product_noise(a, b);
  return {};
}

Status Evaluator::square(Ciphertext& out, const Ciphertext& a, ring::Workspace& workspace) const {
  return multiply(out, a, a, workspace);
}

Status Evaluator::tensor_add(Ciphertext& accumulator, const Ciphertext& a, const Ciphertext& b,
                             ring::Workspace& workspace) const {
  if (accumulator.parts.empty()) return multiply(accumulator, a, b, workspace);
  PRISM_CHECKED(check_product(a, b));
  PRISM_CHECKED(internal::distinct(accumulator, a));
  PRISM_CHECKED(internal::distinct(accumulator, b));
  PRISM_CHECKED(parts_are(accumulator, 3, 3));
  const std::uint64_t correction = product_correction(a, b);
  if (accumulator.level != a.level || accumulator.correction != correction) {
    return fail(ErrorCode::mismatch, "a sum of products at level ", accumulator.level.value, " with correction ",
                accumulator.correction, " and a product at level ", a.level.value, " with correction ", correction,
                "; drop_to brings operands together");
  }
  const ring::Ring& ring = parameters_->rlwe().ring();
  if (parameters_->scheme() == Scheme::bfv) {
    const ring::PrimeSet primes = parameters_->rlwe().primes(a.level);
    Borrowed c0(workspace, ring, primes), c1(workspace, ring, primes), c2(workspace, ring, primes);
    tensor({&*c0, &*c1, &*c2}, a, b, workspace);
    ring::add_into(accumulator.parts[0], *c0);
    ring::add_into(accumulator.parts[1], *c1);
    ring::add_into(accumulator.parts[2], *c2);
  } else {
    for (std::size_t i = 0; i < a.parts[0].rows(); ++i) {
      ring.kernels().tensor_add(accumulator.parts[0].row(i).data(), accumulator.parts[1].row(i).data(),
                                accumulator.parts[2].row(i).data(), a.parts[0].row(i).data(), a.parts[1].row(i).data(),
                                b.parts[0].row(i).data(), b.parts[1].row(i).data(), ring.degree(),
                                a.parts[0].modulus(i));
    }
  }
  accumulator.noise = noise_.add(accumulator.noise, product_noise(a, b));
  return {};
}

// -- three parts to two

Status Evaluator::relinearise(Ciphertext& out, const Ciphertext& a, const rlwe::EvaluationKeys& keys,
                              ring::Workspace& workspace) const {
  PRISM_CHECKED(parts_are(a, 2, 3));
  PRISM_CHECKED(internal::distinct(out, a));
  if (a.parts.size() == 2) {
    copy(out, a);
    return {};
  }
  PRISM_CHECKED(can_switch(keys));
  PRISM_TRY(const rlwe::SwitchKey* key, keys.find(rlwe::KeyId::Kind::relinearise, 0, a.level));
  shape(out, 2, a.level);
  PRISM_CHECKED(tables_->switcher.switch_key(out.parts[0], out.parts[1], a.parts[2], *key, workspace));
  ring::add_into(out.parts[0], a.parts[0]);
  ring::add_into(out.parts[1], a.parts[1]);
  out.correction = a.correction;
  out.noise = noise_.key_switch(a.noise, a.level);
  return {};
}

Status Evaluator::multiply_relinearise(Ciphertext& out, const Ciphertext& a, const Ciphertext& b,
                                       const rlwe::EvaluationKeys& keys, ring::Workspace& workspace) const {
  PRISM_CHECKED(check_product(a, b));
  PRISM_CHECKED(internal::distinct(out, a));
  PRISM_CHECKED(internal::distinct(out, b));
  PRISM_CHECKED(can_switch(keys));
  PRISM_TRY(const rlwe::SwitchKey* key, keys.find(rlwe::KeyId::Kind::relinearise, 0, a.level));
  const ring::Ring& ring = parameters_->rlwe().ring();
  const ring::PrimeSet primes = parameters_->rlwe().primes(a.level);
  Borrowed c0(workspace, ring, primes), c1(workspace, ring, primes), c2(workspace, ring, primes);
  tensor({&*c0, &*c1, &*c2}, a, b, workspace);
  shape(out, 2, a.level);
  PRISM_CHECKED(tables_->switcher.switch_key(out.parts[0], out.parts[1], *c2, *key, workspace));
  ring::add_into(out.parts[0], *c0);
  ring::add_into(out.parts[1], *c1);
  out.correction = product_correction(a, b);
  out.noise = noise_.key_switch(product_noise(a, b), a.level);
  return {};
}

Status Evaluator::multiply_relinearise_drop(Ciphertext& out, const Ciphertext& a, const Ciphertext& b,
                                            rlwe::Level level, const rlwe::EvaluationKeys& keys,
                                            ring::Workspace& workspace) const {
  PRISM_CHECKED(check_product(a, b));
  PRISM_CHECKED(internal::distinct(out, a));
  PRISM_CHECKED(internal::distinct(out, b));
  PRISM_CHECKED(can_switch(keys));
  if (level.value < 0 || level >= a.level) {
    return fail(ErrorCode::invalid_argument, "a product at level ", a.level.value, " cannot drop to level ",
                level.value, "; call multiply_relinearise to stay");
  }
  const std::uint64_t correction = product_correction(a, b);
  if (correction == 0) return fail(ErrorCode::malformed, "a correction factor of zero");
  PRISM_TRY(const rlwe::SwitchKey* key, keys.find(rlwe::KeyId::Kind::relinearise, 0, a.level));
  const ring::Ring& ring = parameters_->rlwe().ring();
  const ring::PrimeSet primes = parameters_->rlwe().primes(a.level);
  const std::int64_t scalar = drop_scalar(a.level, correction, level);
  Noise noise = noise_.multiply_scalar(product_noise(a, b), internal::magnitude(scalar));
  noise = noise_.switch_modulus(noise_.key_switch(noise, a.level), a.level, level, 2, Ancestry{});

  Borrowed c0(workspace, ring, primes), c1(workspace, ring, primes), c2(workspace, ring, primes);
  tensor({&*c0, &*c1, &*c2}, a, b, workspace);
  if (scalar != 1) {
    for (ring::Evaluations* part : {&*c0, &*c1, &*c2}) ring::multiply_integer_into(*part, scalar);
  }
  PRISM_CHECKED(switch_and_drop(out, {&*c0, &*c1, &*c2}, a.level, level, *key, workspace));
  out.noise = noise;
  return {};
}

Status Evaluator::relinearise_drop(Ciphertext& out, const Ciphertext& a, rlwe::Level level,
                                   const rlwe::EvaluationKeys& keys, ring::Workspace& workspace) const {
  PRISM_CHECKED(parts_are(a, 3, 3));
  PRISM_CHECKED(internal::distinct(out, a));
  PRISM_CHECKED(can_switch(keys));
  if (level.value < 0 || level >= a.level) {
    return fail(ErrorCode::invalid_argument, "a product at level ", a.level.value, " cannot drop to level ",
                level.value, "; call relinearise to stay");
  }
  if (a.correction % parameters_->plain_modulus() == 0)
    return fail(ErrorCode::malformed, "a correction factor of zero");
  PRISM_TRY(const rlwe::SwitchKey* key, keys.find(rlwe::KeyId::Kind::relinearise, 0, a.level));
  const std::int64_t scalar = drop_scalar(a.level, a.correction, level);
  Noise noise = noise_.multiply_scalar(a.noise, internal::magnitude(scalar));
  noise = noise_.switch_modulus(noise_.key_switch(noise, a.level), a.level, level, 2, Ancestry{});
  if (scalar == 1) {
    PRISM_CHECKED(switch_and_drop(out, {&a.parts[0], &a.parts[1], &a.parts[2]}, a.level, level, *key, workspace));
  } else {
    std::vector<ring::Evaluations> scaled;
    for (const ring::Evaluations& part : a.parts) {
      scaled.push_back(part.clone());
      ring::multiply_integer_into(scaled.back(), scalar);
    }
    PRISM_CHECKED(switch_and_drop(out, {&scaled[0], &scaled[1], &scaled[2]}, a.level, level, *key, workspace));
  }
  out.noise = noise;
  return {};
}

Status Evaluator::switch_and_drop(Ciphertext& out, std::array<const ring::Evaluations*, 3> parts, rlwe::Level from,
                                  rlwe::Level to, const rlwe::SwitchKey& key, ring::Workspace& workspace) const {
  const rlwe::KeySwitcher& switcher = tables_->switcher;
  rlwe::BorrowedExtended sum(workspace, parameters_->rlwe(), from);
  PRISM_CHECKED(switcher.accumulate(*sum, *parts[2], key, workspace));
  switcher.add_lifted(*sum, 0, *parts[0], 1, workspace);
  switcher.add_lifted(*sum, 1, *parts[1], 1, workspace);
  shape(out, 2, to);
  switcher.divide(out.parts[0], out.parts[1], *sum, to, workspace);
  out.correction = parameters_->correction(to);
  return {};
}

Result<Ciphertext> Evaluator::multiply(const Ciphertext& a, const Ciphertext& b) const {
  Ciphertext out;
  ring::Workspace workspace;
  PRISM_CHECKED(multiply(out, a, b, workspace));
  return out;
}
Result<Ciphertext> Evaluator::square(const Ciphertext& a) const { return multiply(a, a); }
Status Evaluator::tensor_add(Ciphertext& accumulator, const Ciphertext& a, const Ciphertext& b) const {
  ring::Workspace workspace;
  return tensor_add(accumulator, a, b, workspace);
}
Result<Ciphertext> Evaluator::relinearise(const Ciphertext& a, const rlwe::EvaluationKeys& keys) const {
  Ciphertext out;
  ring::Workspace workspace;
  PRISM_CHECKED(relinearise(out, a, keys, workspace));
  return out;
}
Result<Ciphertext> Evaluator::multiply_relinearise(const Ciphertext& a, const Ciphertext& b,
                                                   const rlwe::EvaluationKeys& keys) const {
  Ciphertext out;
  ring::Workspace workspace;
  PRISM_CHECKED(multiply_relinearise(out, a, b, keys, workspace));
  return out;
}
Result<Ciphertext> Evaluator::relinearise_drop(const Ciphertext& a, rlwe::Level level,
                                               const rlwe::EvaluationKeys& keys) const {
  Ciphertext out;
  ring::Workspace workspace;
  PRISM_CHECKED(relinearise_drop(out, a, level, keys, workspace));
  return out;
}
Result<Ciphertext> Evaluator::multiply_relinearise_drop(const Ciphertext& a, const Ciphertext& b, rlwe::Level level,
                                                        const rlwe::EvaluationKeys& keys) const {
  Ciphertext out;
  ring::Workspace workspace;
  PRISM_CHECKED(multiply_relinearise_drop(out, a, b, level, keys, workspace));
  return out;
}

// -- powers

Result<Ciphertext> Evaluator::power(const Ciphertext& a, std::uint64_t exponent,
                                    const rlwe::EvaluationKeys& keys) const {
  PRISM_CHECKED(parts_are(a, 2, 2));
  if (exponent == 0) {
    return fail(ErrorCode::invalid_argument, "the power 0 is 1 in every slot; encode and encrypt that instead");
  }
  const int depth = static_cast<int>(std::bit_width(exponent - 1)), bits = static_cast<int>(std::bit_width(exponent));
  const bool falls = parameters_->scheme() == Scheme::bgv;
  if (falls && depth > a.level.value) {
    return fail(ErrorCode::level_exhausted, "the power ", exponent, " takes ", depth, " levels and ", a.level.value,
                " are left; use parameters with more primes");
  }
  ring::Workspace workspace;
  const auto product = [&](Ciphertext& out, const Ciphertext& x, const Ciphertext& y) -> Status {
    if (!falls) return multiply_relinearise(out, x, y, keys, workspace);
    return multiply_relinearise_drop(out, x, y, rlwe::Level{x.level.value - 1}, keys, workspace);
  };
  // a^(2^i) from the lowest bit of the exponent upwards. What the bits so far give has been multiplied at most i times,
  // so it is at a level no lower than the square's, and multiplying them is never deeper than the last square.
  Ciphertext square, next, result;
  copy(square, a);
  for (int bit = 0; bit < bits; ++bit) {
    if (bit != 0) {
      PRISM_CHECKED(product(next, square, square));
      std::swap(square, next);
    }
    if ((exponent >> bit & 1) == 0) continue;
    if (result.parts.empty()) {
      copy(result, square);
      continue;
    }
    if (result.level != square.level) {
      PRISM_CHECKED(drop_to(next, result, square.level, workspace));
      std::swap(result, next);
    }
    PRISM_CHECKED(product(next, result, square));
    std::swap(result, next);
  }
  return result;
}

}  // namespace prism::exact
