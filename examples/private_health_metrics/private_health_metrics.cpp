// Means of three series of measurements, computed by a server that sees none of them.
//
//   private_health_metrics URL FINGERPRINT    both as `prism serve` prints them
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "prism/client/evaluate.h"
#include "prism/client/hybrid_crypto.h"
#include "prism/compute/result.h"
#include "prism/crypto/key_file.h"
#include "prism/host/system.h"

int main(int argc, char** argv) {
  using namespace prism;
  if (argc != 3) return std::fprintf(stderr, "usage: private_health_metrics URL FINGERPRINT\n"), 2;
  host::SystemRandom random;
  const host::SystemClock clock;
  const std::pair<const char*, std::vector<double>> week[] = {
      {"resting heart rate, 1/min", {62, 64, 61, 66, 63, 60, 65}},
      {"systolic pressure, mmHg", {118, 122, 121, 119, 125, 117, 118}},
      {"sleep, hours", {7.5, 6.25, 8, 7, 6.75, 8.5, 7.75}},
  };

  // Keys for means of seven values up to 128, off by 1/64 at most.
  const compute::Request mean{.operation = "mean", .inputs = {"x"}};
  const auto patient = client::HybridCrypto::create_for(mean, {{"x", 7}}, 128, 6, random).value();
  auto service = client::Connection::open({.server = client::ServerUrl::parse(argv[1]).value(),
                                           .trust = {.pin = crypto::fingerprint_from(argv[2]).value()}},
                                          patient.identity(), clock, random)
                     .value();

  for (const auto& [name, values] : week) {
    const auto data = patient.encrypt(values).value().encode().value();
    const auto answer = client::evaluate(service, patient.numbers(), {mean, {{"x", data}}}).value();
    const auto opened = compute::open_result(answer.result, patient.numbers()).value();
    std::printf("%-27s %.1f\n", name, opened.outputs[0].values[0]);
  }
}
