#include <algorithm>

#include "prism/base/check.h"
#include "prism/program/requirements.h"

// Whatever parses has one encoding, and counting what it costs never breaks.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace prism;
  const auto computation = program::Computation::decode({data, size});
  if (!computation) return 0;
  const Bytes again = computation->encode();
  check(again.size() == size && std::equal(again.begin(), again.end(), data), "a computation has two encodings");
  (void)computation->digest();
  check(program::depth_of(*computation) >= 0, "a depth is a number of levels");
  static const program::AnyParameters parameters = program::ApproximateParameters{
      ckks::parameters_for({.depth = 2, .precision_bits = 4, .rotations = true}).value(), 1};
  if (computation->family() == program::Family::approximate) {
    (void)program::work_of(*computation, parameters);
    (void)program::memory_of(*computation, parameters);
  } else {
    // A bound grows with its inputs, whatever the numbers are: what may wrap for small ones may for larger ones.
    static const auto whole = exact::parameters_for({.depth = 1, .largest_sum = 1000}).value();
    const auto fits = [&](double largest) {
      return program::check_range(*computation, program::ExactParameters{whole, largest}).has_value();
    };
    check(fits(1) || !fits(1000), "a computation fits larger inputs alone");
  }
  return 0;
}
