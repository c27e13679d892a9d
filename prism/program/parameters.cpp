// Parameters for a computation: candidates come from the schemes' own searches, and a rehearsal decides.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "prism/fhe/intent.h"
#include "prism/program/internal/heights.h"
#include "prism/program/requirements.h"

namespace prism::program {
namespace {

/// log2 of the largest |value| of each node, for inputs up to 2^input.
std::vector<double> magnitudes(const Computation& c, double input) {
  std::vector<double> out(c.operations().size(), 0);
  const auto plus = [](double a, double b) { return std::max(a, b) + std::log2(1 + std::exp2(-std::fabs(a - b))); };
  const auto largest = [](const std::vector<double>& numbers) {
    double most = 0x1p-100;
    for (const double number : numbers) most = std::max(most, std::fabs(number));
    return std::log2(most);
  };
  for (Node i = 0; i < out.size(); ++i) {
    const Operation& op = c.operations()[i];
    const double a = op.step == Step::input ? input : out[op.a];
    switch (op.step) {
      case Step::input:
      case Step::rotate:
        out[i] = a;
        break;
      case Step::add:
      case Step::subtract:
        out[i] = plus(a, out[op.b]);
        break;
      case Step::multiply:
        out[i] = a + out[op.b];
        break;
      case Step::add_number:
      case Step::add_values:
        out[i] = plus(a, largest(op.numbers));
        break;
      case Step::multiply_number:
      case Step::multiply_values:
        out[i] = a + largest(op.numbers);
        break;
      case Step::sum:
        out[i] = a + std::log2(static_cast<double>(c.form(op.a).size));
        break;
      case Step::polynomial:
        out[i] = -HUGE_VAL;
        for (std::size_t k = 0; k < op.numbers.size(); ++k)
          if (op.numbers[k] != 0)
            out[i] = plus(out[i], std::log2(std::fabs(op.numbers[k])) + static_cast<double>(k) * a);
        break;
      case Step::chebyshev:
        out[i] = std::log2(std::accumulate(op.numbers.begin(), op.numbers.end(), 0x1p-100,
                                           [](double sum, double x) { return sum + std::fabs(x); }));
        break;
    }
  }
  return out;
}

double largest_carrier(const Computation& c, double input) {
  const std::vector<double> all = magnitudes(c, input);
  double most = 0;
  for (const Node carrier : c.carriers()) most = std::max(most, all[carrier]);
  return most;
}

/// Exact: the largest |value| of any carrier for inputs up to `input`. Whole numbers below 2^53 come out exactly,
/// larger ones about right, and none below 2^53 that should be above: t is below 2^50. What is between may wrap: sums
/// and products modulo t come back.
double largest_whole(const Computation& c, double input) {
  std::vector<double> out(c.operations().size(), 0), total(out.size(), 0);  // of one value; of all together
  for (Node i = 0; i < out.size(); ++i) {
    const Operation& op = c.operations()[i];
    const double a = op.step == Step::input ? input : out[op.a];
    double most = 0, all = 0;
    for (const double number : op.numbers) {
      most = std::max(most, std::fabs(number));
      all += std::fabs(number);
    }
    const auto size = static_cast<double>(c.form(i).size);
    switch (op.step) {
      case Step::input:
      case Step::rotate:
        out[i] = a;
        break;
      case Step::add:
      case Step::subtract:
        out[i] = a + out[op.b];
        break;
      case Step::multiply:
        out[i] = a * out[op.b];
        break;
      case Step::add_number:
      case Step::add_values:
        out[i] = a + most;
        break;
      case Step::multiply_number:
      case Step::multiply_values:
        out[i] = a * most;
        break;
      case Step::sum:
        out[i] = total[op.a];
        break;
      case Step::polynomial:
        for (std::size_t k = op.numbers.size(); k-- > 0;) out[i] = out[i] * a + std::fabs(op.numbers[k]);
        break;
      case Step::chebyshev:
        out[i] = HUGE_VAL;  // never of whole numbers
        break;
    }
    total[i] = op.step == Step::multiply_values ? a * all : out[i] * size;
    for (double* const bound : {&out[i], &total[i]})
      if (std::isnan(*bound)) *bound = HUGE_VAL;  // zero times what no double holds
  }
  double worst = 0;
  for (const Node carrier : c.carriers()) worst = std::max(worst, out[carrier]);
  return worst;
}

bool moves(const Computation& c) {
  return std::any_of(c.operations().begin(), c.operations().end(),
                     [](const Operation& op) { return op.step == Step::sum || op.step == Step::rotate; });
}

/// How many bits the worst output misses the precision by; negative when all are better. Quotients are asked of both
/// their parts, as their reader divides what it can.
double missing_bits(const Computation& c, const Requirements& found, int precision_bits) {
  const std::vector<Node> carriers = c.carriers();
  double worst = -HUGE_VAL;
  for (const Output& output : c.outputs()) {
    const auto place = std::find(carriers.begin(), carriers.end(), output.value) - carriers.begin();
    const double stretch = output.over ? 0 : std::log2(std::fabs(output.factor) / output.divisor);
    worst = std::max(worst, found.carriers[static_cast<std::size_t>(place)].error_log2 + stretch + precision_bits);
  }
  return worst;
}

}  // namespace

Status check_range(const Computation& computation, const AnyParameters& parameters) {
  const auto* const exact = std::get_if<ExactParameters>(&parameters);
  if (exact == nullptr || computation.family() != Family::exact || exact->largest_magnitude == 0) return {};
  const std::uint64_t t = exact->parameters->plain_modulus();
  const double largest = largest_whole(computation, exact->largest_magnitude);
  if (largest <= static_cast<double>((t - 1) / 2)) return {};
  return fail(ErrorCode::unsupported, "whole numbers up to ", largest, " may come out of inputs up to ",
              exact->largest_magnitude, ", and these keys compute modulo t = ", t, ", which holds up to ", (t - 1) / 2,
              "; encrypt with keys made for this computation, or declare a smaller largest input (--largest)");
}

Result<std::shared_ptr<const ckks::Parameters>> approximate_parameters_for(const Computation& computation,
                                                                           double largest_magnitude, int precision_bits,
                                                                           rlwe::Security security) {
  if (computation.family() != Family::approximate)
    return fail(ErrorCode::mismatch, "a computation on exact numbers, and parameters for approximate ones");
  if (!(largest_magnitude > 0 && largest_magnitude < 0x1p60) || precision_bits < -60 || precision_bits > 60)
    return fail(ErrorCode::invalid_argument, "a magnitude of ", largest_magnitude, " and ", precision_bits,
                " bits of precision");
  const double magnitude = largest_carrier(computation, std::log2(largest_magnitude));
  if (!(magnitude < 500))
    return fail(ErrorCode::unsupported, "results of up to 2^", magnitude,
                "; divide inputs by their largest value, and multiply results by it");
  ckks::Intent intent;
  intent.depth = depth_of(computation);
  intent.rotations = moves(computation);
  intent.security = security;
  int room = static_cast<int>(std::ceil(magnitude)) + 1;
  intent.precision_bits = precision_bits - room;
  std::shared_ptr<const ckks::Parameters> best;
  Error last = fail(ErrorCode::unsupported, "no parameters carry this computation");
  double closest = HUGE_VAL;
  const auto out_of_reach = [&] {
    return fail(ErrorCode::unsupported, "errors of at most 2^", -precision_bits, " are out of reach, 2^",
                static_cast<int>(std::ceil(closest)) - precision_bits,
                " is not: numbers are encoded in double precision, and its errors add up over a ciphertext; ask for "
                "less precision, or compute on smaller numbers");
  };
  constexpr int kTries = 8;
  for (int tries = 0; tries < kTries; ++tries) {
    // The circuit of an intent ends with additions: they stand for whatever makes results large.
    intent.largest_magnitude = 1;
    intent.additions = std::size_t{1} << std::clamp(room, 0, 30);
    if (room > 30) intent.largest_magnitude = std::exp2((room - 30) / std::exp2(intent.depth));
    auto made = ckks::parameters_for(intent);
    if (!made) {
      if (best) break;
      if (closest < HUGE_VAL) return out_of_reach();
      return std::move(made).error();
    }
    const auto found = requirements(computation, ApproximateParameters{*made, largest_magnitude});
    if (!found) {
      last = found.error();
      if (last.code != ErrorCode::level_exhausted) return last;
      room += 6;
      continue;
    }
    const double missing = missing_bits(computation, *found, precision_bits);
    if (missing <= 0) {
      best = *made;
      if (missing > -3) break;
      // Precise beyond need: a smaller scale may fit a smaller ring.
      const int spare = static_cast<int>(std::floor(-missing));
      intent.precision_bits -= std::max(1, spare - 1);
      if ((*made)->scale_bits() <= 22) break;
    } else {
      if (best) break;
      if (missing > closest - 0.5) return out_of_reach();
      closest = missing;
      last = out_of_reach();
      intent.precision_bits += static_cast<int>(std::ceil(missing));
    }
  }
  if (best) return best;
  return last;
}

Result<std::shared_ptr<const exact::Parameters>> exact_parameters_for(const Computation& computation,
                                                                      std::uint64_t largest_value,
                                                                      rlwe::Security security, exact::Scheme scheme) {
  if (computation.family() != Family::exact)
    return fail(ErrorCode::mismatch, "a computation on approximate numbers, and parameters for exact ones");
  if (largest_value == 0) return fail(ErrorCode::invalid_argument, "inputs that are all 0");
  const double worst = largest_whole(computation, static_cast<double>(largest_value));
  const double magnitude = std::log2(std::max(worst, 1.0));
  constexpr double kMost = 47;
  if (!(magnitude <= kMost))
    return fail(ErrorCode::unsupported, "whole numbers up to 2^", std::ceil(magnitude), " may come out, and at most 2^",
                kMost, " fit; compute on smaller values, or approximately (without --exact)");
  fhe::ExactIntent intent;
  intent.depth = depth_of(computation);
  intent.largest_value = std::max<std::uint64_t>(largest_value, static_cast<std::uint64_t>(worst));
  intent.movement.sums = moves(computation);
  intent.security = security;
  intent.scheme = scheme;
  Error last = fail(ErrorCode::unsupported, "no parameters carry this computation");
  for (int tries = 0; tries < 4; ++tries) {
    PRISM_TRY(auto made, fhe::parameters_for(intent));
    const auto found = requirements(computation, ExactParameters{made, static_cast<double>(largest_value)});
    if (found) return made;
    last = found.error();
    if (last.code != ErrorCode::level_exhausted) return last;
    ++intent.depth;
    intent.additions *= 8;
  }
  return last;
}

}  // namespace prism::program
