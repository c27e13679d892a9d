// Contexts and vectors as bytes from anybody: as they come, or as changes to bytes that parse. Whatever comes, it ends
// in a value or an error; what is accepted is written back byte for byte, and computing with it ends in a value or an
// error.
#include <cstdlib>

#include "prism/fhe/fhe.h"
#include "prism/fhe/internal/testing.h"

namespace {

using namespace prism;
using fhe::Exact;
using fhe::testing::must;

void require(bool holds) {
  if (!holds) std::abort();
}

struct Valid {
  fhe::testing::SeededRandom random{1};
  Exact::KeyHolder holder = must(Exact::KeyHolder::create({.depth = 0, .largest_value = 100}, random));
  Bytes context = must(holder.public_part().encode());
  Bytes vector = must(must(holder.encrypt({1, 2, 3})).encode());
  Bytes seeded = must(holder.encrypt_to_bytes(std::vector<std::int64_t>{1, 2, 3}));
};

const Valid& valid() {
  static const Valid made;
  return made;
}

/// Each three bytes: where among the first 512 bytes or all, and what is changed there; a rest cuts the end off.
Bytes changed(Bytes bytes, ByteView changes) {
  for (; changes.size() >= 3; changes = changes.subspan(3)) {
    const std::size_t at = changes[1] % 4 != 0 ? changes[0] | (std::size_t{changes[1]} & 1) << 8
                                               : changes[0] | std::size_t{changes[1]} << 8;
    bytes[at % bytes.size()] ^= changes[2];
  }
  if (!changes.empty()) bytes.resize(bytes.size() - std::min<std::size_t>(bytes.size(), changes[0]));
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView rest(data + 1, size - 1);
  const Valid& v = valid();
  const bool as_it_is = data[0] % 2 == 1;
  switch (data[0] / 2 % 3) {
    case 0: {
      const Bytes input = as_it_is ? Bytes(rest.begin(), rest.end()) : changed(v.context, rest);
      if (const auto context = Exact::Context::decode(input)) require(must(context->encode()) == input);
      (void)fhe::Approximate::Context::decode(input);
      break;
    }
    default: {
      const Bytes& start = data[0] / 2 % 3 == 1 ? v.vector : v.seeded;
      const Bytes input = as_it_is ? Bytes(rest.begin(), rest.end()) : changed(start, rest);
      if (const auto vector = v.holder.public_part().decode_vector(input)) {
        if (&start == &v.vector) {
          if (const auto written = vector->encode()) require(written->size() >= input.size());
        }
        (void)v.holder.decrypt_private(*vector + *vector * 3);
        (void)v.holder.decrypt_private(vector);
        (void)sum(*vector);
      }
    }
  }
  return 0;
}
