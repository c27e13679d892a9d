#include "prism/client/hybrid_crypto.h"

#include "prism/program/requirements.h"

namespace prism::client {
namespace {

// The members of these names would hide the functions that only argument-dependent lookup finds.
using Outcome = HybridCrypto::Outcome;
Outcome summed(const Outcome& a) { return sum(a); }
Outcome averaged(const Outcome& a) { return mean(a); }
Outcome weighted(const Outcome& a, std::span<const double> weights) { return dot(a, weights); }

}  // namespace

struct HybridCrypto::State {
  Random& random;
  fhe::Approximate::KeyHolder numbers;
  crypto::SigningKey identity;
  crypto::Kem kem;
  crypto::KemSecretKey kem_key;
};

HybridCrypto::HybridCrypto(std::unique_ptr<State> state) : state_(std::move(state)) {}
HybridCrypto::HybridCrypto(HybridCrypto&&) noexcept = default;
HybridCrypto& HybridCrypto::operator=(HybridCrypto&&) noexcept = default;
HybridCrypto::~HybridCrypto() = default;

Result<HybridCrypto> HybridCrypto::with(fhe::Approximate::KeyHolder numbers, const HybridOptions& options,
                                        Random& random) {
  PRISM_TRY(auto identity, crypto::SigningKey::generate(options.signatures, random));
  PRISM_TRY(auto kem_key, crypto::KemSecretKey::generate(options.kem, random));
  return HybridCrypto(std::unique_ptr<State>(
      new State{random, std::move(numbers), std::move(identity), options.kem, std::move(kem_key)}));
}

Result<HybridCrypto> HybridCrypto::create(const HybridOptions& options, Random& random) {
  PRISM_TRY(auto numbers, fhe::Approximate::KeyHolder::create(options.numbers, random));
  return with(std::move(numbers), options, random);
}

Result<HybridCrypto> HybridCrypto::create_for(const compute::Request& request,
                                              const std::map<std::string, std::uint64_t>& sizes,
                                              double largest_magnitude, int precision_bits, Random& random,
                                              const HybridOptions& options) {
  PRISM_TRY(const auto computation, request.lower(program::Family::approximate, sizes));
  PRISM_TRY(auto parameters, program::approximate_parameters_for(computation, largest_magnitude, precision_bits,
                                                                 options.numbers.security));
  PRISM_TRY(auto numbers, fhe::Approximate::KeyHolder::create(std::move(parameters), 0, {}, largest_magnitude, random));
  return with(std::move(numbers), options, random);
}

HybridCrypto::Outcome HybridCrypto::encrypt(std::span<const double> values) const {
  return state_->numbers.encrypt(values);
}
Result<std::vector<double>> HybridCrypto::decrypt(const Outcome& a) const { return state_->numbers.decrypt_private(a); }

HybridCrypto::Outcome HybridCrypto::sum(const Outcome& a) const { return summed(a); }
HybridCrypto::Outcome HybridCrypto::mean(const Outcome& a) const { return averaged(a); }
HybridCrypto::Outcome HybridCrypto::dot(const Outcome& a, std::span<const double> weights) const {
  return weighted(a, weights);
}
const fhe::Approximate::KeyHolder& HybridCrypto::numbers() const { return state_->numbers; }

const crypto::SigningKey& HybridCrypto::identity() const { return state_->identity; }
Result<Bytes> HybridCrypto::sign(ByteView message) const {
  return state_->identity.sign(message, kMessageContext, state_->random);
}
Status HybridCrypto::verify(const crypto::VerifyKey& signer, ByteView message, ByteView signature) {
  return signer.verify(message, kMessageContext, signature);
}

crypto::Kem HybridCrypto::kem() const { return state_->kem; }
ByteView HybridCrypto::kem_public_key() const { return state_->kem_key.public_key(); }
Result<crypto::Encapsulation> HybridCrypto::encapsulate(crypto::Kem kem, ByteView public_key, Random& random) {
  return crypto::encapsulate(kem, public_key, random);
}
Result<crypto::SharedSecret> HybridCrypto::decapsulate(ByteView ciphertext) const {
  return state_->kem_key.decapsulate(ciphertext);
}

}  // namespace prism::client
