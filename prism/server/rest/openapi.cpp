#include "prism/server/rest/handler.h"

namespace prism::server::rest {

std::string_view openapi_json() {
  static constexpr std::string_view kDocument =
#include "openapi.inc"
      ;
  return kDocument;
}

}  // namespace prism::server::rest
