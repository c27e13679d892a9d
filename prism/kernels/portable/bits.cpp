// Bit packing and what parsers and samplers ask of public words.
#include <bit>
#include <cstring>

#include "prism/kernels/portable/functions.h"

namespace prism::kernels::portable_set {
namespace {

__extension__ using uint128 = unsigned __int128;

void store_little_endian(std::uint8_t* out, Word x, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) out[i] = static_cast<std::uint8_t>(x >> (8 * i));
}

Word load_little_endian(const std::uint8_t* in, std::size_t bytes) {
  Word x = 0;
  for (std::size_t i = 0; i < bytes; ++i) x |= Word{in[i]} << (8 * i);
  return x;
}

Word low_bits(unsigned bits) { return ~Word{0} >> (64 - bits); }

}  // namespace

void pack_bits(std::uint8_t* out, const Word* a, std::size_t n, unsigned bits) noexcept {
  if (bits == 64 && std::endian::native == std::endian::little && n != 0) {
    std::memcpy(out, a, 8 * n);
    return;
  }
  uint128 pending = 0;
  unsigned filled = 0;  // below 64 between values
  for (std::size_t i = 0; i < n; ++i) {
    pending |= uint128{a[i]} << filled;
    filled += bits;
    if (filled >= 64) {
      store_little_endian(out, static_cast<Word>(pending), 8);
      out += 8;
      pending >>= 64;
      filled -= 64;
    }
  }
  store_little_endian(out, static_cast<Word>(pending), (filled + 7) / 8);
}

void unpack_bits(Word* out, const std::uint8_t* in, std::size_t n, unsigned bits) noexcept {
  if (bits == 64 && std::endian::native == std::endian::little && n != 0) {
    std::memcpy(out, in, 8 * n);
    return;
  }
  std::size_t left = (n * bits + 7) / 8;
  const Word mask = low_bits(bits);
  uint128 pending = 0;
  unsigned filled = 0;
  for (std::size_t i = 0; i < n; ++i) {
    if (filled < bits) {
      const std::size_t bytes = left < 8 ? left : 8;
      pending |= uint128{bytes == 8 ? load_little_endian(in, 8) : load_little_endian(in, bytes)} << filled;
      in += bytes;
      left -= bytes;
      filled += static_cast<unsigned>(8 * bytes);
    }
    out[i] = static_cast<Word>(pending) & mask;
    pending >>= bits;
    filled -= bits;
  }
}

bool all_below(const Word* a, std::size_t n, Word bound) noexcept {
  bool below = true;
  for (std::size_t i = 0; i < n; ++i) below &= a[i] < bound;
  return below;
}

Kernels::Taken take_uniform(Word* out, std::size_t want, const Word* words, std::size_t count,
                            const Modulus& m) noexcept {
  const Word mask = low_bits(m.bits);
  Kernels::Taken taken{0, 0};
  while (taken.kept < want && taken.read < count) {
    const Word candidate = words[taken.read++] & mask;
    if (candidate < m.q) out[taken.kept++] = candidate;
  }
  return taken;
}

void draw_by_table(std::int32_t* out, const Word* words, std::size_t n, const std::array<Word, 2>* table,
                   std::size_t count) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    const Word low = words[2 * i] & low_bits(63), high = words[2 * i + 1] & low_bits(63);
    Word below = 0;  // how many thresholds u is below; words of 63 bits: the borrow of a difference is its top bit
    for (std::size_t j = 0; j < count; ++j) below += (high - table[j][0] - ((low - table[j][1]) >> 63)) >> 63;
    const auto magnitude = static_cast<std::int32_t>(count - below);
    const auto sign = -static_cast<std::int32_t>(words[2 * i + 1] >> 63);  // 0 or -1
    out[i] = (magnitude ^ sign) - sign;
  }
}

}  // namespace prism::kernels::portable_set
