// prism/server/rest/handler.h - the REST interface of the compute service, as one handler for http::Server.
//
// Paths, headers, media types and problems are in docs/protocol.md ("REST") and, for machines, in openapi.json beside
// this file, which is served at /api/v1/openapi.json. Every error is an RFC 9457 problem.
#pragma once
#include <memory>
#include <span>
#include <string_view>

#include "prism/service/compute_service.h"

namespace prism::http {
class Handler;
}

namespace prism::server::rest {

/// `service` must outlive the handler. Answers under /api/v1/; other paths are 404 problems, so that health and metrics
/// can be put in front.
std::unique_ptr<http::Handler> make_handler(service::ComputeService& service);

/// Every route, for metrics labels and for the test that compares them with the OpenAPI document.
struct Route {
  std::string_view method, pattern;  ///< "GET", "/api/v1/jobs/{id}"
};
std::span<const Route> routes();

/// The OpenAPI 3.1 document.
std::string_view openapi_json();

}  // namespace prism::server::rest
