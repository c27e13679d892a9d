#include "prism/hash/sha256.h"
#include "prism/program/program.h"
#include "prism/wire/reader.h"
#include "prism/wire/writer.h"

namespace prism::program {
namespace {

// Bumped whenever the same bytes would mean another computation.
constexpr std::uint16_t kSemantics = 1;
constexpr std::uint8_t kOps = 9;
constexpr std::int64_t kMostScalar = std::int64_t{1} << 31;
constexpr int kMostLevel = 64;

int operands(Op op) {
  if (op == Op::input) return 0;
  return op == Op::add || op == Op::subtract || op == Op::multiply ? 2 : 1;
}
bool has_scalar(Op op) { return op == Op::multiply_scalar || op == Op::add_rows; }
bool has_level(Op op) { return op == Op::input || op == Op::drop; }

}  // namespace

const char* name_of(Op op) {
  switch (op) {
    case Op::input:
      return "input";
    case Op::add:
      return "add";
    case Op::subtract:
      return "subtract";
    case Op::multiply_scalar:
      return "multiply_scalar";
    case Op::add_rows:
      return "add_rows";
    case Op::multiply:
      return "multiply";
    case Op::as_product:
      return "as_product";
    case Op::relinearise:
      return "relinearise";
    case Op::drop:
      return "drop";
  }
  check(false, "unknown Op");
  return "";
}

Bytes encode(const Program& program) {
  wire::Writer out;
  out.u16(kSemantics);
  out.choice(static_cast<std::uint8_t>(program.delivery));
  out.count(program.nodes.size());
  for (const Instruction& i : program.nodes) {
    out.u8(static_cast<std::uint8_t>(i.op));
    if (operands(i.op) >= 1) out.u32(i.a);
    if (operands(i.op) == 2) out.u32(i.b);
    if (has_scalar(i.op)) out.i64(i.scalar);
    if (i.op == Op::input) out.u32(i.cell);
    if (has_level(i.op)) out.u8(static_cast<std::uint8_t>(i.level));
  }
  out.count(program.outputs.size());
  for (const Node n : program.outputs) out.u32(n);
  return std::move(out).take();
}

Result<Program> decode(ByteView bytes) {
  wire::Reader in(bytes, "a program");
  PRISM_TRY(const auto semantics, in.u16());
  if (semantics != kSemantics)
    return fail(ErrorCode::unsupported, "the program has semantics version ", semantics,
                "; this Prism evaluates version ", kSemantics);
  Program program;
  PRISM_TRY(const auto delivery, in.choice(2));
  program.delivery = static_cast<Delivery>(delivery);
  PRISM_TRY(const std::size_t nodes, in.count(kMostNodes, 5));
  program.nodes.reserve(nodes);
  for (std::size_t n = 0; n < nodes; ++n) {
    Instruction i;
    PRISM_TRY(const auto op, in.choice(kOps));
    i.op = static_cast<Op>(op);
    if (operands(i.op) >= 1) {
      PRISM_TRY(i.a, in.u32());
      if (i.a >= n)
        return fail(ErrorCode::malformed, "node ", n, " of the program refers to node ", i.a,
                    ", which does not come before it");
    }
    if (operands(i.op) == 2) {
      PRISM_TRY(i.b, in.u32());
      if (i.b >= n)
        return fail(ErrorCode::malformed, "node ", n, " of the program refers to node ", i.b,
                    ", which does not come before it");
    }
    if (has_scalar(i.op)) {
      PRISM_TRY(i.scalar, in.i64());
      if (i.scalar <= -kMostScalar || i.scalar >= kMostScalar)
        return fail(ErrorCode::malformed, "node ", n, " of the program has a scalar of 2^31 or more");
    }
    if (i.op == Op::input) {
      PRISM_TRY(i.cell, in.u32());
    }
    if (has_level(i.op)) {
      PRISM_TRY(const auto level, in.u8());
      if (level >= kMostLevel)
        return fail(ErrorCode::malformed, "node ", n, " of the program names level ", level, "; there are at most ",
                    kMostLevel);
      i.level = level;
    }
    program.nodes.push_back(i);
  }
  PRISM_TRY(const std::size_t outputs, in.count(kMostOutputs, 4));
  for (std::size_t o = 0; o < outputs; ++o) {
    PRISM_TRY(const Node node, in.u32());
    if (node >= nodes)
      return fail(ErrorCode::malformed, "output ", o, " of the program names node ", node, " of ", nodes);
    program.outputs.push_back(node);
  }
  PRISM_CHECKED(in.finish());
  return program;
}

Digest digest(const Program& program, const exact::Parameters& parameters, const Digest& input_root,
              const std::vector<rlwe::KeyId>& keys) {
  wire::Writer ids;
  ids.count(keys.size());
  for (const rlwe::KeyId& id : keys) {
    ids.u8(static_cast<std::uint8_t>(id.kind));
    ids.u32(id.g);
    ids.u32(static_cast<std::uint32_t>(id.level.value));
  }
  return hash::tagged_sha256("prism/program/v1")
      .update(parameters.digest())
      .update(input_root)
      .update(ids.view())
      .update(encode(program))
      .finish();
}

}  // namespace prism::program
