#include "prism/fhe/context.h"

#include <algorithm>
#include <cmath>

#include "prism/fhe/internal/state.h"
#include "prism/fhe/internal/wire.h"
#include "prism/hash/sha256.h"
#include "prism/rlwe/files.h"

namespace prism::fhe {
namespace {

constexpr std::uint8_t tag_of(const ckks::Parameters&) { return 0; }
std::uint8_t tag_of(const exact::Parameters& p) { return p.scheme() == exact::Scheme::bgv ? 1 : 2; }
std::uint64_t number_of(const ckks::Parameters& p) { return p.scale_bits(); }
std::uint64_t number_of(const exact::Parameters& p) { return p.plain_modulus(); }

template <class Family>
Result<std::shared_ptr<const typename Family::Parameters>> parameters_from(const ContextBytes& bytes) {
  constexpr bool kApproximate = std::is_same_v<Family, Approximate>;
  if ((bytes.scheme == 0) != kApproximate)
    return fail(ErrorCode::mismatch, "a context for ", bytes.scheme == 0 ? "approximate" : "exact", " numbers");
  PRISM_TRY(rlwe::ParameterSpec spec, rlwe::decode_parameter_spec(bytes.parameters));
  if constexpr (kApproximate) {
    if (bytes.number > 1000) return fail(ErrorCode::malformed, "a scale of ", bytes.number, " bits");
    return ckks::Parameters::make(std::move(spec), static_cast<unsigned>(bytes.number));
  } else {
    // 0: nothing is declared. Whole, below t/2, and written in one way.
    const double most = static_cast<double>(bytes.number / 2);
    if (!(bytes.largest_magnitude >= 0 && bytes.largest_magnitude <= most) || std::signbit(bytes.largest_magnitude) ||
        bytes.largest_magnitude != std::floor(bytes.largest_magnitude))
      return fail(ErrorCode::malformed, "the largest value that is declared is no whole number below half of t");
    return exact::Parameters::make(std::move(spec), bytes.number,
                                   bytes.scheme == 1 ? exact::Scheme::bgv : exact::Scheme::bfv);
  }
}

/// "3.1 MB", in powers of 1000.
std::string bytes_text(std::size_t bytes) {
  if (bytes < 1000) return std::to_string(bytes) + " bytes";
  const char* unit = "kB";
  std::size_t tenths = bytes / 100;
  for (const char* const next : {"MB", "GB"}) {
    if (tenths < 10'000) break;
    tenths /= 1000;
    unit = next;
  }
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " " + unit;
}

}  // namespace

template <class Family>
Result<std::shared_ptr<const ContextState<Family>>> ContextState<Family>::make(
    std::shared_ptr<const typename Family::Parameters> parameters, double largest_magnitude, rlwe::PublicKey public_key,
    rlwe::EvaluationKeys keys) {
  auto shared = std::make_shared<const rlwe::PublicKey>(std::move(public_key));
  const Bytes key = rlwe::encode(parameters->rlwe(), *shared);
  Bytes named(parameters->digest().begin(), parameters->digest().end());
  named.insert(named.end(), key.begin(), key.end());
  const Digest identity = hash::sha256(named);
  PRISM_TRY(auto scheme, Scheme<Family>::make(std::move(parameters), largest_magnitude, shared));
  return std::shared_ptr<const ContextState>(
      new ContextState{std::move(scheme), std::move(shared), std::move(keys), identity});
}

template struct ContextState<Approximate>;
template struct ContextState<Exact>;

template <class Family>
const typename Family::Parameters& Context<Family>::parameters() const {
  return *state_->scheme.parameters();
}
template <class Family>
const std::shared_ptr<const typename Family::Parameters>& Context<Family>::parameters_ptr() const {
  return state_->scheme.parameters();
}
template <class Family>
const rlwe::EvaluationKeys& Context<Family>::keys() const {
  return state_->keys;
}
template <class Family>
std::size_t Context<Family>::slots() const {
  return state_->scheme.slots();
}
template <class Family>
const Digest& Context<Family>::identity() const {
  return state_->identity;
}

template <class Family>
std::string Context<Family>::describe() const {
  const auto& p = parameters();
  const rlwe::Parameters& rlwe = p.rlwe();
  const rlwe::Level top = rlwe.max_level();
  std::string out;
  if constexpr (std::is_same_v<Family, Approximate>) {
    out = "CKKS, scale 2^" + std::to_string(p.scale_bits());
  } else {
    out = std::string(p.scheme() == exact::Scheme::bgv ? "BGV" : "BFV") + ", t = " + std::to_string(p.plain_modulus());
  }
  const auto bits = std::to_string(std::lround(std::ceil(rlwe.log2_key_modulus(top))));
  out += ", N = " + std::to_string(rlwe.degree()) + ", " + std::to_string(slots()) + " slots, levels 0 to " +
         std::to_string(top.value) + "\n";
  out += "modulus of the keys " + bits + " bits; at most " +
         std::to_string(rlwe::max_log2_modulus(rlwe.spec().log_n, rlwe.security())) + " for " +
         std::to_string(static_cast<int>(rlwe.security())) + "-bit security\n";
  std::size_t rotations = 0, rotation_bytes = 0;
  for (const auto& [id, key] : state_->keys.keys()) {
    if (id.kind == rlwe::KeyId::Kind::relinearise) {
      out += "relinearisation key " + bytes_text(key.memory_bytes()) + " (file " + bytes_text(key.file_bytes()) + ")\n";
    } else {
      ++rotations;
      rotation_bytes += key.memory_bytes();
    }
  }
  if (rotations > 0) out += std::to_string(rotations) + " rotation keys " + bytes_text(rotation_bytes) + "\n";
  return out;
}

template <class Family>
Result<Vector<Family>> Context<Family>::encrypt(std::span<const Number> values, Random& random) const {
  if (values.empty()) return fail(ErrorCode::invalid_argument, "no values to encrypt");
  std::vector<typename Family::Ciphertext> blocks;
  const std::size_t n = slots();
  for (std::size_t start = 0; start < values.size(); start += n) {
    PRISM_TRY(auto block, state_->scheme.encrypt(values.subspan(start, std::min(n, values.size() - start)), random));
    blocks.push_back(std::move(block));
  }
  return Vector<Family>(
      std::make_shared<VectorState<Family>>(state_, values.size(), Padding::zero, std::move(blocks), false));
}

template <class Family>
Result<Bytes> Context<Family>::encode() const {
  const auto& p = parameters();
  if (p.rlwe().security() == rlwe::Security::none_for_tests)
    return fail(ErrorCode::refused, "parameters without security are for tests and do not go into files");
  const Bytes spec = rlwe::encode(p.rlwe().spec());
  const Bytes key = rlwe::encode(p.rlwe(), *state_->public_key);
  const Bytes bundle = rlwe::encode(state_->keys);
  return encode_context({tag_of(p), spec, number_of(p), state_->scheme.largest_magnitude(), key, bundle});
}

template <class Family>
double Context<Family>::largest_magnitude() const {
  return state_->scheme.largest_magnitude();
}

template <class Family>
Result<Context<Family>> Context<Family>::with_keys(rlwe::EvaluationKeys keys) const {
  if (keys.parameters().digest() != parameters().rlwe().digest())
    return fail(ErrorCode::mismatch, "evaluation keys of other parameters than the context's");
  const rlwe::PublicKey& key = *state_->public_key;
  PRISM_TRY(auto state,
            ContextState<Family>::make(state_->scheme.parameters(), state_->scheme.largest_magnitude(),
                                       {key.b.clone(), key.a.clone(), key.seed, key.error_scale}, std::move(keys)));
  return Context(std::move(state));
}

template <class Family>
Context<Family> Context<Family>::without_keys() const {
  // The same parameters and public key made a context once.
  return with_keys(rlwe::EvaluationKeys(parameters().rlwe_ptr())).value();
}

template <class Family>
Result<Bytes> Context<Family>::encode_keys() const {
  if (parameters().rlwe().security() == rlwe::Security::none_for_tests)
    return fail(ErrorCode::refused, "parameters without security are for tests and do not go into files");
  return encode_evaluation_keys(identity(), rlwe::encode(state_->keys));
}

template <class Family>
Result<Context<Family>> Context<Family>::decode_keys(ByteView bytes) const {
  PRISM_TRY(const ByteView bundle, decode_evaluation_keys_bytes(bytes, identity()));
  PRISM_TRY(auto keys, rlwe::decode_evaluation_keys(parameters().rlwe_ptr(), bundle));
  return with_keys(std::move(keys));
}

template <class Family>
Result<Context<Family>> Context<Family>::decode(ByteView bytes) {
  PRISM_TRY(const ContextBytes read, decode_context_bytes(bytes));
  PRISM_TRY(auto parameters, parameters_from<Family>(read));
  PRISM_TRY(auto public_key, rlwe::decode_public_key(parameters->rlwe_ptr(), read.public_key));
  PRISM_TRY(auto keys, rlwe::decode_evaluation_keys(parameters->rlwe_ptr(), read.keys));
  PRISM_TRY(auto state, ContextState<Family>::make(std::move(parameters), read.largest_magnitude, std::move(public_key),
                                                   std::move(keys)));
  return Context(std::move(state));
}

template <class Family>
Result<Vector<Family>> Context<Family>::decode_vector(ByteView bytes) const {
  PRISM_TRY(const VectorBytes read, decode_vector_bytes(bytes, identity(), family_tag<Family>(), slots()));
  std::vector<typename Family::Ciphertext> blocks;
  for (const ByteView block : read.blocks) {
    PRISM_TRY(auto made, state_->scheme.decode(block));
    if (!blocks.empty() && made.level != blocks[0].level)
      return fail(ErrorCode::malformed, "an encrypted vector with ciphertexts of different levels");
    blocks.push_back(std::move(made));
  }
  return Vector<Family>(
      std::make_shared<VectorState<Family>>(state_, read.size, read.padding, std::move(blocks), true));
}

template class Context<Approximate>;
template class Context<Exact>;

template <class Family>
Result<Bytes> encode_parameters(const Declared<Family>& declared) {
  const auto& p = *declared.parameters;
  if (p.rlwe().security() == rlwe::Security::none_for_tests)
    return fail(ErrorCode::refused, "parameters without security are for tests and do not go into files");
  const Bytes spec = rlwe::encode(p.rlwe().spec());
  return encode_parameters_bytes({tag_of(p), spec, number_of(p), declared.largest_magnitude, {}, {}});
}

template <class Family>
Result<Declared<Family>> decode_parameters(ByteView bytes) {
  PRISM_TRY(const ContextBytes read, decode_parameters_bytes(bytes));
  PRISM_TRY(auto parameters, parameters_from<Family>(read));
  if (std::is_same_v<Family, Approximate> && !(read.largest_magnitude > 0 && read.largest_magnitude < 0x1p60))
    return fail(ErrorCode::malformed, "the largest magnitude must be above 0 and below 2^60");
  return Declared<Family>{std::move(parameters), read.largest_magnitude};
}

template Result<Bytes> encode_parameters(const Declared<Approximate>& declared);
template Result<Bytes> encode_parameters(const Declared<Exact>& declared);
template Result<Declared<Approximate>> decode_parameters(ByteView bytes);
template Result<Declared<Exact>> decode_parameters(ByteView bytes);

}  // namespace prism::fhe
