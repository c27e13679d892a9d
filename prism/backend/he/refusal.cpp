#include "prism/backend/he/refusal.h"

namespace prism::backend::he {

Error only_in_sandbox(std::string_view sql, int position, std::string_view rule, const std::string& message) {
  Error error = refusal(ErrorCode::unsupported, sql, position, rule,
                        message + ", or ask the plain file with --backend dp_sandbox");
  error.detail += " accepted_by=dp_sandbox";
  return error;
}

}  // namespace prism::backend::he
