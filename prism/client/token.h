// prism/client/token.h - the token form of requests: no session, plain bodies; the server is known by TLS alone.
//
// Whoever ends TLS sees ciphertexts and could change requests and answers; receipts say so. For programs behind one's
// own gateway.
#pragma once
#include <string>

#include "prism/client/transport.h"
#include "prism/http/client.h"

namespace prism::client {

inline constexpr std::size_t kMaxTokenBytes = 512;

class TokenTransport final : public Transport {
 public:
  /// The server's identity is met as in the session form, because it signs receipts. `clock` must outlive this. Errors:
  /// invalid_argument for a token that no header may hold (RFC 6750, section 2.1).
  static Result<std::unique_ptr<TokenTransport>> create(http::Client http, std::string server, Trust trust,
                                                        std::string token, const Clock& clock);
  ~TokenTransport() override;
  /// Meets the server unless that was done.
  Status open();
  Result<Reply> exchange(const Call& call) override;
  Result<Reply> events(const Call& call, const std::function<Result<bool>(std::string_view json)>& sink) override;
  void reset() override { meeting_.reset(); }
  void disconnect() override { http_.close(); }
  const std::optional<Meeting>& meeting() const override { return meeting_; }
  bool in_session() const override { return false; }
  const std::string& server() const override { return server_; }

 private:
  TokenTransport(http::Client http, std::string server, Trust trust, std::string token, const Clock& clock);
  http::ClientRequest request_of(const Call& call) const;
  http::Client http_;
  std::string server_;
  Trust trust_;
  std::string token_;
  const Clock& clock_;
  std::optional<Meeting> meeting_;
};

}  // namespace prism::client
