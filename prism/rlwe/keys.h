// prism/rlwe/keys.h - secret, public and switching keys. A key for BGV multiplies its errors by t (error_scale); BFV
// and CKKS use 1.
#pragma once
#include <map>
#include <memory>
#include <optional>

#include "prism/base/bytes.h"
#include "prism/base/random.h"
#include "prism/math/bound.h"
#include "prism/ring/sampler.h"
#include "prism/rlwe/parameters.h"

namespace prism::rlwe {

/// The stream of ring::ternary that a secret is drawn from.
inline constexpr std::uint64_t kSecretStream = 0x736b0000;

/// A uniform ternary secret and its transform modulo every prime. Wiped when it dies; never serialised (a seed is kept
/// instead).
class SecretKey {
 public:
  /// s = ternary(seed, stream kSecretStream). ternary_norms() holds for it except with probability 2^-159: nothing is
  /// checked or drawn again, because measuring a secret's canonical norm would need floating point on secret data.
  static Result<SecretKey> from_seed(std::shared_ptr<const Parameters> parameters, const ring::SecretSeed& seed);
  static Result<SecretKey> generate(std::shared_ptr<const Parameters> parameters, Random& random);
  SecretKey(SecretKey&&) noexcept = default;
  SecretKey& operator=(SecretKey&& other) noexcept;
  ~SecretKey();

  const Parameters& parameters() const { return *parameters_; }
  const std::shared_ptr<const Parameters>& parameters_ptr() const { return parameters_; }
  /// Transformed, over all primes of the ring.
  const ring::Evaluations& evaluations(secret::RevealKey) const { return s_; }
  std::span<const std::int32_t> coefficients(secret::RevealKey) const;

 private:
  SecretKey() = default;
  std::shared_ptr<const Parameters> parameters_;
  secret::SecretVector<std::int32_t> ternary_;
  ring::Evaluations s_;
};

/// Public facts about a secret's size, which noise formulas take as an argument.
struct SecretNorms {
  math::Bound canonical;  ///< max over the complex roots of |s(zeta)|
  math::Bound euclidean;  ///< ||s||_2
  math::Bound infinity;   ///< max coefficient
};
/// Of a uniform ternary secret; canonical and euclidean fail with probability below 2^-160 each. Derived in keys.cpp.
SecretNorms ternary_norms(std::size_t degree);

/// (b, a) with b + a*s = error_scale*e, over the ciphertext primes; a is kept as its seed.
struct PublicKey {
  ring::Evaluations b, a;
  ring::Seed seed;
  std::uint64_t error_scale = 1;
};
/// a = uniform(seed, stream 0). Refuses (insecure) Q over the table, (invalid_argument) an error scale that is 0 modulo
/// a prime or not below 2^50.
Result<PublicKey> make_public_key(const SecretKey& key, std::uint64_t error_scale, Random& random);

/// Which switching key: from s^2 (relinearisation) or from s(X^g) (automorphism), usable up to `level`.
struct KeyId {
  enum class Kind : std::uint8_t { relinearise, automorphism } kind = Kind::relinearise;
  std::uint32_t g = 0;  ///< automorphism only
  Level level{0};
  auto operator<=>(const KeyId&) const = default;
};

/// One pair per digit over primes(level) ∪ special: b_j + a_j*s = error_scale*e_j + P*[factor of digit j]*s'.
/// [factor of digit j] is 1 modulo the digit's primes and 0 modulo the others; s' = s^2 or s(X^g).
/// Digit j covers primes [j*digit_size, (j+1)*digit_size). Usable at every lower level by leaving rows and digits out.
///
/// In memory the rows of an automorphism key lie as b_j(X^(1/g)) and a_j(X^(1/g)), 1/g modulo 2N: digits of d times
/// these are read in order, and only the two sums are moved by X -> X^g, where d(X^g) would mean to move every digit.
/// Files hold b_j itself.
struct SwitchKey {
  KeyId id;
  std::uint64_t error_scale = 1;
  ring::Seed seed{};  ///< a_j = uniform(seed, stream j)
  std::vector<ring::Evaluations> b, a;
  /// Bytes in memory, and in a file (b packed, a as its seed).
  std::size_t memory_bytes() const;
  std::size_t file_bytes() const;
};
/// Refuses (insecure) when primes(level)*P is over the table, (invalid_argument) without special primes, for an even g
/// or one above 2N, for a level that does not exist and for an error scale as above. Seeds are fresh from `random`.
Result<SwitchKey> make_switch_key(const SecretKey& key, KeyId id, std::uint64_t error_scale, Random& random);
/// The same into the memory of another key, which spares fresh pages where many keys are made and sent off one by one.
/// Costs one transform per digit and prime. What was secret in the workspace is wiped.
Status make_switch_key(SwitchKey& out, const SecretKey& key, KeyId id, std::uint64_t error_scale, Random& random,
                       ring::Workspace& workspace);

/// The same key for a lower level: what it does not need there is left out, so that it takes less memory and its file
/// fewer bytes; what it gives at that level is the same bit for bit. mismatch when the key does not reach the level.
Result<SwitchKey> truncate(const Parameters& parameters, const SwitchKey& key, Level level);

/// Keys that lie somewhere else, in a file or behind a connection, and are read when they are needed (files.h has one
/// over a bundle). Used by one thread at a time.
class KeySource {
 public:
  virtual ~KeySource() = default;
  /// What it has, in any order.
  virtual const std::vector<KeyId>& ids() const = 0;
  /// The key `id`, one of ids(), truncated to `level` <= id.level.
  virtual Result<SwitchKey> load(const KeyId& id, Level level) = 0;
  /// EvaluationKeys::digest() of all it has, without reading keys.
  virtual Digest digest() const = 0;
};

/// Evaluation keys by content: made for what plans need, extended later without touching what was encrypted.
class EvaluationKeys {
 public:
  explicit EvaluationKeys(std::shared_ptr<const Parameters> parameters) : parameters_(std::move(parameters)) {}
  /// Keys that are read from `source` when they are first asked for, and only the rows of the level that asks. Once
  /// they take more than `resident_bytes`, those not asked for the longest are dropped, but never the last two: a
  /// pointer from find() is good until two other keys have been found. Such keys serve one thread at a time.
  EvaluationKeys(std::shared_ptr<const Parameters> parameters, std::unique_ptr<KeySource> source,
                 std::size_t resident_bytes)
      : parameters_(std::move(parameters)), source_(std::move(source)), resident_limit_(resident_bytes) {}
  const Parameters& parameters() const { return *parameters_; }
  /// Replaces a key of the same id. The key must be for these parameters' ring (a broken invariant otherwise).
  void add(SwitchKey key);
  /// The key for (kind, g) with the smallest sufficient level; not_found names what is missing. With a source also its
  /// errors.
  Result<const SwitchKey*> find(KeyId::Kind kind, std::uint32_t g, Level level) const;
  /// Ids of the keys added and of those the source has, sorted.
  std::vector<KeyId> ids() const;
  /// The keys added. (Keys of a source are not among them.)
  const std::map<KeyId, SwitchKey>& keys() const { return keys_; }
  /// SHA-256 over the sorted (id, digest of key) list; hashes every key. With a source and keys added as well there is
  /// none (a broken invariant).
  Digest digest() const;
  /// Of the keys in memory.
  std::size_t memory_bytes() const;
  /// Drops what was read from the source; pointers to it are void.
  void drop_loaded();

 private:
  struct Loaded {
    SwitchKey key;
    std::uint64_t asked = 0;
  };
  Result<const SwitchKey*> find_loaded(const KeyId& wanted) const;
  void make_room() const;

  std::shared_ptr<const Parameters> parameters_;
  std::map<KeyId, SwitchKey> keys_;
  std::unique_ptr<KeySource> source_;
  std::size_t resident_limit_ = 0;
  // What find() remembers about the source: no value of these keys, only which of them are at hand.
  mutable std::map<KeyId, Loaded> loaded_;
  mutable std::uint64_t asked_ = 0;
};

/// Generator 5 moves slots by one in each half; rotation by k slots is X -> X^(5^k mod 2N), conjugation (row swap) X ->
/// X^(2N-1).
std::uint32_t galois_element_for_rotation(int steps, std::size_t degree);
std::uint32_t galois_element_for_conjugation(std::size_t degree);
/// 1/g modulo 2N, for g odd.
std::uint32_t inverse_galois_element(std::uint32_t g, std::size_t degree);
/// By which X -> X^k the rows of a switching key are moved in memory: 1/g, or 1 for relinearisation.
std::uint32_t memory_order(const KeyId& id, std::size_t degree);

}  // namespace prism::rlwe
