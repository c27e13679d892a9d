// tests/support/inflate.h - unpacks zlib streams (RFC 1950, RFC 1951) of test vectors; not for input from strangers.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "prism/base/bytes.h"

namespace prism::testing_support {

class Inflater {
 public:
  explicit Inflater(ByteView in) : in_(in) {}
  Bytes run() {
    at_ = 2;  // the zlib header; the Adler-32 at the end is not looked at
    for (bool last = false; !last;) {
      last = bits(1) == 1;
      const unsigned type = bits(2);
      if (type == 0)
        stored();
      else if (type == 1)
        fixed();
      else if (type == 2)
        dynamic();
      else
        throw std::runtime_error("inflate: a block of type 3");
    }
    return std::move(out_);
  }

 private:
  /// Canonical Huffman code: how many codes of each length, and the symbols in their order.
  struct Code {
    std::array<unsigned, 16> count{};
    std::vector<unsigned> symbols;
  };
  static Code code_of(const std::vector<unsigned>& lengths) {
    Code code;
    for (unsigned length = 1; length < 16; ++length)
      for (unsigned symbol = 0; symbol < lengths.size(); ++symbol)
        if (lengths[symbol] == length) {
          ++code.count[length];
          code.symbols.push_back(symbol);
        }
    return code;
  }
  unsigned bits(unsigned n) {
    unsigned value = 0;
    for (unsigned i = 0; i < n; ++i) {
      if (left_ == 0) {
        held_ = in_[at_++];
        left_ = 8;
      }
      value |= (held_ & 1u) << i;
      held_ >>= 1;
      --left_;
    }
    return value;
  }
  unsigned symbol(const Code& code) {
    unsigned value = 0, first = 0, index = 0;
    for (unsigned length = 1; length < 16; ++length) {
      value = value << 1 | bits(1);
      first <<= 1;
      if (value < first + code.count[length]) return code.symbols[index + (value - first)];
      index += code.count[length];
      first += code.count[length];
    }
    throw std::runtime_error("inflate: no such code");
  }
  void stored() {
    left_ = 0;
    const std::size_t size = in_[at_] | static_cast<std::size_t>(in_[at_ + 1]) << 8;
    at_ += 4;
    for (std::size_t i = 0; i < size; ++i) out_.push_back(in_[at_++]);
  }
  void fixed() {
    std::vector<unsigned> lengths(288, 8);
    for (unsigned i = 144; i < 256; ++i) lengths[i] = 9;
    for (unsigned i = 256; i < 280; ++i) lengths[i] = 7;
    block(code_of(lengths), code_of(std::vector<unsigned>(30, 5)));
  }
  void dynamic() {
    const unsigned literals = bits(5) + 257, distances = bits(5) + 1, codes = bits(4) + 4;
    constexpr unsigned kOrder[] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    std::vector<unsigned> lengths(19, 0);
    for (unsigned i = 0; i < codes; ++i) lengths[kOrder[i]] = bits(3);
    const Code code = code_of(lengths);
    lengths.clear();
    while (lengths.size() < literals + distances) {
      const unsigned s = symbol(code);
      if (s < 16)
        lengths.push_back(s);
      else if (s == 16)
        lengths.insert(lengths.end(), 3 + bits(2), unsigned{lengths.back()});
      else
        lengths.insert(lengths.end(), s == 17 ? 3 + bits(3) : 11 + bits(7), 0u);
    }
    const auto middle = lengths.begin() + static_cast<std::ptrdiff_t>(literals);
    block(code_of({lengths.begin(), middle}), code_of({middle, lengths.end()}));
  }
  void block(const Code& literals, const Code& distances) {
    constexpr unsigned kLength[] = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                    31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
    constexpr unsigned kLengthBits[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                        2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
    for (;;) {
      const unsigned s = symbol(literals);
      if (s == 256) return;
      if (s < 256) {
        out_.push_back(static_cast<std::uint8_t>(s));
        continue;
      }
      const std::size_t length = kLength[s - 257] + bits(kLengthBits[s - 257]);
      const unsigned d = symbol(distances);
      const unsigned extra = d < 4 ? 0 : d / 2 - 1;
      const std::size_t distance = d < 4 ? d + 1 : ((2 + d % 2) << extra) + 1 + bits(extra);
      for (std::size_t i = 0; i < length; ++i) out_.push_back(out_[out_.size() - distance]);
    }
  }

  ByteView in_;
  std::size_t at_ = 0;
  unsigned held_ = 0, left_ = 0;
  Bytes out_;
};

inline Bytes inflate(ByteView in) { return Inflater(in).run(); }

}  // namespace prism::testing_support
