#include "prism/client/internal/retry.h"

#include <algorithm>

#include "prism/client/connection.h"

namespace prism::client::internal {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kFirstPause{100}, kLongestPause{3000};

/// Refusals that come before a record was opened, so that nothing was done, and that a new session mends.
bool is_about_the_session(const Reply& reply) {
  const std::string& type = reply.problem->type;
  return !reply.vouched && (type == "session-expired" || type == "record-rejected" || type == "record-replayed");
}

}  // namespace

Retry::Retry(const Patience& patience, const Clock& clock, Random& random, Transport& transport)
    : patience_(patience), clock_(clock), random_(random), transport_(transport), good_(clock.monotonic()) {}

void Retry::went_well() {
  good_ = clock_.monotonic();
  failures_ = sessions_ = 0;
}

Status Retry::first(const std::function<Status()>& open) {
  for (bool second = false;; second = true) {
    Status outcome = open();
    if (outcome || outcome.error().code != ErrorCode::network) return outcome;
    transport_.disconnect();
    if (second) {
      PRISM_CHECKED(again(outcome.error(), patience_.first));
    } else {
      PRISM_CHECKED(patience_.wait(kFirstPause));
    }
  }
}

Status Retry::again(const Error& why, milliseconds patience) {
  if (clock_.monotonic() - good_ >= patience) return why;
  milliseconds pause = std::min(kFirstPause * (1 << std::min(failures_, 10)), kLongestPause);
  ++failures_;
  // Many clients lose a server at once; they should not all come back at once.
  std::uint8_t jitter = 0;
  PRISM_CHECKED(random_.fill({&jitter, 1}));
  pause += pause * jitter / 512;
  return patience_.wait(pause);
}

Result<bool> Retry::worth_another(const Reply& reply) {
  const Problem& problem = *reply.problem;
  if (is_about_the_session(reply)) {
    // Once more would be a server that refuses every session.
    constexpr int kMostSessions = 3;
    if (++sessions_ > kMostSessions) return problem.error(transport_.server());
    transport_.reset();
    return true;
  }
  if (problem.status == 502 || problem.status == 504 || (problem.status == 503 && !problem.retry_after)) {
    PRISM_CHECKED(again(problem.error(transport_.server()), patience_.unreachable));
    return true;
  }
  if (!problem.may_pass() || !problem.retry_after) return false;
  if (*problem.retry_after > patience_.longest_wait) return false;
  if (clock_.monotonic() - good_ >= patience_.unreachable + patience_.longest_wait) return false;
  PRISM_CHECKED(patience_.wait(std::max(milliseconds(*problem.retry_after), kFirstPause)));
  return true;
}

Status Retry::unvouched(const Reply& reply) {
  const Problem& problem = *reply.problem;
  const Error error = fail(ErrorCode::network, "somebody on the way to ", transport_.server(),
                           " answers outside the session: ", problem.error(transport_.server()).message);
  if (problem.may_pass() && problem.retry_after) return error;  // asking sooner would not be polite
  transport_.disconnect();
  return again(error, patience_.unreachable);
}

Result<Reply> Retry::exchange(const Call& call) {
  for (;;) {
    auto reply = transport_.exchange(call);
    if (!reply) {
      if (reply.error().code != ErrorCode::network) return reply;
      transport_.disconnect();
      PRISM_CHECKED(again(reply.error(), patience_.unreachable));
      continue;
    }
    if (!reply->problem) {
      went_well();
      return reply;
    }
    PRISM_TRY(const bool more, worth_another(*reply));
    if (more) continue;
    if (reply->vouched) return reply;
    PRISM_CHECKED(unvouched(*reply));
  }
}

Status Retry::events(const Call& call, const std::function<Result<bool>(std::string_view json)>& sink) {
  bool any = false, enough = false;
  // An error of the sink is ours, not the network's, and ends the wait.
  std::optional<Error> refused;
  auto reply = transport_.events(call, [&](std::string_view json) -> Result<bool> {
    any = true;
    auto more = sink(json);
    if (!more) refused = more.error();
    enough = more && !*more;
    return more;
  });
  if (refused) return *std::move(refused);
  if (any) went_well();  // until now, however long ago the last event was
  if (!reply) {
    if (reply.error().code != ErrorCode::network) return std::move(reply).error();
    transport_.disconnect();
    return again(reply.error(), patience_.unreachable);
  }
  if (!reply->problem) {
    if (any) return enough ? Status() : patience_.wait(kFirstPause);
    // As good as none: asked again without a pause it would be asked for ever.
    transport_.disconnect();
    return again(fail(ErrorCode::network, "a stream of events of ", transport_.server(), " ended without an event"),
                 patience_.unreachable);
  }
  PRISM_TRY(const bool more, worth_another(*reply));
  if (more) return {};
  return reply->vouched ? Status(reply->problem->error(transport_.server())) : unvouched(*reply);
}

}  // namespace prism::client::internal
