// prism/exact/wire.h - ciphertexts and plaintexts as bytes. Version 1, little-endian:
//
//   u8 form (0 plaintext, 1 ciphertext, 2 seeded ciphertext, 3 LWE sample) | u8 version | 32 bytes digest of the
//   parameters | ... plaintext:  N coefficients in bits(t) bits each ciphertext: u8 parts, u8 level, u64 correction,
//   noise, then part by part, prime by prime: N residues in bits(prime) bits each seeded:     u8 level, u64 correction,
//   noise, 32 bytes seed, u64 stream, then the rows of b noise: five doubles (log2 of coefficient, euclidean,
//   canonical, spread, rest), u8 0 | 1 and then u16 count and as many u64: the ancestry
// Each row starts on a byte. The total length follows from the parameters and is checked before memory is spent on
// rows.
//
// The noise in a file is a claim of whoever wrote it. A reader that does not trust the writer replaces it by what it
// computed itself.
#pragma once
#include "prism/base/bytes.h"
#include "prism/exact/ciphertext.h"
#include "prism/exact/plaintext.h"

namespace prism::exact {

// Errors: refused for parameters that are for tests only.
Result<Bytes> encode(const Plaintext& plaintext);
Result<Bytes> encode(const Ciphertext& ciphertext);
Result<Bytes> encode(const SeededCiphertext& ciphertext);
Result<Bytes> encode(const LweSample& sample);

// Errors: mismatch (other parameters), unsupported (another version), malformed (all else).
Result<Plaintext> decode_plaintext(ByteView bytes, std::shared_ptr<const Parameters> parameters);
Result<Ciphertext> decode_ciphertext(ByteView bytes, std::shared_ptr<const Parameters> parameters);
Result<SeededCiphertext> decode_seeded_ciphertext(ByteView bytes, std::shared_ptr<const Parameters> parameters);
Result<LweSample> decode_lwe_sample(ByteView bytes, std::shared_ptr<const Parameters> parameters);

}  // namespace prism::exact
