#include "prism/crypto/kem.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "prism/crypto/agreement.h"
#include "prism/crypto/hash.h"
#include "prism/crypto/internal/ml_kem.h"
#include "prism/crypto/internal/openssl.h"

namespace prism::crypto {
namespace {

using internal::MlKem;
using internal::Pkey;
using secret::RevealKey;
using secret::SecretVector;

/// What a KEM is made of. The label stands last in the combiner and ties the secret to the kind of hybrid.
struct Recipe {
  std::string_view name;
  MlKem lattice;
  std::optional<Group> group;
  std::string_view label;
};
const Recipe& recipe_of(Kem kem) {
  static constexpr Recipe kRecipes[] = {
      {"ML-KEM-768", MlKem::k768, std::nullopt, ""},
      {"ML-KEM-1024", MlKem::k1024, std::nullopt, ""},
      {"X-Wing", MlKem::k768, Group::x25519, "\\.//^\\"},
      {"MLKEM1024-P384", MlKem::k1024, Group::p384, "MLKEM1024-P384"},
  };
  const auto index = static_cast<std::size_t>(kem);
  check(index < std::size(kRecipes), "there is no such KEM");
  return kRecipes[index];
}

constexpr std::size_t kHybridSeedBytes = 32;

/// Section "CG" of draft-irtf-cfrg-hybrid-kems, and X-Wing's Combiner.
SharedSecret combine(const SharedSecret& lattice, ByteView classical, ByteView ciphertext, ByteView public_key,
                     std::string_view label) {
  const ByteView parts[] = {lattice.reveal(RevealKey{}), classical, ciphertext, public_key, as_bytes(label)};
  SharedSecret out;
  sha3_256_into(parts, out.reveal(RevealKey{}));
  return out;
}

Error wrong_length(std::string_view what, const Recipe& recipe, std::size_t found, std::size_t wanted) {
  return fail(ErrorCode::malformed, "a ", what, " of ", recipe.name, " has ", wanted, " bytes, not ", found);
}

}  // namespace

std::string_view name_of(Kem kem) { return recipe_of(kem).name; }

KemSizes sizes_of(Kem kem) {
  const Recipe& recipe = recipe_of(kem);
  const internal::MlKemSizes lattice = internal::sizes_of(recipe.lattice);
  if (!recipe.group)
    return {lattice.public_key, lattice.ciphertext, internal::kMlKemSeedBytes, internal::kMlKemMessageBytes};
  const GroupSizes group = sizes_of(*recipe.group);
  return {lattice.public_key + group.point, lattice.ciphertext + group.point, kHybridSeedBytes,
          internal::kMlKemMessageBytes + group.scalar};
}

struct KemSecretKey::Parts {
  Kem kem;
  SecretVector<std::uint8_t> seed;
  Pkey lattice;
  std::optional<AgreementKey> classical;
  Bytes public_key;
};

KemSecretKey::KemSecretKey(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
KemSecretKey::KemSecretKey(KemSecretKey&&) noexcept = default;
KemSecretKey& KemSecretKey::operator=(KemSecretKey&&) noexcept = default;
KemSecretKey::~KemSecretKey() = default;

Kem KemSecretKey::kem() const { return parts_->kem; }
const Bytes& KemSecretKey::public_key() const { return parts_->public_key; }
ByteView KemSecretKey::reveal_seed(RevealKey key) const { return std::as_const(parts_->seed).reveal(key); }

Result<KemSecretKey> KemSecretKey::generate(Kem kem, Random& random) {
  SecretVector<std::uint8_t> seed(sizes_of(kem).seed);
  PRISM_CHECKED(random.fill(seed.reveal(RevealKey{})));
  return from_seed(kem, seed.reveal(RevealKey{}));
}

Result<KemSecretKey> KemSecretKey::from_seed(Kem kem, ByteView seed) {
  const Recipe& recipe = recipe_of(kem);
  if (seed.size() != sizes_of(kem).seed) return wrong_length("seed", recipe, seed.size(), sizes_of(kem).seed);
  auto parts = std::make_unique<Parts>();
  parts->kem = kem;
  parts->seed = SecretVector<std::uint8_t>(seed.size());
  std::copy(seed.begin(), seed.end(), parts->seed.reveal(RevealKey{}).begin());
  if (!recipe.group) {
    PRISM_TRY(parts->lattice, internal::ml_kem_from_seed(recipe.lattice, seed));
    PRISM_TRY(parts->public_key, internal::ml_kem_public_key(recipe.lattice, parts->lattice.get()));
    return KemSecretKey(std::move(parts));
  }
  // SHAKE256(seed) gives both halves' seeds, ML-KEM's first.
  SecretVector<std::uint8_t> wide(internal::kMlKemSeedBytes + sizes_of(*recipe.group).scalar);
  PRISM_CHECKED(internal::shake256(seed, wide.reveal(RevealKey{})));
  const ByteView halves = std::as_const(wide).reveal(RevealKey{});
  PRISM_TRY(parts->lattice, internal::ml_kem_from_seed(recipe.lattice, halves.first(internal::kMlKemSeedBytes)));
  PRISM_TRY(parts->public_key, internal::ml_kem_public_key(recipe.lattice, parts->lattice.get()));
  PRISM_TRY(auto classical, AgreementKey::from_scalar(*recipe.group, halves.subspan(internal::kMlKemSeedBytes)));
  parts->public_key.insert(parts->public_key.end(), classical.public_key().begin(), classical.public_key().end());
  parts->classical = std::move(classical);
  return KemSecretKey(std::move(parts));
}

Result<KemSecretKey> KemSecretKey::from_expanded(Kem kem, ByteView dk) {
  const Recipe& recipe = recipe_of(kem);
  if (recipe.group)
    return fail(ErrorCode::unsupported, "a secret key of ", recipe.name, " is its seed of ", kHybridSeedBytes,
                " bytes");
  const std::size_t wanted = internal::sizes_of(recipe.lattice).expanded;
  if (dk.size() != wanted) return wrong_length("secret key", recipe, dk.size(), wanted);
  auto parts = std::make_unique<Parts>();
  parts->kem = kem;
  PRISM_TRY(parts->lattice, internal::ml_kem_from_expanded(recipe.lattice, dk));
  PRISM_TRY(parts->public_key, internal::ml_kem_public_key(recipe.lattice, parts->lattice.get()));
  return KemSecretKey(std::move(parts));
}

Result<SecretVector<std::uint8_t>> KemSecretKey::reveal_expanded(RevealKey) const {
  const Recipe& recipe = recipe_of(kem());
  if (recipe.group) return SecretVector<std::uint8_t>();
  return internal::expanded_key(parts_->lattice.get(), internal::sizes_of(recipe.lattice).expanded);
}

Result<SharedSecret> KemSecretKey::decapsulate(ByteView ciphertext) const {
  const Recipe& recipe = recipe_of(kem());
  if (ciphertext.size() != sizes_of(kem()).ciphertext)
    return wrong_length("ciphertext", recipe, ciphertext.size(), sizes_of(kem()).ciphertext);
  const internal::MlKemSizes sizes = internal::sizes_of(recipe.lattice);
  if (!recipe.group) return internal::ml_kem_decapsulate(parts_->lattice.get(), ciphertext);
  const ByteView point = ciphertext.subspan(sizes.ciphertext);
  PRISM_TRY(const auto classical, parts_->classical->agree(point));
  PRISM_TRY(const auto lattice,
            internal::ml_kem_decapsulate(parts_->lattice.get(), ciphertext.first(sizes.ciphertext)));
  return combine(lattice, classical.reveal(RevealKey{}), point, ByteView(public_key()).subspan(sizes.public_key),
                 recipe.label);
}

Status check_public_key(Kem kem, ByteView public_key) {
  const Recipe& recipe = recipe_of(kem);
  if (public_key.size() != sizes_of(kem).public_key)
    return wrong_length("public key", recipe, public_key.size(), sizes_of(kem).public_key);
  const std::size_t split = internal::sizes_of(recipe.lattice).public_key;
  PRISM_TRY(const Pkey lattice, internal::ml_kem_import(recipe.lattice, public_key.first(split)));
  if (recipe.group) PRISM_CHECKED(check_point(*recipe.group, public_key.subspan(split)));
  return {};
}

Result<Encapsulation> encapsulate(Kem kem, ByteView public_key, Random& random) {
  const Recipe& recipe = recipe_of(kem);
  if (public_key.size() != sizes_of(kem).public_key)
    return wrong_length("public key", recipe, public_key.size(), sizes_of(kem).public_key);
  const internal::MlKemSizes sizes = internal::sizes_of(recipe.lattice);
  PRISM_TRY(const Pkey lattice, internal::ml_kem_import(recipe.lattice, public_key.first(sizes.public_key)));
  secret::Secret<std::array<std::uint8_t, internal::kMlKemMessageBytes>> message;
  PRISM_CHECKED(random.fill(message.reveal(RevealKey{})));
  Encapsulation out;
  out.ciphertext.resize(sizes_of(kem).ciphertext);
  const MutableByteView first(out.ciphertext.data(), sizes.ciphertext);
  PRISM_TRY(auto secret, internal::ml_kem_encapsulate(lattice.get(), message.reveal(RevealKey{}), first));
  if (!recipe.group) {
    out.secret = std::move(secret);
    return out;
  }
  const ByteView point = public_key.subspan(sizes.public_key);
  PRISM_TRY(const auto ephemeral, AgreementKey::generate(*recipe.group, random));
  PRISM_TRY(const auto classical, ephemeral.agree(point));
  std::copy(ephemeral.public_key().begin(), ephemeral.public_key().end(),
            out.ciphertext.begin() + static_cast<std::ptrdiff_t>(sizes.ciphertext));
  out.secret = combine(secret, classical.reveal(RevealKey{}), ephemeral.public_key(), point, recipe.label);
  return out;
}

}  // namespace prism::crypto
