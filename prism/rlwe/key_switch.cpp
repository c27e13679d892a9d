#include "prism/rlwe/key_switch.h"

#include <algorithm>
#include <array>
#include <utility>

namespace prism::rlwe {
namespace {

constexpr std::size_t kMostDigits = 64;  // what inner_product takes; parameters have at most 64 primes

}  // namespace

KeySwitcher::KeySwitcher(std::shared_ptr<const Parameters> parameters, std::uint64_t t)
    : parameters_(std::move(parameters)), t_(t) {
  const ring::PrimeSet special = parameters_->special_primes();
  if (special.size() == 0) return;
  const std::uint32_t digit_size = parameters_->spec().digit_size;
  for (Level level{0}; level <= parameters_->max_level(); ++level.value) {
    const ring::PrimeSet base = parameters_->primes(level);
    const ring::PrimeSet extended = base.united(special);
    Tables made{base, extended, {}, ring::Divider(parameters_->ring(), base, special, t)};
    const auto size = static_cast<std::uint32_t>(base.size());
    for (std::uint32_t first = 0; first < size; first += digit_size) {
      const auto digit = ring::PrimeSet::range(first, std::min(digit_size, size - first));
      made.converters.emplace_back(parameters_->ring(), digit, extended.without(digit));
    }
    levels_.push_back(std::move(made));
  }
}

Level KeySwitcher::level_of(const ring::Evaluations& d) const {
  check(!levels_.empty(), "KeySwitcher: parameters without special primes");
  check(&d.ring() == &parameters_->ring(), "KeySwitcher: a polynomial of another ring");
  const auto level = parameters_->level_of(d.primes());
  check(level.has_value(), "KeySwitcher: a polynomial over no level's primes");
  return *level;
}

Decomposition KeySwitcher::decompose(const ring::Evaluations& d) const {
  const Level level = level_of(d);
  const Tables& at = tables(level);
  const ring::Ring& ring = parameters_->ring();

  const ring::Coefficients coefficients = ring::to_coefficients(d.clone());
  Decomposition out;
  out.level = level;
  for (const ring::BaseConverter& converter : at.converters) {
    ring::Evaluations& digit = out.digits.emplace_back(ring, at.extended);
    std::array<const std::uint64_t*, kMostDigits> from{};
    std::array<std::uint64_t*, kMostDigits> to{};
    for (std::size_t j = 0; j < converter.from().size(); ++j) {
      const std::uint32_t prime = converter.from()[j];
      from[j] = coefficients.row(prime).data();
      // Modulo its own primes a digit is d itself, which is transformed already. Level primes are 0, 1, ...: prime =
      // row.
      std::copy_n(d.row(prime).data(), ring.degree(), digit.row(prime).data());
    }
    for (std::size_t i = 0; i < converter.to().size(); ++i)
      to[i] = digit.row(at.extended.position(converter.to()[i])).data();
    converter.convert_rows(from.data(), to.data());
    for (std::size_t i = 0; i < converter.to().size(); ++i)
      ring.kernels().forward_ntt(to[i], ring.tables(converter.to()[i]));
  }
  return out;
}

Status KeySwitcher::check_key(Level level, const SwitchKey& key) const {
  if (key.error_scale != t_)
    return fail(ErrorCode::mismatch, "a switching key with error scale ", key.error_scale, " where ", t_,
                " is needed; make it for this scheme");
  if (key.b.empty() || &key.b[0].ring() != &parameters_->ring())
    return fail(ErrorCode::mismatch, "a switching key of other parameters");
  if (key.id.level < level)
    return fail(ErrorCode::mismatch, "a switching key for level ", key.id.level.value, " and a ciphertext at level ",
                level.value, "; drop the ciphertext or make a key for its level");
  return {};
}

std::pair<ring::Evaluations, ring::Evaluations> KeySwitcher::multiply(const Decomposition& d,
                                                                      const std::vector<std::uint32_t>* permutation,
                                                                      const SwitchKey& key) const {
  const Tables& at = tables(d.level);
  const ring::Ring& ring = parameters_->ring();
  const std::size_t n = ring.degree();
  const std::size_t count = d.digits.size();
  check(count == at.converters.size() && count <= key.b.size() && key.a.size() == key.b.size(),
        "KeySwitcher: a key or a decomposition with the wrong number of digits");
  ring::Evaluations u0(ring, at.extended), u1(ring, at.extended);
  Residues moved(permutation == nullptr ? 0 : count * n);
  std::array<const std::uint64_t*, kMostDigits> digits{}, b{}, a{};
  for (std::size_t i = 0; i < at.extended.size(); ++i) {
    const std::size_t row = key.b[0].primes().position(at.extended[i]);
    for (std::size_t j = 0; j < count; ++j) {
      digits[j] = d.digits[j].row(i).data();
      b[j] = key.b[j].row(row).data();
      a[j] = key.a[j].row(row).data();
      if (permutation != nullptr) {
        ring.kernels().permute(moved.data() + j * n, digits[j], permutation->data(), n);
        digits[j] = moved.data() + j * n;
      }
    }
    ring.kernels().inner_product(u0.row(i).data(), digits.data(), b.data(), count, n, u0.modulus(i));
    ring.kernels().inner_product(u1.row(i).data(), digits.data(), a.data(), count, n, u1.modulus(i));
  }
  return {at.by_special.divide(u0), at.by_special.divide(u1)};
}

// Prime by prime instead of digit by digit: L rows of scratch that stay in the cache, where a Decomposition has L*(L+k)
// rows.
std::pair<ring::Evaluations, ring::Evaluations> KeySwitcher::stream(const ring::Evaluations& d, Level level,
                                                                    const SwitchKey& key) const {
  const Tables& at = tables(level);
  const ring::Ring& ring = parameters_->ring();
  const std::size_t n = ring.degree();
  const std::size_t count = at.base.size();
  check(count <= key.b.size() && key.a.size() == key.b.size(), "KeySwitcher: a key with too few digits");
  const ring::Coefficients coefficients = ring::to_coefficients(d.clone());
  ring::Evaluations u0(ring, at.extended), u1(ring, at.extended);
  Residues raised(count * n);
  std::array<const std::uint64_t*, kMostDigits> digits{}, b{}, a{};
  for (std::size_t i = 0; i < at.extended.size(); ++i) {
    const std::uint32_t prime = at.extended[i];
    const std::size_t row = key.b[0].primes().position(prime);
    for (std::size_t j = 0; j < count; ++j) {
      b[j] = key.b[j].row(row).data();
      a[j] = key.a[j].row(row).data();
      digits[j] = d.row(j).data();
      if (prime == j) continue;  // modulo its own prime a digit is d itself
      std::uint64_t* const to = raised.data() + j * n;
      ring.kernels().recentre(to, coefficients.row(j).data(), d.modulus(j), n, ring.modulus(prime));
      ring.kernels().forward_ntt(to, ring.tables(prime));
      digits[j] = to;
    }
    ring.kernels().inner_product(u0.row(i).data(), digits.data(), b.data(), count, n, u0.modulus(i));
    ring.kernels().inner_product(u1.row(i).data(), digits.data(), a.data(), count, n, u1.modulus(i));
  }
  return {at.by_special.divide(u0), at.by_special.divide(u1)};
}

Result<std::pair<ring::Evaluations, ring::Evaluations>> KeySwitcher::apply(const Decomposition& d,
                                                                           const SwitchKey& key) const {
  PRISM_CHECKED(check_key(d.level, key));
  return multiply(d, nullptr, key);
}

Result<std::pair<ring::Evaluations, ring::Evaluations>> KeySwitcher::apply_permuted(const Decomposition& d,
                                                                                    std::uint32_t g,
                                                                                    const SwitchKey& key) const {
  PRISM_CHECKED(check_key(d.level, key));
  const auto permutation = parameters_->ring().automorphism(g);
  return multiply(d, permutation.get(), key);
}

Result<std::pair<ring::Evaluations, ring::Evaluations>> KeySwitcher::switch_key(const ring::Evaluations& d,
                                                                                const SwitchKey& key) const {
  const Level level = level_of(d);
  PRISM_CHECKED(check_key(level, key));
  if (parameters_->spec().digit_size == 1) return stream(d, level, key);
  return multiply(decompose(d), nullptr, key);
}

}  // namespace prism::rlwe
