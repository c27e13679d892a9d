// prism/kernels/kernels.h - the hot loops, once per instruction set, and the contract every one of them keeps.
//
// `portable` is written to be read and is the oracle: every other set must return the same bits for every input the
// contract allows. Rows are arrays of residues; "canonical" means in [0, q). Unless said otherwise a row's length n is
// a multiple of 8, rows are 64-byte aligned, every input is canonical, every output is canonical, and an output may be
// the same row as an input (but not overlap it partially). No kernel branches on, or indexes by, residue values, except
// `take_uniform`, `unpack_bits` and `all_below`, which only ever see public values.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "prism/base/aligned.h"

namespace prism::kernels {

/// An odd prime 2 < q < 2^50 with what fast reduction needs. 52 is the multiplier width of AVX-512 IFMA.
struct Modulus {
  std::uint64_t q = 0;
  unsigned bits = 0;  ///< bit length of q: 2^(bits-1) < q < 2^bits
  std::uint64_t barrett =
      0;  ///< floor(2^(50 + bits) / q), in [2^50, 2^51): a*barrett >> bits is a/q as a 50-bit fraction
  std::uint64_t two52 = 0;      ///< 2^52 mod q, to fold the high half of 52-bit accumulators
  std::uint64_t two52_w52 = 0;  ///< floor(two52 * 2^52 / q): two52 as a Multiplier
  std::uint64_t inverse = 0;    ///< q^-1 mod 2^52, for Montgomery's reduction
  bool operator==(const Modulus&) const = default;
};
/// Precomputes; requires an odd q with 2 < q < 2^50 (a broken invariant otherwise).
Modulus make_modulus(std::uint64_t q);

/// w and floor(w * 2^52 / q): multiplication by a fixed w (Shoup's trick at 52 bits).
struct Multiplier {
  std::uint64_t w = 0;
  std::uint64_t w52 = 0;
};
Multiplier make_multiplier(std::uint64_t w, const Modulus& m);

/// Tables of the negacyclic transform of length n = 2^log_n (10 <= log_n <= 17; the portable set also does 1..9), for a
/// prime q = 1 mod 2n and psi, a primitive 2n-th root of unity mod q. bitrev is over log_n bits.
/// forward: X[i] = f(psi^(2*bitrev(i)+1)): natural order in, bit-reversed order out; inverse undoes it exactly.
struct NttTables {
  Modulus modulus;
  unsigned log_n = 0;
  std::uint64_t psi = 0;
  /// psi^bitrev(i) and its Shoup quotient, i < n. No second table for the inverse: psi^-bitrev(m + k) = -psi^bitrev(2m
  /// - 1 - k) for a power of two m and k < m, so an inverse layer reads its layer's slice backwards and swaps a
  /// subtraction.
  Residues w, w52;
  /// The last two layers' roots once more, in the order 8-lane kernels use them (avx512ifma/transform.h). Per 64 values
  /// of the row 96 words, with b = 8 * (index of the 64) and k < 8: for i < 2 eight words w[n/4 + 2(b + k) + i] and
  /// eight of w52, then for i < 4 eight words w[n/2 + 4(b + k) + i] and eight of w52. Empty when log_n < 6.
  Residues tail;
  Multiplier inverse_n;    ///< 1/n, folded into the last inverse layer
  Multiplier inverse_n_w;  ///< psi^-bitrev(1)/n
};
/// Requires psi of order exactly 2n mod q (checked).
NttTables make_ntt_tables(const Modulus& m, unsigned log_n, std::uint64_t psi);

struct Kernels {
  std::string_view name;
  bool (*runs_here)() noexcept;

  // -- transforms
  void (*forward_ntt)(std::uint64_t* row, const NttTables& t) noexcept;
  void (*inverse_ntt)(std::uint64_t* row, const NttTables& t) noexcept;
  /// The same from one row to another, which spares a copy and a pass over memory. `in` is left as it was; it may be
  /// `out`.
  void (*forward_ntt_from)(std::uint64_t* out, const std::uint64_t* in, const NttTables& t) noexcept;
  void (*inverse_ntt_from)(std::uint64_t* out, const std::uint64_t* in, const NttTables& t) noexcept;
  /// recentre (below) into t.modulus, then forward_ntt: how a residue modulo one prime becomes a key-switching digit,
  /// or the correction of a rescaling, modulo another.
  void (*recentre_forward_ntt)(std::uint64_t* out, const std::uint64_t* in, const Modulus& from,
                               const NttTables& t) noexcept;

  // -- pointwise, modulo m.q
  void (*add)(std::uint64_t* out, const std::uint64_t* a, const std::uint64_t* b, std::size_t n,
              const Modulus& m) noexcept;
  void (*subtract)(std::uint64_t* out, const std::uint64_t* a, const std::uint64_t* b, std::size_t n,
                   const Modulus& m) noexcept;
  void (*negate)(std::uint64_t* out, const std::uint64_t* a, std::size_t n, const Modulus& m) noexcept;
  void (*multiply)(std::uint64_t* out, const std::uint64_t* a, const std::uint64_t* b, std::size_t n,
                   const Modulus& m) noexcept;
  /// out += a * b
  void (*multiply_add)(std::uint64_t* out, const std::uint64_t* a, const std::uint64_t* b, std::size_t n,
                       const Modulus& m) noexcept;
  void (*multiply_scalar)(std::uint64_t* out, const std::uint64_t* a, Multiplier s, std::size_t n,
                          const Modulus& m) noexcept;
  /// out += a * s
  void (*multiply_scalar_add)(std::uint64_t* out, const std::uint64_t* a, Multiplier s, std::size_t n,
                              const Modulus& m) noexcept;
  /// out = (a - b) * s; the heart of rescaling and of dividing by the special modulus
  void (*subtract_multiply_scalar)(std::uint64_t* out, const std::uint64_t* a, const std::uint64_t* b, Multiplier s,
                                   std::size_t n, const Modulus& m) noexcept;
  /// c0 += a0*b0, c1 += a0*b1 + a1*b0, c2 += a1*b1: the tensor product of two ciphertexts, accumulated. Outputs alias
  /// no input.
  void (*tensor_add)(std::uint64_t* c0, std::uint64_t* c1, std::uint64_t* c2, const std::uint64_t* a0,
                     const std::uint64_t* a1, const std::uint64_t* b0, const std::uint64_t* b1, std::size_t n,
                     const Modulus& m) noexcept;
  /// The same, overwriting: c0 = a0*b0, c1 = a0*b1 + a1*b0, c2 = a1*b1.
  void (*tensor)(std::uint64_t* c0, std::uint64_t* c1, std::uint64_t* c2, const std::uint64_t* a0,
                 const std::uint64_t* a1, const std::uint64_t* b0, const std::uint64_t* b1, std::size_t n,
                 const Modulus& m) noexcept;
  /// c0 = a0^2, c1 = 2 a0*a1, c2 = a1^2. Outputs alias no input.
  void (*tensor_square)(std::uint64_t* c0, std::uint64_t* c1, std::uint64_t* c2, const std::uint64_t* a0,
                        const std::uint64_t* a1, std::size_t n, const Modulus& m) noexcept;
  /// out = sum_j a[j] * b[j] over `count` <= 64 pairs of rows, reduced once at the end. out aliases no input.
  void (*inner_product)(std::uint64_t* out, const std::uint64_t* const* a, const std::uint64_t* const* b,
                        std::size_t count, std::size_t n, const Modulus& m) noexcept;
  /// out0 = sum_j a[j] * b0[j] and out1 = sum_j a[j] * b1[j] over `count` <= 64: both columns of a switching key in one
  /// reading of the digits a[j]. With an `index` (not null; see permute_eights) digit j is a[j][index[i]]. No output
  /// aliases an input or the other output.
  void (*inner_product_pair)(std::uint64_t* out0, std::uint64_t* out1, const std::uint64_t* const* a,
                             const std::uint64_t* const* b0, const std::uint64_t* const* b1, std::size_t count,
                             const std::uint32_t* index, std::size_t n, const Modulus& m) noexcept;
  /// The same, added to out0 and out1.
  void (*inner_product_pair_add)(std::uint64_t* out0, std::uint64_t* out1, const std::uint64_t* const* a,
                                 const std::uint64_t* const* b0, const std::uint64_t* const* b1, std::size_t count,
                                 const std::uint32_t* index, std::size_t n, const Modulus& m) noexcept;
  /// out = sum_j a[j] * s[j] with `count` <= 64 scalars s[j] < m.q; rows a[j] hold any values below 2^50 (residues of
  /// OTHER primes). The heart of base conversion. out aliases no input.
  void (*inner_product_scalar)(std::uint64_t* out, const std::uint64_t* const* a, const std::uint64_t* s,
                               std::size_t count, std::size_t n, const Modulus& m) noexcept;
  /// out = (offset + sum_j a[j] * s[j]) mod m.q for `count` <= 63 rows of any values below 2^50, multipliers s[j]
  /// modulo m and offset < m.q; a[0] holds values below first_below. Cheapest for s[0] = 1 and first_below <= 2 m.q: a
  /// number in mixed radix, a[0] + a[1] * q0 + a[2] * q0 q1 + .... out may be one of the rows.
  void (*combine)(std::uint64_t* out, const std::uint64_t* const* a, const Multiplier* s, std::size_t count,
                  std::uint64_t first_below, std::uint64_t offset, std::size_t n, const Modulus& m) noexcept;

  // -- between moduli
  /// out = a mod m.q for any values a < 2^50.
  void (*reduce)(std::uint64_t* out, const std::uint64_t* a, std::size_t n, const Modulus& m) noexcept;
  /// out = c mod m.q where c is the centred representative, in (-q/2, q/2), of the residue a modulo `from` (odd).
  void (*recentre)(std::uint64_t* out, const std::uint64_t* a, const Modulus& from, std::size_t n,
                   const Modulus& m) noexcept;
  /// The rounding term of exact base conversion, in fixed point: out[i] = (2^49 + sum_j ((a[j][i] * m[j].barrett) >>
  /// m[j].bits)) >> 50, i.e. round(sum_j a[j][i] / q_j) up to `count` * 2^-49, count <= 64. (a*barrett needs 101 bits.)
  void (*fraction_round)(std::uint64_t* out, const std::uint64_t* const* a, const Modulus* m, std::size_t count,
                         std::size_t n) noexcept;

  // -- order
  /// out[i] = a[index[i]]; index holds n values below n; out aliases neither.
  void (*permute)(std::uint64_t* out, const std::uint64_t* a, const std::uint32_t* index, std::size_t n) noexcept;
  /// The same for an index that maps every aligned group of eight onto such a group, several times faster.
  /// Automorphisms of the transformed domain are of this kind: the exponents 2*bitrev(i)+1 of a group differ by
  /// multiples of n/4 modulo 2n, and times an odd number still do.
  void (*permute_eights)(std::uint64_t* out, const std::uint64_t* a, const std::uint32_t* index,
                         std::size_t n) noexcept;

  // -- bytes
  /// Little-endian bit packing: value i occupies bits [i*bits, (i+1)*bits) of the stream; 1 <= bits <= 64, values below
  /// 2^bits. Writes exactly ceil(n*bits/8) bytes; unused high bits of the last byte are zero. n need not be a multiple
  /// of 8; any alignment of bytes.
  void (*pack_bits)(std::uint8_t* out, const std::uint64_t* a, std::size_t n, unsigned bits) noexcept;
  /// Reads exactly ceil(n*bits/8) bytes and not one beyond.
  void (*unpack_bits)(std::uint64_t* out, const std::uint8_t* in, std::size_t n, unsigned bits) noexcept;
  /// Whether every a[i] < bound. What a parser asks after unpack_bits.
  bool (*all_below)(const std::uint64_t* a, std::size_t n, std::uint64_t bound) noexcept;
  /// Rejection: reads words in order, masks each to m.bits bits, keeps those below m.q, until `want` are kept or
  /// `count` words are read. Returns {words read, values kept}. Public randomness only: the number kept depends on the
  /// values.
  struct Taken {
    std::size_t read, kept;
  };
  Taken (*take_uniform)(std::uint64_t* out, std::size_t want, const std::uint64_t* words, std::size_t count,
                        const Modulus& m) noexcept;

  // -- secret draws
  /// Draws by a table of `count` thresholds {high, low} of 63 bits each: with u = (words[2i + 1] mod 2^63) * 2^63 +
  /// (words[2i] mod 2^63), the magnitude of out[i] is how many thresholds are <= u; out[i] is negated when the top bit
  /// of words[2i + 1] is set. n is a multiple of 16, any alignment. Every draw is compared with every threshold.
  void (*draw_by_table)(std::int32_t* out, const std::uint64_t* words, std::size_t n,
                        const std::array<std::uint64_t, 2>* table, std::size_t count) noexcept;

  // -- symmetric primitives
  /// RFC 8439 ChaCha20 key stream: `blocks` blocks of 64 bytes from block counter `counter` on (wrapping is the
  /// caller's to exclude).
  void (*chacha20)(std::uint8_t* out, std::size_t blocks, const std::uint32_t key[8], std::uint32_t counter,
                   const std::uint32_t nonce[3]) noexcept;
  /// FIPS 180-4 SHA-256 compression of `blocks` 64-byte blocks into `state`.
  void (*sha256)(std::uint32_t state[8], const std::uint8_t* data, std::size_t blocks) noexcept;
};

extern const Kernels portable;  ///< plain C++: the oracle, and what WASM runs
#if defined(__x86_64__)
extern const Kernels avx2;        ///< AVX2 + FMA
extern const Kernels avx512ifma;  ///< AVX-512 F/DQ/BW/VL/VBMI/IFMA; SHA instructions where present
#endif

/// Every set compiled in, best first.
std::span<const Kernels* const> all();
/// The set in use: the best that runs here, or the one that choose() named. Fixed after the first call.
const Kernels& best();
/// Overrides the choice; must come before the first best(). False (and no change) when the name is unknown or does not
/// run here. PRISM_KERNELS in the environment is read by the program at start and handed to this.
bool choose(std::string_view name);
/// The same with a set of the caller's, which lives to the end of the program: for tests that count or check what is
/// asked for.
bool use(const Kernels& set);

}  // namespace prism::kernels
