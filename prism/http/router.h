// prism/http/router.h - a Handler made of routes: method and path template to function; 404, 405 and Allow come free.
#pragma once
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "prism/http/handler.h"

namespace prism::http {

class Router final : public Handler {
 public:
  using Function = std::function<Response(Request&)>;

  Router();
  ~Router() override;

  /// `pattern` is split at '/'; `{name}` matches one segment that is not empty and lands in request.parameters.
  /// `method` and `pattern` have static storage; `rules.name` becomes `pattern`. HEAD is answered by GET.
  /// A route given twice is a broken invariant of ours.
  Router& add(std::string_view method, std::string_view pattern, Route rules, Function function);
  /// Requests that no route takes go there instead of 404; `next` outlives the router.
  Router& otherwise(Handler& next);

  Route route(const Request& request) const override;
  Response handle(Request& request) override;

 private:
  struct Entry;
  const Entry* match(const Request& request, std::vector<std::string_view>* parameters) const;
  Response not_matched(const Request& request) const;

  std::vector<std::unique_ptr<Entry>> entries_;
  Handler* next_ = nullptr;
};

}  // namespace prism::http
