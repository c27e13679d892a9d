#include "prism/exact/ciphertext.h"

#include <algorithm>

#include "prism/hash/sha256.h"

namespace prism::exact {

Ciphertext Ciphertext::clone() const {
  Ciphertext copy{parameters, {}, level, correction, noise};
  copy.parts.reserve(parts.size());
  for (const ring::Evaluations& part : parts) copy.parts.push_back(part.clone());
  return copy;
}

void copy(Ciphertext& out, const Ciphertext& a) {
  if (&out == &a) return;
  out.parameters = a.parameters;
  out.parts.resize(a.parts.size());
  for (std::size_t i = 0; i < a.parts.size(); ++i) ring::copy(out.parts[i], a.parts[i]);
  out.level = a.level;
  out.correction = a.correction;
  out.noise = a.noise;
}

Ciphertext expand(const SeededCiphertext& seeded) {
  Ciphertext out{seeded.parameters, {}, seeded.level, seeded.correction, seeded.noise};
  const rlwe::Parameters& rlwe = seeded.parameters->rlwe();
  out.parts.push_back(seeded.b.clone());
  out.parts.push_back(ring::uniform(rlwe.ring(), rlwe.primes(seeded.level), seeded.seed, seeded.stream));
  return out;
}

Ciphertext expand(std::shared_ptr<const Parameters> parameters, std::span<const std::uint64_t> b,
                  const ring::Seed& seed, std::uint64_t stream, rlwe::Level level, const Noise& noise) {
  const rlwe::Parameters& rlwe = parameters->rlwe();
  const ring::PrimeSet primes = rlwe.primes(level);
  check(b.size() == primes.size() * rlwe.degree(), "expand: one row of N residues per prime of the level");
  Ciphertext out{parameters, {}, level, parameters->correction(level), noise};
  out.noise.ancestry = ancestry_of(seed, stream);
  ring::Evaluations part(rlwe.ring(), primes);
  for (std::size_t i = 0; i < primes.size(); ++i)
    std::copy_n(b.data() + i * rlwe.degree(), rlwe.degree(), part.row(i).data());
  out.parts.push_back(std::move(part));
  out.parts.push_back(ring::uniform(rlwe.ring(), primes, seed, stream));
  return out;
}

Ancestry ancestry_of(const ring::Seed& seed, std::uint64_t stream) {
  const Digest digest = hash::tagged_sha256("prism fresh randomness v1").update(seed).update_u64(stream).finish();
  std::uint64_t name = 0;
  for (std::size_t i = 0; i < 8; ++i) name |= std::uint64_t{digest[i]} << (8 * i);
  return Ancestry::event(name);
}

}  // namespace prism::exact
