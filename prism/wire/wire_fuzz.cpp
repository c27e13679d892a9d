// The input is a script and its data: each opcode byte asks the Reader for something. Whatever comes, the Reader stays
// within its bytes, moves only on success, and what it accepts a Writer writes back byte for byte.
#include <cstdint>
#include <cstdlib>

#include "prism/wire/artefact.h"
#include "prism/wire/reader.h"
#include "prism/wire/writer.h"

namespace {

using namespace prism;

void require(bool holds) {
  if (!holds) std::abort();
}

/// Runs one request; what it accepted is written to `copy`.
bool step(wire::Reader& reader, std::uint8_t opcode, wire::Writer& copy) {
  switch (opcode % 10) {
    case 0:
      if (const auto v = reader.u8()) return copy.u8(*v), true;
      return false;
    case 1:
      if (const auto v = reader.u16()) return copy.u16(*v), true;
      return false;
    case 2:
      if (const auto v = reader.u32()) return copy.u32(*v), true;
      return false;
    case 3:
      if (const auto v = reader.i64()) return copy.i64(*v), true;
      return false;
    case 4:
      if (const auto v = reader.boolean()) return copy.boolean(*v), true;
      return false;
    case 5:
      if (const auto v = reader.digest()) return copy.digest(*v), true;
      return false;
    case 6:
      if (const auto v = reader.bytes(opcode)) return copy.bytes(*v), require(v->size() <= opcode), true;
      return false;
    case 7:
      if (const auto v = reader.string(UINT64_MAX)) return copy.string(*v), true;
      return false;
    case 8:
      if (const auto v = reader.count(UINT64_MAX, 1u + opcode)) {
        require(*v <= reader.remaining() / (1u + opcode));
        return copy.count(*v), true;
      }
      return false;
    default:
      if (const auto v = reader.choice(opcode)) return copy.choice(*v), require(*v < opcode), true;
      return false;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  if (const auto header = wire::peek_header(input)) {
    wire::Reader reader(input);
    if (wire::read_header(reader, header->kind, {header->version}))
      require(wire::encode_artefact(header->kind, header->version, input.subspan(wire::kHeaderBytes)) ==
              Bytes(input.begin(), input.end()));
  }
  if (size < 16) return 0;
  const ByteView script = input.first(16);
  const ByteView body = input.subspan(16);
  wire::Reader reader(body);
  wire::Writer copy;
  for (const std::uint8_t opcode : script) {
    const std::size_t before = reader.position();
    if (!step(reader, opcode, copy)) require(reader.position() == before);
    require(reader.position() + reader.remaining() == body.size());
  }
  const ByteView read = body.first(reader.position());
  require(copy.size() == read.size() && as_text(copy.view()) == as_text(read));
  require(reader.finish().has_value() == (reader.remaining() == 0));
  return 0;
}
