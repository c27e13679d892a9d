// tests/support/compute_client.h - somebody with numbers: keys, a context for what is to be computed, encrypted inputs,
// and the decryption of answers. For tests only.
#pragma once
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "prism/channel/bundle.h"
#include "prism/channel/receipt.h"
#include "prism/compute/plan.h"
#include "prism/compute/request.h"
#include "prism/compute/result.h"
#include "prism/fhe/context.h"
#include "prism/fhe/key_holder.h"
#include "prism/hash/sha256.h"
#include "prism/program/requirements.h"
#include "prism/wire/cbor.h"

namespace prism::service::test {

template <class T>
T must(Result<T> result) {
  if (!result) {
    ADD_FAILURE() << result.error().message << "; " << result.error().detail;
    std::abort();
  }
  return *std::move(result);
}

/// Keys for approximate statistics of some values; made once for a test program, since that takes a while.
class ComputeClient {
 public:
  explicit ComputeClient(Random& random)
      : request(must(compute::Request::parse(
            R"({"operation":"statistics","compute":["mean","variance","sum"],"inputs":["x"]})"))),
        parameters(must(program::approximate_parameters_for(
            must(request.lower(program::Family::approximate, {{"x", values.size()}})), 500, 10,
            rlwe::Security::bits128))),
        keys(must(fhe::Approximate::KeyHolder::create(parameters, 500, must(ring::fresh_secret_seed(random)), random))),
        data(must(keys.encrypt_to_bytes(values))),
        data_digest(hash::sha256(data)) {}

  std::string plan_question() const {
    const Bytes declared = must(fhe::encode_parameters<fhe::Approximate>({parameters, 500}));
    return compute::plan_question(request.to_json(), {{"x", values.size()}}, declared);
  }
  /// Evaluation keys as a server's plan names them.
  void make_context(const compute::Plan& plan) {
    context = must(must(keys.context_with(plan.key_ids())).encode());
    context_digest = hash::sha256(context);
  }
  std::string body(std::string_view request_json) const {
    return R"({"context":")" + to_hex(context_digest) + R"(","inputs":{"x":")" + to_hex(data_digest) +
           R"("},"request":)" + std::string(request_json) + "}";
  }
  std::string body() const { return body(request.to_json()); }
  Bytes inline_body(std::string_view request_json) const {
    wire::CborWriter out;
    out.map(3);
    out.text("inputs");
    out.map(1);
    out.text("x");
    out.bytes(data);
    out.text("context");
    out.bytes(context_digest);
    out.text("request");
    out.text(request_json);
    return std::move(out).take();
  }
  std::map<std::string, double> open(ByteView result) const {
    std::map<std::string, double> out;
    for (const auto& output : must(compute::open_result(result, keys)).outputs) out[output.name] = output.values.at(0);
    return out;
  }

  const std::vector<double> values{100, 200, 300, 400, 500};
  compute::Request request;
  std::shared_ptr<const ckks::Parameters> parameters;
  fhe::Approximate::KeyHolder keys;
  Bytes data;
  Digest data_digest{};
  Bytes context;
  Digest context_digest{};
};

}  // namespace prism::service::test
