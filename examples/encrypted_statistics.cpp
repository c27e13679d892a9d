// Mean and standard deviation of ages that the computing side never sees. The key holder and the server are two objects
// here that exchange bytes only, as two machines would.
#include <cmath>
#include <cstdio>
#include <vector>

#include "prism/fhe/fhe.h"
#include "prism/host/system.h"

namespace {

using prism::Bytes;
using prism::fhe::Approximate;

/// What the server does: `context` and `values` came over the network, and so goes the answer.
struct Answer {
  Bytes mean, variance;
};
Answer serve(const Bytes& context_bytes, const Bytes& values) {
  const auto context = Approximate::Context::decode(context_bytes).value();
  const auto x = context.decode_vector(values).value();
  const auto middle = mean(x).value();
  const auto variance = (mean(x * x) - middle * middle).value();
  return {middle.encode().value(), variance.encode().value()};
}

}  // namespace

int main() {
  std::vector<double> ages;
  for (int i = 0; i < 1000; ++i) ages.push_back(18 + i * 37 % 60);

  // A mean is one level and a product another. Moved to about [-1, 1], numbers are small and cancellation harmless.
  prism::host::SystemRandom random;
  const Approximate::Intent intent{
      .depth = 2, .precision_bits = 10, .largest_magnitude = 1, .values = ages.size(), .movement = {.sums = true}};
  const auto holder = Approximate::KeyHolder::create(intent, random).value();
  std::vector<double> scaled;
  for (const double age : ages) scaled.push_back((age - 50) / 50);

  const Answer answer = serve(holder.public_part().encode().value(), holder.encrypt_to_bytes(scaled).value());

  const auto open = [&](const Bytes& bytes) {
    return holder.decrypt_private(holder.public_part().decode_vector(bytes)).value().front();
  };
  std::printf("mean %.2f\nstandard deviation %.2f\n", 50 + 50 * open(answer.mean),
              50 * std::sqrt(open(answer.variance)));
}
