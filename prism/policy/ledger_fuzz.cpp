// Events from anybody: one value has one encoding, and no sequence of them takes a ledger past its limits.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "prism/base/check.h"
#include "prism/policy/ledger.h"

namespace {

using namespace prism;

policy::Grant some_grant() {
  policy::Grant grant;
  policy::TableRule table{.name = "t", .path = "t.csv", .unit = "id"};
  table.columns.push_back({.schema = {"id", table::ColumnType::integer}});
  grant.tables = {table};
  grant.analysts = {{"a", dp::Epsilon::from_nano(600'000'000)}};
  return grant;
}

/// Seeds cannot know the digest of the grant, so it is put in.
void aim(policy::LedgerEvent& event, const Digest& grant) {
  if (auto* reserved = std::get_if<policy::Reserved>(&event.what)) reserved->charge.grant = grant;
}

}  // namespace

/// Events one behind the other, each after one byte: its length, or 255 for "all the rest".
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const policy::Ledger start =
      policy::Ledger::begin(policy::Ledger::first_event(some_grant(), {}, {}).value()).value();
  static const Digest grant = policy::digest_of(some_grant());
  policy::Ledger ledger = start;
  ByteView rest(data, size);
  while (!rest.empty()) {
    const std::size_t length = rest[0] == 255 ? rest.size() - 1 : std::min<std::size_t>(rest[0], rest.size() - 1);
    const ByteView bytes = rest.subspan(1, length);
    rest = rest.subspan(1 + length);
    auto event = policy::decode_ledger_event(bytes);
    if (!event) continue;
    const Bytes encoded = policy::encode(*event);
    check(encoded.size() == bytes.size() && std::equal(encoded.begin(), encoded.end(), bytes.begin()),
          "an event has two encodings");
    aim(*event, grant);
    const std::size_t events = ledger.events();
    const bool applied = ledger.apply(*event).has_value();
    check(ledger.events() == events + (applied ? 1 : 0), "a refused event left a trace");
    const policy::Balance balance = ledger.balance("a");
    check(balance.dataset.spent <= balance.dataset.limit && balance.analyst->spent <= balance.analyst->limit &&
              balance.delta_spent <= balance.delta_limit,
          "a ledger went past its limits");
  }
  return 0;
}
