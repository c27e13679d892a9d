#include <utility>

#include "prism/service/job_table.h"
#include "prism/wire/reader.h"
#include "prism/wire/writer.h"

namespace prism::service {
namespace {

constexpr std::uint16_t kVersion = 1;
constexpr std::uint64_t kMostText = 4096;

Result<std::chrono::seconds> read_seconds(wire::Reader& reader) {
  PRISM_TRY(const std::int64_t value, reader.i64());
  return std::chrono::seconds(value);
}

Status read_version(wire::Reader& reader) {
  PRISM_TRY(const std::uint16_t version, reader.u16());
  if (version != kVersion)
    return fail(ErrorCode::unsupported, "a job of version ", version, ", which this program does not read");
  return {};
}

}  // namespace

Bytes encode_job(const JobRequest& request, std::chrono::seconds created) {
  wire::Writer out;
  out.u16(kVersion);
  out.choice(static_cast<std::uint8_t>(request.caller.transport));
  out.digest(request.caller.account);
  out.digest(request.caller.fingerprint);
  out.boolean(request.caller.session.has_value());
  if (request.caller.session) out.raw(*request.caller.session);
  out.boolean(request.program.has_value());
  if (request.program) out.digest(*request.program);
  out.i64(created.count());
  out.bytes(as_bytes(request.idempotency_key));
  out.bytes(request.body);
  return std::move(out).take();
}

Result<StoredJob> decode_job(ByteView bytes, const Limits& limits) {
  wire::Reader in(bytes, "a job");
  StoredJob out;
  PRISM_CHECKED(read_version(in));
  PRISM_TRY(const std::uint8_t transport, in.choice(2));
  out.request.caller.transport = static_cast<Transport>(transport);
  PRISM_TRY(out.request.caller.account, in.digest());
  PRISM_TRY(out.request.caller.fingerprint, in.digest());
  PRISM_TRY(const bool has_session, in.boolean());
  if (has_session) {
    PRISM_TRY(out.request.caller.session, in.array<16>());
  }
  PRISM_TRY(const bool has_program, in.boolean());
  if (has_program) {
    PRISM_TRY(out.request.program, in.digest());
  }
  PRISM_TRY(out.created, read_seconds(in));
  PRISM_TRY(const ByteView key, in.bytes_view(kMostText));
  out.request.idempotency_key = std::string(as_text(key));
  PRISM_TRY(out.request.body, in.bytes(limits.request_bytes));
  PRISM_CHECKED(in.finish());
  return out;
}

Bytes encode_job_end(const JobEnd& end) {
  wire::Writer out;
  out.u16(kVersion);
  out.choice(static_cast<std::uint8_t>(end.state));
  out.i64(end.finished.count());
  out.bytes(end.answer.result);
  out.bytes(end.answer.receipt);
  out.boolean(end.error.has_value());
  if (end.error) {
    out.choice(static_cast<std::uint8_t>(problem_of(*end.error)));
    out.bytes(as_bytes(std::string_view(end.error->message).substr(0, kMostText)));
  }
  return std::move(out).take();
}

Result<JobEnd> decode_job_end(ByteView bytes, const Limits& limits) {
  wire::Reader in(bytes, "the end of a job");
  JobEnd out;
  PRISM_CHECKED(read_version(in));
  PRISM_TRY(const std::uint8_t state, in.choice(5));
  out.state = static_cast<JobState>(state);
  PRISM_TRY(out.finished, read_seconds(in));
  PRISM_TRY(out.answer.result, in.bytes(limits.answer_bytes));
  PRISM_TRY(out.answer.receipt, in.bytes(std::uint64_t{1} << 20));
  PRISM_TRY(const bool failed, in.boolean());
  if (failed) {
    PRISM_TRY(const std::uint8_t problem, in.choice(static_cast<std::uint8_t>(Problem::internal) + 1));
    PRISM_TRY(const ByteView message, in.bytes_view(kMostText));
    out.error = refuse(static_cast<Problem>(problem), as_text(message));
  }
  PRISM_CHECKED(in.finish());
  return out;
}

}  // namespace prism::service
