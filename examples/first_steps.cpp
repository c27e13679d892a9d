// Two encrypted vectors, a product, a sum: what a server computes without seeing a number.
#include <cstdio>

#include "prism/fhe/fhe.h"
#include "prism/host/system.h"

int main() {
  using prism::fhe::Approximate;
  prism::host::SystemRandom random;

  // What will be computed: one product after another, results right to 10 bits after the point, inputs up to 10, sums.
  const Approximate::Intent intent{
      .depth = 1, .precision_bits = 10, .largest_magnitude = 10, .movement = {.sums = true}};
  const auto holder = Approximate::KeyHolder::create(intent, random).value();

  const auto x = holder.encrypt({1.5, -2.0, 3.25}).value();
  const auto y = holder.encrypt({4.0, 0.5, 8.0}).value();
  const auto z = sum(x * y + 0.5).value();  // needs no secret key

  std::printf("%.3f\n", holder.decrypt_private(z).value().front());
}
