// Showing a result to others. What CKKS decrypts carries an error that says something about the key, so shared numbers
// are flooded with noise, and counted (docs/release.md).
#include <cmath>
#include <cstdio>

#include "prism/fhe/fhe.h"
#include "prism/host/system.h"

int main() {
  using prism::fhe::Approximate;
  prism::host::SystemRandom random;
  const Approximate::Intent intent{.depth = 1, .precision_bits = 25, .largest_magnitude = 1};
  const auto holder = Approximate::KeyHolder::create(intent, random).value();
  const auto x = holder.encrypt({0.5, 0.25, -0.75}).value();
  const auto squares = (x * x).value();

  // Declared once in the life of the key; the ledger's bytes are stored before anything is shown.
  auto ledger = holder.open_ledger({.queries = 2, .statistical_bits = 30}).value();
  for (int i = 0; i < 3; ++i) {
    const auto shown = holder.release(squares, 4, ledger);
    if (!shown) {
      std::printf("refused: %s\n", shown.error().message.c_str());
      continue;
    }
    const bool near = std::fabs((*shown)[0] - 0.25) < 1.0 / 16 && std::fabs((*shown)[2] - 0.5625) < 1.0 / 16;
    std::printf("released, %s 1/16 of the truth; %d left\n", near ? "within" : "not within",
                static_cast<int>(ledger.left()));
  }
}
