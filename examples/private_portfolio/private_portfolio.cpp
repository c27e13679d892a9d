// What four holdings are worth, computed by a server that sees the prices and not the holdings.
//
//   private_portfolio URL FINGERPRINT    both as `prism serve` prints them
#include <cstdio>
#include <vector>

#include "prism/client/evaluate.h"
#include "prism/client/hybrid_crypto.h"
#include "prism/compute/result.h"
#include "prism/crypto/key_file.h"
#include "prism/host/system.h"

int main(int argc, char** argv) {
  using namespace prism;
  if (argc != 3) return std::fprintf(stderr, "usage: private_portfolio URL FINGERPRINT\n"), 2;
  host::SystemRandom random;
  const host::SystemClock clock;

  // Shares of four companies: a secret. Their prices: no secret.
  const std::vector<double> shares{120, 45, 80, 60};
  compute::Request worth{.operation = "weighted_sum", .inputs = {"shares"}};
  worth.weights = {150.25, 310.6, 95.75, 56.9};

  // Keys of this process alone: to encrypt for this computation (up to 200 shares, the sum right to the cent), to sign.
  const auto alice = client::HybridCrypto::create_for(worth, {{"shares", shares.size()}}, 200, 7, random).value();
  auto service = client::Connection::open({.server = client::ServerUrl::parse(argv[1]).value(),
                                           .trust = {.pin = crypto::fingerprint_from(argv[2]).value()}},
                                          alice.identity(), clock, random)
                     .value();

  const auto encrypted = alice.encrypt(shares).value().encode().value();
  const auto answer = client::evaluate(service, alice.numbers(), {worth, {{"shares", encrypted}}}).value();
  const auto opened = compute::open_result(answer.result, alice.numbers()).value();
  std::printf("the portfolio is worth %.2f\n", opened.outputs[0].values[0]);
  std::printf("receipt: signed by the pinned server, for this request and these ciphertexts\n");
}
