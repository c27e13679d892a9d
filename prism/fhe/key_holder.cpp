#include "prism/fhe/key_holder.h"

#include <algorithm>

#include "prism/fhe/internal/depth.h"
#include "prism/fhe/internal/state.h"
#include "prism/fhe/internal/wire.h"

namespace prism::fhe {
namespace {

template <class Family>
struct Tools;
template <>
struct Tools<Approximate> {
  using Encryptor = ckks::SymmetricEncryptor;
  using Decryptor = ckks::Decryptor;
  static std::uint64_t error_scale(const ckks::Parameters&) { return 1; }
};
template <>
struct Tools<Exact> {
  using Encryptor = exact::SymmetricEncryptor;
  using Decryptor = exact::Decryptor;
  static std::uint64_t error_scale(const exact::Parameters& p) { return p.error_scale(); }
};

}  // namespace

template <class Family>
struct KeyHolder<Family>::State {
  State(Context<Family> context, ring::SecretSeed stored, rlwe::SecretKey secret, Random& source)
      : public_part(std::move(context)),
        seed(std::move(stored)),
        key(std::move(secret)),
        encryptor(key, public_part.state_->scheme.parameters()),
        decryptor(key, public_part.state_->scheme.parameters()),
        random(&source) {}

  Context<Family> public_part;
  ring::SecretSeed seed;
  rlwe::SecretKey key;
  typename Tools<Family>::Encryptor encryptor;
  typename Tools<Family>::Decryptor decryptor;
  Random* random;
};

template <class Family>
KeyHolder<Family>::KeyHolder(std::unique_ptr<State> state) : state_(std::move(state)) {}
template <class Family>
KeyHolder<Family>::KeyHolder(KeyHolder&&) noexcept = default;
template <class Family>
KeyHolder<Family>& KeyHolder<Family>::operator=(KeyHolder&&) noexcept = default;
template <class Family>
KeyHolder<Family>::~KeyHolder() = default;

template <class Family>
Result<KeyHolder<Family>> KeyHolder<Family>::create(const typename Family::Intent& intent, Random& random) {
  PRISM_TRY(auto parameters, parameters_for(intent));
  double largest_magnitude = 1;
  if constexpr (std::is_same_v<Family, Approximate>) largest_magnitude = intent.largest_magnitude;
  return create(std::move(parameters), intent.depth, intent.movement, largest_magnitude, random);
}

template <class Family>
Result<KeyHolder<Family>> KeyHolder<Family>::create(std::shared_ptr<const typename Family::Parameters> parameters,
                                                    int depth, const Movement& movement, double largest_magnitude,
                                                    Random& random) {
  PRISM_TRY(ring::SecretSeed seed, ring::fresh_secret_seed(random));
  return with_seed(std::move(parameters), depth, movement, largest_magnitude, std::move(seed), random);
}

template <class Family>
Result<KeyHolder<Family>> KeyHolder<Family>::with_seed(std::shared_ptr<const typename Family::Parameters> parameters,
                                                       int depth, const Movement& movement, double largest_magnitude,
                                                       ring::SecretSeed seed, Random& random) {
  PRISM_TRY(const auto ids, keys_for(parameters->rlwe(), depth, movement));
  PRISM_TRY(rlwe::SecretKey secret, rlwe::SecretKey::from_seed(parameters->rlwe_ptr(), seed));
  const std::uint64_t scale = Tools<Family>::error_scale(*parameters);
  PRISM_TRY(rlwe::PublicKey public_key, rlwe::make_public_key(secret, scale, random));
  rlwe::EvaluationKeys keys(parameters->rlwe_ptr());
  for (const rlwe::KeyId& id : ids) {
    PRISM_TRY(rlwe::SwitchKey key, rlwe::make_switch_key(secret, id, scale, random));
    keys.add(std::move(key));
  }
  PRISM_TRY(auto context, ContextState<Family>::make(std::move(parameters), largest_magnitude, std::move(public_key),
                                                     std::move(keys)));
  return KeyHolder(
      std::make_unique<State>(Context<Family>(std::move(context)), std::move(seed), std::move(secret), random));
}

template <class Family>
Result<KeyHolder<Family>> KeyHolder<Family>::restore(const Context<Family>& context, const ring::SecretSeed& seed,
                                                     Random& random) {
  PRISM_TRY(rlwe::SecretKey secret, rlwe::SecretKey::from_seed(context.parameters().rlwe_ptr(), seed));
  KeyHolder holder(
      std::make_unique<State>(context, ring::SecretSeed(seed.reveal(secret::RevealKey{})), std::move(secret), random));
  // What the public key encrypts, this secret key must decrypt: all zeros, and with a stranger's key none.
  const std::vector<Number> zeros(context.slots(), Number{0});
  PRISM_TRY(const auto probe, context.encrypt(zeros, random));
  PRISM_TRY(const std::vector<Number> opened, holder.decrypt_private(probe));
  const double bound = std::is_same_v<Family, Approximate> ? 0.5 : 0;
  for (const Number value : opened) {
    if (!(static_cast<double>(value) <= bound && static_cast<double>(-value) <= bound))
      return fail(ErrorCode::unauthorised, "the seed is not that of the context's key holder");
  }
  return holder;
}

template <class Family>
const Context<Family>& KeyHolder<Family>::public_part() const {
  return state_->public_part;
}
template <class Family>
const ring::SecretSeed& KeyHolder<Family>::seed(secret::RevealKey) const {
  return state_->seed;
}

template <class Family>
Result<Vector<Family>> KeyHolder<Family>::encrypt(std::span<const Number> values) const {
  if (values.empty()) return fail(ErrorCode::invalid_argument, "no values to encrypt");
  const auto& context = state_->public_part.state_;
  const std::size_t n = context->scheme.slots();
  std::vector<typename Family::Ciphertext> blocks;
  for (std::size_t start = 0; start < values.size(); start += n) {
    const auto part = values.subspan(start, std::min(n, values.size() - start));
    PRISM_TRY(auto block, context->scheme.encrypt(state_->encryptor, part, *state_->random));
    blocks.push_back(std::move(block));
  }
  return Vector<Family>(
      std::make_shared<VectorState<Family>>(context, values.size(), Padding::zero, std::move(blocks)));
}

template <class Family>
Result<Bytes> KeyHolder<Family>::encrypt_to_bytes(std::span<const Number> values) const {
  if (values.empty()) return fail(ErrorCode::invalid_argument, "no values to encrypt");
  const auto& context = state_->public_part.state_;
  const std::size_t n = context->scheme.slots();
  std::vector<Bytes> blocks;
  for (std::size_t start = 0; start < values.size(); start += n) {
    const auto part = values.subspan(start, std::min(n, values.size() - start));
    PRISM_TRY(Bytes block, context->scheme.encrypt_to_bytes(state_->encryptor, part, *state_->random));
    blocks.push_back(std::move(block));
  }
  return encode_vector(context->identity, family_tag<Family>(), Padding::zero, values.size(), blocks);
}

template <class Family>
Result<std::vector<typename Family::Number>> KeyHolder<Family>::decrypt_private(
    const Result<Vector<Family>>& vector) const {
  if (!vector) return vector.error();
  const VectorState<Family>& v = *vector->state_;
  const auto& context = state_->public_part.state_;
  if (v.context->identity != context->identity)
    return fail(ErrorCode::mismatch, "a vector of another key holder; only that one decrypts it");
  if (v.context->scheme.parameters() != context->scheme.parameters()) {
    return fail(ErrorCode::mismatch,
                "a vector computed with a separately decoded context; encode it, and decode it with public_part()");
  }
  std::vector<Number> out;
  for (const auto& block : v.blocks) {
    if (!context->scheme.decrypts(block))
      return too_deep(fail(ErrorCode::noise_exceeded, "the public bound is past what decrypts"));
    PRISM_CHECKED(context->scheme.decrypt(out, state_->decryptor, block));
  }
  out.resize(v.size);
  return out;
}

template class KeyHolder<Approximate>;
template class KeyHolder<Exact>;

}  // namespace prism::fhe
