#include "prism/rlwe/keys.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "prism/hash/sha256.h"
#include "prism/math/modular.h"
#include "prism/rlwe/files.h"

namespace prism::rlwe {
namespace {

using secret::RevealKey;

/// An error scale that vanishes modulo a prime would leave the key without errors there.
Status check_error_scale(const Parameters& parameters, const ring::PrimeSet& set, std::uint64_t error_scale) {
  if (error_scale == 0 || error_scale >= std::uint64_t{1} << 50)
    return fail(ErrorCode::invalid_argument, "an error scale of ", error_scale, ": 1 .. 2^50 - 1 are possible");
  for (const std::uint32_t index : set.indexes())
    if (error_scale % parameters.ring().prime(index) == 0)
      return fail(ErrorCode::invalid_argument, "the error scale ", error_scale, " is a multiple of the prime ",
                  parameters.ring().prime(index), "; choose another prime");
  return {};
}

/// The prime that errors are reduced by before they are raised to the ring's: |e| <= 45 is less than half of it.
const kernels::Modulus& small_modulus() {
  static const kernels::Modulus m = kernels::make_modulus(127);
  return m;
}
static_assert(ring::kGaussianTail < 63);

/// e = gaussian(seed, stream) modulo small_modulus(). Secret.
void sample_error(std::uint64_t* row, std::size_t n, const ring::SecretSeed& seed, std::uint64_t stream) {
  const auto e = ring::gaussian(n, seed, stream);
  const auto values = e.reveal(RevealKey{});
  for (std::size_t k = 0; k < n; ++k) {
    const std::uint32_t negative = 0 - (static_cast<std::uint32_t>(values[k]) >> 31);
    row[k] = static_cast<std::uint32_t>(values[k]) + (127U & negative);
  }
}

/// One row of -a*s + error_scale*e: the place where every key's secret is masked. `error` is from sample_error.
void mask_row(std::uint64_t* b, const std::uint64_t* a, const std::uint64_t* minus_s, const std::uint64_t* error,
              std::uint64_t error_scale, const ring::Ring& ring, std::uint32_t prime) {
  const kernels::Kernels& k = ring.kernels();
  const kernels::Modulus& m = ring.modulus(prime);
  k.recentre_forward_ntt(b, error, small_modulus(), ring.tables(prime));
  if (error_scale != 1) k.multiply_scalar(b, b, kernels::make_multiplier(error_scale % m.q, m), ring.degree(), m);
  k.multiply_add(b, a, minus_s, ring.degree(), m);
}

std::uint64_t product_modulo(const ring::Ring& ring, const ring::PrimeSet& factors, std::uint64_t q) {
  std::uint64_t product = 1;
  for (const std::uint32_t index : factors.indexes()) product = math::multiply_mod(product, ring.prime(index), q);
  return product;
}

std::string describe(const KeyId& id) {
  const std::string what = id.kind == KeyId::Kind::relinearise
                               ? std::string("a relinearisation key")
                               : "an automorphism key for X -> X^" + std::to_string(id.g);
  return what + " at level " + std::to_string(id.level.value);
}

Status check_id(const Parameters& parameters, const KeyId& id) {
  if (id.level.value < 0 || id.level > parameters.max_level())
    return fail(ErrorCode::invalid_argument, "a key for level ", id.level.value, ": levels are 0 .. ",
                parameters.max_level().value);
  if (id.kind == KeyId::Kind::relinearise) {
    if (id.g != 0) return fail(ErrorCode::invalid_argument, "a relinearisation key has no g; found ", id.g);
  } else if (id.g % 2 == 0 || id.g >= 2 * parameters.degree()) {
    return fail(ErrorCode::invalid_argument, "X -> X^", id.g,
                " is no automorphism: g is odd and below 2N = ", 2 * parameters.degree());
  }
  return {};
}

}  // namespace

Result<SecretKey> SecretKey::from_seed(std::shared_ptr<const Parameters> parameters, const ring::SecretSeed& seed) {
  SecretKey key;
  const ring::Ring& ring = parameters->ring();
  key.ternary_ = ring::ternary(ring.degree(), seed, kSecretStream);
  key.s_ = ring::to_evaluations(ring::from_signed(ring, ring.all(), key.ternary_.reveal(RevealKey{})));
  key.parameters_ = std::move(parameters);
  return key;
}

Result<SecretKey> SecretKey::generate(std::shared_ptr<const Parameters> parameters, Random& random) {
  PRISM_TRY(const ring::SecretSeed seed, ring::fresh_secret_seed(random));
  return from_seed(std::move(parameters), seed);
}

SecretKey& SecretKey::operator=(SecretKey&& other) noexcept {
  // Swapped, so that what was held here is wiped by the other's end.
  std::swap(parameters_, other.parameters_);
  std::swap(ternary_, other.ternary_);
  std::swap(s_, other.s_);
  return *this;
}

SecretKey::~SecretKey() { s_.wipe(); }

std::span<const std::int32_t> SecretKey::coefficients(RevealKey reveal) const { return ternary_.reveal(reveal); }

// s_k is uniform on {-1, 0, 1}: E exp(x s_k) = (1 + 2 cosh x)/3 <= exp(x^2/3), term by term of the two series, so s_k
// is sub-Gaussian with its own variance 2/3.
//
// canonical: for a root zeta and a direction theta, Re(exp(-i theta) s(zeta)) = sum_k s_k cos(k phi - theta), and the
// squares of
//   these cosines add up to N/2 (zeta^2 is a root of unity other than 1). It exceeds sqrt(2/3 N/2) sqrt(2 ln(1/p)) with
//   probability at most p. One of 64 equally spaced directions is within pi/64 of where s(zeta) points, so the largest
//   projection is at least |s(zeta)| cos(pi/64). There are N/2 roots up to conjugation and 64 directions: p =
//   2^-160/(128 N) leaves a factor of 4.
// euclidean: ||s||^2 counts the non-zeros, each with probability 2/3. Hoeffding: it exceeds 2N/3 + d with probability
//   at most exp(-2 d^2/N) = 2^-160.
SecretNorms ternary_norms(std::size_t degree) {
  const double n = static_cast<double>(degree);
  const double nats = 160.0 * std::numbers::ln2;
  const double canonical = std::sqrt(2.0 / 3.0) * std::sqrt(n / 2.0) * std::sqrt(2.0 * (std::log(128.0 * n) + nats)) /
                           std::cos(std::numbers::pi / 64.0);
  const double non_zeros = 2.0 * n / 3.0 + std::sqrt(n * nats / 2.0);
  SecretNorms norms;
  norms.canonical = min(math::Bound::from_double(canonical), math::Bound::from_integer(degree));
  norms.euclidean = sqrt(min(math::Bound::from_double(non_zeros), math::Bound::from_integer(degree)));
  norms.infinity = math::Bound::one();
  return norms;
}

Result<PublicKey> make_public_key(const SecretKey& key, std::uint64_t error_scale, Random& random) {
  const Parameters& parameters = key.parameters();
  const ring::PrimeSet set = parameters.primes(parameters.max_level());
  PRISM_CHECKED(check_key_modulus(parameters, set));
  PRISM_CHECKED(check_error_scale(parameters, set, error_scale));
  PublicKey made;
  made.error_scale = error_scale;
  PRISM_TRY(made.seed, ring::fresh_seed(random));
  PRISM_TRY(const ring::SecretSeed error_seed, ring::fresh_secret_seed(random));
  const ring::Ring& ring = parameters.ring();
  made.a = ring::uniform(ring, set, made.seed, 0);
  made.b = ring::Evaluations(ring, set);
  ring::Workspace workspace;
  ring::BorrowedRows rows(workspace, 2, ring.degree());  // the error, -s
  sample_error(rows.row(0), ring.degree(), error_seed, 0);
  const ring::Evaluations& s = key.evaluations(RevealKey{});
  for (std::size_t i = 0; i < set.size(); ++i) {
    ring.kernels().negate(rows.row(1), s.row(set[i]).data(), ring.degree(), ring.modulus(set[i]));
    mask_row(made.b.row(i).data(), made.a.row(i).data(), rows.row(1), rows.row(0), error_scale, ring, set[i]);
  }
  rows.wipe();
  return made;
}

Result<SwitchKey> make_switch_key(const SecretKey& key, KeyId id, std::uint64_t error_scale, Random& random) {
  SwitchKey made;
  ring::Workspace workspace;
  PRISM_CHECKED(make_switch_key(made, key, id, error_scale, random, workspace));
  return made;
}

Status make_switch_key(SwitchKey& out, const SecretKey& key, KeyId id, std::uint64_t error_scale, Random& random,
                       ring::Workspace& workspace) {
  const Parameters& parameters = key.parameters();
  const ring::Ring& ring = parameters.ring();
  PRISM_CHECKED(check_id(parameters, id));
  const ring::PrimeSet special = parameters.special_primes();
  if (special.size() == 0)
    return fail(ErrorCode::invalid_argument, "these parameters have no special primes, so there are no switching keys");
  const ring::PrimeSet base = parameters.primes(id.level);
  const ring::PrimeSet set = base.united(special);
  PRISM_CHECKED(check_key_modulus(parameters, set));
  PRISM_CHECKED(check_error_scale(parameters, set, error_scale));
  PRISM_TRY(const ring::Seed seed, ring::fresh_seed(random));
  PRISM_TRY(const ring::SecretSeed error_seed, ring::fresh_secret_seed(random));

  const std::size_t n = ring.degree();
  const std::size_t digit_size = parameters.spec().digit_size;
  const std::size_t digits = (base.size() + digit_size - 1) / digit_size;
  const bool relinearise = id.kind == KeyId::Kind::relinearise;
  out.id = id;
  out.error_scale = error_scale;
  out.seed = seed;
  out.a.resize(digits);
  out.b.resize(digits);
  for (auto* side : {&out.a, &out.b})
    for (ring::Evaluations& poly : *side) poly.reshape(ring, set);

  // Prime by prime, so that its roots and s stay in the cache while all digits pass.
  const ring::Evaluations& s = key.evaluations(RevealKey{});
  const kernels::Kernels& k = ring.kernels();
  ring::BorrowedRows errors(workspace, digits, n);
  ring::BorrowedRows rows(workspace, 4, n);
  std::uint64_t *const minus_s = rows.row(0), *const source = rows.row(1);
  for (std::size_t j = 0; j < digits; ++j) sample_error(errors.row(j), n, error_seed, j);
  const auto to_source = relinearise ? nullptr : ring.automorphism(id.g);
  const auto to_memory = memory_order(id, n) == 1 ? nullptr : ring.automorphism(memory_order(id, n));
  for (std::size_t i = 0; i < set.size(); ++i) {
    const kernels::Modulus& m = ring.modulus(set[i]);
    const std::uint64_t* const s_row = s.row(set[i]).data();
    k.negate(minus_s, s_row, n, m);
    if (i < base.size()) {
      if (relinearise) {
        k.multiply(source, s_row, s_row, n, m);
      } else {
        k.permute_eights(source, s_row, to_source->data(), n);
      }
    }
    for (std::size_t j = 0; j < digits; ++j) {
      std::uint64_t* const a = to_memory ? rows.row(2) : out.a[j].row(i).data();
      std::uint64_t* const b = to_memory ? rows.row(3) : out.b[j].row(i).data();
      ring::uniform_row({a, n}, ring, set[i], seed, j);
      mask_row(b, a, minus_s, errors.row(j), error_scale, ring, set[i]);
      // P*[factor]*s' is P*s' modulo the digit's primes and zero modulo all others, special ones included.
      if (i < base.size() && i / digit_size == j) {
        k.multiply_scalar_add(b, source, kernels::make_multiplier(product_modulo(ring, special, m.q), m), n, m);
      }
      if (to_memory) {
        k.permute_eights(out.a[j].row(i).data(), a, to_memory->data(), n);
        k.permute_eights(out.b[j].row(i).data(), b, to_memory->data(), n);
      }
    }
  }
  errors.wipe();
  rows.wipe();
  return {};
}

std::size_t SwitchKey::memory_bytes() const {
  std::size_t bytes = 0;
  for (const auto* side : {&b, &a})
    for (const auto& poly : *side) bytes += poly.memory_bytes();
  return bytes;
}

void EvaluationKeys::add(SwitchKey key) {
  check(check_id(*parameters_, key.id).has_value(), "EvaluationKeys::add: no such key in these parameters");
  check(!key.b.empty() && key.b.size() == key.a.size() && key.b[0].degree() == parameters_->degree() &&
            key.b[0].primes() == parameters_->primes(key.id.level).united(parameters_->special_primes()),
        "EvaluationKeys::add: a key of other parameters");
  const KeyId id = key.id;
  keys_.insert_or_assign(id, std::move(key));
}

Result<const SwitchKey*> EvaluationKeys::find(KeyId::Kind kind, std::uint32_t g, Level level) const {
  const KeyId wanted{kind, g, level};
  const auto found = keys_.lower_bound(wanted);
  if (found != keys_.end() && found->first.kind == kind && found->first.g == g) return &found->second;
  if (source_) return find_loaded(wanted);
  return fail(ErrorCode::not_found, describe(wanted), " or above is not among the ", keys_.size(),
              " evaluation keys; the owner of the secret key can make it and add it");
}

Result<const SwitchKey*> EvaluationKeys::find_loaded(const KeyId& wanted) const {
  const auto serves = [&](const KeyId& id) {
    return id.kind == wanted.kind && id.g == wanted.g && id.level >= wanted.level;
  };
  auto at = loaded_.lower_bound(wanted);
  if (at == loaded_.end() || !serves(at->first)) {
    const KeyId* best = nullptr;
    for (const KeyId& id : source_->ids())
      if (serves(id) && (best == nullptr || id < *best)) best = &id;
    if (best == nullptr)
      return fail(ErrorCode::not_found, describe(wanted), " or above is not among the ",
                  keys_.size() + source_->ids().size(),
                  " evaluation keys; the owner of the secret key can make it and add it");
    PRISM_TRY(SwitchKey key, source_->load(*best, wanted.level));
    check(key.id == wanted, "KeySource::load gave another key");
    // A key of a lower level is part of this one.
    for (auto lower = loaded_.lower_bound({wanted.kind, wanted.g, Level{0}});
         lower != loaded_.end() && lower->first < wanted;)
      lower = lower->second.asked + 2 > asked_ ? std::next(lower) : loaded_.erase(lower);
    at = loaded_.emplace(wanted, Loaded{std::move(key), 0}).first;
  }
  at->second.asked = ++asked_;
  make_room();
  return &at->second.key;
}

void EvaluationKeys::make_room() const {
  std::size_t held = 0;
  for (const auto& [id, loaded] : loaded_) held += loaded.key.memory_bytes();
  while (held > resident_limit_ && loaded_.size() > 2) {
    const auto oldest = std::min_element(loaded_.begin(), loaded_.end(),
                                         [](const auto& x, const auto& y) { return x.second.asked < y.second.asked; });
    held -= oldest->second.key.memory_bytes();
    loaded_.erase(oldest);
  }
}

void EvaluationKeys::drop_loaded() { loaded_.clear(); }

std::size_t EvaluationKeys::memory_bytes() const {
  std::size_t bytes = 0;
  for (const auto& [id, key] : keys_) bytes += key.memory_bytes();
  for (const auto& [id, loaded] : loaded_) bytes += loaded.key.memory_bytes();
  return bytes;
}

std::vector<KeyId> EvaluationKeys::ids() const {
  std::vector<KeyId> ids;
  for (const auto& [id, key] : keys_) ids.push_back(id);
  if (source_) {
    ids.insert(ids.end(), source_->ids().begin(), source_->ids().end());
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  }
  return ids;
}

Digest EvaluationKeys::digest() const {
  if (source_) {
    check(keys_.empty(), "EvaluationKeys::digest of keys from a source with others added");
    return source_->digest();
  }
  BundleIndex index;
  for (const auto& [id, key] : keys_) index.entries.push_back({id, digest_of(*parameters_, key), 0, 0});
  return index.digest(*parameters_);
}

Result<SwitchKey> truncate(const Parameters& parameters, const SwitchKey& key, Level level) {
  check(!key.b.empty() && &key.b[0].ring() == &parameters.ring(), "truncate: a key of other parameters");
  if (level.value < 0 || level > key.id.level)
    return fail(ErrorCode::mismatch, "level ", level.value, " of a key that reaches levels 0 .. ", key.id.level.value,
                "; truncation only lowers");
  const ring::PrimeSet base = parameters.primes(level);
  const ring::PrimeSet set = base.united(parameters.special_primes());
  const std::size_t digit_size = parameters.spec().digit_size;
  SwitchKey out;
  out.id = key.id;
  out.id.level = level;
  out.error_scale = key.error_scale;
  out.seed = key.seed;
  for (std::size_t j = 0; j < (base.size() + digit_size - 1) / digit_size; ++j) {
    out.b.push_back(key.b[j].restricted(set));
    out.a.push_back(key.a[j].restricted(set));
  }
  return out;
}

std::uint32_t galois_element_for_rotation(int steps, std::size_t degree) {
  const auto half = static_cast<std::int64_t>(degree / 2);
  const std::int64_t left = ((steps % half) + half) % half;
  return static_cast<std::uint32_t>(math::power_mod(5, static_cast<std::uint64_t>(left), 2 * degree));
}

std::uint32_t galois_element_for_conjugation(std::size_t degree) { return static_cast<std::uint32_t>(2 * degree - 1); }

std::uint32_t inverse_galois_element(std::uint32_t g, std::size_t degree) {
  check(g % 2 == 1 && g < 2 * degree && degree >= 4, "inverse_galois_element: g must be odd and below 2N");
  // The odd numbers modulo 2N are a group of exponent N/2.
  return static_cast<std::uint32_t>(math::power_mod(g, degree / 2 - 1, 2 * degree));
}

std::uint32_t memory_order(const KeyId& id, std::size_t degree) {
  return id.kind == KeyId::Kind::relinearise ? 1 : inverse_galois_element(id.g, degree);
}

}  // namespace prism::rlwe
