#include "prism/program/analysis.h"
#include "prism/program/program.h"

namespace {

std::shared_ptr<const prism::exact::Parameters> parameters() {
  prism::rlwe::ParameterSpec spec;
  spec.log_n = 10;
  spec.security = prism::rlwe::Security::none_for_tests;
  const auto primes = prism::rlwe::choose_primes(50, 4);
  spec.special_primes = {primes->front()};
  spec.primes.assign(primes->begin() + 1, primes->end());
  return *prism::exact::Parameters::make(std::move(spec), 8588886017, prism::exact::Scheme::bgv);
}

}  // namespace

// Whatever parses has one encoding, and typing it never breaks.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto made = parameters();
  const auto program = prism::program::decode({data, size});
  if (!program) return 0;
  const prism::Bytes again = prism::program::encode(*program);
  prism::check(again.size() == size && std::equal(again.begin(), again.end(), data), "a program has two encodings");
  if (program->nodes.size() < 1000) (void)prism::program::analyse(*program, *made, 3);
  return 0;
}
