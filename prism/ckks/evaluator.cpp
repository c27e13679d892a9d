#include "prism/ckks/evaluator.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "prism/ckks/internal/evaluator_tables.h"
#include "prism/ckks/internal/integer_rows.h"
#include "prism/math/modular.h"

namespace prism::ckks {

Evaluator::Tables::Tables(const Parameters& parameters) : switcher(parameters.rlwe_ptr(), 1) {
  const rlwe::Parameters& rlwe = parameters.rlwe();
  const ring::Ring& ring = rlwe.ring();
  dropped.emplace_back();
  for (rlwe::Level l{1}; l <= parameters.max_level(); ++l.value) {
    const ring::PrimeSet lower = rlwe.primes(rlwe::Level{l.value - 1});
    down.emplace_back(ring, lower, rlwe.primes(l).without(lower), 1);
    dropped.push_back(parameters.dropped_primes(l));
  }
  for (std::uint32_t i = 0; i < ring.prime_count(); ++i)
    imaginary_unit.push_back(math::power_mod(ring.tables(i).psi, ring.degree() / 2, ring.prime(i)));
}

Evaluator::Evaluator(std::shared_ptr<const Parameters> parameters, NoiseModel::Mode mode)
    : parameters_(std::move(parameters)),
      noise_(parameters_->rlwe(), rlwe::ternary_norms(parameters_->degree()), mode),
      tables_(std::make_unique<const Tables>(*parameters_)) {}
Evaluator::~Evaluator() = default;
Evaluator::Evaluator(Evaluator&&) noexcept = default;
const rlwe::KeySwitcher& Evaluator::switcher() const { return tables_->switcher; }

// -- what may be combined

Status Evaluator::valid(const Ciphertext& a, std::size_t low, std::size_t high) const {
  if (a.parameters != parameters_) {
    return fail(ErrorCode::mismatch,
                "a ciphertext of other parameters; operands and evaluator must share one parameter set");
  }
  if (a.parts.size() >= low && a.parts.size() <= high) return {};
  return fail(ErrorCode::mismatch, "a ciphertext of ", a.parts.size(), " parts where ", low, " are needed; ",
              a.parts.size() > high ? "relinearise it first" : "it is not a product");
}

Status Evaluator::same_scale(const Scale& a, const Scale& b) const {
  if (a == b) return {};
  return fail(ErrorCode::mismatch, "scales ", shown(a), " and ", shown(b),
              " are not equal; rescale products first, encode plaintexts at the ciphertext's scale, or bring a "
              "ciphertext of a higher level over with align_to");
}

Status Evaluator::same_plaintext(const Parameters* parameters) const {
  if (parameters == parameters_.get()) return {};
  return fail(ErrorCode::mismatch,
              "a plaintext of other parameters; encode it with an Encoder of the evaluator's parameters");
}

// -- memory of results

void Evaluator::shape(Ciphertext& out, std::size_t parts, rlwe::Level level) const {
  const ring::Ring& ring = parameters_->rlwe().ring();
  const ring::PrimeSet primes = parameters_->rlwe().primes(level);
  if (out.parameters != parameters_) out.parameters = parameters_;
  out.level = level;
  out.parts.resize(parts);
  for (ring::Evaluations& part : out.parts) {
    // What already fits may be an operand and keeps its values.
    if (part.primes() != primes || &part.ring() != &ring) part.reshape(ring, primes);
  }
}

// -- sums

/// out = both(a, b) row by row; where a has no part, second(b). `out` may be an operand.
template <class Combine, class Take>
Status Evaluator::combine(Ciphertext& out, const Ciphertext& a, const Ciphertext& b, Combine both, Take second) const {
  PRISM_CHECKED(valid(a, 2, 3));
  PRISM_CHECKED(valid(b, 2, 3));
  PRISM_CHECKED(same_scale(a.scale, b.scale));
  const rlwe::Level level = std::min(a.level, b.level);
  const std::size_t parts_a = a.parts.size(), parts_b = b.parts.size();
  if ((&out == &a || &out == &b) && out.level != level) PRISM_CHECKED(drop_to(out, out, level));
  const Noise noise = NoiseModel::add(a.noise, b.noise);
  shape(out, std::max(parts_a, parts_b), level);
  const ring::Ring& ring = parameters_->rlwe().ring();
  const kernels::Kernels& k = ring.kernels();
  const std::size_t n = ring.degree();
  for (std::size_t part = 0; part < out.parts.size(); ++part) {
    for (std::size_t i = 0; i < out.parts[part].rows(); ++i) {
      std::uint64_t* const to = out.parts[part].row(i).data();
      const kernels::Modulus& m = out.parts[part].modulus(i);
      if (part < parts_a && part < parts_b) {
        both(k, to, a.parts[part].row(i).data(), b.parts[part].row(i).data(), n, m);
      } else if (part < parts_b) {
        second(k, to, b.parts[part].row(i).data(), n, m);
      } else if (const std::uint64_t* const from = a.parts[part].row(i).data(); from != to) {
        std::copy_n(from, n, to);
      }
    }
  }
  out.scale = a.scale;
  out.noise = noise;
  return {};
}

Status Evaluator::add(Ciphertext& out, const Ciphertext& a, const Ciphertext& b) const {
  const auto both = [](const kernels::Kernels& k, auto... row) { k.add(row...); };
  const auto copy = [](const kernels::Kernels&, std::uint64_t* to, const std::uint64_t* from, std::size_t n,
                       const kernels::Modulus&) {
    if (to != from) std::copy_n(from, n, to);
  };
  return combine(out, a, b, both, copy);
}

Status Evaluator::subtract(Ciphertext& out, const Ciphertext& a, const Ciphertext& b) const {
  return combine(
      out, a, b, [](const kernels::Kernels& k, auto... row) { k.subtract(row...); },
      [](const kernels::Kernels& k, auto... row) { k.negate(row...); });
}

Status Evaluator::negate(Ciphertext& out, const Ciphertext& a) const {
  PRISM_CHECKED(valid(a, 2, 3));
  shape(out, a.parts.size(), a.level);
  for (std::size_t part = 0; part < a.parts.size(); ++part) ring::negate(out.parts[part], a.parts[part]);
  out.scale = a.scale;
  out.noise = a.noise;
  return {};
}

Status Evaluator::add_into(Ciphertext& a, const Ciphertext& b) const { return add(a, a, b); }
Status Evaluator::subtract_into(Ciphertext& a, const Ciphertext& b) const { return subtract(a, a, b); }
void Evaluator::negate_into(Ciphertext& a) const {
  for (ring::Evaluations& part : a.parts) ring::negate_into(part);
}
Result<Ciphertext> Evaluator::add(const Ciphertext& a, const Ciphertext& b) const {
  return made([&](Ciphertext& out) { return add(out, a, b); });
}
Result<Ciphertext> Evaluator::subtract(const Ciphertext& a, const Ciphertext& b) const {
  return made([&](Ciphertext& out) { return subtract(out, a, b); });
}
Ciphertext Evaluator::negate(const Ciphertext& a) const {
  Ciphertext out = a.clone();
  negate_into(out);
  return out;
}

Result<Ciphertext> Evaluator::linear_combination(std::span<const Ciphertext* const> values,
                                                 std::span<const Constant> weights) const {
  if (values.empty() || values.size() != weights.size()) {
    return fail(ErrorCode::invalid_argument, values.size(), " ciphertexts and ", weights.size(),
                " weights; give as many, and at least one");
  }
  rlwe::Level level = parameters_->max_level();
  std::size_t parts = 2;
  for (const Ciphertext* a : values) {
    PRISM_CHECKED(valid(*a, 2, 3));
    PRISM_CHECKED(same_scale(values[0]->scale, a->scale));
    level = std::min(level, a->level);
    parts = std::max(parts, a->parts.size());
  }
  const Scale& at = parameters_->scale(level);
  Ciphertext sum;
  sum.parameters = parameters_;
  sum.level = level;
  PRISM_TRY(sum.scale, product_of(values[0]->scale, at));
  const ring::Ring& ring = parameters_->rlwe().ring();
  const ring::PrimeSet primes = parameters_->rlwe().primes(level);
  for (std::size_t part = 0; part < parts; ++part) sum.parts.emplace_back(ring, primes);
  for (std::size_t v = 0; v < values.size(); ++v) {
    PRISM_TRY(const Int128 weight, weights[v].times(at));
    const Ciphertext& a = *values[v];
    for (std::size_t i = 0; i < primes.size(); ++i) {
      const kernels::Modulus& m = ring.modulus(primes[i]);
      const kernels::Multiplier w = kernels::make_multiplier(reduce_wide(weight, m.q), m);
      for (std::size_t part = 0; part < a.parts.size(); ++part) {
        ring.kernels().multiply_scalar_add(sum.parts[part].row(i).data(), a.parts[part].row(i).data(), w, ring.degree(),
                                           m);
      }
    }
    const Noise term = NoiseModel::multiply(a.noise, {weights[v].magnitude(), weights[v].rounding(at)});
    sum.noise = v == 0 ? term : NoiseModel::add(sum.noise, term);
  }
  return rescale(sum);
}

// -- with plaintexts

/// out = a with both(part 0, lifted p). `out` may be a.
template <class Combine>
Status Evaluator::with_plain(Ciphertext& out, const Ciphertext& a, const Plaintext& p, Combine both,
                             Workspace& workspace) const {
  PRISM_CHECKED(valid(a, 2, 3));
  PRISM_CHECKED(same_plaintext(&p.parameters()));
  PRISM_CHECKED(same_scale(a.scale, p.scale()));
  ring::Borrowed<ring::Domain::evaluations> lifted(workspace, parameters_->rlwe().ring(), a.parts[0].primes());
  lift(*lifted, p, a.parts[0].primes(), workspace);
  shape(out, a.parts.size(), a.level);
  both(out.parts[0], a.parts[0], *lifted);
  for (std::size_t part = 1; part < a.parts.size(); ++part) ring::copy(out.parts[part], a.parts[part]);
  out.scale = a.scale;
  out.noise = NoiseModel::add(a.noise, p.noise());
  return {};
}

Status Evaluator::add_plain(Ciphertext& out, const Ciphertext& a, const Plaintext& p, Workspace& workspace) const {
  return with_plain(out, a, p, [](auto& to, const auto& x, const auto& y) { ring::add(to, x, y); }, workspace);
}

Status Evaluator::subtract_plain(Ciphertext& out, const Ciphertext& a, const Plaintext& p, Workspace& workspace) const {
  return with_plain(out, a, p, [](auto& to, const auto& x, const auto& y) { ring::subtract(to, x, y); }, workspace);
}

Status Evaluator::multiply_plain(Ciphertext& out, const Ciphertext& a, const Plaintext& p, Workspace& workspace) const {
  PRISM_CHECKED(valid(a, 2, 3));
  PRISM_CHECKED(same_plaintext(&p.parameters()));
  PRISM_TRY(const Scale scale, product_of(a.scale, p.scale()));
  ring::Borrowed<ring::Domain::evaluations> lifted(workspace, parameters_->rlwe().ring(), a.parts[0].primes());
  lift(*lifted, p, a.parts[0].primes(), workspace);
  shape(out, a.parts.size(), a.level);
  for (std::size_t part = 0; part < a.parts.size(); ++part) ring::multiply(out.parts[part], a.parts[part], *lifted);
  out.noise = NoiseModel::multiply(a.noise, p.noise());
  out.scale = scale;
  return {};
}

Result<Multiplicand> Evaluator::prepare(const Plaintext& p, rlwe::Level level, bool with_special) const {
  PRISM_CHECKED(same_plaintext(&p.parameters()));
  const rlwe::Parameters& rlwe = parameters_->rlwe();
  if (level.value < 0 || level > rlwe.max_level()) {
    return fail(ErrorCode::invalid_argument, "level ", level.value, "; levels are 0 to ", rlwe.max_level().value);
  }
  if (with_special && rlwe.special_primes().size() == 0)
    return fail(ErrorCode::invalid_argument, "these parameters have no special primes to prepare a plaintext for");
  Multiplicand out;
  out.parameters_ = parameters_;
  out.level_ = level;
  out.with_special_ = with_special;
  out.scale_ = p.scale();
  out.noise_ = p.noise();
  Workspace workspace;
  const ring::PrimeSet base = rlwe.primes(level);
  lift(out.values_, p, with_special ? base.united(rlwe.special_primes()) : base, workspace);
  return out;
}

Status Evaluator::multiply_plain(Ciphertext& out, const Ciphertext& a, const Multiplicand& p) const {
  PRISM_CHECKED(valid(a, 2, 3));
  PRISM_CHECKED(same_plaintext(p.parameters_ptr().get()));
  if (p.level() < a.level) {
    return fail(ErrorCode::mismatch, "a multiplicand for level ", p.level().value, " and a ciphertext at level ",
                a.level.value, "; prepare it for that level, or call drop_to on the ciphertext");
  }
  PRISM_TRY(const Scale scale, product_of(a.scale, p.scale()));
  shape(out, a.parts.size(), a.level);
  const ring::Ring& ring = parameters_->rlwe().ring();
  for (std::size_t i = 0; i < out.parts[0].rows(); ++i) {
    // Both parts while the row of the plaintext is in the cache.
    for (std::size_t part = 0; part < a.parts.size(); ++part) {
      ring.kernels().multiply(out.parts[part].row(i).data(), a.parts[part].row(i).data(), p.values().row(i).data(),
                              ring.degree(), out.parts[part].modulus(i));
    }
  }
  out.noise = NoiseModel::multiply(a.noise, p.noise());
  out.scale = scale;
  return {};
}

Status Evaluator::add_plain_into(Ciphertext& a, const Plaintext& p) const {
  Workspace workspace;
  return add_plain(a, a, p, workspace);
}
Status Evaluator::subtract_plain_into(Ciphertext& a, const Plaintext& p) const {
  Workspace workspace;
  return subtract_plain(a, a, p, workspace);
}
Status Evaluator::multiply_plain_into(Ciphertext& a, const Plaintext& p) const {
  Workspace workspace;
  return multiply_plain(a, a, p, workspace);
}
Result<Ciphertext> Evaluator::add_plain(const Ciphertext& a, const Plaintext& p) const {
  return made([&](Ciphertext& out, Workspace& workspace) { return add_plain(out, a, p, workspace); });
}
Result<Ciphertext> Evaluator::subtract_plain(const Ciphertext& a, const Plaintext& p) const {
  return made([&](Ciphertext& out, Workspace& workspace) { return subtract_plain(out, a, p, workspace); });
}
Result<Ciphertext> Evaluator::multiply_plain(const Ciphertext& a, const Plaintext& p) const {
  return made([&](Ciphertext& out, Workspace& workspace) { return multiply_plain(out, a, p, workspace); });
}
Result<Ciphertext> Evaluator::multiply_plain(const Ciphertext& a, const Multiplicand& p) const {
  return made([&](Ciphertext& out) { return multiply_plain(out, a, p); });
}

}  // namespace prism::ckks
