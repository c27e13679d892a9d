#include "prism/client/internal/requests.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "prism/channel/receipt.h"
#include "prism/wire/cbor.h"

namespace prism::client::internal {
namespace {

using nlohmann::json;

constexpr std::size_t kMostResultBytes = std::size_t{512} << 20;

Error unlike(std::string_view what) {
  return fail(ErrorCode::malformed, "the server's ", what, " is not what docs/rest.md says; is it a newer server?");
}

/// An object whose members are read one by one; others are ignored, so that servers may say more.
Result<json> object_of(ByteView bytes, std::string_view what) {
  json parsed = json::parse(bytes.begin(), bytes.end(), nullptr, false);
  if (!parsed.is_object()) return unlike(what);
  return parsed;
}

template <class T>
const T* member(const json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() ? nullptr : found->get_ptr<const T*>();
}

bool is_id(std::string_view text) {
  return text.size() == 32 &&
         std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace

Result<UploadState> read_upload_state(ByteView bytes, std::uint64_t size) {
  PRISM_TRY(const json object, object_of(bytes, "state of an upload"));
  const auto* const offset = member<json::number_unsigned_t>(object, "offset");
  const auto* const complete = member<json::boolean_t>(object, "complete");
  const auto* const all = member<json::number_unsigned_t>(object, "size");
  if (offset == nullptr || complete == nullptr || all == nullptr) return unlike("state of an upload");
  if (*all != size || *offset > size) return unlike("state of an upload");
  return UploadState{*offset, *complete};
}

Result<Job> read_job(ByteView bytes) {
  PRISM_TRY(const json object, object_of(bytes, "job"));
  const auto* const id = member<json::string_t>(object, "id");
  const auto* const state = member<json::string_t>(object, "state");
  const auto progress = object.find("progress");
  if (id == nullptr || !is_id(*id) || state == nullptr || progress == object.end() || !progress->is_number())
    return unlike("job");
  Job job{*id, *state, std::clamp(progress->get<double>(), 0.0, 1.0)};
  if (job.state != "queued" && job.state != "running" && !job.is_final()) return unlike("job");
  if (job.state == "failed") {
    const auto found = object.find("problem");
    if (found == object.end()) return unlike("job");
    const std::string text = found->dump();
    const auto* const status = member<json::number_unsigned_t>(*found, "status");
    const Problem problem =
        read_problem(status == nullptr ? 500 : static_cast<int>(std::min<std::uint64_t>(*status, 599)),
                     "application/problem+json", as_bytes(text), "");
    return problem.error("job " + job.id);
  }
  return job;
}

Result<SignedAnswer> read_answer(ByteView cbor) {
  wire::CborReader in(cbor, "the server's answer");
  SignedAnswer answer;
  PRISM_TRY(const std::size_t pairs, in.map(2, 2));
  (void)pairs;
  // In the order of deterministic CBOR: the shorter key first.
  PRISM_TRY(const auto first, in.text(1, 16));
  if (first != "result") return unlike("answer");
  PRISM_TRY(const ByteView result, in.bytes(1, kMostResultBytes));
  PRISM_TRY(const auto second, in.text(1, 16));
  if (second != "receipt") return unlike("answer");
  PRISM_TRY(const ByteView receipt, in.bytes(1, channel::kMaxReceiptBytes));
  PRISM_CHECKED(in.finish());
  answer.result.assign(result.begin(), result.end());
  answer.receipt.assign(receipt.begin(), receipt.end());
  return answer;
}

std::string compute_body(const Digest& context, const std::map<std::string, Digest>& inputs,
                         std::string_view request_json) {
  json names = json::object();
  for (const auto& [name, digest] : inputs) names[name] = to_hex(digest);
  return R"({"context":")" + to_hex(context) + R"(","inputs":)" + names.dump() + R"(,"request":)" +
         std::string(request_json) + "}";
}

Bytes inline_body(const Digest& context, const std::map<std::string, ByteView>& inputs, std::string_view request_json) {
  // Keys of a deterministic map go by length, then by bytes; std::map goes by bytes alone.
  std::vector<std::pair<std::string_view, ByteView>> sorted(inputs.begin(), inputs.end());
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return a.first.size() != b.first.size() ? a.first.size() < b.first.size() : a.first < b.first;
  });
  wire::CborWriter out;
  out.map(3);
  out.text("inputs");
  out.map(sorted.size());
  for (const auto& [name, bytes] : sorted) {
    out.text(name);
    out.bytes(bytes);
  }
  out.text("context");
  out.bytes(context);
  out.text("request");
  out.text(request_json);
  return std::move(out).take();
}

}  // namespace prism::client::internal
