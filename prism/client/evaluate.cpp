#include "prism/client/evaluate.h"

#include "prism/client/internal/requests.h"
#include "prism/compute/result.h"
#include "prism/hash/sha256.h"

namespace prism::client {
namespace {

/// What the client knows of the computation by itself: nothing of it comes from the server.
struct Prepared {
  Digest program{};
  std::map<std::string, std::uint64_t> sizes;
  std::string request_json;
};

template <class Family>
Result<Bytes> parameters_of(const fhe::KeyHolder<Family>& holder) {
  const fhe::Context<Family>& context = holder.public_part();
  // Borrowed: the holder outlives this call.
  const std::shared_ptr<const typename Family::Parameters> parameters(std::shared_ptr<void>(), &context.parameters());
  return fhe::encode_parameters<Family>({parameters, context.largest_magnitude()});
}

const Digest& identity_of(const Keys& keys) {
  return std::visit([](const auto* holder) -> const Digest& { return holder->public_part().identity(); }, keys.holder);
}

Result<Prepared> prepare(const Keys& keys, const Question& question) {
  Prepared prepared{{}, {}, question.request.to_json()};
  const Digest& identity = identity_of(keys);
  for (const std::string& name : question.request.needed_inputs()) {
    const auto found = question.inputs.find(name);
    if (found == question.inputs.end())
      return fail(ErrorCode::invalid_argument, "the request names the input ", name, ", and no data was given for it");
    PRISM_TRY(const auto summary, fhe::summarise(found->second));
    if (summary.identity != identity)
      return fail(ErrorCode::mismatch, "the data for ", name,
                  " is encrypted under other keys; give those that it was encrypted with");
    prepared.sizes.emplace(name, summary.size);
  }
  if (prepared.sizes.size() != question.inputs.size())
    return fail(ErrorCode::invalid_argument, "there is data for ", question.inputs.size(),
                " inputs, and the request uses ", prepared.sizes.size());
  const program::Family family = keys.holder.index() == 0 ? program::Family::approximate : program::Family::exact;
  PRISM_TRY(const auto computation, question.request.lower(family, prepared.sizes));
  prepared.program = computation.digest();
  return prepared;
}

Result<compute::Plan> plan_of(Connection& service, const Keys& keys, const Prepared& prepared) {
  PRISM_TRY(const Bytes parameters, std::visit([](const auto* holder) { return parameters_of(*holder); }, keys.holder));
  PRISM_TRY(auto planned, service.plan(compute::plan_question(prepared.request_json, prepared.sizes, parameters)));
  if (planned.program != prepared.program)
    return fail(ErrorCode::integrity, service.server(),
                " plans another computation than was asked about; its version may differ from this one's");
  return planned;
}

/// The context with exactly the planned keys: kept from before, or made now and kept.
Result<Bytes> context_for(const Keys& keys, const std::vector<rlwe::KeyId>& ids) {
  const Digest& identity = identity_of(keys);
  if (keys.cache) {
    PRISM_TRY(auto kept, keys.cache->find(identity, ids));
    if (kept) return *std::move(kept);
  }
  const auto make = [&](const auto* holder) -> Result<Bytes> {
    PRISM_TRY(const auto context, holder->context_with(ids));
    return context.encode();
  };
  PRISM_TRY(Bytes made, std::visit(make, keys.holder));
  // Kept before it is sent: after a break the same bytes go on, and others would have to begin anew.
  if (keys.cache) PRISM_CHECKED(keys.cache->keep(identity, ids, made));
  return made;
}

/// What the receipt must say, from what was sent and what came.
Status check_claims(const channel::ReceiptClaims& claims, const channel::ReceiptClaims& wanted,
                    const std::string& server) {
  const auto differs = [&](std::string_view what) {
    return fail(ErrorCode::integrity, "the receipt of ", server, " is about another ", what,
                "; nothing was kept of the answer");
  };
  if (claims.request != wanted.request) return differs("request");
  if (claims.program != wanted.program) return differs("computation");
  if (claims.context != wanted.context) return differs("set of keys");
  if (claims.inputs != wanted.inputs) return differs("input");
  if (claims.result != wanted.result) return differs("result");
  if (claims.transport != wanted.transport) return differs("kind of connection");
  return {};
}

Status check_result(ByteView result, const Prepared& prepared, const Digest& identity, const std::string& server) {
  PRISM_TRY(const auto view, compute::decode_result(result));
  if (view.identity != identity || view.computation.digest() != prepared.program)
    return fail(ErrorCode::integrity, "the result of ", server, " is one of another computation or other keys");
  return {};
}

Result<std::string> fresh_key(Random& random) {
  std::array<std::uint8_t, 16> bytes{};
  PRISM_CHECKED(random.fill(bytes));
  return to_hex(bytes);
}

}  // namespace

Result<compute::Plan> plan(Connection& service, const Keys& keys, const Question& question) {
  PRISM_TRY(const Prepared prepared, prepare(keys, question));
  return plan_of(service, keys, prepared);
}

Result<Evaluated> evaluate(Connection& service, const Keys& keys, const Question& question,
                           const EvaluateOptions& options) {
  // The server that was met first decides what receipts are worth; it may hand over to another key meanwhile.
  const Digest pinned = service.meeting().pinned;
  PRISM_TRY(const Prepared prepared, prepare(keys, question));
  PRISM_TRY(compute::Plan planned, plan_of(service, keys, prepared));
  if (planned.key_bytes > options.most_key_bytes)
    return fail(ErrorCode::insecure, service.server(), " asks for ", planned.key_bytes,
                " bytes of keys, over the limit of ", options.most_key_bytes, " that this client makes");
  const auto ids = planned.key_ids();
  if (options.planned) {
    Estimate estimate{planned, false, 0};
    if (keys.cache) {
      PRISM_TRY(const auto kept, keys.cache->find(identity_of(keys), ids));
      estimate.context_is_kept = kept.has_value();
    }
    for (const auto& [name, bytes] : question.inputs) estimate.data_bytes += bytes.size();
    PRISM_TRY(const bool go, options.planned(estimate));
    if (!go) return fail(ErrorCode::interrupted, "stopped after the plan; nothing was made or sent");
  }

  Evaluated done;
  const auto report = [&](std::string_view what) -> UploadProgress {
    if (!options.progress) return {};
    return [&options, what](std::uint64_t sent, std::uint64_t all) { options.progress(what, sent, all); };
  };
  {
    PRISM_TRY(const Bytes context, context_for(keys, ids));
    PRISM_TRY(done.context, service.upload(Blob::context, context, report("keys")));
  }
  channel::ReceiptClaims wanted;
  wanted.context = done.context.digest;
  wanted.program = prepared.program;
  std::map<std::string, Digest> digests;
  for (const auto& [name, bytes] : question.inputs) {
    PRISM_TRY(const Uploaded sent, service.upload(Blob::data, bytes, report(name)));
    done.data.sent += sent.sent;
    digests.emplace(name, sent.digest);
    wanted.inputs.push_back(sent.digest);  // a map goes by names, as receipts do
  }

  const std::string body = internal::compute_body(wanted.context, digests, prepared.request_json);
  wanted.request = hash::sha256(as_bytes(body));
  wanted.transport = service.in_session() ? channel::Transport::session : channel::Transport::token;
  std::string key = options.idempotency_key;
  if (key.empty()) {
    PRISM_TRY(key, fresh_key(service.random()));
  }
  PRISM_TRY(SignedAnswer answer, service.compute(body, key, wanted.context, wanted.program, options.news));
  wanted.result = hash::sha256(answer.result);

  PRISM_TRY(done.claims, channel::verify_receipt(answer.receipt, pinned));
  PRISM_CHECKED(check_claims(done.claims, wanted, service.server()));
  PRISM_CHECKED(check_result(answer.result, prepared, identity_of(keys), service.server()));
  done.result = std::move(answer.result);
  done.receipt = std::move(answer.receipt);
  done.plan = std::move(planned);
  return done;
}

}  // namespace prism::client
