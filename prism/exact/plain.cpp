// Plaintexts as operands.
#include <algorithm>

#include "prism/exact/evaluator.h"
#include "prism/exact/internal/output.h"
#include "prism/exact/internal/tables.h"

namespace prism::exact {

void Evaluator::lift(ring::Evaluations& out, const Plaintext& p, const ring::PrimeSet& primes, std::uint64_t factor,
                     ring::Workspace& workspace) const {
  const kernels::Modulus& t = parameters_->plain();
  const ring::Ring& ring = parameters_->rlwe().ring();
  const auto& k = ring.kernels();
  ring::BorrowedRows scaled(workspace, 1, ring.degree());
  const std::uint64_t* message = p.coefficients().data();
  if (factor != 1) {
    k.multiply_scalar(scaled.row(0), message, kernels::make_multiplier(factor, t), ring.degree(), t);
    message = scaled.row(0);
  }
  out.reshape(ring, primes);
  for (std::size_t i = 0; i < primes.size(); ++i)
    k.recentre_forward_ntt(out.row(i).data(), message, t, ring.tables(primes[i]));
}

void Evaluator::plain_term(ring::Evaluations& out, const Plaintext& p, const Ciphertext& a,
                           ring::Workspace& workspace) const {
  lift(out, p, parameters_->rlwe().primes(a.level), tables_->message_factor(*parameters_, a), workspace);
  if (parameters_->scheme() != Scheme::bfv) return;
  for (std::size_t i = 0; i < out.rows(); ++i) {
    out.ring().kernels().multiply_scalar(out.row(i).data(), out.row(i).data(), tables_->minus_inverse_t[i],
                                         out.degree(), out.modulus(i));
  }
}

Status Evaluator::add_plain_into(Ciphertext& a, const Plaintext& p, ring::Workspace& workspace) const {
  PRISM_CHECKED(parts_are(a, 2, 3));
  PRISM_CHECKED(same_plaintext(p));
  ring::Borrowed<ring::Domain::evaluations> term(workspace, a.parts[0].ring(), a.parts[0].primes());
  plain_term(*term, p, a, workspace);
  ring::add_into(a.parts[0], *term);
  a.noise = noise_.add_plain(a.noise);
  return {};
}

Status Evaluator::subtract_plain_into(Ciphertext& a, const Plaintext& p, ring::Workspace& workspace) const {
  PRISM_CHECKED(parts_are(a, 2, 3));
  PRISM_CHECKED(same_plaintext(p));
  ring::Borrowed<ring::Domain::evaluations> term(workspace, a.parts[0].ring(), a.parts[0].primes());
  plain_term(*term, p, a, workspace);
  ring::subtract_into(a.parts[0], *term);
  a.noise = noise_.add_plain(a.noise);
  return {};
}

Status Evaluator::multiply_plain_into(Ciphertext& a, const Plaintext& p, ring::Workspace& workspace) const {
  PRISM_CHECKED(parts_are(a, 2, 3));
  PRISM_CHECKED(same_plaintext(p));
  ring::Borrowed<ring::Domain::evaluations> factor(workspace, a.parts[0].ring(), a.parts[0].primes());
  lift(*factor, p, parameters_->rlwe().primes(a.level), 1, workspace);
  for (ring::Evaluations& part : a.parts) ring::multiply_into(part, *factor);
  a.noise = noise_.multiply_plain(a.noise);
  return {};
}

Status Evaluator::add_plain_into(Ciphertext& a, const Plaintext& p) const {
  ring::Workspace workspace;
  return add_plain_into(a, p, workspace);
}
Status Evaluator::subtract_plain_into(Ciphertext& a, const Plaintext& p) const {
  ring::Workspace workspace;
  return subtract_plain_into(a, p, workspace);
}
Status Evaluator::multiply_plain_into(Ciphertext& a, const Plaintext& p) const {
  ring::Workspace workspace;
  return multiply_plain_into(a, p, workspace);
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

// -- multiplicands

Status Evaluator::prepare(Multiplicand& out, const Plaintext& p, rlwe::Level level, bool with_special,
                          ring::Workspace& workspace) const {
  PRISM_CHECKED(same_plaintext(p));
  if (level.value < 0 || level > parameters_->max_level()) {
    return fail(ErrorCode::invalid_argument, "level ", level.value, "; levels are 0 to ",
                parameters_->max_level().value);
  }
  const rlwe::Parameters& rlwe = parameters_->rlwe();
  out.parameters = parameters_;
  out.level = level;
  out.with_special = with_special;
  const ring::PrimeSet base = rlwe.primes(level);
  lift(out.factor, p, with_special ? base.united(rlwe.special_primes()) : base, 1, workspace);
  return {};
}

Result<Multiplicand> Evaluator::prepare(const Plaintext& p, rlwe::Level level, bool with_special) const {
  Multiplicand out;
  ring::Workspace workspace;
  PRISM_CHECKED(prepare(out, p, level, with_special, workspace));
  return out;
}

Status Evaluator::usable(const Multiplicand& p, rlwe::Level level) const {
  if (p.parameters != parameters_) {
    return fail(ErrorCode::mismatch, "a multiplicand of other parameters; prepare it with this evaluator");
  }
  if (p.level >= level) return {};
  return fail(ErrorCode::mismatch, "a multiplicand of level ", p.level.value, " and a ciphertext at level ",
              level.value, "; prepare it for that level or drop_to the ciphertext");
}

Status Evaluator::multiply_plain(Ciphertext& out, const Ciphertext& a, const Multiplicand& p) const {
  PRISM_CHECKED(parts_are(a, 2, 3));
  PRISM_CHECKED(usable(p, a.level));
  if (&out != &a) {
    shape(out, a.parts.size(), a.level);
    out.correction = a.correction;
  }
  // Level primes come first in every set, so a row of a lower level is the same row here.
  for (std::size_t part = 0; part < a.parts.size(); ++part) {
    ring::Evaluations& to = out.parts[part];
    for (std::size_t i = 0; i < to.rows(); ++i) {
      to.ring().kernels().multiply(to.row(i).data(), a.parts[part].row(i).data(), p.factor.row(i).data(), to.degree(),
                                   to.modulus(i));
    }
  }
  out.noise = noise_.multiply_plain(a.noise);
  return {};
}

Status Evaluator::multiply_plain_into(Ciphertext& a, const Multiplicand& p) const { return multiply_plain(a, a, p); }

Result<Ciphertext> Evaluator::multiply_plain(const Ciphertext& a, const Multiplicand& p) const {
  Ciphertext out;
  PRISM_CHECKED(multiply_plain(out, a, p));
  return out;
}

}  // namespace prism::exact
