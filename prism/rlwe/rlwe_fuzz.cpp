// The first byte chooses the parser. Whatever comes, it ends in a value or an error, and what is accepted is written
// back byte for byte. Half of the inputs get a head that passes, so that what lies behind it is reached.
#include <cstdlib>

#include "prism/rlwe/files.h"

namespace {

using namespace prism;

void require(bool holds) {
  if (!holds) std::abort();
}

const std::shared_ptr<const rlwe::Parameters>& parameters() {
  static const auto made = [] {
    rlwe::ParameterSpec spec;
    spec.log_n = 3;  // keys of a few hundred bytes, which a fuzzer can fill
    spec.security = rlwe::Security::none_for_tests;
    spec.primes = rlwe::choose_primes(50, 3).value();
    spec.primes[1] = rlwe::choose_primes(33, 1).value()[0];
    spec.special_primes = rlwe::choose_primes(49, 1).value();
    spec.digit_size = 2;
    return rlwe::Parameters::make(spec).value();
  }();
  return made;
}

/// Version 1 and the parameters' digest, then the input.
Bytes with_head(ByteView input) {
  Bytes bytes = {1, 0};
  bytes.insert(bytes.end(), parameters()->digest().begin(), parameters()->digest().end());
  bytes.insert(bytes.end(), input.begin(), input.end());
  return bytes;
}

bool same(ByteView a, ByteView b) { return as_text(a) == as_text(b); }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes input = data[0] & 1 ? with_head({data + 1, size - 1}) : Bytes(data + 1, data + size);
  switch ((data[0] >> 1) % 4) {
    case 0:
      if (const auto spec = rlwe::decode_parameter_spec({data + 1, size - 1}))
        require(same(rlwe::encode(*spec), {data + 1, size - 1}));
      break;
    case 1:
      if (const auto key = rlwe::decode_switch_key(parameters(), input))
        require(same(rlwe::encode(*parameters(), *key), input));
      break;
    case 2:
      if (const auto key = rlwe::decode_public_key(parameters(), input))
        require(same(rlwe::encode(*parameters(), *key), input));
      break;
    default:
      if (const auto index = rlwe::decode_bundle_index(*parameters(), input)) {
        for (const auto& entry : index->entries) require(entry.offset + entry.length <= input.size());
        (void)rlwe::decode_evaluation_keys(parameters(), input);
      }
  }
  return 0;
}
