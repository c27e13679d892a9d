// apps/prism/channel_request.h - a computation in flags, and the data that it is about.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "prism/base/bytes.h"
#include "prism/compute/request.h"

namespace CLI {
class App;
}

namespace prism::app {

struct RequestOptions {
  std::vector<std::string> data;  ///< FILE or NAME=FILE
  std::string operation;
  std::vector<std::string> compute;
  std::string weights, coefficients, values;  ///< "1,2.5" or @FILE
  std::optional<double> number;
  std::string divisor, basis, interval, count, operations;
  std::optional<std::int64_t> steps;
};
void add_request_options(CLI::App& command, RequestOptions& options);

struct AskedRequest {
  compute::Request request;
  std::map<std::string, Bytes> inputs;
  std::vector<std::string> paths;  ///< the files that were read: no output may be one of them
};
/// Reads the files. Errors: invalid_argument with the flag or the place in the JSON that is wrong.
Result<AskedRequest> request_from(const RequestOptions& options);

}  // namespace prism::app
