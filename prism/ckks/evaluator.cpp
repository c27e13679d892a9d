#include "prism/ckks/evaluator.h"

#include <cmath>
#include <cstdio>
#include <string>
#include <utility>

#include "prism/ckks/internal/integer_rows.h"
#include "prism/math/modular.h"
#include "prism/ring/conversion.h"

namespace prism::ckks {

struct Evaluator::Tables {
  explicit Tables(const Parameters& parameters) : switcher(parameters.rlwe_ptr(), 1) {
    const rlwe::Parameters& rlwe = parameters.rlwe();
    for (int l = 1; l <= parameters.max_level().value; ++l) {
      const ring::PrimeSet lower = rlwe.primes(rlwe::Level{l - 1});
      down.emplace_back(rlwe.ring(), lower, rlwe.primes(rlwe::Level{l}).without(lower), 1);
    }
  }
  rlwe::KeySwitcher switcher;
  std::vector<ring::Divider> down;  ///< [l]: from level l + 1 to l
};

Evaluator::Evaluator(std::shared_ptr<const Parameters> parameters, NoiseModel::Mode mode)
    : parameters_(std::move(parameters)),
      noise_(parameters_->rlwe(), rlwe::ternary_norms(parameters_->degree()), mode),
      tables_(std::make_unique<const Tables>(*parameters_)) {}
Evaluator::~Evaluator() = default;
Evaluator::Evaluator(Evaluator&&) noexcept = default;
const rlwe::KeySwitcher& Evaluator::switcher() const { return tables_->switcher; }

// -- what may be combined

namespace {

std::string shown(const Scale& scale) {
  char text[40];
  std::snprintf(text, sizeof text, "2^%.3f", scale.log2());
  return text;
}

math::Bound size_of(std::int64_t x) {
  return math::Bound::from_integer(x < 0 ? 0 - static_cast<std::uint64_t>(x) : static_cast<std::uint64_t>(x));
}

Result<Scale> product_of(const Scale& a, const Scale& b) {
  Scale product = a * b;
  if (product.bounded()) return product;
  return fail(ErrorCode::level_exhausted, "the scale of the result, 2^", std::lround(product.log2()),
              ", is out of range; rescale after products");
}

}  // namespace

Status Evaluator::valid(const Ciphertext& a, std::size_t low, std::size_t high) const {
  if (a.parameters != parameters_) {
    return fail(ErrorCode::mismatch,
                "a ciphertext of other parameters; operands and evaluator must share one parameter set");
  }
  if (a.parts.size() >= low && a.parts.size() <= high) return {};
  return fail(ErrorCode::mismatch, "a ciphertext of ", a.parts.size(), " parts where ", low, " are needed; ",
              a.parts.size() > high ? "relinearise it first" : "it is not a product");
}

Status Evaluator::same_level(const Ciphertext& a, const Ciphertext& b) const {
  if (a.level == b.level) return {};
  return fail(ErrorCode::mismatch, "levels ", a.level.value, " and ", b.level.value,
              "; call drop_to on the higher one, or align_to for sums");
}

Status Evaluator::same_scale(const Scale& a, const Scale& b) const {
  if (a == b) return {};
  return fail(ErrorCode::mismatch, "scales ", shown(a), " and ", shown(b),
              " are not equal; rescale products first, encode plaintexts at the ciphertext's scale, or bring a "
              "ciphertext of a higher level over with align_to");
}

Status Evaluator::same_plaintext(const Plaintext& p) const {
  if (&p.parameters() == parameters_.get()) return {};
  return fail(ErrorCode::mismatch,
              "a plaintext of other parameters; encode it with an Encoder of the evaluator's parameters");
}

// -- linear

Status Evaluator::add_into(Ciphertext& a, const Ciphertext& b) const {
  PRISM_CHECKED(valid(a, 2, 3));
  PRISM_CHECKED(valid(b, 2, 3));
  PRISM_CHECKED(same_level(a, b));
  PRISM_CHECKED(same_scale(a.scale, b.scale));
  for (std::size_t i = 0; i < b.parts.size(); ++i) {
    if (i == a.parts.size()) {
      a.parts.push_back(b.parts[i].clone());
    } else {
      ring::add_into(a.parts[i], b.parts[i]);
    }
  }
  a.noise = NoiseModel::add(a.noise, b.noise);
  return {};
}

Status Evaluator::subtract_into(Ciphertext& a, const Ciphertext& b) const {
  PRISM_CHECKED(valid(a, 2, 3));
  PRISM_CHECKED(valid(b, 2, 3));
  PRISM_CHECKED(same_level(a, b));
  PRISM_CHECKED(same_scale(a.scale, b.scale));
  for (std::size_t i = 0; i < b.parts.size(); ++i) {
    if (i == a.parts.size()) {
      a.parts.push_back(b.parts[i].clone());
      ring::negate_into(a.parts[i]);
    } else {
      ring::subtract_into(a.parts[i], b.parts[i]);
    }
  }
  a.noise = NoiseModel::add(a.noise, b.noise);
  return {};
}

void Evaluator::negate_into(Ciphertext& a) const {
  for (ring::Evaluations& part : a.parts) ring::negate_into(part);
}

Status Evaluator::add_plain_into(Ciphertext& a, const Plaintext& p) const {
  PRISM_CHECKED(valid(a, 2, 3));
  PRISM_CHECKED(same_plaintext(p));
  PRISM_CHECKED(same_scale(a.scale, p.scale()));
  ring::add_into(a.parts[0], lift(p, a.level));
  a.noise = NoiseModel::add(a.noise, p.noise());
  return {};
}

Status Evaluator::subtract_plain_into(Ciphertext& a, const Plaintext& p) const {
  PRISM_CHECKED(valid(a, 2, 3));
  PRISM_CHECKED(same_plaintext(p));
  PRISM_CHECKED(same_scale(a.scale, p.scale()));
  ring::subtract_into(a.parts[0], lift(p, a.level));
  a.noise = NoiseModel::add(a.noise, p.noise());
  return {};
}

Status Evaluator::multiply_plain_into(Ciphertext& a, const Plaintext& p) const {
  PRISM_CHECKED(valid(a, 2, 3));
  PRISM_CHECKED(same_plaintext(p));
  PRISM_TRY(Scale scale, product_of(a.scale, p.scale()));
  const ring::Evaluations factor = lift(p, a.level);
  for (ring::Evaluations& part : a.parts) ring::multiply_into(part, factor);
  a.scale = std::move(scale);
  a.noise = NoiseModel::multiply(a.noise, p.noise());
  return {};
}

Status Evaluator::add_scalar_into(Ciphertext& a, const Constant& scalar) const {
  PRISM_CHECKED(valid(a, 2, 3));
  PRISM_TRY(const Int128 value, scalar.times(a.scale));
  for (std::size_t i = 0; i < a.parts[0].rows(); ++i) {
    const std::uint64_t q = a.parts[0].modulus(i).q, c = reduce_wide(value, q);
    // A constant polynomial has the same value at every root.
    for (std::uint64_t& x : a.parts[0].row(i)) x = math::add_mod(x, c, q);
  }
  a.noise = NoiseModel::add(a.noise, {scalar.magnitude(), scalar.rounding(a.scale)});
  return {};
}

void Evaluator::multiply_wide(Ciphertext& a, Int128 factor) const {
  std::vector<std::uint64_t> residues;
  for (std::size_t i = 0; i < a.parts[0].rows(); ++i) residues.push_back(reduce_wide(factor, a.parts[0].modulus(i).q));
  for (ring::Evaluations& part : a.parts) ring::multiply_scalar_into(part, std::span<const std::uint64_t>(residues));
}

Status Evaluator::multiply_scalar_into(Ciphertext& a, const Constant& scalar, const Scale& scale) const {
  PRISM_CHECKED(valid(a, 2, 3));
  PRISM_TRY(const Int128 value, scalar.times(scale));
  PRISM_TRY(Scale product, product_of(a.scale, scale));
  multiply_wide(a, value);
  a.scale = std::move(product);
  a.noise = NoiseModel::multiply(a.noise, {scalar.magnitude(), scalar.rounding(scale)});
  return {};
}

Status Evaluator::multiply_integer_into(Ciphertext& a, std::int64_t scalar) const {
  PRISM_CHECKED(valid(a, 2, 3));
  multiply_wide(a, scalar);
  a.noise = NoiseModel::times(a.noise, size_of(scalar));
  return {};
}

Result<Ciphertext> Evaluator::add(const Ciphertext& a, const Ciphertext& b) const {
  Ciphertext out = a.clone();
  PRISM_CHECKED(add_into(out, b));
  return out;
}
Result<Ciphertext> Evaluator::subtract(const Ciphertext& a, const Ciphertext& b) const {
  Ciphertext out = a.clone();
  PRISM_CHECKED(subtract_into(out, b));
  return out;
}
Ciphertext Evaluator::negate(const Ciphertext& a) const {
  Ciphertext out = a.clone();
  negate_into(out);
  return out;
}
Result<Ciphertext> Evaluator::add_plain(const Ciphertext& a, const Plaintext& p) const {
  Ciphertext out = a.clone();
  PRISM_CHECKED(add_plain_into(out, p));
  return out;
}
Result<Ciphertext> Evaluator::subtract_plain(const Ciphertext& a, const Plaintext& p) const {
  Ciphertext out = a.clone();
  PRISM_CHECKED(subtract_plain_into(out, p));
  return out;
}
Result<Ciphertext> Evaluator::multiply_plain(const Ciphertext& a, const Plaintext& p) const {
  Ciphertext out = a.clone();
  PRISM_CHECKED(multiply_plain_into(out, p));
  return out;
}
Result<Ciphertext> Evaluator::add_scalar(const Ciphertext& a, const Constant& scalar) const {
  Ciphertext out = a.clone();
  PRISM_CHECKED(add_scalar_into(out, scalar));
  return out;
}
Result<Ciphertext> Evaluator::multiply_scalar(const Ciphertext& a, const Constant& scalar) const {
  PRISM_CHECKED(valid(a, 2, 3));
  return multiply_scalar(a, scalar, parameters_->scale(a.level));
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

// -- products

Result<Ciphertext> Evaluator::multiply(const Ciphertext& a, const Ciphertext& b) const {
  Ciphertext out;
  PRISM_CHECKED(tensor_add(out, a, b));
  return out;
}

Result<Ciphertext> Evaluator::square(const Ciphertext& a) const { return multiply(a, a); }

Status Evaluator::tensor_add(Ciphertext& accumulator, const Ciphertext& a, const Ciphertext& b) const {
  PRISM_CHECKED(valid(a, 2, 2));
  PRISM_CHECKED(valid(b, 2, 2));
  PRISM_CHECKED(same_level(a, b));
  PRISM_TRY(Scale scale, product_of(a.scale, b.scale));
  const ring::Ring& ring = parameters_->rlwe().ring();
  const Noise product = NoiseModel::multiply(a.noise, b.noise);
  if (accumulator.parts.empty()) {
    accumulator.parameters = parameters_;
    accumulator.level = a.level;
    accumulator.scale = std::move(scale);
    accumulator.noise = product;
    for (int part = 0; part < 3; ++part) accumulator.parts.emplace_back(ring, parameters_->rlwe().primes(a.level));
  } else {
    PRISM_CHECKED(valid(accumulator, 3, 3));
    PRISM_CHECKED(same_level(accumulator, a));
    PRISM_CHECKED(same_scale(accumulator.scale, scale));
    accumulator.noise = NoiseModel::add(accumulator.noise, product);
  }
  for (std::size_t i = 0; i < a.parts[0].rows(); ++i) {
    ring.kernels().tensor_add(accumulator.parts[0].row(i).data(), accumulator.parts[1].row(i).data(),
                              accumulator.parts[2].row(i).data(), a.parts[0].row(i).data(), a.parts[1].row(i).data(),
                              b.parts[0].row(i).data(), b.parts[1].row(i).data(), ring.degree(), a.parts[0].modulus(i));
  }
  return {};
}

namespace {

Status can_switch(const Parameters& parameters, const rlwe::EvaluationKeys& keys) {
  if (parameters.rlwe().special_primes().size() == 0) {
    return fail(ErrorCode::invalid_argument,
                "these parameters have no special primes, so nothing can be relinearised or rotated");
  }
  if (&keys.parameters() != &parameters.rlwe()) return fail(ErrorCode::mismatch, "evaluation keys of other parameters");
  return {};
}

}  // namespace

Result<Ciphertext> Evaluator::relinearise(const Ciphertext& a, const rlwe::EvaluationKeys& keys) const {
  PRISM_CHECKED(valid(a, 2, 3));
  if (a.parts.size() == 2) return a.clone();
  PRISM_CHECKED(can_switch(*parameters_, keys));
  PRISM_TRY(const rlwe::SwitchKey* key, keys.find(rlwe::KeyId::Kind::relinearise, 0, a.level));
  PRISM_TRY(auto switched, tables_->switcher.switch_key(a.parts[2], *key));
  Ciphertext out{parameters_, {}, a.level, a.scale, noise_.key_switch(a.noise, a.scale, a.level)};
  ring::add_into(switched.first, a.parts[0]);
  ring::add_into(switched.second, a.parts[1]);
  out.parts.push_back(std::move(switched.first));
  out.parts.push_back(std::move(switched.second));
  return out;
}

Result<Ciphertext> Evaluator::multiply_relinearise_rescale(const Ciphertext& a, const Ciphertext& b,
                                                           const rlwe::EvaluationKeys& keys) const {
  PRISM_TRY(const Ciphertext product, multiply(a, b));
  PRISM_TRY(const Ciphertext linear, relinearise(product, keys));
  return rescale(linear);
}

// -- levels

Result<Ciphertext> Evaluator::rescale(const Ciphertext& a) const {
  PRISM_CHECKED(valid(a, 2, 3));
  if (a.level.value == 0) {
    return fail(ErrorCode::level_exhausted,
                "a ciphertext at level 0 cannot be rescaled; start at a higher level or use parameters with more");
  }
  const rlwe::Level level{a.level.value - 1};
  Scale scale = a.scale.divided_by(parameters_->dropped_primes(a.level));
  if (!scale.bounded()) return fail(ErrorCode::level_exhausted, "rescaled to a scale out of range");
  const Noise noise = noise_.rescale(a.noise, scale, static_cast<int>(a.parts.size()));
  Ciphertext out{parameters_, {}, level, std::move(scale), noise};
  for (const ring::Evaluations& part : a.parts)
    out.parts.push_back(tables_->down[static_cast<std::size_t>(level.value)].divide(part));
  return out;
}

Result<Ciphertext> Evaluator::drop_to(const Ciphertext& a, rlwe::Level level) const {
  PRISM_CHECKED(valid(a, 2, 3));
  if (level.value < 0 || level > a.level) {
    return fail(ErrorCode::invalid_argument, "a ciphertext at level ", a.level.value, " cannot go to level ",
                level.value, "; levels only fall, down to 0");
  }
  Ciphertext out{parameters_, {}, level, a.scale, a.noise};
  const ring::PrimeSet primes = parameters_->rlwe().primes(level);
  for (const ring::Evaluations& part : a.parts) out.parts.push_back(part.restricted(primes));
  return out;
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
  const std::vector<std::uint64_t> gone = parameters_->dropped_primes(out.level);
  Scale factor = scale / a.scale;
  for (const std::uint64_t prime : gone) factor = factor * Scale::power_of(prime, 1);
  if (!factor.bounded())
    return fail(ErrorCode::invalid_argument, "from the scale ", shown(a.scale), " to ", shown(scale));
  const Constant one(1);
  PRISM_TRY(const Int128 integer, one.times(factor));
  if (integer == 0) {
    return fail(ErrorCode::invalid_argument, "from the scale ", shown(a.scale), " to ", shown(scale), " at level ",
                level.value, " a ciphertext would be multiplied by less than one half; rescale it instead");
  }
  multiply_wide(out, integer);
  // The phase is now integer*a.scale times the message and is read as factor*a.scale times it.
  out.noise = NoiseModel::stretch(out.noise, one.rounding(factor));
  out.scale = factor * a.scale;
  PRISM_TRY(Ciphertext lower, rescale(out));
  check(lower.scale == scale, "align_to reaches the scale exactly");
  return lower;
}

// -- automorphisms

Result<Ciphertext> Evaluator::finish_automorphism(const Ciphertext& a, std::uint32_t g,
                                                  std::pair<ring::Evaluations, ring::Evaluations> switched) const {
  // Automorphisms permute slots: bounds over all slots stay.
  Ciphertext out{parameters_, {}, a.level, a.scale, noise_.key_switch(a.noise, a.scale, a.level)};
  ring::add_into(switched.first, ring::automorphism(a.parts[0], g));
  out.parts.push_back(std::move(switched.first));
  out.parts.push_back(std::move(switched.second));
  return out;
}

namespace {

Status check_element(const Parameters& parameters, std::uint32_t g) {
  if (g % 2 == 1 && g < 2 * parameters.degree()) return {};
  return fail(ErrorCode::invalid_argument, "X -> X^", g, ": the exponent must be odd and below ",
              2 * parameters.degree());
}

}  // namespace

Result<Ciphertext> Evaluator::automorphism(const Ciphertext& a, std::uint32_t g,
                                           const rlwe::EvaluationKeys& keys) const {
  PRISM_CHECKED(valid(a, 2, 2));
  PRISM_CHECKED(check_element(*parameters_, g));
  if (g == 1) return a.clone();
  PRISM_CHECKED(can_switch(*parameters_, keys));
  PRISM_TRY(const rlwe::SwitchKey* key, keys.find(rlwe::KeyId::Kind::automorphism, g, a.level));
  PRISM_TRY(auto switched, tables_->switcher.switch_key(ring::automorphism(a.parts[1], g), *key));
  return finish_automorphism(a, g, std::move(switched));
}

Result<Ciphertext> Evaluator::rotate(const Ciphertext& a, int steps, const rlwe::EvaluationKeys& keys) const {
  return automorphism(a, rlwe::galois_element_for_rotation(steps, parameters_->degree()), keys);
}

Result<Ciphertext> Evaluator::conjugate(const Ciphertext& a, const rlwe::EvaluationKeys& keys) const {
  return automorphism(a, rlwe::galois_element_for_conjugation(parameters_->degree()), keys);
}

Result<Evaluator::Hoisted> Evaluator::hoist(const Ciphertext& a) const {
  PRISM_CHECKED(valid(a, 2, 2));
  if (parameters_->rlwe().special_primes().size() == 0) {
    return fail(ErrorCode::invalid_argument, "these parameters have no special primes, so nothing can be rotated");
  }
  Hoisted out;
  out.ciphertext_ = a.clone();
  out.digits_ = tables_->switcher.decompose(a.parts[1]);
  return out;
}

Result<Ciphertext> Evaluator::automorphism(const Hoisted& a, std::uint32_t g, const rlwe::EvaluationKeys& keys) const {
  PRISM_CHECKED(valid(a.ciphertext_, 2, 2));
  PRISM_CHECKED(check_element(*parameters_, g));
  if (g == 1) return a.ciphertext_.clone();
  PRISM_CHECKED(can_switch(*parameters_, keys));
  PRISM_TRY(const rlwe::SwitchKey* key, keys.find(rlwe::KeyId::Kind::automorphism, g, a.ciphertext_.level));
  PRISM_TRY(auto switched, tables_->switcher.apply_permuted(a.digits_, g, *key));
  return finish_automorphism(a.ciphertext_, g, std::move(switched));
}

Result<Ciphertext> Evaluator::rotate(const Hoisted& a, int steps, const rlwe::EvaluationKeys& keys) const {
  return automorphism(a, rlwe::galois_element_for_rotation(steps, parameters_->degree()), keys);
}

std::vector<std::uint32_t> Evaluator::sum_slots_elements() const {
  std::vector<std::uint32_t> out;
  const std::size_t n = parameters_->degree();
  for (std::size_t step = 1; step < n / 2; step *= 2)
    out.push_back(rlwe::galois_element_for_rotation(static_cast<int>(step), n));
  return out;
}

Result<Ciphertext> Evaluator::sum_slots(const Ciphertext& a, const rlwe::EvaluationKeys& keys) const {
  Ciphertext sum = a.clone();
  for (const std::uint32_t g : sum_slots_elements()) {
    PRISM_TRY(const Ciphertext moved, automorphism(sum, g, keys));
    PRISM_CHECKED(add_into(sum, moved));
  }
  return sum;
}

}  // namespace prism::ckks
