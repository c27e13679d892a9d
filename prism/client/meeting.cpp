#include "prism/client/meeting.h"

#include "prism/client/internal/messages.h"
#include "prism/crypto/key_file.h"

namespace prism::client {
namespace {

using channel::IdentityBundle;
using channel::PinAnswer;

Result<IdentityBundle> fetch_bundle(http::Client& http, const std::string& server, std::chrono::seconds now) {
  http::ClientRequest request;
  request.target = std::string(internal::kApi) + "/keys/public";
  request.idempotent = true;
  PRISM_TRY(const auto response, http.send(request, channel::kMaxBundleBytes));
  if (response.status != 200) return internal::refusal(response, server);
  auto bundle = IdentityBundle::open(response.body);
  if (!bundle)
    return fail(bundle.error().code, server, " shows no identity that holds: ", bundle.error().message,
                "; is it a compute service?");
  PRISM_CHECKED(bundle->valid_at(now));
  return bundle;
}

/// What the file says, and what a person says where the file says nothing.
Result<Meeting> by_file(IdentityBundle bundle, const std::string& server, const Trust& trust,
                        std::chrono::seconds now) {
  PRISM_TRY(const auto known, trust.known->load());
  const auto decision = known.decide(server, bundle);
  if (decision.answer == PinAnswer::ask && trust.ask) {
    PRISM_TRY(const bool yes, trust.ask(server, bundle.fingerprint()));
    if (!yes) return fail(ErrorCode::unauthorised, server, " was not trusted; nothing was sent to it");
  } else {
    PRISM_CHECKED(decision.require_trusted(server));
  }
  // Stored before anything is sent: if it cannot be stored, the next run would ask again about what it should know.
  // The store decides once more, because another program may have changed it while somebody was asked.
  const auto remember = [&](channel::PinStore& store) -> Result<bool> {
    const channel::Pin* const before = store.find(server);
    if (before != nullptr && before->fingerprint == bundle.fingerprint() && before->epoch == bundle.content().epoch)
      return false;
    PRISM_CHECKED(store.remember(server, bundle, now));
    return true;
  };
  PRISM_CHECKED(trust.known->change(remember));
  const Digest pinned = decision.answer == PinAnswer::ask ? bundle.fingerprint() : decision.pinned;
  return Meeting{std::move(bundle), decision.answer, pinned};
}

}  // namespace

Result<Meeting> meet(http::Client& http, const std::string& server, const Trust& trust, const Clock& clock) {
  PRISM_TRY(IdentityBundle bundle, fetch_bundle(http, server, clock.wall()));
  if (trust.pin) {
    const auto decision = channel::decide(channel::Pin{.fingerprint = *trust.pin}, bundle);
    PRISM_CHECKED(decision.require_trusted(server));
    return Meeting{std::move(bundle), decision.answer, *trust.pin};
  }
  if (!trust.known)
    return fail(ErrorCode::unauthorised, "nothing is known of ", server, ", which shows the fingerprint ",
                crypto::fingerprint_text(bundle.fingerprint()), "; compare it with its operator and give it as --pin");
  return by_file(std::move(bundle), server, trust, clock.wall());
}

}  // namespace prism::client
