// Grants and schema files from anybody: what reads passes every check and reads back as itself.
#include <cstddef>
#include <cstdint>

#include "prism/base/check.h"
#include "prism/policy/grant.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace prism;
  const std::string_view text = as_text(ByteView(data, size));
  if (const auto grant = policy::grant_from_json(text)) {
    check(policy::check_grant(*grant).has_value(), "a grant came through that the checks refuse");
    const std::string json = policy::to_json(*grant);
    const auto again = policy::grant_from_json(json);
    check(again && *again == *grant && policy::to_json(*again) == json, "a grant does not read back as itself");
    check(policy::default_delta(*grant, grant->query_least) <= grant->delta, "a share is more than the whole");
  }
  if (const auto tables = policy::schema_from_json(text)) {
    const auto again = policy::schema_from_json(policy::schema_to_json(*tables));
    check(!again || *again == *tables, "a schema reads back as another one");
  }
  return 0;
}
