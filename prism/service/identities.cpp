#include "prism/service/identities.h"

#include <algorithm>
#include <utility>

#include "prism/crypto/key_file.h"
#include "prism/host/atomic_file.h"
#include "prism/host/file.h"
#include "prism/host/file_lock.h"
#include "prism/service/names.h"

namespace prism::service {
namespace {

using std::chrono::seconds;
using Access = host::AtomicFile::Access;

constexpr std::uint64_t kMostChainBytes = 64 << 10;

std::string current_path(const std::string& directory) { return directory + "/current"; }
std::string key_path(const std::string& directory, std::uint64_t epoch) {
  return directory + "/" + std::to_string(epoch) + ".key";
}
std::string chain_path(const std::string& directory, std::uint64_t epoch) {
  return directory + "/" + std::to_string(epoch) + ".chain";
}

Result<std::uint64_t> current_epoch(const std::string& directory) {
  PRISM_TRY(const Bytes bytes, host::read_file(current_path(directory), 32));
  std::string_view text = as_text(bytes);
  if (text.ends_with('\n')) text.remove_suffix(1);
  const auto epoch = number_from(text);
  if (!epoch || *epoch == 0) return fail(ErrorCode::malformed, current_path(directory), " does not name an epoch");
  return *epoch;
}

Result<channel::Identity> load(const std::string& directory, std::uint64_t epoch, channel::IdentitySettings settings,
                               Random& random) {
  PRISM_CHECKED(host::check_private(key_path(directory, epoch)));
  PRISM_TRY(const auto text, host::read_secret_file(key_path(directory, epoch), crypto::kMaxKeyFileBytes));
  PRISM_TRY(crypto::SigningKey key, crypto::read_signing_key(text.reveal(secret::RevealKey{})));
  PRISM_TRY(const Bytes chain, host::read_file(chain_path(directory, epoch), kMostChainBytes));
  PRISM_TRY(auto rotations, channel::decode_rotations(chain));
  settings.epoch = epoch;
  return channel::Identity::create(std::move(key), std::move(settings), std::move(rotations), random);
}

Status store(const std::string& directory, const channel::Identity& identity, Random& random) {
  const std::uint64_t epoch = identity.settings().epoch;
  PRISM_TRY(const auto text, crypto::secret_key_file(identity.key(), std::nullopt, random));
  PRISM_CHECKED(host::write_file(key_path(directory, epoch), text.reveal(secret::RevealKey{}), Access::owner_only));
  PRISM_CHECKED(host::write_file(chain_path(directory, epoch), channel::encode_rotations(identity.rotations()),
                                 Access::owner_only));
  return host::write_file(current_path(directory), as_bytes(std::to_string(epoch) + "\n"), Access::owner_only);
}

Result<channel::Identity> make_first(const std::string& directory, const Options& options,
                                     const channel::IdentitySettings& settings, Random& random) {
  PRISM_TRY(crypto::SigningKey key, crypto::SigningKey::generate(options.algorithm, random));
  PRISM_TRY(channel::Identity first, channel::Identity::create(std::move(key), settings, {}, random));
  PRISM_CHECKED(store(directory, first, random));
  return first;
}

}  // namespace

Result<std::unique_ptr<Identities>> Identities::open(const std::string& directory, const Options& options, seconds now,
                                                     Random& random) {
  if (!channel::is_name(options.server_name))
    return fail(ErrorCode::invalid_argument, "a server's name is 1 to ", channel::kMaxNameBytes,
                " printable ASCII characters without blanks");
  PRISM_CHECKED(host::create_private_directory(directory));
  channel::IdentitySettings settings;
  settings.server_id = options.server_name;
  if (options.allow_suite_3) {
    if (options.algorithm != crypto::SignatureAlgorithm::ml_dsa_87)
      return fail(ErrorCode::invalid_argument, "suite 3 needs an ML-DSA-87 identity");
    settings.suites = {channel::SuiteId::mlkem1024_p384, channel::SuiteId::mlkem1024};
  }
  std::unique_ptr<Identities> out(new Identities(directory, settings));
  if (!host::exists(current_path(directory))) {
    PRISM_TRY(channel::Identity first, make_first(directory, options, settings, random));
    out->current_ = std::make_shared<const channel::Identity>(std::move(first));
  } else {
    PRISM_CHECKED(out->reload(now, random));
  }
  return out;
}

std::shared_ptr<const channel::Identity> Identities::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

std::shared_ptr<const channel::Identity> Identities::expected(const Digest& fingerprint, seconds now) const {
  const std::lock_guard lock(mutex_);
  for (const Previous& previous : previous_)
    if (now < previous.until && previous.identity->fingerprint() == fingerprint) return previous.identity;
  return current_;
}

Result<Identities::Signed> Identities::signed_bundle(seconds now, Random& random) {
  const std::lock_guard lock(mutex_);
  if (!bundle_ || now >= renew_at_) {
    PRISM_TRY(const channel::IdentityBundle bundle, current_->bundle(now, random));
    bundle_ = std::make_shared<const Bytes>(bundle.bytes());
    renew_at_ = now + settings_.bundle_lifetime / 2;
  }
  return Signed{current_, bundle_};
}

Result<bool> Identities::reload(seconds now, Random& random) {
  PRISM_TRY(const std::uint64_t epoch, current_epoch(directory_));
  {
    const std::lock_guard lock(mutex_);
    if (current_ && current_->settings().epoch == epoch) return false;
  }
  PRISM_TRY(channel::Identity next, load(directory_, epoch, settings_, random));
  const std::lock_guard lock(mutex_);
  if (current_ && epoch < current_->settings().epoch)
    return fail(ErrorCode::refused, current_path(directory_), " names epoch ", epoch, ", which is older than ",
                current_->settings().epoch, ": clients would take it for an attack");
  std::erase_if(previous_, [now](const Previous& previous) { return now >= previous.until; });
  if (current_) previous_.push_back({current_, now + kPreviousFor});
  current_ = std::make_shared<const channel::Identity>(std::move(next));
  bundle_.reset();
  return true;
}

Result<Digest> Identities::rotate(const std::string& directory, seconds now, Random& random) {
  if (!host::exists(current_path(directory)))
    return fail(ErrorCode::not_found, "there is no server identity in ", directory, "; start the server once");
  // Two rotations at once would both be the next epoch.
  PRISM_TRY(const host::FileLock lock, host::FileLock::acquire(directory + "/lock", std::chrono::seconds(5)));
  PRISM_TRY(const std::uint64_t epoch, current_epoch(directory));
  PRISM_TRY(const channel::Identity present, load(directory, epoch, {}, random));
  PRISM_TRY(crypto::SigningKey key, crypto::SigningKey::generate(present.key().algorithm(), random));
  PRISM_TRY(const channel::Identity next, present.rotate(std::move(key), now, random));
  PRISM_CHECKED(store(directory, next, random));
  return next.fingerprint();
}

}  // namespace prism::service
