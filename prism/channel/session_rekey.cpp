// The fresh key exchange of SessionKeys: three steps that leave both sides with the same next generation, or with the
// present one.
#include <algorithm>
#include <limits>
#include <utility>

#include "prism/base/check.h"
#include "prism/channel/rekey.h"
#include "prism/channel/session_keys.h"
#include "prism/channel/session_state.h"

namespace prism::channel {
namespace {

constexpr std::uint16_t kLastGeneration = std::numeric_limits<std::uint16_t>::max();

}  // namespace

Result<Bytes> SessionKeys::begin_rekey(Random& random) {
  check(sends_ == Direction::to_server, "begin_rekey: the client begins");
  if (dead_) return fail(ErrorCode::unauthorised, "the session is dead; run a handshake again");
  Renewal& renewal = *renewal_;
  if (renewal.generation == kLastGeneration || renewal.attempt == std::numeric_limits<std::uint32_t>::max())
    return fail(ErrorCode::exhausted, "the session has used up its key exchanges; run a handshake again");
  PRISM_TRY(crypto::KemSecretKey kem, crypto::KemSecretKey::generate(suite(renewal.suite).kem, random));
  const auto generation = static_cast<std::uint16_t>(renewal.generation + 1);
  renewal.first = encode_rekey({generation, ++renewal.attempt, kem.public_key()});
  renewal.kem.emplace(std::move(kem));
  return renewal.first;
}

Result<Bytes> SessionKeys::answer_rekey(ByteView first, std::chrono::seconds now, Random& random) {
  check(sends_ == Direction::to_client, "answer_rekey: the server answers");
  PRISM_CHECKED(check_alive(now));
  Renewal& renewal = *renewal_;
  const Suite& algorithms = suite(renewal.suite);
  PRISM_TRY(const RekeyMessage message, decode_rekey(first, algorithms.kem_public_key_bytes));
  if (renewal.generation == kLastGeneration || message.generation != renewal.generation + 1)
    return fail(ErrorCode::refused, "a key exchange for generation ", message.generation, "; the session is in ",
                renewal.generation);
  if (message.attempt <= renewal.attempt)
    return fail(ErrorCode::refused, "attempt ", message.attempt, " of a key exchange; ", renewal.attempt,
                " was answered already");
  PRISM_TRY(crypto::Encapsulation made, crypto::encapsulate(algorithms.kem, message.kem, random));
  const Bytes second = encode_rekey({message.generation, message.attempt, std::move(made.ciphertext)});
  PRISM_TRY(NextSecrets next, next_secrets(renewal.secret, made.secret, first, second));
  const Epoch epoch{message.generation, 0};
  PRISM_TRY(EpochKeys receiving, EpochKeys::make(epoch, std::move(next.client)));
  PRISM_TRY(EpochKeys sending, EpochKeys::make(epoch, std::move(next.server)));
  // An earlier attempt's keys were never used: a client finishes its latest attempt only.
  auto& epochs = receiving_->epochs;
  std::erase_if(epochs, [&](const Receiver& r) { return r.keys.epoch().generation == epoch.generation; });
  epochs.push_back({std::move(receiving)});
  renewal.attempt = message.attempt;
  renewal.next_sending.emplace(std::move(sending));
  renewal.next_secret = std::move(next.rekey);
  return second;
}

Status SessionKeys::finish_rekey(ByteView second, std::chrono::seconds now) {
  check(sends_ == Direction::to_server, "finish_rekey: the client finishes");
  PRISM_CHECKED(check_alive(now));
  Renewal& renewal = *renewal_;
  if (!renewal.kem) return fail(ErrorCode::refused, "an answer to a key exchange that nobody began, or that is done");
  PRISM_TRY(const RekeyMessage message, decode_rekey(second, suite(renewal.suite).kem_ciphertext_bytes));
  if (message.generation != renewal.generation + 1 || message.attempt != renewal.attempt)
    return fail(ErrorCode::refused, "an answer to another attempt at a key exchange than the last");
  PRISM_TRY(const crypto::SharedSecret shared, renewal.kem->decapsulate(message.kem));
  PRISM_TRY(NextSecrets next, next_secrets(renewal.secret, shared, renewal.first, second));
  const Epoch epoch{message.generation, 0};
  PRISM_TRY(EpochKeys sending, EpochKeys::make(epoch, std::move(next.client)));
  PRISM_TRY(EpochKeys receiving, EpochKeys::make(epoch, std::move(next.server)));
  auto& epochs = receiving_->epochs;
  epochs.push_back({std::move(receiving)});
  if (epochs.size() > Receiving::kMaxEpochs) epochs.erase(epochs.begin());
  renewal.kem.reset();
  renewal.first.clear();
  renewal.next_sending.emplace(std::move(sending));
  renewal.next_secret = std::move(next.rekey);
  take_over(now);
  return {};
}

}  // namespace prism::channel
