// prism/client/evaluate.h - a computation on encrypted vectors from question to verified answer: plan, exactly the keys
// that the plan names, upload of what the server lacks, computing, and the receipt checked against all of it.
//
//   const auto done = client::evaluate(service, {alice}, {*compute::Request::parse(json), {{"x", data}}});
//   const auto opened = compute::open_result(done->result, alice);
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "prism/channel/receipt.h"
#include "prism/client/connection.h"
#include "prism/client/context_cache.h"
#include "prism/compute/plan.h"
#include "prism/compute/request.h"
#include "prism/fhe/key_holder.h"

namespace prism::client {

/// Whose numbers they are: the one who can make evaluation keys, and keeps those that were made.
struct Keys {
  std::variant<const fhe::Approximate::KeyHolder*, const fhe::Exact::KeyHolder*> holder;
  std::optional<ContextCache> cache{};

  Keys(const fhe::Approximate::KeyHolder& keys, std::optional<ContextCache> kept = {})
      : holder(&keys), cache(std::move(kept)) {}
  Keys(const fhe::Exact::KeyHolder& keys, std::optional<ContextCache> kept = {})
      : holder(&keys), cache(std::move(kept)) {}
};

/// What is asked about which encrypted vectors: artefacts of kind ciphertext under the names that the request uses.
struct Question {
  compute::Request request;
  std::map<std::string, ByteView> inputs;
};

/// What a person is shown before anything is made or sent.
struct Estimate {
  const compute::Plan& plan;
  bool context_is_kept;  ///< keys were made before: perhaps nothing has to be sent
  std::uint64_t data_bytes;
};

struct EvaluateOptions {
  /// The most evaluation keys that are made, in bytes, whatever the server's plan says.
  std::uint64_t most_key_bytes = std::uint64_t{2} << 30;
  /// 1 to 64 printable characters: the same question with the same key is computed once, and answered again after this
  /// client or the server was stopped. Empty: a fresh one.
  std::string idempotency_key{};
  /// false: stop here (interrupted).
  std::function<Result<bool>(const Estimate&)> planned{};
  std::function<void(std::string_view what, std::uint64_t done, std::uint64_t all)> progress{};
  std::function<void(const JobNews&)> news{};
};

/// What came back and was verified.
struct Evaluated {
  Bytes result;   ///< an artefact of kind result
  Bytes receipt;  ///< COSE_Sign1
  channel::ReceiptClaims claims;
  compute::Plan plan;
  Uploaded context, data;  ///< what travelled; data: of all inputs, without a digest
};

/// The plan alone: nothing is made and nothing but the question is sent. Errors: mismatch for inputs of other keys,
/// integrity when the server plans another computation than was asked about, and those of Connection.
Result<compute::Plan> plan(Connection& service, const Keys& keys, const Question& question);

/// The answer, after its receipt was checked: signed by the server that was met (or one it handed over to), for this
/// request, this computation, these inputs and keys, and this result. Errors: integrity for a receipt or a result that
/// does not fit; insecure for a plan above most_key_bytes; those of plan() and Connection. That the computation was
/// right no receipt proves; compute::open_result recomputes bounds.
Result<Evaluated> evaluate(Connection& service, const Keys& keys, const Question& question,
                           const EvaluateOptions& options = {});

/// One computation many times on small data: keys are made and sent once, inputs travel inside each request, and
/// answers come at once. What is checked is the same.
class SmallEvaluation {
 public:
  /// `sizes`: of each input. `service` and the key holder must outlive it. Errors: those of evaluate() up to the
  /// upload.
  static Result<SmallEvaluation> prepare(Connection& service, const Keys& keys, const compute::Request& request,
                                         const std::map<std::string, std::uint64_t>& sizes,
                                         const EvaluateOptions& options = {});
  /// Errors: mismatch for inputs of other keys or sizes, those of Connection, and those of a receipt that does not fit.
  Result<Evaluated> run(const std::map<std::string, ByteView>& inputs);

 private:
  SmallEvaluation(Connection& service, Keys keys, compute::Request request, std::map<std::string, std::uint64_t> sizes)
      : service_(&service), keys_(std::move(keys)), request_(std::move(request)), sizes_(std::move(sizes)) {}

  Connection* service_;
  Keys keys_;
  compute::Request request_;
  std::map<std::string, std::uint64_t> sizes_;
  std::string request_json_;
  Digest program_{}, pinned_{};
  compute::Plan plan_;
  Uploaded context_;
};

}  // namespace prism::client
