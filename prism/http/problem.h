// prism/http/problem.h - errors that programs can read: RFC 9457 problem documents.
#pragma once
#include <string_view>

#include "prism/http/message.h"

namespace prism::http {

/// `application/problem+json` with type `/problems/NAME`, a relative reference that docs/protocol.md lists.
/// `title` is the same for every problem of that type; `detail` says what was found, wanted, and the way out.
/// `instance` is the request's id. Text that is not UTF-8 is shown with replacement characters.
Response problem(int status, std::string_view name, std::string_view title, std::string_view detail,
                 std::string_view instance = {});
/// The problem of an error: quota is 429 or, for sizes, see status_of; io and exhausted say nothing of the inside.
Response problem_of(const Error& error, std::string_view instance = {});
/// The status an error code stands for when a handler has no better one.
int status_of(ErrorCode code);

/// `text` as a JSON string with its quotes.
std::string json_string(std::string_view text);

}  // namespace prism::http
