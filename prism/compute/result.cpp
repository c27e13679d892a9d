#include "prism/compute/result.h"

#include <algorithm>
#include <cmath>

#include "prism/ckks/noise.h"
#include "prism/compute/internal/checks.h"
#include "prism/fhe/context.h"
#include "prism/wire/artefact.h"
#include "prism/wire/reader.h"
#include "prism/wire/writer.h"

namespace prism::compute {
namespace {

constexpr std::uint16_t kResultVersion = 1;
/// 2^21 numbers and room for the graph.
constexpr std::uint64_t kMostComputationBytes = std::uint64_t{32} << 20;

/// One decrypted carrier, with the largest error of any value.
struct Carrier {
  std::vector<double> values;
  std::vector<std::int64_t> whole;
  double error = 0;
};

program::AnyParameters parameters_of(const fhe::Approximate::KeyHolder& keys) {
  const auto& context = keys.public_part();
  return program::ApproximateParameters{context.parameters_ptr(), context.largest_magnitude()};
}
program::AnyParameters parameters_of(const fhe::Exact::KeyHolder& keys) {
  // What could have wrapped is opened as well, with a word on it (modulus_of).
  return program::ExactParameters{keys.public_part().parameters_ptr(), 0};
}

/// t, when nothing says that no result left its range; 0 otherwise.
std::uint64_t modulus_of(const program::Computation&, const fhe::Approximate::KeyHolder&) { return 0; }
std::uint64_t modulus_of(const program::Computation& computation, const fhe::Exact::KeyHolder& keys) {
  const auto& context = keys.public_part();
  const double declared = context.largest_magnitude();
  if (declared > 0 && program::check_range(computation, program::ExactParameters{context.parameters_ptr(), declared}))
    return 0;
  return context.parameters().plain_modulus();
}

template <class Family>
Result<Carrier> open_carrier(ByteView bytes, const fhe::KeyHolder<Family>& keys, const program::Form& form,
                             const program::Delivered* predicted) {
  const fhe::Context<Family>& context = keys.public_part();
  PRISM_TRY(const auto vector, context.decode_vector(bytes));
  if (vector.size() != form.size)
    return fail(ErrorCode::integrity, "a result of ", vector.size(), " values where its computation gives ", form.size);
  // Exact: where outputs end depends on what the inputs' randomness has in common, which is not predicted.
  if (std::is_same_v<Family, fhe::Approximate> && predicted != nullptr && vector.level().value != predicted->level)
    return fail(ErrorCode::integrity, "a result at level ", vector.level().value,
                " where its computation ends at level ", predicted->level, "; it is not what was asked for");
  PRISM_TRY(const auto values, keys.decrypt_private(vector));
  Carrier out;
  if constexpr (std::is_same_v<Family, fhe::Approximate>) {
    out.values = values;
    // A bound in bytes is a claim of the sender, who may claim more than there must be, but not less.
    double bound = vector.error_log2(), magnitude = vector.magnitude_log2();
    if (predicted != nullptr) {
      bound = std::max(bound, predicted->error_log2);
      magnitude = std::max(magnitude, predicted->magnitude_log2);
    }
    const auto transform =
        ckks::NoiseModel::transform_error(context.parameters().degree(), math::Bound::from_log2(magnitude));
    out.error = std::exp2(bound) + transform.to_double();
  } else {
    out.whole = values;
    for (const std::int64_t value : values) out.values.push_back(static_cast<double>(value));
  }
  return out;
}

OpenedOutput named(const program::Output& output, const Carrier& value, const Carrier* over) {
  OpenedOutput out{output.name, {}, {}, 0};
  const double scale = output.factor / output.divisor;
  const bool as_is = over == nullptr && output.factor == 1 && output.divisor == 1;
  if (as_is) out.whole = value.whole;
  for (std::size_t i = 0; i < value.values.size(); ++i) {
    const double x = value.values[i];
    double result = x * output.factor / output.divisor, error = value.error * std::fabs(scale);
    if (over != nullptr) {
      const double w = over->values[over->values.size() == 1 ? 0 : i];
      result /= w;
      // |x/w - x'/w'| <= (|x - x'| + |x/w| |w - w'|) / |w'|, and |w'| is at least |w| less its error.
      const double least = std::fabs(w) - over->error;
      error = least > 0 ? (value.error + std::fabs(x / w) * over->error) / least * std::fabs(scale) : HUGE_VAL;
    }
    if (!as_is) error += std::fabs(result) * 0x1p-51;
    out.values.push_back(result);
    // An encrypted count of 0 leaves no number to be far from: 0/0 has no error that compares with others.
    if (!(error <= out.error)) out.error = std::isnan(error) ? HUGE_VAL : error;
  }
  return out;
}

template <class Family>
Result<Opened> open_any(ByteView artefact, const fhe::KeyHolder<Family>& keys, const OpenOptions& options) {
  PRISM_TRY(ResultView view, decode_result(artefact));
  if (view.identity != keys.public_part().identity())
    return fail(ErrorCode::mismatch, "a result for another key holder than this one");
  if (options.expected_program && view.computation.digest() != *options.expected_program)
    return fail(ErrorCode::mismatch, "a result of another computation than the one that was asked for");
  std::optional<program::Requirements> needs;
  if (options.recompute_bounds) {
    PRISM_CHECKED(check_work(view.computation, parameters_of(keys), options.limits));
    PRISM_TRY(needs, program::requirements(view.computation, parameters_of(keys)));
  }
  const auto nodes = view.computation.carriers();
  std::vector<Carrier> carriers;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    PRISM_TRY(Carrier carrier, open_carrier<Family>(view.carriers[i], keys, view.computation.form(nodes[i]),
                                                    needs ? &needs->carriers[i] : nullptr));
    carriers.push_back(std::move(carrier));
  }
  const auto carrier_of = [&](program::Node node) {
    return &carriers[static_cast<std::size_t>(std::find(nodes.begin(), nodes.end(), node) - nodes.begin())];
  };
  std::vector<OpenedOutput> outputs;
  for (const program::Output& output : view.computation.outputs())
    outputs.push_back(named(output, *carrier_of(output.value), output.over ? carrier_of(*output.over) : nullptr));
  const std::uint64_t modulus = modulus_of(view.computation, keys);
  return Opened{std::move(view.computation), std::move(outputs), needs.has_value(), modulus};
}

}  // namespace

Bytes encode_result(const Digest& identity, const program::Computation& computation, std::span<const Bytes> carriers) {
  wire::Writer w;
  w.digest(identity);
  w.bytes(computation.encode());
  w.count(carriers.size());
  for (const Bytes& carrier : carriers) w.bytes(carrier);
  return wire::encode_artefact(wire::Kind::result, kResultVersion, w.view());
}

Result<ResultView> decode_result(ByteView artefact) {
  wire::Reader r(artefact, "the result");
  PRISM_CHECKED(wire::read_header(r, wire::Kind::result, {kResultVersion}));
  PRISM_TRY(const Digest identity, r.digest());
  PRISM_TRY(const ByteView bytes, r.bytes_view(kMostComputationBytes));
  PRISM_TRY(program::Computation computation, program::Computation::decode(bytes));
  PRISM_TRY(const std::size_t count, r.count(2 * program::kMostResults, 8));
  const std::size_t wanted = computation.carriers().size();
  if (count != wanted)
    return fail(ErrorCode::malformed, "a result of ", count, " ciphertexts where its computation gives ", wanted);
  ResultView out{identity, std::move(computation), {}};
  for (std::size_t i = 0; i < count; ++i) {
    PRISM_TRY(const ByteView carrier, r.bytes_view(r.remaining()));
    out.carriers.push_back(carrier);
  }
  PRISM_CHECKED(r.finish());
  return out;
}

Result<Opened> open_result(ByteView artefact, const fhe::Approximate::KeyHolder& keys, const OpenOptions& options) {
  return open_any(artefact, keys, options);
}

Result<Opened> open_result(ByteView artefact, const fhe::Exact::KeyHolder& keys, const OpenOptions& options) {
  return open_any(artefact, keys, options);
}

}  // namespace prism::compute
