#include "prism/fhe/rehearsal.h"

#include <algorithm>

#include "prism/circuits/key_list.h"
#include "prism/fhe/internal/state.h"

namespace prism::fhe {

namespace {

/// Every key there could be, all of zeros; remembers which were asked for. A key of zeros has the right shape, which is
/// all that bounds depend on.
class Blanks final : public rlwe::KeySource {
 public:
  Blanks(std::shared_ptr<const rlwe::Parameters> parameters, std::uint64_t error_scale,
         std::shared_ptr<circuits::KeyList> used)
      : parameters_(std::move(parameters)), error_scale_(error_scale), used_(std::move(used)) {
    const rlwe::Level top = parameters_->max_level();
    if (parameters_->special_primes().size() == 0) return;
    ids_.push_back({Kind::relinearise, 0, top});
    for (std::uint32_t g = 3; g < 2 * parameters_->degree(); g += 2) ids_.push_back({Kind::automorphism, g, top});
  }
  const std::vector<rlwe::KeyId>& ids() const override { return ids_; }
  Result<rlwe::SwitchKey> load(const rlwe::KeyId& id, rlwe::Level level) override {
    const rlwe::KeyId wanted{id.kind, id.g, level};
    used_->add(wanted);
    const ring::PrimeSet primes = parameters_->primes(level).united(parameters_->special_primes());
    const std::size_t digit = parameters_->spec().digit_size;
    rlwe::SwitchKey key{wanted, error_scale_, {}, {}, {}};
    for (std::size_t i = 0; i < parameters_->primes(level).size(); i += digit) {
      key.a.emplace_back(parameters_->ring(), primes);
      key.b.emplace_back(parameters_->ring(), primes);
    }
    return key;
  }
  Digest digest() const override { return {}; }

 private:
  using Kind = rlwe::KeyId::Kind;
  std::shared_ptr<const rlwe::Parameters> parameters_;
  std::uint64_t error_scale_;
  std::shared_ptr<circuits::KeyList> used_;  // shared with the rehearsal, which reads it
  std::vector<rlwe::KeyId> ids_;
};

std::uint64_t error_scale(const ckks::Parameters&) { return 1; }
std::uint64_t error_scale(const exact::Parameters& parameters) { return parameters.error_scale(); }

}  // namespace

template <class Family>
Result<Rehearsal<Family>> Rehearsal<Family>::make(std::shared_ptr<const typename Family::Parameters> parameters,
                                                  double largest_magnitude) {
  const auto& rlwe = parameters->rlwe_ptr();
  const ring::PrimeSet primes = rlwe->primes(rlwe->max_level());
  const std::uint64_t scale = error_scale(*parameters);
  rlwe::PublicKey key{ring::Evaluations(rlwe->ring(), primes), ring::Evaluations(rlwe->ring(), primes), ring::Seed{},
                      scale};
  auto used = std::make_shared<circuits::KeyList>();
  // Two keys at a time: a circuit reads each key as often as it likes, and zeros are made quickly.
  rlwe::EvaluationKeys keys(rlwe, std::make_unique<Blanks>(rlwe, scale, used), 0);
  PRISM_TRY(auto state,
            ContextState<Family>::make(std::move(parameters), largest_magnitude, std::move(key), std::move(keys)));
  return Rehearsal(Context<Family>(std::move(state)), std::move(used));
}

template <class Family>
Result<Vector<Family>> Rehearsal<Family>::input(std::size_t size) const {
  if (size == 0) return fail(ErrorCode::invalid_argument, "a vector without values");
  const auto& state = context_.state_;
  const std::size_t slots = state->scheme.slots();
  std::vector<typename Family::Ciphertext> blocks;
  for (std::size_t start = 0; start < size; start += slots) {
    PRISM_TRY(auto block, state->scheme.blank());
    blocks.push_back(std::move(block));
  }
  return Vector<Family>(std::make_shared<VectorState<Family>>(state, size, Padding::zero, std::move(blocks), false));
}

template class Rehearsal<Approximate>;
template class Rehearsal<Exact>;

}  // namespace prism::fhe
