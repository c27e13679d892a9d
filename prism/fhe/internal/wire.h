// prism/fhe/internal/wire.h - the envelope around the schemes' own formats. Version 1 of kind ciphertext:
//
//   identity of the context | u8 family | u8 padding | u64 size | u64 count, then per block: u64 length, the ciphertext
//
// and of kind context:
//
//   u8 scheme (0 CKKS, 1 BGV, 2 BFV) | length, parameters of the ring | u64 scale bits or t | u64 largest magnitude
//   (the bits of a double; 0 for integers) | length, public key | length, bundle of evaluation keys
//
// and of kind parameters the first four fields of a context; of kind evaluation_keys, the identity and a bundle.
#pragma once
#include <span>
#include <type_traits>
#include <vector>

#include "prism/ckks/wire.h"
#include "prism/exact/wire.h"
#include "prism/fhe/internal/state.h"

namespace prism::fhe {

inline Result<Bytes> encode_block(const ckks::Ciphertext& block) { return ckks::encode(block); }
inline Result<Bytes> encode_block(const exact::Ciphertext& block) { return exact::encode(block); }

template <class Family>
constexpr std::uint8_t family_tag() {
  return std::is_same_v<Family, Approximate> ? 0 : 1;
}

Bytes encode_vector(const Digest& identity, std::uint8_t family, Padding padding, std::size_t size,
                    std::span<const Bytes> blocks);

/// Views into the bytes. `slots`: of the context, for checking how many blocks there must be.
struct VectorBytes {
  Padding padding = Padding::zero;
  std::size_t size = 0;
  std::vector<ByteView> blocks;
};
Result<VectorBytes> decode_vector_bytes(ByteView bytes, const Digest& identity, std::uint8_t family, std::size_t slots);

struct ContextBytes {
  std::uint8_t scheme = 0;
  ByteView parameters;
  std::uint64_t number = 0;  ///< scale bits or t
  double largest_magnitude = 0;
  ByteView public_key, keys;
};
Bytes encode_context(const ContextBytes& context);
Result<ContextBytes> decode_context_bytes(ByteView bytes);
Bytes encode_parameters_bytes(const ContextBytes& context);
Result<ContextBytes> decode_parameters_bytes(ByteView bytes);
Bytes encode_evaluation_keys(const Digest& identity, ByteView bundle);
/// The bundle.
Result<ByteView> decode_evaluation_keys_bytes(ByteView bytes, const Digest& identity);

}  // namespace prism::fhe
