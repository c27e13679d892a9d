// A planted bug: one byte read past the end, behind four bytes that a fuzzer has to find. The harness must report it;
// if it does not, the silence of the real targets means nothing.
#include <cstdint>
#include <cstring>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4 || data[0] != 'b' || data[1] != 'i' || data[2] != 'r' || data[3] != 'd') return 0;
  const std::vector<std::uint8_t> copy(data, data + size);
  volatile std::uint8_t sink = copy.data()[size];
  static_cast<void>(sink);
  return 0;
}
