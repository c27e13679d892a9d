// Version 1, little-endian:
//
//   u16 version | u8 family | inputs: u64 count, then each: name (u64 length first), u64 size
//   operations: u64 count, then each: u8 step and
//     input            u32 number of the input
//     add, subtract, multiply    u32 a, u32 b
//     add_number, multiply_number    u32 a, number
//     add_values, multiply_values, polynomial    u32 a, u64 count, numbers
//     sum              u32 a
//     rotate           u32 a, u64 steps
//     chebyshev        u32 a, u64 count, numbers, two numbers: low and high
//   outputs: u64 count, then each: name, u32 value, u8 has over, u32 over if so, numbers factor and divisor
//
// A number is the 64 bits of an IEEE 754 double. Reading replays the operations through the builder and compares bytes,
// so there is one place that says what is well-formed, and one encoding of each computation.
#include <algorithm>
#include <cstring>

#include "prism/program/computation.h"
#include "prism/wire/reader.h"
#include "prism/wire/writer.h"

namespace prism::program {
namespace {

constexpr std::uint16_t kComputationVersion = 1;
constexpr std::uint8_t kSteps = 12;

void put(wire::Writer& w, double value) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  w.u64(bits);
}

Result<double> number(wire::Reader& r) {
  PRISM_TRY(const std::uint64_t bits, r.u64());
  double value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

Result<std::vector<double>> numbers(wire::Reader& r) {
  PRISM_TRY(const std::size_t count, r.count(kMostConstants, 8));
  std::vector<double> out;
  out.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    PRISM_TRY(const double value, number(r));
    out.push_back(value);
  }
  return out;
}

/// Nodes of bytes to nodes of the builder.
struct Replay {
  ComputationBuilder builder;
  std::vector<Node> nodes;

  Result<Node> operand(wire::Reader& r) const {
    PRISM_TRY(const std::uint32_t at, r.u32());
    if (at < nodes.size()) return nodes[at];
    return fail(ErrorCode::malformed, "operation ", nodes.size(), " of a computation uses operation ", at);
  }

  Result<Node> operation(wire::Reader& r, const std::vector<Input>& inputs) {
    PRISM_TRY(const std::uint8_t step, r.choice(kSteps));
    if (static_cast<Step>(step) == Step::input) {
      PRISM_TRY(const std::uint32_t index, r.u32());
      if (index >= inputs.size())
        return fail(ErrorCode::malformed, "input ", index, " of a computation that has ", inputs.size());
      return builder.input(inputs[index].name, inputs[index].size);
    }
    PRISM_TRY(const Node a, operand(r));
    switch (static_cast<Step>(step)) {
      case Step::add: {
        PRISM_TRY(const Node b, operand(r));
        return builder.add(a, b);
      }
      case Step::subtract: {
        PRISM_TRY(const Node b, operand(r));
        return builder.subtract(a, b);
      }
      case Step::multiply: {
        PRISM_TRY(const Node b, operand(r));
        return builder.multiply(a, b);
      }
      case Step::add_number: {
        PRISM_TRY(const double value, number(r));
        return builder.add(a, value);
      }
      case Step::multiply_number: {
        PRISM_TRY(const double value, number(r));
        return builder.multiply(a, value);
      }
      case Step::add_values: {
        PRISM_TRY(auto values, numbers(r));
        return builder.add(a, std::move(values));
      }
      case Step::multiply_values: {
        PRISM_TRY(auto values, numbers(r));
        return builder.multiply(a, std::move(values));
      }
      case Step::sum:
        return builder.sum(a);
      case Step::rotate: {
        PRISM_TRY(const std::uint64_t steps, r.u64());
        if (steps >= builder.form(a).size) return fail(ErrorCode::malformed, "a rotation by ", steps);
        return builder.rotate(a, static_cast<std::int64_t>(steps));
      }
      case Step::polynomial: {
        PRISM_TRY(auto values, numbers(r));
        return builder.polynomial(a, std::move(values));
      }
      case Step::chebyshev: {
        PRISM_TRY(auto values, numbers(r));
        circuits::Interval interval;
        PRISM_TRY(interval.low, number(r));
        PRISM_TRY(interval.high, number(r));
        return builder.chebyshev(a, std::move(values), interval);
      }
      case Step::input:
        break;
    }
    return fail(ErrorCode::malformed, "an unknown operation");
  }
};

Result<Computation> replay(wire::Reader& r) {
  PRISM_TRY(const std::uint16_t version, r.u16());
  if (version != kComputationVersion)
    return fail(ErrorCode::unsupported, "version ", version, " of computations; this program knows version ",
                kComputationVersion);
  PRISM_TRY(const std::uint8_t family, r.choice(2));
  std::vector<Input> inputs;
  PRISM_TRY(const std::size_t input_count, r.count(kMostInputs, 16));
  for (std::size_t i = 0; i < input_count; ++i) {
    PRISM_TRY(std::string name, r.string(kMostNameBytes));
    PRISM_TRY(const std::uint64_t size, r.u64());
    inputs.push_back({std::move(name), size});
  }
  Replay out{ComputationBuilder(static_cast<Family>(family)), {}};
  PRISM_TRY(const std::size_t count, r.count(kMostOperations, 5));
  for (std::size_t i = 0; i < count; ++i) {
    PRISM_TRY(const Node node, out.operation(r, inputs));
    out.nodes.push_back(node);
  }
  PRISM_TRY(const std::size_t outputs, r.count(kMostResults, 29));
  for (std::size_t i = 0; i < outputs; ++i) {
    PRISM_TRY(const std::string name, r.string(kMostNameBytes));
    PRISM_TRY(const Node value, out.operand(r));
    PRISM_TRY(const bool has_over, r.boolean());
    std::optional<Node> over;
    if (has_over) {
      PRISM_TRY(over, out.operand(r));
    }
    PRISM_TRY(const double factor, number(r));
    PRISM_TRY(const double divisor, number(r));
    if (over) {
      PRISM_CHECKED(out.builder.quotient(name, value, *over, factor, divisor));
    } else {
      PRISM_CHECKED(out.builder.output(name, value, factor, divisor));
    }
  }
  PRISM_CHECKED(r.finish());
  return out.builder.finish();
}

}  // namespace

Bytes Computation::encode() const {
  wire::Writer w;
  w.u16(kComputationVersion);
  w.u8(static_cast<std::uint8_t>(family_));
  w.count(inputs_.size());
  for (const Input& input : inputs_) {
    w.string(input.name);
    w.u64(input.size);
  }
  w.count(operations_.size());
  const auto list = [&](const std::vector<double>& values) {
    w.count(values.size());
    for (const double value : values) put(w, value);
  };
  for (const Operation& op : operations_) {
    w.u8(static_cast<std::uint8_t>(op.step));
    w.u32(op.step == Step::input ? op.input : op.a);
    switch (op.step) {
      case Step::input:
      case Step::sum:
        break;
      case Step::add:
      case Step::subtract:
      case Step::multiply:
        w.u32(op.b);
        break;
      case Step::add_number:
      case Step::multiply_number:
        put(w, op.numbers[0]);
        break;
      case Step::rotate:
        w.u64(op.steps);
        break;
      case Step::add_values:
      case Step::multiply_values:
      case Step::polynomial:
        list(op.numbers);
        break;
      case Step::chebyshev:
        list(op.numbers);
        put(w, op.interval.low);
        put(w, op.interval.high);
        break;
    }
  }
  w.count(outputs_.size());
  for (const Output& output : outputs_) {
    w.string(output.name);
    w.u32(output.value);
    w.boolean(output.over.has_value());
    if (output.over) w.u32(*output.over);
    put(w, output.factor);
    put(w, output.divisor);
  }
  return std::move(w).take();
}

Result<Computation> Computation::decode(ByteView bytes) {
  wire::Reader r(bytes, "the computation");
  auto made = replay(r);
  if (!made) {
    // What the builder refuses is a mistake of its caller; in bytes it is malformed.
    if (made.error().code == ErrorCode::unsupported && r.position() <= 2) return made;
    return Error{ErrorCode::malformed, "a computation that cannot be: " + made.error().message, made.error().detail};
  }
  const Bytes again = made->encode();
  if (!std::equal(again.begin(), again.end(), bytes.begin(), bytes.end()))
    return fail(ErrorCode::malformed, "a computation that is not in canonical form");
  return made;
}

}  // namespace prism::program
