#include "prism/custody/fhe_keys.h"

#include <algorithm>

#include "prism/host/atomic_file.h"
#include "prism/host/file.h"

namespace prism::custody {
namespace {

using FheId = Id<struct FheIdTag>;

constexpr std::string_view kFolder = "/fhe";
constexpr std::string_view kEnding = ".context";
/// Parameters and a public key of the largest ring with the most primes.
constexpr std::uint64_t kMostContextBytes = std::uint64_t{128} << 20;

/// 16 bytes from the name of a file; nothing for other files, which are left alone.
std::optional<std::array<std::uint8_t, 16>> id_of(std::string_view name) {
  if (!name.ends_with(kEnding)) return std::nullopt;
  const auto id = table_id_from_hex(name.substr(0, name.size() - kEnding.size()));
  return id ? std::optional(id->bytes) : std::nullopt;
}

Result<AnyFheContext> decode(ByteView bytes) {
  PRISM_TRY(const bool approximate, fhe::is_approximate(bytes));
  if (approximate) {
    PRISM_TRY(auto context, fhe::Approximate::Context::decode(bytes));
    return AnyFheContext(std::move(context));
  }
  PRISM_TRY(auto context, fhe::Exact::Context::decode(bytes));
  return AnyFheContext(std::move(context));
}

const Digest& identity_of(const AnyFheContext& context) {
  return std::visit([](const auto& one) -> const Digest& { return one.identity(); }, context);
}

}  // namespace

std::string FheKeys::directory() const { return keyring_->directory() + std::string(kFolder); }
std::string FheKeys::path_of(const std::array<std::uint8_t, 16>& id) const {
  return directory() + "/" + to_hex(id) + std::string(kEnding);
}

template <class Family>
Result<AnyKeyHolder> FheKeys::make(std::shared_ptr<const typename Family::Parameters> parameters,
                                   double largest_magnitude, Random& random) const {
  PRISM_TRY(const FheId id, FheId::random(random));
  PRISM_TRY(const Seed seed, keyring_->derive("fhe", id.view()));
  PRISM_TRY(auto holder, fhe::KeyHolder<Family>::create(std::move(parameters), largest_magnitude, seed, random));
  PRISM_TRY(const Bytes bytes, holder.public_part().encode());
  PRISM_CHECKED(host::create_private_directory(directory()));
  PRISM_CHECKED(host::write_file(path_of(id.bytes), bytes, host::AtomicFile::Access::owner_only,
                                 host::AtomicFile::IfExists::refuse));
  return AnyKeyHolder(std::move(holder));
}

Result<AnyKeyHolder> FheKeys::create(std::shared_ptr<const ckks::Parameters> parameters, double largest_magnitude,
                                     Random& random) const {
  return make<fhe::Approximate>(std::move(parameters), largest_magnitude, random);
}

Result<AnyKeyHolder> FheKeys::create(std::shared_ptr<const exact::Parameters> parameters, double largest_magnitude,
                                     Random& random) const {
  return make<fhe::Exact>(std::move(parameters), largest_magnitude, random);
}

Result<std::vector<FheContextFile>> FheKeys::files() const {
  std::vector<FheContextFile> out;
  if (!host::exists(directory())) return out;
  PRISM_CHECKED(host::check_private(directory()));
  PRISM_TRY(const auto names, host::list_directory(directory()));
  for (const std::string& name : names) {
    const auto id = id_of(name);
    if (!id) continue;
    PRISM_TRY(Bytes bytes, host::read_file(directory() + "/" + name, kMostContextBytes));
    out.push_back({*id, std::move(bytes)});
  }
  std::sort(out.begin(), out.end(), [](const FheContextFile& a, const FheContextFile& b) { return a.id < b.id; });
  return out;
}

Status FheKeys::restore_file(const std::array<std::uint8_t, 16>& id, ByteView bytes) const {
  PRISM_CHECKED(decode(bytes));
  PRISM_CHECKED(host::create_private_directory(directory()));
  return host::write_file(path_of(id), bytes, host::AtomicFile::Access::owner_only, host::AtomicFile::IfExists::refuse);
}

Result<std::vector<StoredFheContext>> FheKeys::list() const {
  std::vector<StoredFheContext> out;
  PRISM_TRY(const auto stored, files());
  for (const FheContextFile& file : stored) {
    auto context = decode(file.bytes);
    if (!context) {
      Error error = std::move(context).error();
      error.message = path_of(file.id) + ": " + error.message;
      return error;
    }
    out.push_back({to_hex(file.id), *std::move(context)});
  }
  return out;
}

Result<AnyKeyHolder> FheKeys::open(const Digest& identity, Random& random) const {
  PRISM_TRY(const auto stored, list());
  for (const StoredFheContext& one : stored) {
    if (identity_of(one.context) != identity) continue;
    PRISM_TRY(const Seed seed, keyring_->derive("fhe", *id_of(one.id + std::string(kEnding))));
    return std::visit(
        [&](const auto& context) -> Result<AnyKeyHolder> {
          using Family = std::conditional_t<std::is_same_v<std::decay_t<decltype(context)>, fhe::Approximate::Context>,
                                            fhe::Approximate, fhe::Exact>;
          PRISM_TRY(auto holder, fhe::KeyHolder<Family>::restore(context, seed, random));
          return AnyKeyHolder(std::move(holder));
        },
        one.context);
  }
  return fail(ErrorCode::not_found, "the key directory ", keyring_->directory(),
              " has no keys of this identity; it holds ", stored.size(), " others");
}

Result<std::string> key_folders(const Environment& environment) {
  const auto variable = [&](const char* name) {
    const char* const value = environment(name);
    return std::string(value == nullptr ? "" : value);
  };
  // XDG Base Directory Specification: relative paths are to be ignored.
  if (const std::string data = variable("XDG_DATA_HOME"); data.starts_with('/')) return data + "/prism/keys";
  if (const std::string home = variable("HOME"); !home.empty()) return home + "/.local/share/prism/keys";
  return fail(ErrorCode::invalid_argument, "neither XDG_DATA_HOME nor HOME is set; name the key directory with --keys");
}

Result<std::string> find_key_folder(const std::string& name, const Environment& environment) {
  const bool is_path = name.find('/') != std::string::npos || name == "." || name == "..";
  if (!name.empty() && (is_path || host::exists(name))) return name;
  PRISM_TRY(const std::string folders, key_folders(environment));
  return folders + "/" + (name.empty() ? "default" : name);
}

Status make_parents(const std::string& folder) {
  for (std::size_t slash = folder.find('/', 1); slash != std::string::npos; slash = folder.find('/', slash + 1)) {
    const std::string parent = folder.substr(0, slash);
    if (!host::exists(parent)) PRISM_CHECKED(host::create_private_directory(parent));
  }
  return {};
}

}  // namespace prism::custody
