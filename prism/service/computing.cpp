#include "prism/service/computing.h"

#include <algorithm>
#include <utility>

#include "prism/channel/receipt.h"
#include "prism/compute/plan.h"
#include "prism/crypto/key_file.h"
#include "prism/hash/sha256.h"
#include "prism/host/mapped_file.h"
#include "prism/host/system.h"
#include "prism/host/thread_pool.h"
#include "prism/program/requirements.h"
#include "prism/service/internal/strict_json.h"
#include "prism/service/names.h"
#include "prism/wire/cbor.h"

namespace prism::service {
namespace {

using std::chrono::nanoseconds;

constexpr std::size_t kMostInputs = program::kMostInputs;
constexpr std::size_t kMostNameBytes = program::kMostNameBytes;

/// SHA-256 of the program that runs; zeros where the system does not show it.
Digest build_digest() {
  const auto file = host::MappedFile::open("/proc/self/exe", std::uint64_t{4} << 30);
  return file ? hash::sha256(file->bytes()) : Digest{};
}

Status check_names(const ComputeRequest& request) {
  const std::size_t given = request.data.size() + request.bytes.size();
  const auto needed = request.request.needed_inputs();
  for (const std::string& name : needed)
    if (!request.data.contains(name) && !request.bytes.contains(name))
      return refuse(Problem::invalid_request, "the request computes with ", name, ", which is not among its inputs");
  if (given != needed.size()) return refuse(Problem::invalid_request, "there are inputs that the request does not use");
  return {};
}

}  // namespace

compute::Limits compute_limits(const Limits& limits) {
  compute::Limits out;
  out.largest_ring_log2 = static_cast<unsigned>(limits.largest_ring_log2);
  out.most_primes = static_cast<std::size_t>(limits.most_primes);
  out.context_bytes = limits.context_bytes;
  out.input_bytes = limits.data_bytes;
  out.answer_bytes = limits.answer_bytes;
  out.cpu_seconds = limits.cpu_seconds_per_job;
  return out;
}

Result<ComputeRequest> parse_compute_json(ByteView body, const Limits& limits) {
  if (body.size() > limits.request_bytes)
    return refuse(Problem::too_large, "a request of more than ", limits.request_bytes, " bytes");
  PRISM_TRY(const nlohmann::json document, parse_json(as_text(body), "the request"));
  PRISM_CHECKED(only_keys(document, {"context", "inputs", "request"}, "the request"));
  ComputeRequest out;
  out.body = hash::sha256(body);
  const auto context = document.find("context"), inputs = document.find("inputs"), request = document.find("request");
  if (context == document.end() || !context->is_string())
    return refuse(Problem::invalid_request, "\"context\" must be the digest of an uploaded context");
  const auto digest = digest_from_hex(context->get_ref<const std::string&>());
  if (!digest) return refuse(Problem::invalid_request, "\"context\" is not a digest: 64 lower-case hexadecimal digits");
  out.context = *digest;
  if (inputs == document.end() || !inputs->is_object() || inputs->empty() || inputs->size() > kMostInputs)
    return refuse(Problem::invalid_request, "\"inputs\" must be an object of 1 to ", kMostInputs, " digests by name");
  for (const auto& [name, value] : inputs->items()) {
    const auto found = value.is_string() ? digest_from_hex(value.get_ref<const std::string&>()) : std::nullopt;
    if (!found || name.size() > kMostNameBytes)
      return refuse(Problem::invalid_request, "/inputs/", name.substr(0, kMostNameBytes), " is not a digest");
    out.data.emplace(name, *found);
  }
  if (request == document.end() || !request->is_object())
    return refuse(Problem::invalid_request, "\"request\" must be an object: what is to be computed");
  PRISM_TRY(out.request, compute::Request::parse(request->dump()));
  PRISM_CHECKED(check_names(out));
  return out;
}

Result<ComputeRequest> parse_compute_cbor(ByteView body, const Limits& limits) {
  if (body.size() > limits.inline_bytes)
    return refuse(Problem::too_large, "a request of more than ", limits.inline_bytes,
                  " bytes; upload the data and name its digest");
  // Text keys in the order of their encodings: "inputs", "context", "request" - shorter ones first.
  wire::CborReader in(body, "the request");
  const auto key = [&in](std::string_view wanted) -> Status {
    PRISM_TRY(const std::string_view found, in.text(1, 16));
    if (found != wanted)
      return refuse(Problem::invalid_request, "the request's map must hold inputs, context, request");
    return {};
  };
  ComputeRequest out;
  out.body = hash::sha256(body);
  PRISM_TRY(const std::size_t pairs, in.map(3, 3));
  (void)pairs;
  PRISM_CHECKED(key("inputs"));
  PRISM_TRY(const std::size_t inputs, in.map(1, kMostInputs));
  for (std::size_t i = 0; i < inputs; ++i) {
    PRISM_TRY(const std::string_view name, in.text(1, kMostNameBytes));
    PRISM_TRY(const ByteView bytes, in.bytes(1, static_cast<std::size_t>(limits.inline_bytes)));
    out.bytes.emplace(std::string(name), Bytes(bytes.begin(), bytes.end()));
  }
  PRISM_CHECKED(key("context"));
  PRISM_TRY(out.context, in.bytes_of<32>());
  PRISM_CHECKED(key("request"));
  PRISM_TRY(const std::string_view request, in.text(2, static_cast<std::size_t>(limits.request_bytes)));
  PRISM_CHECKED(in.finish());
  PRISM_TRY(out.request, compute::Request::parse(request));
  PRISM_CHECKED(check_names(out));
  return out;
}

Computing::Computing(const Limits& limits, BlobStore& blobs, Identities& identities, Audit& audit, CpuAccounts& cpu,
                     ReceiptNumbers& numbers, const Clock& clock, Random& random)
    : limits_(limits),
      compute_limits_(compute_limits(limits)),
      blobs_(blobs),
      identities_(identities),
      audit_(audit),
      cpu_(cpu),
      numbers_(numbers),
      clock_(clock),
      random_(random),
      build_(build_digest()),
      contexts_(limits.cached_context_bytes),
      data_(limits.cached_data_bytes),
      quick_(host::available_cores(), limits.calls_per_client),
      plans_(1, limits.plans_per_client),
      loading_(limits.loading_bytes),
      memory_(limits.computing_bytes) {}

/// A job has a thread of its own and waits for its turn; a caller's thread is wanted by others.
std::optional<std::chrono::milliseconds> Computing::patience(const Control& control) const {
  return control.job ? std::nullopt : std::optional(limits_.patience);
}

/// Charges the caller's account with the processor time that `body` takes on this thread.
template <class Body>
auto Computing::charged(const Caller& caller, const Body& body) {
  const nanoseconds start = host::thread_cpu_time();
  auto out = body();
  const nanoseconds used = host::thread_cpu_time() - start;
  cpu_.charge(caller.account, clock_.monotonic(), used);
  cpu_nanoseconds_ += used.count();
  return out;
}

/// A blob's bytes. What the disk says names paths, which are not for the caller.
Result<Bytes> Computing::read(const BlobKey& key) {
  auto bytes = blobs_.read(key);
  if (bytes || !bytes.error().detail.empty()) return bytes;
  audit_.line("storage", {{"outcome", "failed"}, {"reason", bytes.error().message}});
  return refuse(Problem::internal, "the server cannot read what was uploaded");
}

Result<std::shared_ptr<const Computing::Context>> Computing::context_of(const BlobKey& key, const Control& control) {
  return contexts_.get(key, [&]() -> Result<Cache<Context>::Loaded> {
    PRISM_TRY(const UploadState state, blobs_.state(key));
    // The file and what is made of it stand side by side for a while.
    PRISM_TRY(const Slots::Held bytes_held, loading_.take(key.account, 2 * state.size, patience(control)));
    PRISM_TRY(const Bytes bytes, read(key));
    PRISM_TRY(auto context, Context::decode(bytes, compute_limits_));
    const std::uint64_t size = context->memory_bytes();
    return Cache<Context>::Loaded{std::move(context), size};
  });
}

Result<std::shared_ptr<const Bytes>> Computing::data_of(const BlobKey& key) {
  return data_.get(key, [&]() -> Result<Cache<Bytes>::Loaded> {
    PRISM_TRY(Bytes bytes, read(key));
    const std::uint64_t size = bytes.size();
    return Cache<Bytes>::Loaded{std::make_shared<const Bytes>(std::move(bytes)), size};
  });
}

Result<Computing::Prepared> Computing::prepare(const Caller& caller, const ComputeRequest& request,
                                               const std::optional<Digest>& program, const Control& control) {
  Slots::Held slot;
  if (!control.job) {
    PRISM_CHECKED(cpu_.check(caller.account, clock_.monotonic()));
    PRISM_TRY(slot, quick_.take(caller.account, 1, limits_.patience));
    PRISM_CHECKED(cpu_.check(caller.account, clock_.monotonic()));  // others of this client ran meanwhile
  }
  return charged(caller, [&]() -> Result<Prepared> {
    Prepared out;
    out.slot = std::move(slot);
    const BlobKey context{caller.account, BlobKind::context, request.context};
    PRISM_TRY(BlobStore::Pin pin, blobs_.pin(context));
    out.pins.push_back(std::move(pin));
    std::vector<BlobKey> keys;
    std::uint64_t bytes = 0;
    for (const auto& [name, digest] : request.data) {
      const BlobKey key{caller.account, BlobKind::data, digest};
      PRISM_TRY(BlobStore::Pin data_pin, blobs_.pin(key));
      PRISM_TRY(const UploadState state, blobs_.state(key));
      out.pins.push_back(std::move(data_pin));
      keys.push_back(key);
      bytes += state.size;
    }
    // Before anything is read: the bound is on all inputs together.
    if (bytes > compute_limits_.input_bytes)
      return refuse(Problem::too_large, "inputs of ", bytes, " bytes, and one computation takes ",
                    compute_limits_.input_bytes);
    PRISM_TRY(out.context, context_of(context, control));
    std::size_t index = 0;
    for (const auto& [name, digest] : request.data) {
      PRISM_TRY(auto data, data_of(keys[index++]));
      out.inputs.push_back({name, *data});
      out.digests.push_back(digest);
      out.data.push_back(std::move(data));
    }
    for (const auto& [name, data] : request.bytes) {
      out.inputs.push_back({name, data});
      out.digests.push_back(hash::sha256(data));
    }
    PRISM_TRY(const program::Computation computation, compute::lower(request.request, *out.context, out.inputs));
    out.program = computation.digest();
    if (program && *program != out.program)
      return refuse(Problem::conflict, "this request is the program ", to_hex(out.program),
                    ", not the one that was bound");
    const program::AnyParameters parameters = out.context->parameters();
    const std::uint64_t degree = std::visit(
        [](const auto& held) -> std::uint64_t {
          if constexpr (requires { held.parameters; })
            return held.parameters->degree();
          else
            return held->degree();
        },
        parameters);
    out.memory_bytes = program::memory_of(computation, parameters);
    out.cpu_seconds = compute::seconds_of(program::work_of(computation, parameters), degree);
    return out;
  });
}

Result<Answer> Computing::run(const Caller& caller, const ComputeRequest& request, const Prepared& prepared,
                              const Control& control) {
  // Whatever is answered must be in the audit log.
  if (!audit_.healthy()) return refuse(Problem::capacity, "the server cannot write its audit log");
  PRISM_TRY(const Slots::Held memory, memory_.take(caller.account, prepared.memory_bytes, patience(control)));
  const nanoseconds start = host::thread_cpu_time();
  const auto most = nanoseconds(static_cast<std::int64_t>(limits_.cpu_seconds_per_job * 1e9));
  compute::RunOptions options;
  options.limits = compute_limits_;
  bool out_of_time = false;
  options.stop = [&] {
    out_of_time = host::thread_cpu_time() - start > most;
    return out_of_time || (control.stop && control.stop());
  };
  if (control.progress)
    options.progress = [&](std::uint64_t done, std::uint64_t all) {
      control.progress(all == 0 ? 0 : static_cast<double>(done) / static_cast<double>(all));
      return true;
    };
  std::uint64_t number = 0;
  auto answer = charged(caller, [&]() -> Result<Answer> {
    auto ran = compute::run(request.request, *prepared.context, prepared.inputs, options);
    if (!ran) {
      if (out_of_time)
        return refuse(Problem::quota_exceeded, "the computation took more than the ",
                      static_cast<std::int64_t>(limits_.cpu_seconds_per_job), " CPU-seconds that one may take");
      // An evaluation key that is not in the context: the request was found, it does not fit.
      if (ran.error().code == ErrorCode::not_found) return refuse(Problem::computation_refused, ran.error().message);
      return std::move(ran).error();
    }
    PRISM_TRY(number, numbers_.next());
    PRISM_TRY(Bytes signed_receipt, receipt(caller, request, prepared, *ran, number));
    return Answer{std::move(ran->result), std::move(signed_receipt)};
  });
  const auto microseconds = (host::thread_cpu_time() - start).count() / 1000;
  if (!answer && answer.error().code == ErrorCode::interrupted) return answer;
  ++(answer ? computations_ : failed_);
  audit_.line("compute", {{"outcome", answer ? "answered" : "failed"},
                          {"reason", answer ? "-" : name_of(problem_of(answer.error()))},
                          {"account", crypto::fingerprint_text(caller.account)},
                          {"client", crypto::fingerprint_text(caller.fingerprint)},
                          {"transport", caller.transport == Transport::session ? "session" : "token over TLS"},
                          {"request", to_hex(request.body)},
                          {"program", to_hex(prepared.program)},
                          {"context", to_hex(request.context)},
                          {"receipt", answer ? std::to_string(number) : "-"},
                          {"cpu_us", std::to_string(microseconds)}});
  return answer;
}

Result<Bytes> Computing::receipt(const Caller& caller, const ComputeRequest& request, const Prepared& prepared,
                                 const compute::Ran& ran, std::uint64_t number) {
  const std::chrono::seconds now = clock_.wall();
  PRISM_TRY(const Identities::Signed signer, identities_.signed_bundle(now, random_));
  channel::ReceiptClaims claims;
  claims.server = signer.identity->settings().server_id;
  claims.request = request.body;
  claims.program = ran.program;
  claims.context = request.context;
  claims.inputs = prepared.digests;
  claims.result = hash::sha256(ran.result);
  claims.engine = "prism " PRISM_VERSION;
  claims.build = build_;
  claims.time = now;
  claims.sequence = number;
  claims.transport = caller.transport == Transport::session ? channel::Transport::session : channel::Transport::token;
  claims.session = caller.session;
  return channel::sign_receipt(claims, signer.identity->key(), *signer.bundle, random_);
}

Result<std::string> Computing::plan(const Caller& caller, std::string_view json, const Control& control) {
  if (json.size() > limits_.request_bytes)
    return refuse(Problem::too_large, "a request of more than ", limits_.request_bytes, " bytes");
  PRISM_CHECKED(cpu_.check(caller.account, clock_.monotonic()));
  PRISM_TRY(const Slots::Held slot, plans_.take(caller.account, 1, limits_.patience));
  PRISM_CHECKED(cpu_.check(caller.account, clock_.monotonic()));  // others of this client ran meanwhile
  const nanoseconds start = host::thread_cpu_time();
  const auto most =
      nanoseconds(static_cast<std::int64_t>(std::min(limits_.plan_cpu_seconds, limits_.cpu_seconds_per_job) * 1e9));
  bool out_of_time = false;
  const auto stop = [&] {
    out_of_time = host::thread_cpu_time() - start > most;
    return out_of_time || (control.stop && control.stop());
  };
  return charged(caller, [&]() -> Result<std::string> {
    const auto plan = compute::answer_plan(json, compute_limits_, stop);
    if (!plan && out_of_time)
      return refuse(Problem::computation_refused, "planning this took more than the ",
                    static_cast<std::int64_t>(limits_.plan_cpu_seconds),
                    " CPU-seconds that a plan may take; ask for less at once");
    if (!plan) return plan.error();
    return plan->to_json();
  });
}

void Computing::stop() {
  for (Slots* const slots : {&quick_, &plans_, &loading_, &memory_}) slots->stop();
}

void Computing::forget(const BlobKey& key) {
  contexts_.forget(key);
  data_.forget(key);
}

Computing::Totals Computing::totals() const {
  Totals out;
  out.computations = computations_;
  out.failed = failed_;
  std::tie(out.contexts, out.context_bytes) = contexts_.totals();
  out.cpu_seconds = static_cast<double>(cpu_nanoseconds_.load()) / 1e9;
  return out;
}

}  // namespace prism::service
