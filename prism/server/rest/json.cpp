#include "prism/server/rest/internal/json.h"

#include "prism/service/names.h"
#include "prism/service/strict_json.h"

namespace prism::server::rest::internal {

using service::Problem;

Result<Announcement> parse_announcement(ByteView body) {
  PRISM_TRY(const nlohmann::json document, service::parse_json(as_text(body), "the announcement"));
  PRISM_CHECKED(service::only_keys(document, {"digest", "size"}, "the announcement"));
  const auto digest = document.find("digest"), size = document.find("size");
  if (digest == document.end() || !digest->is_string() || size == document.end() || !size->is_number_unsigned())
    return service::refuse(Problem::invalid_request, "an announcement is {\"digest\": DIGEST, \"size\": N}");
  const auto parsed = service::digest_from_hex(digest->get_ref<const std::string&>());
  if (!parsed) return service::refuse(Problem::invalid_request, "\"digest\" is not 64 lower-case hexadecimal digits");
  return Announcement{*parsed, size->get<std::uint64_t>()};
}

}  // namespace prism::server::rest::internal
