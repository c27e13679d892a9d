#include "prism/fhe/key_holder.h"

#include <algorithm>
#include <cmath>

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
  double largest_magnitude = 0;  // an exact intent speaks of results, too
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
Result<KeyHolder<Family>> KeyHolder<Family>::create(std::shared_ptr<const typename Family::Parameters> parameters,
                                                    double largest_magnitude, const ring::SecretSeed& seed,
                                                    Random& random) {
  ring::SecretSeed own(seed.reveal(secret::RevealKey{}));
  return with_seed(std::move(parameters), 0, {}, largest_magnitude, std::move(own), random);
}

template <class Family>
Result<Context<Family>> KeyHolder<Family>::context_with(std::span<const rlwe::KeyId> wanted) const {
  return context_with(wanted, [] { return Status(); });
}

template <class Family>
Result<Context<Family>> KeyHolder<Family>::context_with(std::span<const rlwe::KeyId> wanted,
                                                        const std::function<Status()>& before_each) const {
  const auto& parameters = *state_->public_part.state_->scheme.parameters();
  rlwe::EvaluationKeys keys(parameters.rlwe_ptr());
  for (const rlwe::KeyId& id : wanted) {
    PRISM_CHECKED(before_each());
    PRISM_TRY(rlwe::SwitchKey key,
              rlwe::make_switch_key(state_->key, id, Tools<Family>::error_scale(parameters), *state_->random));
    keys.add(std::move(key));
  }
  return state_->public_part.with_keys(std::move(keys));
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
      std::make_shared<VectorState<Family>>(context, values.size(), Padding::zero, std::move(blocks), false));
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
Status KeyHolder<Family>::mine(const VectorState<Family>& v) const {
  const auto& context = state_->public_part.state_;
  if (v.context->identity != context->identity)
    return fail(ErrorCode::mismatch, "a vector of another key holder; only that one decrypts it");
  if (v.context->scheme.parameters() == context->scheme.parameters()) return {};
  return fail(ErrorCode::mismatch,
              "a vector computed with a separately decoded context; encode it, and decode it with public_part()");
}

template <class Family>
Result<std::vector<typename Family::Number>> KeyHolder<Family>::decrypt_private(
    const Result<Vector<Family>>& vector) const {
  if (!vector) return vector.error();
  const VectorState<Family>& v = *vector->state_;
  PRISM_CHECKED(mine(v));
  const auto& context = state_->public_part.state_;
  std::vector<Number> out;
  for (const auto& block : v.blocks) {
    if (!context->scheme.decrypts(block))
      return too_deep(fail(ErrorCode::noise_exceeded, "the public bound is past what decrypts"));
    PRISM_CHECKED(context->scheme.decrypt(out, state_->decryptor, block));
  }
  out.resize(v.size);
  return out;
}

template <class Family>
Digest KeyHolder<Family>::release_identity() const {
  return ckks::release_identity(state_->key);
}

template <class Family>
Result<std::vector<typename Family::Number>> KeyHolder<Family>::released(const Result<Vector<Family>>& vector,
                                                                         int precision_bits,
                                                                         ckks::ReleaseLedger& ledger,
                                                                         Bounds bounds) const {
  if (!vector) return vector.error();
  if constexpr (!std::is_same_v<Family, Approximate>) {
    return fail(ErrorCode::unsupported, "exact numbers have no error to hide");
  } else {
    const VectorState<Family>& v = *vector->state_;
    PRISM_CHECKED(mine(v));
    if (v.bounds_are_claimed && bounds == Bounds::computed_here) {
      return fail(ErrorCode::refused,
                  "the error bound of this vector comes from bytes and is a claim of their writer, who could make the "
                  "noise too small; pass Bounds::as_claimed if that writer is trusted");
    }
    const Scheme<Approximate>& scheme = state_->public_part.state_->scheme;
    const ckks::Releaser releaser(state_->key, scheme.encoder());
    if (ledger.key() != releaser.identity()) return fail(ErrorCode::mismatch, "a ledger of another key");
    if (ledger.left() < v.blocks.size()) {
      return fail(ErrorCode::refused, "the vector takes ", v.blocks.size(), " releases and the ledger has ",
                  ledger.left(), " left; what was declared is used up");
    }
    const std::size_t n = scheme.slots();
    std::vector<std::uint32_t> slots(std::min(n, v.size));
    for (std::size_t i = 0; i < slots.size(); ++i) slots[i] = static_cast<std::uint32_t>(i);
    const auto request = [&](std::size_t block) {
      return ckks::ReleaseRequest{std::span(slots).first(std::min(n, v.size - block * n)), true, precision_bits};
    };
    for (std::size_t i = 0; i < v.blocks.size(); ++i) {
      if (!scheme.decrypts(v.blocks[i]))
        return too_deep(fail(ErrorCode::noise_exceeded, "the public bound is past what decrypts"));
      const double error =
          ckks::release_error(*scheme.parameters(), v.blocks[i].noise, request(i), ledger.budget()).log2();
      if (!(error <= -precision_bits)) {
        return fail(ErrorCode::noise_exceeded, "released values would be precise to 2^", std::ceil(error),
                    ", not to 2^", -precision_bits,
                    "; ask for less, show fewer values, or make the key holder with more "
                    "precision_bits");
      }
    }
    std::vector<double> out;
    for (std::size_t i = 0; i < v.blocks.size(); ++i) {
      PRISM_TRY(ckks::ReleaseTicket ticket, ledger.charge());
      PRISM_TRY(const auto shown, releaser.release(v.blocks[i], request(i), std::move(ticket), *state_->random));
      for (const ckks::Complex& value : shown.values) out.push_back(value.real());
    }
    return out;
  }
}

template class KeyHolder<Approximate>;
template class KeyHolder<Exact>;

}  // namespace prism::fhe
