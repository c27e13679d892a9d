#include "prism/backend/dp/refusal.h"

namespace prism::backend::dp {

Error failed() {
  Error error = fail(ErrorCode::refused, "the query could not be answered [dp/failed]");
  error.detail = "rule=dp/failed position=-1";
  return error;
}

}  // namespace prism::backend::dp
