#include <algorithm>

#include "prism/sealed/manifest.h"

// The first byte chooses the parser; whatever parses has one encoding.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const prism::ByteView rest(data + 1, size - 1);
  prism::Bytes again;
  if (data[0] % 3 == 0) {
    const auto header = prism::sealed::decode_header(rest);
    if (!header) return 0;
    again = prism::sealed::encode(*header);
  } else if (data[0] % 3 == 1) {
    const auto manifest = prism::sealed::decode_manifest(rest);
    if (!manifest) return 0;
    again = prism::sealed::encode(*manifest);
  } else {
    const auto dictionary = prism::sealed::decode_dictionary(rest);
    if (!dictionary) return 0;
    again = prism::sealed::encode_dictionary(*dictionary);
  }
  prism::check(again.size() == rest.size() && std::equal(again.begin(), again.end(), rest.begin()),
               "two encodings of one value");
  return 0;
}
