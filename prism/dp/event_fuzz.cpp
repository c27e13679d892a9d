// The input is a list of privacy events as a ledger stores it. What decodes encodes to the same bytes and has a cost
// that a filter can judge; nothing else happens, whatever comes.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "prism/dp/event.h"
#include "prism/dp/filter.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace prism;
  const ByteView bytes(data, size);
  const auto events = dp::decode_events(bytes);
  if (!events) return 0;
  const auto again = dp::encode_events(*events);
  if (!again || !std::equal(again->begin(), again->end(), bytes.begin(), bytes.end())) std::abort();
  for (const dp::Method method : {dp::Method::basic, dp::Method::zcdp}) {
    auto filter =
        dp::Filter::make(method, dp::Epsilon::from_nano(3'000'000'000), dp::Delta::from_units(Uint128{1} << 100))
            .value();
    const dp::Claim claim{*events, dp::Epsilon::from_nano(1'000'000'000), dp::Delta::from_units(Uint128{1} << 99)};
    const auto before = filter.room();
    if (!filter.admit(claim)) continue;
    if (filter.room() > before || filter.spent() > filter.total()) std::abort();
    if (!filter.refund(claim) || filter.room() != before) std::abort();
  }
  return 0;
}
