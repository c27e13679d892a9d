// Any bytes: what skip() accepts is the one encoding of its value, because a writer that is told the same items, one by
// one, writes the same bytes. Nothing is read past the end.
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <utility>
#include <vector>

#include "prism/wire/cbor.h"

namespace {

using namespace prism;
using wire::CborKind;

/// Copies one item from reader to writer, with a list of what is still open instead of recursion. Nothing when refused.
std::optional<Bytes> copy(ByteView input) {
  wire::CborReader reader(input);
  wire::CborWriter writer;
  std::vector<std::uint64_t> open{1};
  while (!open.empty()) {
    if (open.back() == 0) {
      open.pop_back();
      continue;
    }
    const auto kind = reader.kind();
    if (!kind) return std::nullopt;
    if (*kind != CborKind::tag) --open.back();
    switch (*kind) {
      case CborKind::unsigned_integer: {
        const auto v = reader.unsigned_integer();
        if (!v) return std::nullopt;
        writer.unsigned_integer(*v);
        break;
      }
      case CborKind::negative_integer: {
        const auto v = reader.integer();
        if (!v) return std::nullopt;
        writer.integer(*v);
        break;
      }
      case CborKind::bytes: {
        const auto v = reader.bytes(0, SIZE_MAX);
        if (!v) return std::nullopt;
        writer.bytes(*v);
        break;
      }
      case CborKind::text: {
        const auto v = reader.text(0, SIZE_MAX);
        if (!v) return std::nullopt;
        writer.text(*v);
        break;
      }
      case CborKind::array: {
        const auto v = reader.array(0, SIZE_MAX);
        if (!v) return std::nullopt;
        writer.array(*v);
        open.push_back(*v);
        break;
      }
      case CborKind::map: {
        const auto v = reader.map(0, SIZE_MAX);
        if (!v) return std::nullopt;
        writer.map(*v);
        open.push_back(2 * *v);
        break;
      }
      case CborKind::tag: {
        // The reader wants to know which tag; small ones are enough here.
        std::uint64_t number = input[reader.position()] & 31;
        if (number > 23 || !reader.tag(number)) return std::nullopt;
        writer.tag(number);
        break;
      }
      case CborKind::boolean: {
        const auto v = reader.boolean();
        if (!v) return std::nullopt;
        writer.boolean(*v);
        break;
      }
      case CborKind::null:
        if (!reader.null()) return std::nullopt;
        writer.null();
        break;
    }
  }
  if (!reader.finish()) return std::nullopt;
  return std::move(writer).take();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  wire::CborReader reader(input);
  const auto whole = reader.skip();
  if (whole && (whole->data() != input.data() || whole->size() > size)) std::abort();
  const bool accepted = whole.has_value() && reader.finish().has_value();
  const auto copied = copy(input);
  if (copied && (!accepted || *copied != Bytes(input.begin(), input.end()))) std::abort();
  return 0;
}
