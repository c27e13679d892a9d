#include "prism/service/announcement.h"

#include "prism/service/internal/strict_json.h"
#include "prism/service/names.h"

namespace prism::service {

Result<Announcement> parse_announcement(ByteView json) {
  PRISM_TRY(const nlohmann::json document, parse_json(as_text(json), "the announcement"));
  PRISM_CHECKED(only_keys(document, {"digest", "size"}, "the announcement"));
  const auto digest = document.find("digest"), size = document.find("size");
  if (digest == document.end() || !digest->is_string() || size == document.end() || !size->is_number_unsigned())
    return refuse(Problem::invalid_request, "an announcement is {\"digest\": DIGEST, \"size\": N}");
  const auto parsed = digest_from_hex(digest->get_ref<const std::string&>());
  if (!parsed) return refuse(Problem::invalid_request, "\"digest\" is not 64 lower-case hexadecimal digits");
  return Announcement{*parsed, size->get<std::uint64_t>()};
}

}  // namespace prism::service
