// prism/client/internal/retry.h - asking again: which failures may pass, and how long to believe that they will.
#pragma once
#include <chrono>
#include <functional>

#include "prism/base/clock.h"
#include "prism/base/random.h"
#include "prism/client/transport.h"

namespace prism::client {
struct Patience;
}

namespace prism::client::internal {

class Retry {
 public:
  Retry(const Patience& patience, const Clock& clock, Random& random, Transport& transport);

  /// The first contact: an error of the network is final after Patience::first, because a wrong address should be said
  /// soon; there is a second try always.
  Status first(const std::function<Status()>& open);
  /// An answer that is worth something: a status of 2xx, or a vouched problem that asking again does not mend. Errors:
  /// those of the transport, network after Patience::unreachable, quota and network when the server says "later" for
  /// too long.
  Result<Reply> exchange(const Call& call);
  /// Reads events until the sink has had enough, the stream ends, or it breaks; all but a refusal are
  /// fine. A stream without any event counts as a failure of the network.
  Status events(const Call& call, const std::function<Result<bool>(std::string_view json)>& sink);

 private:
  /// After a failure that may pass: waits, longer each time; the error when patience is at its end.
  Status again(const Error& why, std::chrono::milliseconds patience);
  /// After an answer that may pass. True: ask again.
  Result<bool> worth_another(const Reply& reply);
  /// After a refusal that did not come through the session: anybody on the way can have written it, so it says no more
  /// than a broken connection. The error, of network, when patience is at its end.
  Status unvouched(const Reply& reply);
  void went_well();

  const Patience& patience_;
  const Clock& clock_;
  Random& random_;
  Transport& transport_;
  std::chrono::nanoseconds good_;  ///< when something last went well
  int failures_ = 0;               ///< since then
  int sessions_ = 0;               ///< made anew since then
};

}  // namespace prism::client::internal
