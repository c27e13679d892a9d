// A public matrix times an encrypted vector, one floor below the vectors of prism/fhe: parameters, keys and circuits
// are objects of their own here, and a circuit says which keys it needs.
#include <cstdio>
#include <vector>

#include "prism/circuits/linear_map.h"
#include "prism/ckks/decryptor.h"
#include "prism/ckks/encryptor.h"
#include "prism/host/system.h"

int main() {
  using namespace prism;
  constexpr std::size_t kSize = 64;
  host::SystemRandom random;
  // Rows of the matrix add up to 2.4, so results are larger than the inputs, which are at most 1: 2 * 2 holds them.
  const auto parameters =
      ckks::parameters_for({.depth = 1, .precision_bits = 15, .largest_magnitude = 2, .rotations = true}).value();
  const auto secret = rlwe::SecretKey::generate(parameters->rlwe_ptr(), random).value();
  const ckks::Encoder encoder(parameters);
  const ckks::Evaluator evaluator(parameters);

  circuits::Matrix<circuits::WeightOf<ckks::Evaluator>> matrix{kSize, kSize, {}};
  std::vector<double> x, wanted(kSize);
  for (std::size_t j = 0; j < kSize; ++j) x.push_back(1.0 / static_cast<double>(j + 1));
  for (std::size_t i = 0; i < kSize; ++i) {
    for (std::size_t j = 0; j < kSize; ++j) {
      const double weight = i >= j ? 0.5 / static_cast<double>(i - j + 1) : 0;
      matrix.values.emplace_back(weight);
      wanted[i] += weight * x[j];
    }
  }
  // Encoded once for the level that it will meet, applied often.
  using Map = circuits::LinearMap<ckks::Evaluator>;
  const auto slots = circuits::SlotMap<ckks::Evaluator>::from_matrix(*parameters, matrix).value();
  Map::Options options;
  options.zeros_beyond = true;
  const auto map = Map::make(evaluator, encoder, slots, parameters->max_level(), options).value();
  rlwe::EvaluationKeys keys(parameters->rlwe_ptr());
  if (!circuits::make_keys(keys, map.keys_needed(), secret, 1, random)) return 1;

  const auto plain = encoder.encode(std::span<const double>(x), parameters->max_level(), 1).value();
  const auto encrypted = ckks::SymmetricEncryptor(secret, parameters).encrypt(plain, random).value();
  const auto product = map.apply(evaluator, encrypted, keys).value();

  const auto opened = ckks::Decryptor(secret, parameters).decrypt_private(product).value();
  const std::vector<double> found = encoder.decode_real(opened);
  for (const std::size_t i : {std::size_t{0}, std::size_t{1}, kSize - 1})
    std::printf("row %2zu: %.3f, in the clear %.3f\n", i, found[i], wanted[i]);
}
