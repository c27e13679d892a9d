// apps/prism/serve_tls.h - the server's certificates: the operator's files, or a pair made on the first start.
#pragma once
#include <chrono>
#include <vector>

#include "apps/prism/serve_settings.h"
#include "prism/base/random.h"
#include "prism/crypto/tls.h"

namespace prism::app {

struct ServeTls {
  crypto::TlsContext context;
  std::vector<crypto::CertificateInfo> certificates;
  bool made_here = false;  ///< self-signed, renewed here with the same keys, so that pins of them go on holding
};

/// Reads what --tls-cert names, or DATA_DIR/tls/{ml-dsa-65,ecdsa-p256}.{pem,key}; those are made when absent and
/// renewed when they end within a month or lack a name. The data directory must be there.
Result<ServeTls> load_serve_tls(const ServeSettings& settings, std::chrono::seconds now, Random& random);

/// Whether load_serve_tls would renew now.
bool needs_renewal(const ServeTls& tls, std::chrono::seconds now);

}  // namespace prism::app
