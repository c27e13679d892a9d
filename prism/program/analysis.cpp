#include "prism/program/analysis.h"

#include <algorithm>
#include <set>

#include "prism/math/modular.h"

namespace prism::program {
namespace {

std::uint64_t centred_magnitude(std::uint64_t value, std::uint64_t t) { return std::min(value, t - value); }

std::uint64_t packed_bits(const exact::Parameters& parameters, int level) {
  std::uint64_t bits = 0;
  const ring::Ring& ring = parameters.rlwe().ring();
  for (const auto p : parameters.rlwe().primes(rlwe::Level{level}).indexes()) bits += ring.modulus(p).bits;
  return bits;
}

Cost relinearisation_cost(std::uint64_t rows, std::uint64_t digit_size, std::uint64_t specials) {
  const std::uint64_t digits = (rows + digit_size - 1) / digit_size;
  Cost cost;
  cost.transforms = rows + digits * (rows + specials) - rows + 2 * (specials + rows);
  cost.multiplications = 2 * digits * (rows + specials) + 2 * rows;
  return cost;
}

struct Typing {
  const Program& program;
  const exact::Parameters& parameters;
  exact::NoiseModel model;
  Analysis analysis{};
  std::vector<exact::Noise> noise{};
  std::vector<int> depth{};
  std::set<rlwe::KeyId> keys{};

  std::uint64_t rows(int level) const { return parameters.rlwe().primes(rlwe::Level{level}).size(); }
  exact::Ancestry event(std::size_t node) const { return exact::Ancestry::event((std::uint64_t{1} << 40) + node); }

  Error wrong(std::size_t node, const char* why) const {
    return fail(ErrorCode::malformed, "node ", node, " of the program (", name_of(program.nodes[node].op), "): ", why);
  }

  Status type(std::size_t n) {
    const Instruction& i = program.nodes[n];
    const std::uint64_t t = parameters.plain_modulus();
    const int top = parameters.rlwe().max_level().value;
    const auto shape = [&](Node x) -> const Shape& { return analysis.shapes[x]; };
    Shape out;
    exact::Noise bound;
    Cost& cost = analysis.per_block;
    int d = 0;
    const bool two = i.op == Op::add || i.op == Op::subtract || i.op == Op::multiply;
    if (i.op != Op::input) d = depth[i.a];
    if (two) d = std::max(d, depth[i.b]);
    switch (i.op) {
      case Op::input: {
        if (i.level > top) return wrong(n, "its level is above the parameters' highest");
        out = {i.level, 2, parameters.correction(rlwe::Level{i.level})};
        bound = model.fresh_symmetric(exact::Ancestry::event(i.cell));
        cost.expansions += 2 * rows(i.level);
        cost.input_bytes += packed_bits(parameters, i.level) * parameters.rlwe().degree() / 8;
        ++analysis.inputs;
        break;
      }
      case Op::add:
      case Op::subtract: {
        const Shape &a = shape(i.a), &b = shape(i.b);
        if (a.level != b.level || a.correction != b.correction)
          return wrong(n, "its operands have different levels or correction factors");
        out = {a.level, std::max(a.parts, b.parts), a.correction};
        bound = model.add(noise[i.a], noise[i.b]);
        cost.additions += static_cast<std::uint64_t>(out.parts) * rows(out.level);
        break;
      }
      case Op::multiply_scalar:
        out = shape(i.a);
        bound = model.multiply_scalar(noise[i.a], static_cast<std::uint64_t>(i.scalar < 0 ? -i.scalar : i.scalar));
        cost.additions += static_cast<std::uint64_t>(out.parts) * rows(out.level);
        break;
      case Op::add_rows:
        out = shape(i.a);
        bound = model.add_plain(noise[i.a]);
        cost.additions += rows(out.level);
        break;
      case Op::multiply: {
        const Shape &a = shape(i.a), &b = shape(i.b);
        if (a.level != b.level || a.parts != 2 || b.parts != 2)
          return wrong(n, "a product needs two relinearised values of one level");
        out = {a.level, 3, math::multiply_mod(a.correction, b.correction, t)};
        bound = model.multiply(noise[i.a], noise[i.b]);
        cost.multiplications += 4 * rows(out.level);
        ++analysis.multiplications;
        ++d;
        break;
      }
      case Op::as_product: {
        const Shape& a = shape(i.a);
        if (a.correction != parameters.correction(rlwe::Level{a.level}))
          return wrong(n, "its operand is not canonical");
        out = {a.level, a.parts, math::multiply_mod(a.correction, a.correction, t)};
        bound = model.multiply_scalar(noise[i.a], centred_magnitude(a.correction, t));
        cost.additions += static_cast<std::uint64_t>(out.parts) * rows(out.level);
        break;
      }
      case Op::relinearise: {
        const Shape& a = shape(i.a);
        if (a.parts != 3) return wrong(n, "its operand has no third part");
        out = {a.level, 2, a.correction};
        PRISM_TRY(bound, relinearised(noise[i.a], a.level, cost));
        ++analysis.relinearisations;
        break;
      }
      case Op::drop: {
        const Shape& a = shape(i.a);
        if (i.level >= a.level) return wrong(n, "it does not lower the level");
        out = {i.level, a.parts, parameters.correction(rlwe::Level{i.level})};
        bound = dropped(noise[i.a], a, i.level, event(n), cost);
        break;
      }
    }
    analysis.shapes.push_back(out);
    noise.push_back(std::move(bound));
    depth.push_back(d);
    analysis.depth = std::max(analysis.depth, d);
    return {};
  }

  Result<exact::Noise> relinearised(const exact::Noise& a, int level, Cost& cost) {
    const auto& spec = parameters.rlwe().spec();
    if (spec.special_primes.empty())
      return fail(ErrorCode::level_exhausted,
                  "the program multiplies, but these parameters have no special primes and so no relinearisation keys");
    keys.insert({rlwe::KeyId::Kind::relinearise, 0, rlwe::Level{level}});
    cost += relinearisation_cost(rows(level), spec.digit_size, spec.special_primes.size());
    return model.key_switch(a, rlwe::Level{level});
  }

  /// What drop_to does: one scalar that makes the result canonical, then the division.
  exact::Noise dropped(const exact::Noise& a, const Shape& from, int to, const exact::Ancestry& id, Cost& cost) {
    const std::uint64_t t = parameters.plain_modulus();
    std::uint64_t gone = 1;
    for (const auto p :
         parameters.rlwe().primes(rlwe::Level{from.level}).without(parameters.rlwe().primes(rlwe::Level{to})).indexes())
      gone = math::multiply_mod(gone, parameters.rlwe().ring().prime(p) % t, t);
    const std::uint64_t wanted = math::multiply_mod(parameters.correction(rlwe::Level{to}), gone, t);
    const std::uint64_t scalar = math::multiply_mod(wanted, *math::inverse_mod(from.correction, t), t);
    const exact::Noise scaled = model.multiply_scalar(a, centred_magnitude(scalar, t));
    const auto parts = static_cast<std::uint64_t>(from.parts);
    cost.transforms += parts * (rows(from.level) - rows(to) + rows(to));
    cost.multiplications += parts * rows(to);
    return model.switch_modulus(scaled, rlwe::Level{from.level}, rlwe::Level{to}, from.parts, id);
  }

  Status output(std::size_t number, std::uint64_t blocks) {
    const Node node = program.outputs[number];
    Shape shape = analysis.shapes[node];
    const std::uint64_t t = parameters.plain_modulus();
    exact::Noise bound = model.times(noise[node], blocks);
    Cost& cost = analysis.at_end;
    const auto id = [&](std::uint64_t step) { return event((number + 1) * 8 + step + program.nodes.size()); };
    const auto room = [&](int level) -> Status {
      const double bits = model.budget_bits(bound, rlwe::Level{level});
      analysis.budget_bits = number == 0 && analysis.budget_bits == 0 ? bits : std::min(analysis.budget_bits, bits);
      if (model.decrypts(bound, rlwe::Level{level})) return {};
      return fail(ErrorCode::noise_exceeded, "the noise bound of output ", number, " is ", static_cast<long>(-bits) + 1,
                  " bits past what decrypts; ask a shallower question or seal with more levels (--nesting)");
    };
    PRISM_CHECKED(room(shape.level));
    if (shape.parts == 3) {
      PRISM_TRY(bound, relinearised(bound, shape.level, cost));
      shape.parts = 2;
    }
    if (program.delivery == Delivery::packed) {
      if (shape.level < kPackLevel)
        return fail(ErrorCode::malformed, "output ", number, " is at level ", shape.level,
                    "; packing happens at level ", kPackLevel);
      if (parameters.rlwe().special_primes().size() == 0)
        return fail(ErrorCode::level_exhausted,
                    "the program packs its outputs, but these parameters have no special primes and so no keys");
      // What is packed together has one correction factor: that of a product at the pack level.
      const std::uint64_t canonical = parameters.correction(rlwe::Level{kPackLevel});
      if (shape.level > kPackLevel) {
        bound = dropped(bound, shape, kPackLevel, id(0), cost);
        shape = {kPackLevel, 2, canonical};
      }
      if (shape.correction == canonical) bound = model.multiply_scalar(bound, centred_magnitude(canonical, t));
      shape.correction = math::multiply_mod(canonical, canonical, t);
      // At most log2 N + 1 rounds; each adds a key switch to what the next rounds may double.
      const math::Bound switched = rlwe::switch_noise(parameters.rlwe(), rlwe::Level{kPackLevel},
                                                      rlwe::ternary_norms(parameters.rlwe().degree()))
                                       .infinity *
                                   math::Bound::from_integer(t) *
                                   math::Bound::from_integer(2 * parameters.rlwe().degree());
      bound.coefficient = bound.coefficient + switched;
      const math::Bound spread = switched * math::Bound::from_integer(parameters.rlwe().degree());
      bound.euclidean = bound.euclidean + spread;
      bound.canonical = bound.canonical + spread;
      bound.rest_euclidean = bound.rest_euclidean + spread;
      cost += relinearisation_cost(rows(kPackLevel), parameters.rlwe().spec().digit_size,
                                   parameters.rlwe().spec().special_primes.size());
    }
    if (shape.level > 0) {
      bound = dropped(bound, shape, 0, id(1), cost);
      PRISM_CHECKED(room(0));
    }
    if (analysis.final_noise < bound.coefficient) analysis.final_noise = bound.coefficient;
    return {};
  }
};

}  // namespace

Cost& Cost::operator+=(const Cost& other) {
  transforms += other.transforms;
  multiplications += other.multiplications;
  additions += other.additions;
  expansions += other.expansions;
  input_bytes += other.input_bytes;
  return *this;
}

std::vector<std::uint32_t> packing_elements(std::size_t degree) {
  std::vector<std::uint32_t> elements;
  for (std::size_t step = 2; step <= degree; step *= 2) elements.push_back(static_cast<std::uint32_t>(step + 1));
  return elements;
}

Result<Analysis> analyse(const Program& program, const exact::Parameters& parameters, std::uint64_t blocks,
                         exact::NoiseModel::Mode mode) {
  const auto& rlwe = parameters.rlwe();
  Typing typing{program, parameters,
                exact::NoiseModel(rlwe, parameters.plain_modulus(), rlwe::ternary_norms(rlwe.degree()), mode)};
  for (std::size_t n = 0; n < program.nodes.size(); ++n) PRISM_CHECKED(typing.type(n));
  for (std::size_t o = 0; o < program.outputs.size(); ++o) PRISM_CHECKED(typing.output(o, blocks));
  Analysis& analysis = typing.analysis;
  const std::uint64_t row_bytes = packed_bits(parameters, 0) * rlwe.degree() / 8;
  if (program.delivery == Delivery::packed) {
    for (const auto g : packing_elements(rlwe.degree()))
      typing.keys.insert({rlwe::KeyId::Kind::automorphism, g, rlwe::Level{kPackLevel}});
    analysis.answer_bytes = (program.outputs.size() + kPackedGroup - 1) / kPackedGroup * 2 * row_bytes;
  } else {
    analysis.answer_bytes = program.outputs.size() * (row_bytes + 8);
  }
  // A key serves every level below its own, so the highest of each kind is all that is needed.
  for (const rlwe::KeyId& id : typing.keys) {
    if (!analysis.keys.empty() && analysis.keys.back().kind == id.kind && analysis.keys.back().g == id.g)
      analysis.keys.back() = id;
    else
      analysis.keys.push_back(id);
  }
  return std::move(analysis);
}

}  // namespace prism::program
