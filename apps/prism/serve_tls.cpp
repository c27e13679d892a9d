#include "apps/prism/serve_tls.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "prism/host/atomic_file.h"
#include "prism/host/file.h"

namespace prism::app {
namespace {

using crypto::CertificateKey;
using crypto::CertifiedKey;

constexpr std::uint64_t kMaxPemBytes = 1 << 20;
constexpr std::chrono::hours kValidity{24 * 398};  // what browsers accept at most
constexpr std::chrono::hours kRenewBefore{24 * 30};

Result<CertifiedKey> read_pair(const std::string& chain_path, const std::string& key_path) {
  PRISM_TRY(const Bytes chain, host::read_file(chain_path, kMaxPemBytes));
  PRISM_CHECKED(host::check_private(key_path));
  PRISM_TRY(const auto key, host::read_secret_file(key_path, kMaxPemBytes));
  auto read = CertifiedKey::from_pem(chain, key);
  if (!read)
    return Error{read.error().code, chain_path + " with " + key_path + ": " + read.error().message,
                 read.error().detail};
  return read;
}

bool is_wildcard(const std::string& host) { return host == "0.0.0.0" || host == "::" || host.empty(); }

/// Names that a certificate made here is for: each once, in a fixed order.
std::vector<std::string> certificate_names(const ServeSettings& settings) {
  std::vector<std::string> names;
  const auto add = [&](const std::string& name) {
    if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  for (const std::string& name : settings.tls_names) add(name);
  if (!is_wildcard(settings.host)) add(settings.host);
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) == 0) add(host.data());
  add("localhost");
  add("127.0.0.1");
  add("::1");
  return names;
}

Result<CertifiedKey> own_pair(const std::string& base, CertificateKey kind, const std::vector<std::string>& names,
                              std::chrono::seconds now, Random& random) {
  const std::string chain_path = base + ".pem", key_path = base + ".key";
  if (!host::exists(key_path)) {
    PRISM_TRY(CertifiedKey made, CertifiedKey::make_self_signed(kind, names, now, kValidity, random));
    const auto key = made.key_pem();
    // The key last: whoever is stopped in between makes both again.
    PRISM_CHECKED(host::write_file(chain_path, as_bytes(made.chain_pem()), host::AtomicFile::Access::everybody));
    PRISM_CHECKED(host::write_file(key_path, key.reveal(secret::RevealKey{}), host::AtomicFile::Access::owner_only));
    return made;
  }
  const auto renew = [&](const CertifiedKey& old) -> Result<CertifiedKey> {
    PRISM_TRY(CertifiedKey made, old.renewed(names, now, kValidity, random));
    PRISM_CHECKED(host::write_file(chain_path, as_bytes(made.chain_pem()), host::AtomicFile::Access::everybody));
    return made;
  };
  if (!host::exists(chain_path))
    return fail(ErrorCode::not_found, chain_path, " is missing beside its key; put it back, or remove ", key_path,
                " to make both anew, which changes the fingerprint");
  PRISM_TRY(CertifiedKey kept, read_pair(chain_path, key_path));
  // An IPv6 address has more than one spelling, so those are not compared: the others tell when the names changed.
  const auto& has = kept.info().names;
  const bool covered = std::all_of(names.begin(), names.end(), [&](const std::string& name) {
    return name.find(':') != std::string::npos || std::find(has.begin(), has.end(), name) != has.end();
  });
  if (covered && kept.info().not_after > now + kRenewBefore && kept.info().not_before <= now) return kept;
  return renew(kept);
}

}  // namespace

Result<ServeTls> load_serve_tls(const ServeSettings& settings, std::chrono::seconds now, Random& random) {
  crypto::TlsServerOptions options;
  options.allow_classical = settings.allow_classical;
  const bool own = settings.tls_cert.empty();
  if (own) {
    const std::string directory = settings.service.data_dir + "/tls";
    PRISM_CHECKED(host::create_private_directory(directory));
    const auto names = certificate_names(settings);
    for (const auto& [file, kind] :
         {std::pair{"/ml-dsa-65", CertificateKey::ml_dsa_65}, std::pair{"/ecdsa-p256", CertificateKey::ecdsa_p256}}) {
      PRISM_TRY(CertifiedKey pair, own_pair(directory + file, kind, names, now, random));
      options.certificates.push_back(std::move(pair));
    }
  } else {
    for (std::size_t i = 0; i < settings.tls_cert.size(); ++i) {
      PRISM_TRY(CertifiedKey pair, read_pair(settings.tls_cert[i], settings.tls_key[i]));
      if (pair.info().not_after <= now)
        return fail(ErrorCode::insecure, settings.tls_cert[i], " is not valid any more; renew it");
      options.certificates.push_back(std::move(pair));
    }
  }
  if (!settings.client_ca.empty() || !settings.client_certificates.empty()) {
    options.clients.emplace();
    options.clients->fingerprints = settings.client_certificates;
    if (!settings.client_ca.empty()) {
      PRISM_TRY(const Bytes ca, host::read_file(settings.client_ca, kMaxPemBytes));
      options.clients->ca_pem = as_text(ca);
    }
  }
  PRISM_TRY(crypto::TlsContext context, crypto::make_server_tls(options));
  ServeTls tls{std::move(context), {}, own};
  for (const auto& one : options.certificates) tls.certificates.push_back(one.info());
  return tls;
}

bool needs_renewal(const ServeTls& tls, std::chrono::seconds now) {
  return tls.made_here && std::any_of(tls.certificates.begin(), tls.certificates.end(),
                                      [&](const auto& one) { return one.not_after <= now + kRenewBefore; });
}

}  // namespace prism::app
