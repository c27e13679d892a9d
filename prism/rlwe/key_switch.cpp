#include "prism/rlwe/key_switch.h"

#include <algorithm>
#include <array>
#include <utility>

#include "prism/math/modular.h"

namespace prism::rlwe {
namespace {

constexpr std::size_t kMostDigits = 64;  // what inner_product takes; parameters have at most 64 primes
/// Values treated at a time between two kernels, so that what is between them stays in the first-level cache.
constexpr std::size_t kTile = 1024;

}  // namespace

struct KeySwitcher::Tables {
  ring::PrimeSet base, extended;                ///< primes(level), and with the special ones
  std::vector<ring::BaseConverter> converters;  ///< digit -> all other primes of `extended`
  std::vector<kernels::Multiplier> special;     ///< P modulo each prime of `base`
};

struct KeySwitcher::Dividers {
  std::mutex mutex;
  std::map<std::pair<int, int>, std::unique_ptr<const ring::Divider>> made;  ///< by level, lower level
};

BorrowedExtended::BorrowedExtended(ring::Workspace& workspace, const Parameters& parameters, Level level)
    : workspace_(&workspace) {
  const std::size_t words =
      (parameters.primes(level).size() + parameters.special_primes().size()) * parameters.degree();
  value_.level = level;
  value_.u0 = ring::Evaluations(workspace.take(words));
  value_.u1 = ring::Evaluations(workspace.take(words));
}

BorrowedExtended::~BorrowedExtended() {
  workspace_->give_back(std::move(value_.u0));
  workspace_->give_back(std::move(value_.u1));
}

KeySwitcher::KeySwitcher(std::shared_ptr<const Parameters> parameters, std::uint64_t t)
    : parameters_(std::move(parameters)), t_(t), dividers_(std::make_unique<Dividers>()) {
  const ring::Ring& ring = parameters_->ring();
  const ring::PrimeSet special = parameters_->special_primes();
  if (special.size() == 0) return;
  const std::uint32_t digit_size = parameters_->spec().digit_size;
  for (Level level{0}; level <= parameters_->max_level(); ++level.value) {
    auto made = std::make_unique<Tables>();
    made->base = parameters_->primes(level);
    made->extended = made->base.united(special);
    const auto size = static_cast<std::uint32_t>(made->base.size());
    for (std::uint32_t first = 0; first < size; first += digit_size) {
      const auto digit = ring::PrimeSet::range(first, std::min(digit_size, size - first));
      made->converters.emplace_back(ring, digit, made->extended.without(digit));
    }
    for (const std::uint32_t i : made->base.indexes()) {
      std::uint64_t product = 1;
      for (const std::uint32_t j : special.indexes())
        product = math::multiply_mod(product, ring.prime(j) % ring.prime(i), ring.prime(i));
      made->special.push_back(kernels::make_multiplier(product, ring.modulus(i)));
    }
    levels_.push_back(std::move(made));
    divider(level, level);  // its checks belong here, not to the first use
  }
}

KeySwitcher::~KeySwitcher() = default;
KeySwitcher::KeySwitcher(KeySwitcher&&) noexcept = default;
KeySwitcher& KeySwitcher::operator=(KeySwitcher&&) noexcept = default;

const KeySwitcher::Tables& KeySwitcher::tables(Level level) const {
  return *levels_[static_cast<std::size_t>(level.value)];
}

const ring::Divider& KeySwitcher::divider(Level from, Level lower) const {
  check(lower.value >= 0 && lower <= from, "KeySwitcher: division to a level that is not lower");
  const std::lock_guard lock(dividers_->mutex);
  auto& entry = dividers_->made[{from.value, lower.value}];
  if (!entry) {
    const ring::PrimeSet keep = parameters_->primes(lower);
    entry = std::make_unique<const ring::Divider>(parameters_->ring(), keep, tables(from).extended.without(keep), t_);
  }
  return *entry;
}

Level KeySwitcher::level_of(const ring::Evaluations& d) const {
  check(!levels_.empty(), "KeySwitcher: parameters without special primes");
  check(&d.ring() == &parameters_->ring(), "KeySwitcher: a polynomial of another ring");
  const auto level = parameters_->level_of(d.primes());
  check(level.has_value(), "KeySwitcher: a polynomial over no level's primes");
  return *level;
}

void KeySwitcher::decompose(Decomposition& out, const ring::Evaluations& d, ring::Workspace& workspace) const {
  const Level level = level_of(d);
  const Tables& at = tables(level);
  const ring::Ring& ring = parameters_->ring();

  ring::Borrowed<ring::Domain::coefficients> coefficients(workspace, ring, at.base);
  ring::to_coefficients(*coefficients, d);
  out.level = level;
  out.digits.resize(at.converters.size());
  for (std::size_t digit_index = 0; digit_index < at.converters.size(); ++digit_index) {
    const ring::BaseConverter& converter = at.converters[digit_index];
    ring::Evaluations& digit = out.digits[digit_index];
    digit.reshape(ring, at.extended);
    std::array<const std::uint64_t*, kMostDigits> from{};
    std::array<std::uint64_t*, kMostDigits> to{};
    for (std::size_t j = 0; j < converter.from().size(); ++j) {
      const std::uint32_t prime = converter.from()[j];
      from[j] = coefficients->row(prime).data();
      // Modulo its own primes a digit is d itself, which is transformed already. Level primes are 0, 1, ...: prime =
      // row.
      std::copy_n(d.row(prime).data(), ring.degree(), digit.row(prime).data());
    }
    for (std::size_t i = 0; i < converter.to().size(); ++i)
      to[i] = digit.row(at.extended.position(converter.to()[i])).data();
    converter.convert_rows(from.data(), to.data(), workspace);
    for (std::size_t i = 0; i < converter.to().size(); ++i)
      ring.kernels().forward_ntt(to[i], ring.tables(converter.to()[i]));
  }
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
  check(tables(level).converters.size() <= key.b.size() && key.a.size() == key.b.size(),
        "KeySwitcher: a key with the wrong number of digits");
  return {};
}

Result<bool> KeySwitcher::begin(Extended& sum, Level level) const {
  if (sum.empty) {
    sum.level = level;
    sum.u0.reshape(parameters_->ring(), tables(level).extended);
    sum.u1.reshape(parameters_->ring(), tables(level).extended);
    sum.empty = false;
    return true;
  }
  if (sum.level != level)
    return fail(ErrorCode::mismatch, "levels ", sum.level.value, " and ", level.value,
                " in one sum before its division; drop the higher one first");
  return false;
}

Status KeySwitcher::accumulate(Extended& sum, const Decomposition& d, std::uint32_t g, const SwitchKey& key,
                               ring::Workspace& workspace) const {
  PRISM_CHECKED(check_key(d.level, key));
  PRISM_TRY(const bool first, begin(sum, d.level));
  const Tables& at = tables(d.level);
  const ring::Ring& ring = parameters_->ring();
  const kernels::Kernels& k = ring.kernels();
  const std::size_t n = ring.degree();
  const std::size_t count = d.digits.size();
  check(count == at.converters.size(), "KeySwitcher: a decomposition with the wrong number of digits");
  const auto permutation = g == 1 ? nullptr : ring.automorphism(g);
  const std::size_t tile = std::min(kTile, n);
  ring::BorrowedRows moved(workspace, count + 2, tile);
  std::array<const std::uint64_t*, kMostDigits> digits{}, b{}, a{};
  for (std::size_t i = 0; i < at.extended.size(); ++i) {
    const std::size_t row = key.b[0].primes().position(at.extended[i]);
    const kernels::Modulus& m = ring.modulus(at.extended[i]);
    for (std::size_t start = 0; start < n; start += tile) {
      for (std::size_t j = 0; j < count; ++j) {
        b[j] = key.b[j].row(row).data() + start;
        a[j] = key.a[j].row(row).data() + start;
        digits[j] = d.digits[j].row(i).data() + start;
        if (permutation != nullptr) {
          k.permute(moved.row(j), d.digits[j].row(i).data(), permutation->data() + start, tile);
          digits[j] = moved.row(j);
        }
      }
      std::uint64_t* const u0 = sum.u0.row(i).data() + start;
      std::uint64_t* const u1 = sum.u1.row(i).data() + start;
      std::uint64_t* const out0 = first ? u0 : moved.row(count);
      std::uint64_t* const out1 = first ? u1 : moved.row(count + 1);
      k.inner_product(out0, digits.data(), b.data(), count, tile, m);
      k.inner_product(out1, digits.data(), a.data(), count, tile, m);
      if (!first) {
        k.add(u0, u0, out0, tile, m);
        k.add(u1, u1, out1, tile, m);
      }
    }
  }
  return {};
}

Status KeySwitcher::accumulate(Extended& sum, const ring::Evaluations& d, const SwitchKey& key,
                               ring::Workspace& workspace) const {
  const Level level = level_of(d);
  PRISM_CHECKED(check_key(level, key));
  Decomposition digits;
  decompose(digits, d, workspace);
  return accumulate(sum, digits, 1, key, workspace);
}

void KeySwitcher::add_lifted(Extended& sum, int part, const ring::Evaluations& c, std::uint32_t g,
                             ring::Workspace& workspace) const {
  const auto first = begin(sum, level_of(c));
  check(first.has_value(), "KeySwitcher::add_lifted: a polynomial of another level than the sum");
  const Tables& at = tables(sum.level);
  const ring::Ring& ring = parameters_->ring();
  const kernels::Kernels& k = ring.kernels();
  const std::size_t n = ring.degree();
  if (*first) {
    for (std::size_t i = 0; i < at.extended.size(); ++i) {
      std::ranges::fill(sum.u0.row(i), 0);
      std::ranges::fill(sum.u1.row(i), 0);
    }
  }
  const auto permutation = g == 1 ? nullptr : ring.automorphism(g);
  ring::Evaluations& u = part == 0 ? sum.u0 : sum.u1;
  ring::BorrowedRows moved(workspace, 1, n);
  for (std::size_t i = 0; i < at.base.size(); ++i) {
    const std::uint64_t* row = c.row(i).data();
    if (permutation != nullptr) {
      k.permute(moved.row(0), row, permutation->data(), n);
      row = moved.row(0);
    }
    k.multiply_scalar_add(u.row(i).data(), row, at.special[i], n, ring.modulus(at.base[i]));
  }
}

void KeySwitcher::divide(ring::Evaluations& out0, ring::Evaluations& out1, const Extended& sum, Level lower,
                         ring::Workspace& workspace) const {
  check(!sum.empty, "KeySwitcher::divide of an empty sum");
  const ring::Divider& by = divider(sum.level, lower);
  by.divide(out0, sum.u0, workspace);
  by.divide(out1, sum.u1, workspace);
}

Status KeySwitcher::switch_key(ring::Evaluations& out0, ring::Evaluations& out1, const ring::Evaluations& d,
                               const SwitchKey& key, ring::Workspace& workspace) const {
  const Level level = level_of(d);
  BorrowedExtended sum(workspace, *parameters_, level);
  PRISM_CHECKED(accumulate(*sum, d, key, workspace));
  divide(out0, out1, *sum, level, workspace);
  return {};
}

Decomposition KeySwitcher::decompose(const ring::Evaluations& d) const {
  ring::Workspace workspace;
  Decomposition out;
  decompose(out, d, workspace);
  return out;
}

Result<std::pair<ring::Evaluations, ring::Evaluations>> KeySwitcher::apply(const Decomposition& d,
                                                                           const SwitchKey& key) const {
  return apply_permuted(d, 1, key);
}

Result<std::pair<ring::Evaluations, ring::Evaluations>> KeySwitcher::apply_permuted(const Decomposition& d,
                                                                                    std::uint32_t g,
                                                                                    const SwitchKey& key) const {
  ring::Workspace workspace;
  Extended sum;
  std::pair<ring::Evaluations, ring::Evaluations> out;
  PRISM_CHECKED(accumulate(sum, d, g, key, workspace));
  divide(out.first, out.second, sum, d.level, workspace);
  return out;
}

Result<std::pair<ring::Evaluations, ring::Evaluations>> KeySwitcher::switch_key(const ring::Evaluations& d,
                                                                                const SwitchKey& key) const {
  ring::Workspace workspace;
  std::pair<ring::Evaluations, ring::Evaluations> out;
  PRISM_CHECKED(switch_key(out.first, out.second, d, key, workspace));
  return out;
}

}  // namespace prism::rlwe
