// prism/http/handler.h - what the server calls: first for the rules of a request, then for the response.
#pragma once
#include "prism/http/message.h"

namespace prism::http {

/// Called from several threads at once.
class Handler {
 public:
  virtual ~Handler() = default;
  /// The rules for this request, from its head alone; request.body is null. Runs on a connection's thread: no blocking.
  virtual Route route(const Request& request) const = 0;
  /// May block unless the route is quick. Exceptions become 500 and a log line; the process goes on.
  virtual Response handle(Request& request) = 0;
};

}  // namespace prism::http
