#include "prism/client/evaluate.h"

#include <set>

#include "prism/client/internal/requests.h"
#include "prism/compute/result.h"
#include "prism/hash/sha256.h"
#include "prism/rlwe/files.h"

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

/// The values in each input that the request uses. Errors: mismatch for data of other keys.
Result<std::map<std::string, std::uint64_t>> sizes_of(const Keys& keys, const compute::Request& request,
                                                      const std::map<std::string, ByteView>& inputs) {
  std::map<std::string, std::uint64_t> sizes;
  const Digest& identity = identity_of(keys);
  for (const std::string& name : request.needed_inputs()) {
    const auto found = inputs.find(name);
    if (found == inputs.end())
      return fail(ErrorCode::invalid_argument, "the request names the input ", name, ", and no data was given for it");
    PRISM_TRY(const auto summary, fhe::summarise(found->second));
    if (summary.identity != identity)
      return fail(ErrorCode::mismatch, "the data for ", name,
                  " is encrypted under other keys; give those that it was encrypted with");
    sizes.emplace(name, summary.size);
  }
  if (sizes.size() != inputs.size())
    return fail(ErrorCode::invalid_argument, "there is data for ", inputs.size(), " inputs, and the request uses ",
                sizes.size());
  return sizes;
}

Result<Prepared> prepare(const Keys& keys, const compute::Request& request,
                         std::map<std::string, std::uint64_t> sizes) {
  const program::Family family = keys.holder.index() == 0 ? program::Family::approximate : program::Family::exact;
  PRISM_TRY(const auto computation, request.lower(family, sizes));
  // Whole numbers that could wrap: a server would say so, too, but nobody has to ask it.
  if (const auto* const holder = std::get_if<const fhe::Exact::KeyHolder*>(&keys.holder)) {
    const fhe::Exact::Context& context = (*holder)->public_part();
    PRISM_CHECKED(program::check_range(
        computation, program::ExactParameters{context.parameters_ptr(), context.largest_magnitude()}));
  }
  return Prepared{computation.digest(), std::move(sizes), request.to_json()};
}
Result<Prepared> prepare(const Keys& keys, const Question& question) {
  PRISM_TRY(auto sizes, sizes_of(keys, question.request, question.inputs));
  return prepare(keys, question.request, std::move(sizes));
}

const rlwe::Parameters& ring_of(const Keys& keys) {
  return std::visit(
      [](const auto* holder) -> const rlwe::Parameters& { return holder->public_part().parameters().rlwe(); },
      keys.holder);
}

/// What the named keys are and take by our own parameters: a server's word for that would let it have any number made.
Status measure_keys(compute::Plan& plan, const rlwe::Parameters& ring, const std::string& server) {
  std::set<rlwe::KeyId> seen;
  plan.key_bytes = 0;
  for (compute::PlannedKey& key : plan.keys) {
    const rlwe::KeyId& id = key.id;
    const bool exists =
        ring.special_primes().size() != 0 && id.level >= rlwe::Level{0} && id.level <= ring.max_level() &&
        (id.kind == rlwe::KeyId::Kind::relinearise ? id.g == 0 : id.g % 2 == 1 && id.g < 2 * ring.degree());
    if (!exists)
      return fail(ErrorCode::malformed, server, " asks for a key (element ", id.g, ", level ", id.level.value,
                  ") that these parameters do not have");
    if (!seen.insert(id).second)
      return fail(ErrorCode::malformed, server, " asks for the same key twice (element ", id.g, ", level ",
                  id.level.value, ")");
    key.bytes = rlwe::switch_key_bytes(ring, id);
    plan.key_bytes += key.bytes;
  }
  return {};
}

Result<compute::Plan> plan_of(Connection& service, const Keys& keys, const Prepared& prepared,
                              std::uint64_t most_key_bytes) {
  PRISM_TRY(const Bytes parameters, std::visit([](const auto* holder) { return parameters_of(*holder); }, keys.holder));
  PRISM_TRY(auto planned, service.plan(compute::plan_question(prepared.request_json, prepared.sizes, parameters)));
  if (planned.program != prepared.program)
    return fail(ErrorCode::integrity, service.server(),
                " plans another computation than was asked about; its version may differ from this one's");
  PRISM_CHECKED(measure_keys(planned, ring_of(keys), service.server()));
  if (planned.key_bytes > most_key_bytes)
    return fail(ErrorCode::insecure, service.server(), " asks for ", planned.key_bytes,
                " bytes of keys, over the limit of ", most_key_bytes, " that this client makes");
  return planned;
}

/// The context with exactly the planned keys: kept from before, or made now and kept.
Result<Bytes> context_for(const Connection& service, const Keys& keys, const std::vector<rlwe::KeyId>& ids) {
  const Digest& identity = identity_of(keys);
  if (keys.cache) {
    PRISM_TRY(auto kept, keys.cache->find(identity, ids));
    if (kept) return *std::move(kept);
  }
  const auto make = [&](const auto* holder) -> Result<Bytes> {
    PRISM_TRY(const auto context, holder->context_with(ids, [&] { return service.check_stopped(); }));
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

Status check_result(ByteView result, const Digest& program, const Digest& identity, const std::string& server) {
  PRISM_TRY(const auto view, compute::decode_result(result));
  if (view.identity != identity || view.computation.digest() != program)
    return fail(ErrorCode::integrity, "the result of ", server, " is one of another computation or other keys");
  return {};
}

/// The answer, if its receipt stands for it. `wanted` lacks the result's digest only.
Result<Evaluated> verified(SignedAnswer answer, channel::ReceiptClaims wanted, const Digest& pinned,
                           const Digest& identity, const std::string& server) {
  wanted.result = hash::sha256(answer.result);
  Evaluated done;
  PRISM_TRY(done.claims, channel::verify_receipt(answer.receipt, pinned));
  PRISM_CHECKED(check_claims(done.claims, wanted, server));
  PRISM_CHECKED(check_result(answer.result, wanted.program, identity, server));
  done.result = std::move(answer.result);
  done.receipt = std::move(answer.receipt);
  return done;
}

channel::Transport transport_of(const Connection& service) {
  return service.in_session() ? channel::Transport::session : channel::Transport::token;
}

UploadProgress reporter(const EvaluateOptions& options, std::string_view what) {
  if (!options.progress) return {};
  return [&options, what](std::uint64_t sent, std::uint64_t all) { options.progress(what, sent, all); };
}

Result<std::string> fresh_key(Random& random) {
  std::array<std::uint8_t, 16> bytes{};
  PRISM_CHECKED(random.fill(bytes));
  return to_hex(bytes);
}

}  // namespace

Result<compute::Plan> plan(Connection& service, const Keys& keys, const Question& question) {
  PRISM_TRY(const Prepared prepared, prepare(keys, question));
  return plan_of(service, keys, prepared, EvaluateOptions().most_key_bytes);
}

Result<Evaluated> evaluate(Connection& service, const Keys& keys, const Question& question,
                           const EvaluateOptions& options) {
  // The server that was met first decides what receipts are worth; it may hand over to another key meanwhile.
  const Digest pinned = service.meeting().pinned;
  PRISM_TRY(const Prepared prepared, prepare(keys, question));
  PRISM_TRY(compute::Plan planned, plan_of(service, keys, prepared, options.most_key_bytes));
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

  Uploaded sent_context, sent_data;
  {
    PRISM_TRY(const Bytes context, context_for(service, keys, ids));
    PRISM_TRY(sent_context, service.upload(Blob::context, context, reporter(options, "keys")));
  }
  channel::ReceiptClaims wanted;
  wanted.context = sent_context.digest;
  wanted.program = prepared.program;
  wanted.transport = transport_of(service);
  std::map<std::string, Digest> digests;
  for (const auto& [name, bytes] : question.inputs) {
    PRISM_TRY(const Uploaded sent, service.upload(Blob::data, bytes, reporter(options, name)));
    sent_data.sent += sent.sent;
    digests.emplace(name, sent.digest);
    wanted.inputs.push_back(sent.digest);  // a map goes by names, as receipts do
  }

  const std::string body = internal::compute_body(wanted.context, digests, prepared.request_json);
  wanted.request = hash::sha256(as_bytes(body));
  std::string key = options.idempotency_key;
  if (key.empty()) {
    PRISM_TRY(key, fresh_key(service.random()));
  }
  PRISM_TRY(SignedAnswer answer, service.compute(body, key, wanted.context, wanted.program, options.news));
  PRISM_TRY(Evaluated done,
            verified(std::move(answer), std::move(wanted), pinned, identity_of(keys), service.server()));
  done.plan = std::move(planned);
  done.context = sent_context;
  done.data = sent_data;
  return done;
}

Result<SmallEvaluation> SmallEvaluation::prepare(Connection& service, const Keys& keys, const compute::Request& request,
                                                 const std::map<std::string, std::uint64_t>& sizes,
                                                 const EvaluateOptions& options) {
  SmallEvaluation made(service, keys, request, sizes);
  made.pinned_ = service.meeting().pinned;
  PRISM_TRY(const Prepared prepared, client::prepare(keys, request, sizes));
  made.request_json_ = prepared.request_json;
  made.program_ = prepared.program;
  PRISM_TRY(made.plan_, plan_of(service, keys, prepared, options.most_key_bytes));
  PRISM_TRY(const Bytes context, context_for(service, keys, made.plan_.key_ids()));
  PRISM_TRY(made.context_, service.upload(Blob::context, context, reporter(options, "keys")));
  return made;
}

Result<Evaluated> SmallEvaluation::run(const std::map<std::string, ByteView>& inputs) {
  PRISM_TRY(const auto sizes, sizes_of(keys_, request_, inputs));
  if (sizes != sizes_)
    return fail(ErrorCode::mismatch, "these inputs have other numbers of values than the computation was prepared for");
  channel::ReceiptClaims wanted;
  wanted.context = context_.digest;
  wanted.program = program_;
  wanted.transport = transport_of(*service_);
  for (const auto& [name, bytes] : inputs) wanted.inputs.push_back(hash::sha256(bytes));
  const Bytes body = internal::inline_body(wanted.context, inputs, request_json_);
  wanted.request = hash::sha256(body);
  PRISM_TRY(SignedAnswer answer, service_->compute_inline(body, wanted.context, wanted.program));
  PRISM_TRY(Evaluated done,
            verified(std::move(answer), std::move(wanted), pinned_, identity_of(keys_), service_->server()));
  done.plan = plan_;
  return done;
}

}  // namespace prism::client
