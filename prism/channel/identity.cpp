#include "prism/channel/identity.h"

#include <algorithm>
#include <utility>

namespace prism::channel {
namespace {

constexpr std::string_view kDecoyContext = "prism/v1/decoy";

/// Of a key that is forgotten at once: nothing is ever verified with it that could succeed.
Result<std::shared_ptr<const Decoy>> make_decoy(crypto::SignatureAlgorithm algorithm, Random& random) {
  PRISM_TRY(const crypto::SigningKey key, crypto::SigningKey::generate(algorithm, random));
  PRISM_TRY(Bytes signature, key.sign({}, kDecoyContext, random));
  return std::shared_ptr<const Decoy>(std::make_shared<Decoy>(Decoy{key.verify_key(), std::move(signature)}));
}

}  // namespace

Result<Identity> Identity::create(crypto::SigningKey key, IdentitySettings settings,
                                  std::vector<RotationLink> rotations, Random& random) {
  if (!is_name(settings.server_id))
    return fail(ErrorCode::invalid_argument, "a server's name has 1 to ", kMaxNameBytes,
                " printable ASCII characters and no blanks");
  if (settings.bundle_lifetime < std::chrono::seconds(1) || settings.bundle_lifetime > kMaxBundleLifetime)
    return fail(ErrorCode::invalid_argument, "bundles live from 1 to ", kMaxBundleLifetime.count(), " seconds");
  if (settings.suites.empty())
    for (const SuiteId id : all_suites())
      if (!suite(id).gated && fits(id, key.algorithm())) settings.suites.push_back(id);
  for (const SuiteId id : settings.suites) {
    if (!fits(id, key.algorithm()))
      return fail(ErrorCode::mismatch, "suite ", static_cast<unsigned>(id), " (", suite(id).name,
                  ") needs another key than ", name_of(key.algorithm()), "; leave it out, or make a key for it");
    if (std::count(settings.suites.begin(), settings.suites.end(), id) != 1)
      return fail(ErrorCode::invalid_argument, "suite ", static_cast<unsigned>(id), " is named twice");
  }
  PRISM_CHECKED(verify_rotations(KeyOwner::server, rotations, key.verify_key()));
  Identity out;
  PRISM_TRY(out.decoy_, make_decoy(key.algorithm(), random));
  out.key_ = std::make_unique<const crypto::SigningKey>(std::move(key));
  out.fingerprint_ = out.key_->verify_key().fingerprint();
  out.settings_ = std::move(settings);
  out.rotations_ = std::move(rotations);
  return out;
}

Result<IdentityBundle> Identity::bundle(std::chrono::seconds now, Random& random) const {
  IdentityBundle::Content content;
  content.server_id = settings_.server_id;
  content.epoch = settings_.epoch;
  content.suites = settings_.suites;
  content.profiles = settings_.profiles;
  content.not_before = now;
  content.not_after = now + settings_.bundle_lifetime;
  content.rotations = rotations_;
  return IdentityBundle::sign(*key_, std::move(content), random);
}

Result<Identity> Identity::rotate(crypto::SigningKey next, std::chrono::seconds now, Random& random) const {
  IdentitySettings settings = settings_;
  if (settings.epoch == UINT64_MAX) return fail(ErrorCode::exhausted, "no epoch is left for another rotation");
  ++settings.epoch;
  // Another algorithm has other suites: its own defaults.
  if (next.algorithm() != key_->algorithm()) settings.suites.clear();
  std::vector<RotationLink> rotations = rotations_;
  if (rotations.size() == kMaxRotations) rotations.erase(rotations.begin());
  PRISM_TRY(RotationLink link, sign_rotation(KeyOwner::server, *key_, next.verify_key(), now, random));
  rotations.push_back(std::move(link));
  return create(std::move(next), std::move(settings), std::move(rotations), random);
}

}  // namespace prism::channel
