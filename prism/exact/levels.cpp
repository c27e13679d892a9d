// Modulus switching.
#include <optional>

#include "prism/exact/evaluator.h"
#include "prism/exact/internal/output.h"
#include "prism/exact/internal/tables.h"
#include "prism/math/modular.h"

namespace prism::exact {

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

Status Evaluator::drop_to(Ciphertext& out, const Ciphertext& a, rlwe::Level level, ring::Workspace& workspace) const {
  PRISM_CHECKED(parts_are(a, 2, 3));
  PRISM_CHECKED(internal::distinct(out, a));
  if (level.value < 0 || level > a.level) {
    return fail(ErrorCode::invalid_argument, "a ciphertext at level ", a.level.value, " cannot go to level ",
                level.value, "; levels only fall, down to 0");
  }
  if (a.correction % parameters_->plain_modulus() == 0)
    return fail(ErrorCode::malformed, "a correction factor of zero");
  const std::int64_t scalar = drop_scalar(a.level, a.correction, level);
  const rlwe::Parameters& rlwe = parameters_->rlwe();
  const ring::PrimeSet from = rlwe.primes(a.level);
  const ring::Divider* divider = nullptr;
  std::optional<ring::Divider> several;  // rarely asked for, so not kept; its tables are small but allocated
  if (level.value + 1 == a.level.value) {
    divider = &tables_->down[static_cast<std::size_t>(level.value)];
  } else if (level < a.level) {
    const ring::PrimeSet keep = rlwe.primes(level);
    divider = &several.emplace(rlwe.ring(), keep, from.without(keep), parameters_->error_scale());
  }
  shape(out, a.parts.size(), level);
  for (std::size_t part = 0; part < a.parts.size(); ++part) {
    if (scalar == 1) {
      divider != nullptr ? divider->divide(out.parts[part], a.parts[part], workspace)
                         : ring::copy(out.parts[part], a.parts[part]);
      continue;
    }
    ring::Borrowed<ring::Domain::evaluations> scaled(workspace, rlwe.ring(), from);
    ring::copy(*scaled, a.parts[part]);
    ring::multiply_integer_into(*scaled, scalar);
    divider != nullptr ? divider->divide(out.parts[part], *scaled, workspace) : ring::copy(out.parts[part], *scaled);
  }
  out.correction = parameters_->correction(level);
  out.noise = noise_.multiply_scalar(a.noise, internal::magnitude(scalar));
  if (level != a.level) {
    out.noise = noise_.switch_modulus(out.noise, a.level, level, static_cast<int>(a.parts.size()), Ancestry{});
  }
  return {};
}

Result<Ciphertext> Evaluator::drop_to(const Ciphertext& a, rlwe::Level level) const {
  Ciphertext out;
  ring::Workspace workspace;
  PRISM_CHECKED(drop_to(out, a, level, workspace));
  return out;
}

}  // namespace prism::exact
