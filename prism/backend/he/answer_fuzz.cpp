#include <algorithm>

#include "prism/backend/he/answer.h"

namespace {

std::shared_ptr<const prism::exact::Parameters> parameters() {
  prism::rlwe::ParameterSpec spec;
  spec.log_n = 10;
  spec.security = prism::rlwe::Security::none_for_tests;
  const auto primes = prism::rlwe::choose_primes(50, 3);
  spec.special_primes = {primes->front()};
  spec.primes.assign(primes->begin() + 1, primes->end());
  return *prism::exact::Parameters::make(std::move(spec), 8588886017, prism::exact::Scheme::bgv);
}

}  // namespace

// Whatever parses as an answer of two numbers has one encoding.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace prism::backend::he;
  static const auto made = parameters();
  const prism::ByteView bytes(data, size);
  const auto answer = parse_answer(bytes);
  if (!answer) return 0;
  for (const auto delivery : {prism::program::Delivery::samples, prism::program::Delivery::packed}) {
    const auto items = parse_items(*answer, made, delivery, 2, prism::math::Bound::one());
    if (!items) continue;
    const prism::Bytes again = encode_answer(answer->head, *items);
    prism::check(again.size() == size && std::equal(again.begin(), again.end(), data), "an answer has two encodings");
  }
  return 0;
}
