#include "prism/exact/evaluator.h"

#include <algorithm>
#include <utility>

#include "prism/exact/internal/tables.h"
#include "prism/math/modular.h"

namespace prism::exact {
namespace {

std::uint64_t magnitude(std::int64_t x) {
  return x < 0 ? 0 - static_cast<std::uint64_t>(x) : static_cast<std::uint64_t>(x);
}

/// row += c, a constant below q.
void add_constant(std::span<std::uint64_t> row, std::uint64_t c, std::uint64_t q) {
  for (std::uint64_t& x : row) x = math::add_mod(x, c, q);
}

}  // namespace

Evaluator::Tables::Tables(const Parameters& parameters) : switcher(parameters.rlwe_ptr(), parameters.error_scale()) {
  const rlwe::Parameters& rlwe = parameters.rlwe();
  for (int l = 0; l <= parameters.max_level().value; ++l) {
    const ring::PrimeSet q = rlwe.primes(rlwe::Level{l});
    if (l > 0) {
      const ring::PrimeSet lower = rlwe.primes(rlwe::Level{l - 1});
      down.emplace_back(rlwe.ring(), lower, q.without(lower), parameters.error_scale());
    }
    if (parameters.scheme() == Scheme::bfv) {
      products.emplace_back(parameters, rlwe::Level{l});
    }
  }
}

Evaluator::Evaluator(std::shared_ptr<const Parameters> parameters, NoiseModel::Mode mode)
    : parameters_(std::move(parameters)),
      noise_(parameters_->rlwe(), parameters_->plain_modulus(), rlwe::ternary_norms(parameters_->degree()), mode),
      tables_(std::make_unique<const Tables>(*parameters_)) {}
Evaluator::~Evaluator() = default;
Evaluator::Evaluator(Evaluator&&) noexcept = default;
const rlwe::KeySwitcher& Evaluator::switcher() const { return tables_->switcher; }

// -- what may be combined

Status Evaluator::same_parameters(const Ciphertext& a) const {
  if (a.parameters == parameters_) return {};
  return fail(ErrorCode::mismatch,
              "a ciphertext of other parameters; operands and evaluator must share one parameter set");
}

Status Evaluator::parts_are(const Ciphertext& a, std::size_t low, std::size_t high) const {
  PRISM_CHECKED(same_parameters(a));
  if (a.parts.size() >= low && a.parts.size() <= high) return {};
  return fail(ErrorCode::mismatch, "a ciphertext of ", a.parts.size(), " parts where ", low, " are needed; ",
              a.parts.size() > high ? "relinearise it first" : "it is not a product");
}

Status Evaluator::comparable(const Ciphertext& a, const Ciphertext& b, bool sums) const {
  PRISM_CHECKED(same_parameters(a));
  PRISM_CHECKED(same_parameters(b));
  if (a.level != b.level) {
    return fail(ErrorCode::mismatch, "levels ", a.level.value, " and ", b.level.value,
                "; call drop_to on the higher one");
  }
  if (sums && a.correction != b.correction) {
    return fail(ErrorCode::mismatch, "correction factors ", a.correction, " and ", b.correction,
                "; drop_to (to the same level, if none is to be lost) gives both the canonical one");
  }
  return {};
}

// -- linear

Status Evaluator::add_into(Ciphertext& a, const Ciphertext& b) const {
  PRISM_CHECKED(comparable(a, b, true));
  for (std::size_t i = 0; i < b.parts.size(); ++i) {
    if (i == a.parts.size()) {
      a.parts.push_back(b.parts[i].clone());
    } else {
      ring::add_into(a.parts[i], b.parts[i]);
    }
  }
  a.noise = noise_.add(a.noise, b.noise);
  return {};
}

Status Evaluator::subtract_into(Ciphertext& a, const Ciphertext& b) const {
  PRISM_CHECKED(comparable(a, b, true));
  for (std::size_t i = 0; i < b.parts.size(); ++i) {
    if (i == a.parts.size()) {
      a.parts.push_back(b.parts[i].clone());
      ring::negate_into(a.parts[i]);
    } else {
      ring::subtract_into(a.parts[i], b.parts[i]);
    }
  }
  a.noise = noise_.add(a.noise, b.noise);
  return {};
}

void Evaluator::negate_into(Ciphertext& a) const {
  for (ring::Evaluations& part : a.parts) ring::negate_into(part);
}

ring::Evaluations Evaluator::lift(const Plaintext& p, rlwe::Level level, std::uint64_t factor) const {
  const kernels::Modulus& t = parameters_->plain();
  const ring::Ring& ring = parameters_->rlwe().ring();
  const ring::PrimeSet primes = parameters_->rlwe().primes(level);
  Residues row(ring.degree());
  ring.kernels().multiply_scalar(row.data(), p.coefficients().data(), kernels::make_multiplier(factor, t), row.size(),
                                 t);
  ring::Coefficients out(ring, primes);
  for (std::size_t i = 0; i < primes.size(); ++i)
    ring.kernels().recentre(out.row(i).data(), row.data(), t, row.size(), out.modulus(i));
  return ring::to_evaluations(std::move(out));
}

std::uint64_t Evaluator::Tables::message_factor(const Parameters& parameters, const Ciphertext& a) {
  if (parameters.scheme() == Scheme::bgv) return a.correction;
  // round(Q*m/t) = (Q*m - r)/t with r = Q*m mod t, centred.
  std::uint64_t q = 1;
  const std::uint64_t t = parameters.plain_modulus();
  const ring::PrimeSet level_primes = parameters.rlwe().primes(a.level);
  for (const std::uint32_t i : level_primes.indexes())
    q = math::multiply_mod(q, parameters.rlwe().ring().prime(i) % t, t);
  return q;
}

std::vector<std::uint64_t> Evaluator::Tables::minus_inverse_t(const Parameters& parameters, rlwe::Level level) {
  std::vector<std::uint64_t> out;
  const ring::PrimeSet level_primes = parameters.rlwe().primes(level);
  for (const std::uint32_t i : level_primes.indexes()) {
    const std::uint64_t q = parameters.rlwe().ring().prime(i);
    const auto inverse = math::inverse_mod(parameters.plain_modulus() % q, q);
    check(inverse.has_value(), "t is coprime to every prime");
    out.push_back(math::negate_mod(*inverse, q));
  }
  return out;
}

ring::Evaluations Evaluator::plain_term(const Plaintext& p, const Ciphertext& a) const {
  ring::Evaluations term = lift(p, a.level, Tables::message_factor(*parameters_, a));
  if (parameters_->scheme() == Scheme::bfv)
    ring::multiply_scalar_into(term, Tables::minus_inverse_t(*parameters_, a.level));
  return term;
}

namespace {

Status same_plaintext(const Plaintext& p, const Parameters& parameters) {
  if (&p.parameters() == &parameters) return {};
  return fail(ErrorCode::mismatch,
              "a plaintext of other parameters; encode it with an Encoder of the evaluator's parameters");
}

}  // namespace

Status Evaluator::add_plain_into(Ciphertext& a, const Plaintext& p) const {
  PRISM_CHECKED(same_parameters(a));
  PRISM_CHECKED(same_plaintext(p, *parameters_));
  ring::add_into(a.parts[0], plain_term(p, a));
  a.noise = noise_.add_plain(a.noise);
  return {};
}

Status Evaluator::subtract_plain_into(Ciphertext& a, const Plaintext& p) const {
  PRISM_CHECKED(same_parameters(a));
  PRISM_CHECKED(same_plaintext(p, *parameters_));
  ring::subtract_into(a.parts[0], plain_term(p, a));
  a.noise = noise_.add_plain(a.noise);
  return {};
}

Status Evaluator::multiply_plain_into(Ciphertext& a, const Plaintext& p) const {
  PRISM_CHECKED(same_parameters(a));
  PRISM_CHECKED(same_plaintext(p, *parameters_));
  const ring::Evaluations factor = lift(p, a.level, 1);
  for (ring::Evaluations& part : a.parts) ring::multiply_into(part, factor);
  a.noise = noise_.multiply_plain(a.noise);
  return {};
}

Status Evaluator::add_scalar_into(Ciphertext& a, std::int64_t scalar) const {
  PRISM_CHECKED(same_parameters(a));
  const std::uint64_t t = parameters_->plain_modulus();
  const std::uint64_t product =
      math::multiply_mod(math::reduce_signed(scalar, t), Tables::message_factor(*parameters_, a), t);
  const std::int64_t value = math::centred(product, t);
  const bool bfv = parameters_->scheme() == Scheme::bfv;
  const std::vector<std::uint64_t> inverse =
      bfv ? Tables::minus_inverse_t(*parameters_, a.level) : std::vector<std::uint64_t>{};
  ring::Evaluations& part = a.parts[0];
  for (std::size_t i = 0; i < part.rows(); ++i) {
    const std::uint64_t q = part.modulus(i).q;
    std::uint64_t c = math::reduce_signed(value, q);
    if (bfv) c = math::multiply_mod(c, inverse[i], q);
    add_constant(part.row(i), c, q);
  }
  a.noise = noise_.add_scalar(a.noise, magnitude(value));
  return {};
}

Status Evaluator::multiply_scalar_into(Ciphertext& a, std::int64_t scalar) const {
  PRISM_CHECKED(same_parameters(a));
  const std::uint64_t t = parameters_->plain_modulus();
  const std::int64_t value = math::centred(math::reduce_signed(scalar, t), t);
  if (value == 1) return {};
  for (ring::Evaluations& part : a.parts) ring::multiply_integer_into(part, value);
  a.noise = noise_.multiply_scalar(a.noise, magnitude(value));
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
Result<Ciphertext> Evaluator::add_scalar(const Ciphertext& a, std::int64_t scalar) const {
  Ciphertext out = a.clone();
  PRISM_CHECKED(add_scalar_into(out, scalar));
  return out;
}
Result<Ciphertext> Evaluator::multiply_scalar(const Ciphertext& a, std::int64_t scalar) const {
  Ciphertext out = a.clone();
  PRISM_CHECKED(multiply_scalar_into(out, scalar));
  return out;
}

// -- levels

std::int64_t Evaluator::drop_scalar(rlwe::Level from, std::uint64_t correction, rlwe::Level to) const {
  if (parameters_->scheme() == Scheme::bfv) return 1;
  const std::uint64_t t = parameters_->plain_modulus();
  std::uint64_t factor = parameters_->correction(to);
  const ring::PrimeSet gone = parameters_->rlwe().primes(from).without(parameters_->rlwe().primes(to));
  for (const std::uint32_t i : gone.indexes())
    factor = math::multiply_mod(factor, parameters_->rlwe().ring().prime(i) % t, t);
  const auto inverse = math::inverse_mod(correction % t, t);
  check(inverse.has_value(), "a correction factor of zero");
  return math::centred(math::multiply_mod(factor, *inverse, t), t);
}

Result<Ciphertext> Evaluator::drop_to(const Ciphertext& a, rlwe::Level level) const {
  PRISM_CHECKED(same_parameters(a));
  if (level.value < 0 || level > a.level) {
    return fail(ErrorCode::invalid_argument, "a ciphertext at level ", a.level.value, " cannot go to level ",
                level.value, "; levels only fall, down to 0");
  }
  if (a.correction % parameters_->plain_modulus() == 0)
    return fail(ErrorCode::malformed, "a correction factor of zero");
  const std::int64_t scalar = drop_scalar(a.level, a.correction, level);
  Ciphertext out{
      parameters_, {}, level, parameters_->correction(level), noise_.multiply_scalar(a.noise, magnitude(scalar))};
  const rlwe::Parameters& rlwe = parameters_->rlwe();
  std::optional<ring::Divider> several;
  if (level.value + 1 < a.level.value) {
    const ring::PrimeSet keep = rlwe.primes(level);
    several.emplace(rlwe.ring(), keep, rlwe.primes(a.level).without(keep), parameters_->error_scale());
  }
  for (const ring::Evaluations& part : a.parts) {
    ring::Evaluations scaled = part.clone();
    if (scalar != 1) ring::multiply_integer_into(scaled, scalar);
    if (level == a.level) {
      out.parts.push_back(std::move(scaled));
    } else {
      out.parts.push_back((several ? *several : tables_->down[static_cast<std::size_t>(level.value)]).divide(scaled));
    }
  }
  if (level != a.level) {
    out.noise = noise_.switch_modulus(out.noise, a.level, level, static_cast<int>(a.parts.size()), Ancestry{});
  }
  return out;
}

// -- products

Result<Ciphertext> Evaluator::multiply(const Ciphertext& a, const Ciphertext& b) const {
  Ciphertext out{parameters_, {}, a.level, 1, {}};
  PRISM_CHECKED(tensor_add(out, a, b));
  return out;
}

Result<Ciphertext> Evaluator::square(const Ciphertext& a) const { return multiply(a, a); }

Status Evaluator::tensor_add(Ciphertext& accumulator, const Ciphertext& a, const Ciphertext& b) const {
  PRISM_CHECKED(comparable(a, b, false));
  PRISM_CHECKED(parts_are(a, 2, 2));
  PRISM_CHECKED(parts_are(b, 2, 2));
  const std::uint64_t correction = math::multiply_mod(a.correction, b.correction, parameters_->plain_modulus());
  const ring::Ring& ring = parameters_->rlwe().ring();
  const bool empty = accumulator.parts.empty();
  if (empty) {
    accumulator.parameters = parameters_;
    accumulator.level = a.level;
    accumulator.correction = correction;
    for (int part = 0; part < 3; ++part) accumulator.parts.emplace_back(ring, parameters_->rlwe().primes(a.level));
  } else {
    PRISM_CHECKED(parts_are(accumulator, 3, 3));
    if (accumulator.level != a.level || accumulator.correction != correction) {
      return fail(ErrorCode::mismatch, "a sum of products at level ", accumulator.level.value, " with correction ",
                  accumulator.correction, " and a product at level ", a.level.value, " with correction ", correction,
                  "; drop_to brings operands together");
    }
  }
  Noise product;
  if (parameters_->scheme() == Scheme::bfv) {
    add_bfv_product(accumulator, a, b);
    product = noise_.multiply_bfv(a.noise, b.noise, a.level);
  } else {
    for (std::size_t i = 0; i < a.parts[0].rows(); ++i) {
      ring.kernels().tensor_add(accumulator.parts[0].row(i).data(), accumulator.parts[1].row(i).data(),
                                accumulator.parts[2].row(i).data(), a.parts[0].row(i).data(), a.parts[1].row(i).data(),
                                b.parts[0].row(i).data(), b.parts[1].row(i).data(), ring.degree(),
                                a.parts[0].modulus(i));
    }
    product = noise_.multiply(a.noise, b.noise);
  }
  accumulator.noise = empty ? product : noise_.add(accumulator.noise, product);
  return {};
}

void Evaluator::add_bfv_product(Ciphertext& accumulator, const Ciphertext& a, const Ciphertext& b) const {
  const ScaledProduct& product = tables_->products[static_cast<std::size_t>(a.level.value)];
  const ring::Ring& ring = parameters_->rlwe().ring();
  std::vector<ring::Coefficients> scaled;
  for (int i = 0; i < 3; ++i) scaled.emplace_back(ring, product.primes());
  Residues scratch(product.scratch_words());
  product.multiply({scaled[0].row(0).data(), scaled[1].row(0).data(), scaled[2].row(0).data()},
                   {&a.parts[0], &a.parts[1]}, {&b.parts[0], &b.parts[1]}, scratch.data());
  for (std::size_t i = 0; i < 3; ++i) ring::add_into(accumulator.parts[i], ring::to_evaluations(std::move(scaled[i])));
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
  PRISM_CHECKED(parts_are(a, 2, 3));
  if (a.parts.size() == 2) return a.clone();
  PRISM_CHECKED(can_switch(*parameters_, keys));
  PRISM_TRY(const rlwe::SwitchKey* key, keys.find(rlwe::KeyId::Kind::relinearise, 0, a.level));
  PRISM_TRY(auto switched, tables_->switcher.switch_key(a.parts[2], *key));
  Ciphertext out{parameters_, {}, a.level, a.correction, noise_.key_switch(a.noise, a.level)};
  ring::add_into(switched.first, a.parts[0]);
  ring::add_into(switched.second, a.parts[1]);
  out.parts.push_back(std::move(switched.first));
  out.parts.push_back(std::move(switched.second));
  return out;
}

Result<Ciphertext> Evaluator::multiply_relinearise(const Ciphertext& a, const Ciphertext& b,
                                                   const rlwe::EvaluationKeys& keys) const {
  PRISM_TRY(const Ciphertext product, multiply(a, b));
  return relinearise(product, keys);
}

// -- automorphisms

Result<Ciphertext> Evaluator::finish_automorphism(const Ciphertext& a, std::uint32_t g,
                                                  std::pair<ring::Evaluations, ring::Evaluations> switched) const {
  Ciphertext out{parameters_, {}, a.level, a.correction, noise_.key_switch(noise_.automorphism(a.noise), a.level)};
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
  PRISM_CHECKED(parts_are(a, 2, 2));
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

Result<Ciphertext> Evaluator::swap_rows(const Ciphertext& a, const rlwe::EvaluationKeys& keys) const {
  return automorphism(a, rlwe::galois_element_for_conjugation(parameters_->degree()), keys);
}

Result<Evaluator::Hoisted> Evaluator::hoist(const Ciphertext& a) const {
  PRISM_CHECKED(parts_are(a, 2, 2));
  if (parameters_->rlwe().special_primes().size() == 0) {
    return fail(ErrorCode::invalid_argument, "these parameters have no special primes, so nothing can be rotated");
  }
  Hoisted out;
  out.ciphertext_ = a.clone();
  out.digits_ = tables_->switcher.decompose(a.parts[1]);
  return out;
}

Result<Ciphertext> Evaluator::automorphism(const Hoisted& a, std::uint32_t g, const rlwe::EvaluationKeys& keys) const {
  PRISM_CHECKED(parts_are(a.ciphertext_, 2, 2));
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
  out.push_back(rlwe::galois_element_for_conjugation(n));
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

}  // namespace prism::exact
