// Records from anybody, at a server in the middle of a session: none opens but the ones that were sealed, and no bytes
// can do more than be refused or, sixteen times, end the session.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "prism/channel/internal/session_fixture.h"
#include "prism/channel/rekey.h"

namespace {

using namespace prism;
using namespace prism::channel;
using namespace prism::channel::testing_support;

void expect(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  // Headers that read are the ones that would be written.
  if (const auto header = read_record_header(input)) {
    const Bytes written = encode_record_header(*header);
    expect(std::equal(written.begin(), written.end(), input.begin()));
  }
  if (const auto bytes = from_base64url(as_text(input), size)) expect(to_base64url(*bytes) == as_text(input));
  for (const std::size_t kem : {std::size_t{1216}, std::size_t{1120}})
    if (const auto message = decode_rekey(input, kem)) {
      const Bytes written = encode_rekey(*message);
      expect(std::equal(written.begin(), written.end(), input.begin(), input.end()));
    }

  // Genuine records, changed by the input: its first byte picks one, the rest is XORed over it or put behind it.
  static Pair maker;
  static const Bytes single = [] {
    StreamRandom random(1);
    return maker.client.seal(request_binding(), body_of(40), kStart, random).value();
  }();
  static const Bytes stream = [] {
    StreamRandom random(1);
    return maker.client.seal(request_binding(), body_of(kMaxSingleBytes + 1), kStart, random).value();
  }();
  {
    // Only what was sealed under these keys opens: the two above, and the worked example that is among the seeds.
    Pair pair;
    const auto opened = pair.server.open(request_binding(""), input, kStart);
    expect(!opened || std::equal(single.begin(), single.end(), data, data + size) ||
           std::equal(stream.begin(), stream.end(), data, data + size) ||
           as_text(opened->body) == R"({"operation":"sum"})");
  }
  if (size == 0) return 0;
  Pair pair;
  const Bytes& genuine = data[0] % 2 == 0 ? single : stream;
  Bytes changed = genuine;
  bool same = true;
  const std::size_t start = data[0] / 2 * changed.size() / 128;
  for (std::size_t i = 1; i < size; ++i) {
    const std::size_t at = start + i - 1;
    if (at < changed.size()) {
      changed[at] = static_cast<std::uint8_t>(changed[at] ^ data[i]);
      same = same && data[i] == 0;
    } else {
      changed.push_back(data[i]);
      same = false;
    }
  }
  expect(pair.server.open(request_binding(""), changed, kStart).has_value() == same);
  // Whatever that was, the genuine record still opens once, unless a stream's head has used its number up.
  const auto header = read_record_header(changed);
  if (!same && !(header && header->form == RecordForm::stream))
    expect(pair.server.open(request_binding(), genuine, kStart).has_value());
  return 0;
}
