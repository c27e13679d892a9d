// Receipts from anybody: what reads is in bounds, and none verifies but the one that was signed.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "prism/channel/internal/session_fixture.h"
#include "prism/channel/receipt.h"
#include "prism/crypto/signature.h"

namespace {

using namespace prism;
using namespace prism::channel;
using namespace prism::channel::testing_support;

void expect(bool holds) {
  if (!holds) std::abort();
}

const crypto::SigningKey& signer() {
  static StreamRandom random(1);
  static const crypto::SigningKey key =
      crypto::SigningKey::generate(crypto::SignatureAlgorithm::ml_dsa_65, random).value();
  return key;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  const auto receipt = read_receipt(input);
  if (receipt) {
    const ReceiptClaims& claims = receipt->claims;
    expect(claims.inputs.size() <= kMaxReceiptInputs && claims.server.size() <= kMaxReceiptTextBytes);
    expect(claims.session.has_value() == (claims.transport == Transport::session));
    // What reads can be signed again: reader and writer have the same bounds.
    StreamRandom random(2);
    const auto again = sign_receipt(claims, signer(), receipt->bundle, random);
    expect(again.has_value() && verify_receipt(*again, signer().verify_key()).value() == claims);
  }
  // The seeds are signed with keys that nobody here has.
  expect(!verify_receipt(input, signer().verify_key()).has_value());
  static_cast<void>(verify_receipt(input, receipt ? receipt->signer : Digest{}));
  return 0;
}
