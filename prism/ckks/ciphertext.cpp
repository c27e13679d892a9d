#include "prism/ckks/ciphertext.h"

namespace prism::ckks {

Ciphertext Ciphertext::clone() const {
  Ciphertext copy{parameters, {}, level, scale, noise};
  copy.parts.reserve(parts.size());
  for (const ring::Evaluations& part : parts) copy.parts.push_back(part.clone());
  return copy;
}

Ciphertext expand(const SeededCiphertext& seeded) {
  Ciphertext out{seeded.parameters, {}, seeded.level, seeded.scale, seeded.noise};
  const rlwe::Parameters& rlwe = seeded.parameters->rlwe();
  out.parts.push_back(seeded.b.clone());
  out.parts.push_back(ring::uniform(rlwe.ring(), rlwe.primes(seeded.level), seeded.seed, seeded.stream));
  return out;
}

bool decrypts(const Parameters& parameters, rlwe::Level level, math::Bound phase) {
  return phase.log2() < parameters.rlwe().log2_q(level) - 1 - 0x1p-20;
}

}  // namespace prism::ckks
