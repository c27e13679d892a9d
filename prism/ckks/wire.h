// prism/ckks/wire.h - ciphertexts as bytes. Version 1, little-endian:
//
//   u8 form (0 ciphertext, 1 seeded ciphertext) | u8 version | 32 bytes digest of the parameters | ...
//   ciphertext: u8 parts, u8 level, scale, noise, then part by part, prime by prime: N residues in bits(prime) bits
//   each seeded:     u8 level, scale, noise, 32 bytes seed, u64 stream, then the rows of b scale:      i64 low and i64
//   high half of the power of two, u8 count, then per factor: u8 index of the prime in the
//               ring, the exponent like the first
//   noise:      two i64: log2 of magnitude and error in units of 2^-20, rounded up; the least i64 for zero
// Each row starts on a byte. The total length follows from the parameters and is checked before memory is spent on
// rows. Equal values have equal bytes, and what is accepted is written back byte for byte.
//
// The noise in a file is a claim of whoever wrote it, and so is the scale. A reader that does not trust the writer
// replaces them by what it computed itself.
#pragma once
#include "prism/base/bytes.h"
#include "prism/ckks/ciphertext.h"

namespace prism::ckks {

// Errors: refused for parameters that are for tests only; invalid_argument for a scale with other primes than the
// ring's.
Result<Bytes> encode(const Ciphertext& ciphertext);
Result<Bytes> encode(const SeededCiphertext& ciphertext);

// Errors: mismatch (other parameters), unsupported (another version), malformed (all else).
Result<Ciphertext> decode_ciphertext(ByteView bytes, std::shared_ptr<const Parameters> parameters);
Result<SeededCiphertext> decode_seeded_ciphertext(ByteView bytes, std::shared_ptr<const Parameters> parameters);

}  // namespace prism::ckks
