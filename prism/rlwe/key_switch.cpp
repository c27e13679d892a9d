#include "prism/rlwe/key_switch.h"

#include <algorithm>
#include <array>
#include <utility>

#include "prism/math/modular.h"

namespace prism::rlwe {
namespace {

constexpr std::size_t kMostDigits = 64;  // what inner_product takes; parameters have at most 64 primes
/// Digits multiplied with the key at a time. Each brings three streams of memory (itself and two of the key); beyond
/// sixteen streams a core reads at a third of its rate, while fewer digits mean more passes over the sums.
constexpr std::size_t kBatch = 4;

}  // namespace

struct KeySwitcher::Tables {
  ring::PrimeSet base, extended;                ///< primes(level), and with the special ones
  std::vector<ring::BaseConverter> converters;  ///< digit -> all other primes of `extended`
  std::vector<kernels::Multiplier> special;     ///< P modulo each prime of `base`
  std::size_t prepared_rows = 0;                ///< of all converters
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
      made->prepared_rows += made->converters.back().prepared_rows();
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

/// A polynomial ready to be raised, digit by digit and prime by prime.
class KeySwitcher::Raiser {
 public:
  Raiser(const Tables& at, const ring::Evaluations& d, ring::Workspace& workspace)
      : at_(&at), d_(&d), rows_(workspace, at.prepared_rows, d.degree()) {
    const ring::Ring& ring = d.ring();
    std::size_t used = 0;
    for (std::size_t j = 0; j < at.converters.size(); ++j) {
      const ring::BaseConverter& converter = at.converters[j];
      first_[j] = used;
      std::array<std::uint64_t*, kMostRows> prepared{};
      for (std::size_t r = 0; r < converter.prepared_rows(); ++r) {
        pointers_[used + r] = prepared[r] = rows_.row(used + r);
        if (r == converter.from().size()) break;  // the quotient
        // Level primes are 0, 1, ...: a prime of the digit is its row.
        const std::uint32_t prime = converter.from()[r];
        ring.kernels().inverse_ntt_from(prepared[r], d.row(prime).data(), ring.tables(prime));
      }
      converter.prepare(pointers_.data() + used, prepared.data());
      used += converter.prepared_rows();
    }
  }
  /// Digit j modulo prime i of Tables::extended, transformed: `scratch`, or d's own row where that is it already.
  const std::uint64_t* raise(std::size_t j, std::size_t i, std::uint64_t* scratch) const {
    const ring::BaseConverter& converter = at_->converters[j];
    const std::size_t begin = converter.from()[0], size = converter.from().size();
    if (i >= begin && i < begin + size) return d_->row(i).data();
    converter.finish_evaluations(scratch, i < begin ? i : i - size, pointers_.data() + first_[j]);
    return scratch;
  }

 private:
  static constexpr std::size_t kMostRows = 2 * kMostDigits;
  const Tables* at_;
  const ring::Evaluations* d_;
  ring::BorrowedRows rows_;
  std::array<const std::uint64_t*, kMostRows> pointers_{};
  std::array<std::size_t, kMostDigits> first_{};  ///< digit -> its first row
};

void KeySwitcher::decompose(Decomposition& out, const ring::Evaluations& d, ring::Workspace& workspace) const {
  const Level level = level_of(d);
  const Tables& at = tables(level);
  const Raiser raiser(at, d, workspace);
  out.level = level;
  out.digits.resize(at.converters.size());
  for (ring::Evaluations& digit : out.digits) digit.reshape(d.ring(), at.extended);
  for (std::size_t i = 0; i < at.extended.size(); ++i) {
    for (std::size_t j = 0; j < out.digits.size(); ++j) {
      std::uint64_t* const row = out.digits[j].row(i).data();
      const std::uint64_t* const raised = raiser.raise(j, i, row);
      if (raised != row) std::copy_n(raised, d.degree(), row);
    }
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

/// Where digits times a key go: to the rows of the sum, or first to rows of its own and from there, moved by the key's
/// X -> X^g (SwitchKey), to the sum.
class KeySwitcher::Product {
 public:
  Product(Extended& sum, bool first, const SwitchKey& key, const Parameters& parameters, ring::Workspace& workspace)
      : sum_(&sum),
        key_(&key),
        ring_(&parameters.ring()),
        moved_(key.id.kind == KeyId::Kind::automorphism && key.id.g != 1 ? ring_->automorphism(key.id.g) : nullptr),
        first_(first),
        rows_(workspace, moved_ ? 3 : 0, ring_->degree()) {}

  /// Row i: digits [begin, begin + count) come next. In order of i, and of begin within i.
  void add(std::size_t i, const std::uint64_t* const* digits, std::size_t begin, std::size_t count,
           const std::uint32_t* permutation) {
    const std::size_t row = key_->b[0].primes().position(sum_->u0.primes()[i]);
    std::array<const std::uint64_t*, kMostDigits> b{}, a{};
    for (std::size_t j = 0; j < count; ++j) {
      b[j] = key_->b[begin + j].row(row).data();
      a[j] = key_->a[begin + j].row(row).data();
    }
    const bool overwrites = begin == 0 && (first_ || moved_);
    const auto multiply = overwrites ? ring_->kernels().inner_product_pair : ring_->kernels().inner_product_pair_add;
    multiply(moved_ ? rows_.row(0) : sum_->u0.row(i).data(), moved_ ? rows_.row(1) : sum_->u1.row(i).data(), digits,
             b.data(), a.data(), count, permutation, ring_->degree(), sum_->u0.modulus(i));
  }
  /// After the last digit of row i.
  void finish(std::size_t i) {
    if (!moved_) return;
    const kernels::Kernels& k = ring_->kernels();
    const std::size_t n = ring_->degree();
    for (const int part : {0, 1}) {
      std::uint64_t* const u = (part == 0 ? sum_->u0 : sum_->u1).row(i).data();
      k.permute_eights(first_ ? u : rows_.row(2), rows_.row(static_cast<std::size_t>(part)), moved_->data(), n);
      if (!first_) k.add(u, u, rows_.row(2), n, sum_->u0.modulus(i));
    }
  }

 private:
  Extended* sum_;
  const SwitchKey* key_;
  const ring::Ring* ring_;
  std::shared_ptr<const std::vector<std::uint32_t>> moved_;
  bool first_;
  ring::BorrowedRows rows_;
};

/// What is left to do to digits that shall be moved by X -> X^g, when the key moves its sums by its own element.
std::uint32_t KeySwitcher::before(std::uint32_t g, const SwitchKey& key) const {
  const std::uint64_t order = memory_order(key.id, parameters_->degree());
  return static_cast<std::uint32_t>(g * order & (2 * parameters_->degree() - 1));
}

Status KeySwitcher::accumulate(Extended& sum, const Decomposition& d, std::uint32_t g, const SwitchKey& key,
                               ring::Workspace& workspace) const {
  PRISM_CHECKED(check_key(d.level, key));
  PRISM_TRY(const bool first, begin(sum, d.level));
  const Tables& at = tables(d.level);
  const std::size_t count = d.digits.size();
  check(count == at.converters.size(), "KeySwitcher: a decomposition with the wrong number of digits");
  const std::uint32_t left = before(g, key);
  const auto permutation = left == 1 ? nullptr : parameters_->ring().automorphism(left);
  Product product(sum, first, key, *parameters_, workspace);
  std::array<const std::uint64_t*, kMostDigits> digits{};
  for (std::size_t i = 0; i < at.extended.size(); ++i) {
    for (std::size_t from = 0; from < count; from += kBatch) {
      const std::size_t some = std::min(kBatch, count - from);
      for (std::size_t j = 0; j < some; ++j) digits[j] = d.digits[from + j].row(i).data();
      product.add(i, digits.data(), from, some, permutation ? permutation->data() : nullptr);
    }
    product.finish(i);
  }
  return {};
}

Status KeySwitcher::accumulate(Extended& sum, const ring::Evaluations& d, std::uint32_t g, const SwitchKey& key,
                               ring::Workspace& workspace) const {
  const Level level = level_of(d);
  PRISM_CHECKED(check_key(level, key));
  const std::uint32_t left = before(g, key);
  if (left != 1) {
    ring::Borrowed<ring::Domain::evaluations> moved(workspace, d.ring(), d.primes());
    ring::automorphism(*moved, d, left);
    return accumulate(sum, *moved, inverse_galois_element(memory_order(key.id, d.degree()), d.degree()), key,
                      workspace);
  }
  PRISM_TRY(const bool first, begin(sum, level));
  const Tables& at = tables(level);
  const Raiser raiser(at, d, workspace);
  const std::size_t count = at.converters.size();
  const std::size_t batch = std::min(kBatch, count);
  ring::BorrowedRows raised(workspace, batch, d.degree());
  Product product(sum, first, key, *parameters_, workspace);
  std::array<const std::uint64_t*, kMostDigits> digits{};
  for (std::size_t i = 0; i < at.extended.size(); ++i) {
    for (std::size_t from = 0; from < count; from += batch) {
      const std::size_t some = std::min(batch, count - from);
      for (std::size_t j = 0; j < some; ++j) digits[j] = raiser.raise(from + j, i, raised.row(j));
      product.add(i, digits.data(), from, some, nullptr);
    }
    product.finish(i);
  }
  return {};
}

Status KeySwitcher::accumulate(Extended& sum, const ring::Evaluations& d, const SwitchKey& key,
                               ring::Workspace& workspace) const {
  return accumulate(sum, d, 1, key, workspace);
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
      std::fill_n(sum.u0.row(i).data(), n, 0);
      std::fill_n(sum.u1.row(i).data(), n, 0);
    }
  }
  const auto permutation = g == 1 ? nullptr : ring.automorphism(g);
  ring::Evaluations& u = part == 0 ? sum.u0 : sum.u1;
  ring::BorrowedRows moved(workspace, 1, n);
  for (std::size_t i = 0; i < at.base.size(); ++i) {
    const std::uint64_t* row = c.row(i).data();
    if (permutation != nullptr) {
      k.permute_eights(moved.row(0), row, permutation->data(), n);
      row = moved.row(0);
    }
    k.multiply_scalar_add(u.row(i).data(), row, at.special[i], n, ring.modulus(at.base[i]));
  }
}

void KeySwitcher::divide(ring::Evaluations& out0, ring::Evaluations& out1, const Extended& sum, Level lower,
                         ring::Workspace& workspace) const {
  check(!sum.empty, "KeySwitcher::divide of an empty sum");
  divider(sum.level, lower).divide(out0, out1, sum.u0, sum.u1, workspace);
}

Status KeySwitcher::switch_key(ring::Evaluations& out0, ring::Evaluations& out1, const ring::Evaluations& d,
                               const SwitchKey& key, ring::Workspace& workspace) const {
  return switch_key(out0, out1, d, 1, key, workspace);
}

Status KeySwitcher::switch_key(ring::Evaluations& out0, ring::Evaluations& out1, const ring::Evaluations& d,
                               std::uint32_t g, const SwitchKey& key, ring::Workspace& workspace) const {
  const Level level = level_of(d);
  BorrowedExtended sum(workspace, *parameters_, level);
  PRISM_CHECKED(accumulate(*sum, d, g, key, workspace));
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
