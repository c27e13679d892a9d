#include "prism/circuits/linear_map.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <optional>

#include "prism/circuits/internal/rotations.h"

namespace prism::circuits {
namespace {

/// Giant steps whose sums are built up side by side, so that baby steps come from memory once for all of them.
constexpr std::size_t kGiantsAtOnce = 8;
/// What inner products take at a time.
constexpr std::size_t kMostRows = 64;
/// Bytes of baby steps that should stay in the second-level cache between giant steps.
constexpr std::size_t kCacheBytes = std::size_t{1} << 19;
/// From this many equal neighbours on, weights are kept once and spread when they are used.
constexpr std::size_t kShortestRun = 8;

// -- what the schemes write differently

Result<ckks::Plaintext> encode_row(const ckks::Encoder& encoder, const std::vector<ckks::Complex>& row,
                                   rlwe::Level level) {
  double largest = 0;
  for (const ckks::Complex& weight : row) largest = std::max(largest, std::abs(weight));
  return encoder.encode(std::span<const ckks::Complex>(row), level, largest);
}
Result<exact::Plaintext> encode_row(const exact::Encoder& encoder, const std::vector<std::int64_t>& row, rlwe::Level) {
  std::vector<std::int64_t> both = row;
  both.insert(both.end(), row.begin(), row.end());
  return encoder.encode(both);
}

const ring::Evaluations& values_of(const ckks::Multiplicand& m) { return m.values(); }
const ring::Evaluations& values_of(const exact::Multiplicand& m) { return m.factor; }

math::Bound encoding_error(const ckks::Plaintext& plaintext) { return plaintext.noise().error; }
math::Bound encoding_error(const exact::Plaintext&) { return {}; }

/// A polynomial whose slots repeat with period p is one in X^(N/2p); encoding in floating point may miss that by a
/// unit.
void keep_every(ckks::Plaintext& plaintext, std::size_t stride) {
  const auto coefficients = plaintext.coefficients(secret::RevealKey{});
  for (std::size_t k = 0; k < coefficients.size(); ++k) {
    if (k % stride != 0) coefficients[k] = 0;
  }
}
void keep_every(const exact::Plaintext&, std::size_t) {}

struct MapBound {
  math::Bound row_norm, encoding_error;
  std::size_t diagonals, giants;  ///< giants: those that rotate
  bool rotates;                   ///< whether any baby step does
};

Result<ckks::Ciphertext> result_like(const ckks::Evaluator& evaluator, const ckks::Ciphertext& a, const MapBound& map) {
  const ckks::Parameters& parameters = evaluator.parameters();
  const ckks::NoiseModel& model = evaluator.noise_model();
  const ckks::Scale product = a.scale * parameters.scale(a.level);
  ckks::Ciphertext out;
  take_kind(out, a);
  out.level = rlwe::Level{a.level.value - 1};
  out.scale = product.divided_by(parameters.dropped_primes(a.level));
  if (!product.bounded() || !out.scale.bounded())
    return fail(ErrorCode::level_exhausted, "the scale of the result is out of range; rescale after products");
  const ckks::Noise moved = map.rotates ? model.key_switch(a.noise, a.scale, a.level) : a.noise;
  const math::Bound step = model.key_switch({}, product, a.level).error;
  ckks::Noise noise;
  noise.magnitude = map.row_norm * a.noise.magnitude;
  noise.error = map.row_norm * moved.error +
                math::Bound::from_integer(map.diagonals) * map.encoding_error * (moved.magnitude + moved.error) +
                math::Bound::from_integer(2 * map.giants) * step;
  out.noise = model.rescale(noise, out.scale, 2);
  return out;
}

Result<exact::Ciphertext> result_like(const exact::Evaluator& evaluator, const exact::Ciphertext& a,
                                      const MapBound& map) {
  const exact::NoiseModel& model = evaluator.noise_model();
  exact::Ciphertext out;
  take_kind(out, a);
  const exact::Noise moved = map.rotates ? rotated_noise(evaluator, a) : a.noise;
  out.noise = model.automorphism(model.times(model.multiply_plain(moved), map.diagonals));
  for (std::size_t i = 0; i < 2 * map.giants + 1; ++i) out.noise = model.key_switch(out.noise, a.level);
  return out;
}

Status check_can_encode(const ckks::Parameters&, rlwe::Level level) {
  if (level.value > 0) return {};
  return fail(ErrorCode::level_exhausted,
              "a linear map at level 0: its result could not be rescaled; apply it at a higher level");
}
Status check_can_encode(const exact::Parameters&, rlwe::Level) { return {}; }

/// Errors of keys, and what divisions keep, are multiples of this.
std::uint64_t error_scale(const ckks::Parameters&) { return 1; }
std::uint64_t error_scale(const exact::Parameters& parameters) { return parameters.error_scale(); }

/// Of the operand and its copy: each slot of CKKS holds one message at most and the errors of both.
ckks::Noise copied_noise(const ckks::Evaluator& evaluator, const ckks::Ciphertext& a) {
  return {a.noise.magnitude, a.noise.error + rotated_noise(evaluator, a).error};
}
exact::Noise copied_noise(const exact::Evaluator& evaluator, const exact::Ciphertext& a) {
  return evaluator.noise_model().add(a.noise, rotated_noise(evaluator, a));
}

std::size_t position_of(const std::vector<std::size_t>& ascending, std::size_t value) {
  return static_cast<std::size_t>(std::lower_bound(ascending.begin(), ascending.end(), value) - ascending.begin());
}

/// out[i] = values[i / run], `n` of them from `start` on.
void spread(std::uint64_t* out, const std::uint64_t* values, std::size_t run, std::size_t start, std::size_t n) {
  for (std::size_t i = 0; i < n;) {
    const std::size_t at = start + i, count = std::min(run - at % run, n - i);
    std::fill_n(out + i, count, values[at / run]);
    i += count;
  }
}

/// A sum over Q*P that starts at zero.
void begin(rlwe::Extended& sum, const rlwe::Parameters& rlwe, rlwe::Level level, bool clear) {
  const ring::PrimeSet primes = rlwe.primes(level).united(rlwe.special_primes());
  sum.level = level;
  sum.u0.reshape(rlwe.ring(), primes);
  sum.u1.reshape(rlwe.ring(), primes);
  sum.empty = false;
  for (std::size_t i = 0; clear && i < primes.size(); ++i) {
    std::fill_n(sum.u0.row(i).data(), rlwe.degree(), 0);
    std::fill_n(sum.u1.row(i).data(), rlwe.degree(), 0);
  }
}

}  // namespace

template <class Evaluator>
Result<LinearMap<Evaluator>> LinearMap<Evaluator>::make(const Evaluator& evaluator, const EncoderOf<Evaluator>& encoder,
                                                        const SlotMap<Evaluator>& map, rlwe::Level level,
                                                        Options options) {
  const auto& parameters = encoder.parameters_ptr();
  const rlwe::Parameters& rlwe = parameters->rlwe();
  if (level.value < 0 || level > rlwe.max_level())
    return fail(ErrorCode::invalid_argument, "level ", level.value, "; levels are 0 to ", rlwe.max_level().value);
  PRISM_CHECKED(check_can_encode(*parameters, level));
  if (map.diagonals().empty())
    return fail(ErrorCode::invalid_argument, "a linear map whose diagonals are all zero: its result is known");
  if (rlwe.special_primes().size() == 0)
    return fail(ErrorCode::invalid_argument, "these parameters have no special primes, so nothing can be rotated");
  const auto plan_for = [&](const SlotMap<Evaluator>& m) {
    std::vector<std::size_t> diagonals;
    for (const auto& [k, diagonal] : m.diagonals()) diagonals.push_back(k);
    return StepPlan(diagonals, m.period(), rlwe, level, options.longest_baby);
  };
  StepPlan plan = plan_for(map);
  std::optional<SlotMap<Evaluator>> folded;
  int copy_steps = 0;
  for (std::size_t p = 1; options.zeros_beyond && p < map.period() && !folded; p *= 2) folded = map.folded(p);
  if (folded) {
    StepPlan shorter = plan_for(*folded);
    // One rotation of the operand: raised, switched and divided.
    const double copy = static_cast<double>(Cost{.decompositions = 1, .divisions = 2}.transforms(rlwe, level));
    if (shorter.work() + copy < plan.work()) {
      plan = std::move(shorter);
      for (std::size_t p = 1; copy_steps == 0; p *= 2) copy_steps = map.folded(p) ? -static_cast<int>(p) : 0;
    }
  }
  const SlotMap<Evaluator>& used = copy_steps != 0 ? *folded : map;
  LinearMap out(parameters, level, std::move(plan), map.row_norm(),
                ring::Divider(rlwe.ring(), rlwe.primes(level), rlwe.special_primes(), error_scale(*parameters)));
  out.copy_steps_ = copy_steps;
  PRISM_CHECKED(out.encode(evaluator, encoder, used));
  return out;
}

template <class Evaluator>
Status LinearMap<Evaluator>::encode(const Evaluator& evaluator, const EncoderOf<Evaluator>& encoder,
                                    const SlotMap<Evaluator>& map) {
  const std::size_t row = row_slots(parameters_->rlwe()), period = map.period();
  const std::size_t run = parameters_->degree() / (2 * period);
  run_ = run >= kShortestRun ? run : 1;
  giants_.resize(plan_.giants().size());
  std::vector<WeightOf<Evaluator>> slots(row);
  for (const auto& [k, diagonal] : map.diagonals()) {
    const std::size_t baby = k % plan_.width(), giant = k - baby;
    for (std::size_t i = 0; i < row; ++i) slots[i] = diagonal[(i + period - giant) % period];
    PRISM_TRY(Plaintext plaintext, encode_row(encoder, slots, level_));
    if (run_ > 1) keep_every(plaintext, run_);
    encoding_error_ = max(encoding_error_, encoding_error(plaintext));
    PRISM_TRY(const auto multiplicand, evaluator.prepare(plaintext, level_, true));
    const ring::Evaluations& full = values_of(multiplicand);
    Product product{position_of(plan_.babies(), baby), Residues(full.rows() * parameters_->degree() / run_)};
    for (std::size_t i = 0, at = 0; i < full.rows(); ++i) {
      for (std::size_t j = 0; j < parameters_->degree(); j += run_) product.weights[at++] = full.row(i)[j];
    }
    giants_[position_of(plan_.giants(), giant)].push_back(std::move(product));
  }
  return {};
}

template <class Evaluator>
KeyList LinearMap<Evaluator>::keys_needed() const {
  KeyList list;
  const std::size_t degree = parameters_->degree();
  for (const std::size_t step : plan_.babies()) list.add_rotation(static_cast<int>(step), degree, level_);
  for (const std::size_t step : plan_.giants()) list.add_rotation(static_cast<int>(step), degree, level_);
  if (copy_steps_ != 0) list.add_rotation(copy_steps_, degree, level_);
  return list;
}

template <class Evaluator>
std::size_t LinearMap<Evaluator>::diagonals() const {
  std::size_t count = 0;
  for (const std::vector<Product>& products : giants_) count += products.size();
  return count;
}

template <class Evaluator>
Cost LinearMap<Evaluator>::cost() const {
  Cost cost;
  cost.levels = SchemeOf<Evaluator>::kPlainProductLevels;
  if (copy_steps_ != 0) cost += Cost{.decompositions = 1, .switches = 1, .divisions = 2};
  const std::size_t babies = plan_.babies().size() - (plan_.babies()[0] == 0 ? 1 : 0);
  const std::size_t giants = plan_.giants().size() - (plan_.giants()[0] == 0 ? 1 : 0);
  cost.decompositions += (babies > 0 ? 1 : 0) + giants;
  cost.switches += babies + giants;
  cost.divisions += giants + 2;
  cost.plain_products = diagonals();
  return cost;
}

template <class Evaluator>
std::size_t LinearMap<Evaluator>::memory_bytes() const {
  std::size_t bytes = 0;
  for (const std::vector<Product>& products : giants_) {
    for (const Product& product : products) bytes += product.weights.size() * sizeof(std::uint64_t);
  }
  return bytes;
}

template <class Evaluator>
void LinearMap<Evaluator>::multiply(rlwe::Extended& out, const std::vector<Product>& products,
                                    std::deque<rlwe::BorrowedExtended>& babies, std::size_t row, std::size_t start,
                                    std::size_t n, ring::BorrowedRows& spread_rows) const {
  const ring::Ring& ring = parameters_->rlwe().ring();
  const kernels::Modulus& m = out.u0.modulus(row);
  for (std::size_t first = 0; first < products.size(); first += kMostRows) {
    const std::size_t count = std::min(kMostRows, products.size() - first);
    std::array<const std::uint64_t*, kMostRows> weights{}, u0{}, u1{};
    for (std::size_t j = 0; j < count; ++j) {
      const Product& product = products[first + j];
      const std::uint64_t* const values = product.weights.data() + row * (ring.degree() / run_);
      if (run_ == 1) {
        weights[j] = values + start;
      } else {
        spread(spread_rows.row(j), values, run_, start, n);
        weights[j] = spread_rows.row(j);
      }
      u0[j] = babies[product.baby]->u0.row(row).data() + start;
      u1[j] = babies[product.baby]->u1.row(row).data() + start;
    }
    const auto kernel = first == 0 ? ring.kernels().inner_product_pair : ring.kernels().inner_product_pair_add;
    kernel(out.u0.row(row).data() + start, out.u1.row(row).data() + start, weights.data(), u0.data(), u1.data(), count,
           nullptr, n, m);
  }
}

template <class Evaluator>
Status LinearMap<Evaluator>::apply(CiphertextOf<Evaluator>& out, const Evaluator& evaluator,
                                   const CiphertextOf<Evaluator>& a, const rlwe::EvaluationKeys& keys,
                                   ring::Workspace& workspace, Cost* spent) const {
  PRISM_CHECKED(can_rotate(evaluator, a, keys));
  if (a.level != level_) {
    return fail(ErrorCode::mismatch, "a linear map for level ", level_.value, " and a ciphertext at level ",
                a.level.value, "; make the map for that level, or call drop_to on the ciphertext");
  }
  PRISM_CHECKED(check_keys(keys, keys_needed()));
  Cost count;
  const rlwe::Parameters& rlwe = parameters_->rlwe();
  const rlwe::KeySwitcher& switcher = evaluator.switcher();
  const std::size_t degree = rlwe.degree();
  const auto key_of = [&](std::uint32_t g) { return keys.find(rlwe::KeyId::Kind::automorphism, g, level_); };

  std::optional<CiphertextOf<Evaluator>> copied;
  if (copy_steps_ != 0) {
    Rotated<Evaluator> once(a, true);
    const int steps[] = {0, copy_steps_};
    const Term<Evaluator> terms[] = {{&once, steps}};
    PRISM_CHECKED(sum_of_rotations<Evaluator>(copied.emplace(), evaluator, terms, keys, workspace, count));
  }
  const CiphertextOf<Evaluator>& in = copied ? *copied : a;
  if (copied) {
    // The copies stand in different slots, or the promise was broken.
    copied->noise = copied_noise(evaluator, a);
  }

  // Baby steps, times P.
  const std::size_t moving = plan_.babies().size() - (plan_.babies()[0] == 0 ? 1 : 0);
  Rotated<Evaluator> operand(in, moving == 1);
  std::deque<rlwe::BorrowedExtended> babies;
  for (const std::size_t step : plan_.babies()) {
    rlwe::Extended& baby = *babies.emplace_back(workspace, rlwe, level_);
    const std::uint32_t g = rlwe::galois_element_for_rotation(static_cast<int>(step), degree);
    if (g == 1) {
      switcher.add_lifted(baby, 1, in.parts[1], 1, workspace);
    } else {
      PRISM_CHECKED(operand.accumulate(baby, g, evaluator, keys, workspace, count));
    }
    switcher.add_lifted(baby, 0, in.parts[0], g, workspace);
  }

  rlwe::BorrowedExtended total(workspace, rlwe, level_);
  begin(*total, rlwe, level_, true);
  const ring::PrimeSet& extended = total->u0.primes();
  std::size_t tile = degree;
  while (tile > 256 && babies.size() * 2 * tile * sizeof(std::uint64_t) > kCacheBytes) tile /= 2;
  ring::BorrowedRows spread_rows(workspace, run_ == 1 ? 0 : kMostRows, tile);
  ring::Borrowed<ring::Domain::evaluations> moved(workspace, rlwe.ring(), extended);
  ring::Borrowed<ring::Domain::evaluations> divided(workspace, rlwe.ring(), rlwe.primes(level_));
  for (std::size_t first = 0; first < giants_.size(); first += kGiantsAtOnce) {
    const std::size_t together = std::min(kGiantsAtOnce, giants_.size() - first);
    std::deque<rlwe::BorrowedExtended> sums;
    for (std::size_t j = 0; j < together; ++j) begin(*sums.emplace_back(workspace, rlwe, level_), rlwe, level_, false);
    for (std::size_t row = 0; row < extended.size(); ++row) {
      for (std::size_t start = 0; start < degree; start += tile) {
        for (std::size_t j = 0; j < together; ++j)
          multiply(*sums[j], giants_[first + j], babies, row, start, tile, spread_rows);
      }
    }
    for (std::size_t j = 0; j < together; ++j) {
      count.plain_products += giants_[first + j].size();
      const int step = static_cast<int>(plan_.giants()[first + j]);
      const std::uint32_t g = rlwe::galois_element_for_rotation(step, degree);
      if (g == 1) {
        ring::add_into(total->u0, sums[j]->u0);
        ring::add_into(total->u1, sums[j]->u1);
        continue;
      }
      PRISM_TRY(const rlwe::SwitchKey* key, key_of(g));
      by_special_.divide(*divided, sums[j]->u1, workspace);
      PRISM_CHECKED(switcher.accumulate(*total, *divided, g, *key, workspace));
      ring::automorphism(*moved, sums[j]->u0, g);
      ring::add_into(total->u0, *moved);
      count += Cost{.decompositions = 1, .switches = 1, .divisions = 1};
    }
  }

  MapBound bound{row_norm_, encoding_error_, diagonals(), 0, plan_.babies().size() > 1 || plan_.babies()[0] != 0};
  bound.giants = plan_.giants().size() - (plan_.giants()[0] == 0 ? 1 : 0);
  PRISM_TRY(CiphertextOf<Evaluator> made, result_like(evaluator, in, bound));
  made.parts.resize(2);
  if (out.parts.size() == 2 && &out != &a) made.parts.swap(out.parts);
  switcher.divide(made.parts[0], made.parts[1], *total, made.level, workspace);
  count.divisions += 2;
  count.levels += SchemeOf<Evaluator>::kPlainProductLevels;
  out = std::move(made);
  if (spent != nullptr) *spent += count;
  return {};
}

template <class Evaluator>
Result<CiphertextOf<Evaluator>> LinearMap<Evaluator>::apply(const Evaluator& evaluator,
                                                            const CiphertextOf<Evaluator>& a,
                                                            const rlwe::EvaluationKeys& keys, Cost* spent) const {
  ring::Workspace workspace;
  CiphertextOf<Evaluator> out;
  PRISM_CHECKED(apply(out, evaluator, a, keys, workspace, spent));
  return out;
}

template class LinearMap<ckks::Evaluator>;
template class LinearMap<exact::Evaluator>;

}  // namespace prism::circuits
