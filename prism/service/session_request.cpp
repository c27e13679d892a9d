#include <algorithm>
#include <cstring>
#include <utility>

#include "prism/service/session_table.h"

namespace prism::service {
namespace {

using channel::kMaxSingleBytes;
using channel::kRecordFixedBytes;

constexpr std::size_t kTag = 16;

/// Fills `out` or ends early; returns how much came.
Result<std::size_t> read_full(Source& source, MutableByteView out) {
  std::size_t filled = 0;
  while (filled < out.size()) {
    PRISM_TRY(const std::size_t got, source.read(out.subspan(filled)));
    if (got == 0) break;
    filled += got;
  }
  return filled;
}

Error unreadable() { return refuse(Problem::record_rejected, "the body is not a record of this protocol"); }

}  // namespace

/// Owns what one request needs until its last answer: a share of the session, and the values that answers are bound to.
class OpenedRequest final : public SessionRequest {
 public:
  OpenedRequest(SessionTable& table, std::shared_ptr<Session> session, const RequestBinding& binding,
                const channel::RecordHeader& header)
      : table_(table),
        session_(std::move(session)),
        method_(binding.method),
        path_(binding.path),
        idempotency_key_(binding.idempotency_key),
        context_(binding.context),
        program_(binding.program),
        content_type_(header.content_type),
        id_(header.id) {
    caller_.transport = Transport::session;
    caller_.account = session_->account;
    caller_.fingerprint = session_->fingerprint;
    caller_.session = header.session;
  }

  const Caller& caller() const override { return caller_; }
  std::string_view content_type() const override { return content_type_; }
  Source& body() override { return *body_; }

  Result<Bytes> seal(int status, std::string_view content_type, ByteView body) override {
    channel::Binding binding{method_, path_, content_type, context_, program_, idempotency_key_, {}};
    binding.answer = channel::Answer{id_, static_cast<std::uint16_t>(status)};
    const auto now = table_.clock_.wall();
    const auto expired = [](const Error&) { return refuse(Problem::session_expired, "the session ended meanwhile"); };
    if (body.size() <= kMaxSingleBytes) {
      const std::lock_guard lock(session_->mutex);
      auto sealed = session_->keys.seal(binding, body, now, table_.random_);
      if (!sealed) return expired(sealed.error());
      return sealed;
    }
    auto sealer = [&] {
      const std::lock_guard lock(session_->mutex);
      return session_->keys.begin_seal(binding, now, table_.random_);
    }();
    if (!sealer) return expired(sealer.error());
    Bytes out(sealer->head().size() + channel::StreamSealer::update_bound(body.size()) + channel::kSealedChunkBytes);
    std::copy(sealer->head().begin(), sealer->head().end(), out.begin());
    std::size_t size = sealer->head().size();
    PRISM_TRY(const std::size_t most, sealer->update(body, MutableByteView(out).subspan(size)));
    size += most;
    PRISM_TRY(const std::size_t last, sealer->finish(MutableByteView(out).subspan(size)));
    out.resize(size + last);
    return out;
  }

  /// The body of a single record.
  class Memory final : public Source {
   public:
    Memory(Bytes record, MutableByteView body) : record_(std::move(record)), rest_(body) {}
    Result<std::size_t> read(MutableByteView out) override {
      const std::size_t size = std::min(out.size(), rest_.size());
      std::copy_n(rest_.begin(), size, out.begin());
      rest_ = rest_.subspan(size);
      return size;
    }

   private:
    Bytes record_;  // moving it keeps what rest_ points at
    ByteView rest_;
  };

  /// The body of a stream: chunks are opened as they arrive, in two buffers of fixed size.
  class Stream final : public Source {
   public:
    Stream(SessionTable& table, Session& session, channel::StreamOpener opener, Source& sealed)
        : table_(table),
          session_(session),
          opener_(std::move(opener)),
          sealed_(sealed),
          in_(4 * channel::kSealedChunkBytes),
          out_(channel::StreamOpener::update_bound(in_.size())) {}

    Result<std::size_t> read(MutableByteView out) override {
      while (begin_ == end_ && !complete_) PRISM_CHECKED(more());
      const std::size_t size = std::min(out.size(), end_ - begin_);
      std::copy_n(out_.begin() + static_cast<std::ptrdiff_t>(begin_), size, out.begin());
      begin_ += size;
      return size;
    }

   private:
    Status more() {
      PRISM_TRY(const std::size_t got, sealed_.read(in_));
      begin_ = end_ = 0;
      if (got > 0) {
        auto opened = opener_.update(ByteView(in_).first(got), out_);
        if (!opened) return failed(opened.error());
        end_ = opened->bytes;
        return {};
      }
      auto opened = opener_.finish(out_);
      if (!opened) return failed(opened.error());
      end_ = opened->bytes;
      complete_ = true;
      return {};
    }
    Error failed(const Error& why) {
      bool dead = false;
      {
        const std::lock_guard lock(session_.mutex);
        session_.keys.count_failure();
        dead = !session_.keys.alive(table_.clock_.wall());
      }
      return table_.refuse_record(session_, dead, why);
    }

    SessionTable& table_;
    Session& session_;  // the request that owns this stream shares it
    channel::StreamOpener opener_;
    Source& sealed_;
    Bytes in_, out_;
    std::size_t begin_ = 0, end_ = 0;
    bool complete_ = false;
  };

  void set_body(std::unique_ptr<Source> body) { body_ = std::move(body); }

 private:
  SessionTable& table_;
  std::shared_ptr<Session> session_;  // shared with the table, which may end it meanwhile
  Caller caller_;
  std::string method_, path_, idempotency_key_;
  Digest context_{}, program_{};
  std::string content_type_;
  channel::RecordId id_;
  std::unique_ptr<Source> body_;
};

Result<std::unique_ptr<SessionRequest>> SessionTable::open_request(const RequestBinding& request, Source& source) {
  // Header first: nothing is kept in memory for a session that is not there.
  Bytes record(kRecordFixedBytes);
  PRISM_TRY(const std::size_t fixed, read_full(source, record));
  if (fixed < record.size()) return unreadable();
  auto header_bytes = channel::record_header_bytes(record);
  if (!header_bytes) return unreadable();
  record.resize(*header_bytes);
  PRISM_TRY(const std::size_t named, read_full(source, MutableByteView(record).subspan(kRecordFixedBytes)));
  if (kRecordFixedBytes + named < record.size()) return unreadable();
  auto header = channel::read_record_header(record);
  if (!header) return unreadable();

  const auto now = clock_.wall();
  const auto session = find(header->session, now);
  if (!session) return refuse(Problem::session_expired, "there is no such session, or it has ended; make a new one");
  const channel::Binding binding{
      request.method, request.path, {}, request.context, request.program, request.idempotency_key, {}};
  if (auto bound = channel::check_binding(binding, channel::Direction::to_server); !bound)
    return refuse(Problem::invalid_request, bound.error().message);
  auto out = std::make_unique<OpenedRequest>(*this, session, request, *header);

  if (header->form == channel::RecordForm::single) {
    const std::size_t head = record.size();
    record.resize(head + kMaxSingleBytes + kTag + 1);  // + 1: one read more tells "as large" from "larger"
    PRISM_TRY(const std::size_t got, read_full(source, MutableByteView(record).subspan(head)));
    if (got > kMaxSingleBytes + kTag) return unreadable();
    record.resize(head + got);
    bool dead = false;
    auto opened = [&] {
      const std::lock_guard lock(session->mutex);
      auto result = session->keys.open_in_place(binding, record, now);
      dead = !session->keys.alive(now);
      return result;
    }();
    if (!opened) return refuse_record(*session, dead, opened.error());
    const MutableByteView body = opened->body;
    out->set_body(std::make_unique<OpenedRequest::Memory>(std::move(record), body));
    return std::unique_ptr<SessionRequest>(std::move(out));
  }

  const std::size_t head = record.size();
  record.resize(head + channel::kStreamPrefixBytes);
  PRISM_TRY(const std::size_t got, read_full(source, MutableByteView(record).subspan(head)));
  if (got < channel::kStreamPrefixBytes) return unreadable();
  bool dead = false;
  auto opener = [&] {
    const std::lock_guard lock(session->mutex);
    auto result = session->keys.begin_open(binding, record, now);
    dead = !session->keys.alive(now);
    return result;
  }();
  if (!opener) return refuse_record(*session, dead, opener.error());
  out->set_body(std::make_unique<OpenedRequest::Stream>(*this, *session, std::move(*opener), source));
  return std::unique_ptr<SessionRequest>(std::move(out));
}

}  // namespace prism::service
