// prism/crypto/memory_tls.h - TLS 1.3 handshakes between two ends in one thread, without a network: what others'
// handshakes cost on this machine, for benchmarks.
//
// Group X25519MLKEM768, no tickets, certificates self-signed and known to the other end.
#pragma once
#include <cstdint>
#include <memory>

#include "prism/base/result.h"

namespace prism::crypto {

class MemoryTls {
 public:
  enum class Certificate : std::uint8_t { ml_dsa_65, ecdsa_p256 };
  /// `mutual`: the client has a certificate of the same kind, and the server wants it. Errors: exhausted.
  static Result<MemoryTls> create(Certificate certificate, bool mutual);
  MemoryTls(MemoryTls&&) noexcept;
  ~MemoryTls();

  /// A new connection between the same ends.
  Status begin();
  /// One end goes on as far as it can. Whether its handshake is complete. Errors: network.
  Result<bool> client();
  Result<bool> server();

 private:
  struct Ends;
  explicit MemoryTls(std::unique_ptr<Ends> ends);
  std::unique_ptr<Ends> ends_;
};

}  // namespace prism::crypto
