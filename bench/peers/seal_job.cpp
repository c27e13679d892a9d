// The job of bench/job.cpp with Microsoft SEAL, lean: BFV, N = 8192, only the ten Galois keys the sum uses.
// One process, one thread; the same JSON. Its ciphertext stays in memory.
#include <seal/seal.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <random>
#include <vector>

namespace {

using Steady = std::chrono::steady_clock;

constexpr std::size_t kRows = 1000;

class Phases {
 public:
  void end(const char* name) {
    const auto now = Steady::now();
    std::printf("\"%s\": %.3f, ", name, std::chrono::duration<double, std::milli>(now - last_).count());
    last_ = now;
  }
  double total() const { return std::chrono::duration<double, std::milli>(Steady::now() - start_).count(); }

 private:
  Steady::time_point start_ = Steady::now(), last_ = start_;
};

}  // namespace

int main() {
  Phases phases;
  std::printf("{");
  std::mt19937_64 random(42);
  std::vector<std::int64_t> values(kRows);
  std::int64_t sum = 0;
  for (auto& v : values) sum += v = 100 + static_cast<std::int64_t>(random() % 4901);

  seal::EncryptionParameters parameters(seal::scheme_type::bfv);
  parameters.set_poly_modulus_degree(8192);
  parameters.set_coeff_modulus(seal::CoeffModulus::BFVDefault(8192));
  parameters.set_plain_modulus(seal::PlainModulus::Batching(8192, 24));
  const seal::SEALContext context(parameters);
  phases.end("context_ms");

  seal::KeyGenerator generator(context);
  seal::GaloisKeys galois;
  generator.create_galois_keys(std::vector<int>{1, 2, 4, 8, 16, 32, 64, 128, 256, 512}, galois);
  phases.end("keys_ms");

  // With the secret key: cheaper than a public key, and what an owner who seals would do.
  const seal::Encryptor encryptor(context, generator.secret_key());
  const seal::BatchEncoder encoder(context);
  values.resize(encoder.slot_count(), 0);
  seal::Plaintext plain;
  encoder.encode(values, plain);
  seal::Ciphertext cipher;
  encryptor.encrypt_symmetric(plain, cipher);
  phases.end("seal_ms");

  const seal::Evaluator evaluator(context);
  seal::Ciphertext rotated;
  for (int step = 512; step > 0; step /= 2) {
    evaluator.rotate_rows(cipher, step, galois, rotated);
    evaluator.add_inplace(cipher, rotated);
  }
  phases.end("query_ms");

  seal::Decryptor decryptor(context, generator.secret_key());
  decryptor.decrypt(cipher, plain);
  std::vector<std::int64_t> slots;
  encoder.decode(plain, slots);
  phases.end("open_ms");

  const bool right = slots[0] == sum;
  std::printf("\"total_ms\": %.3f, \"right\": %s}\n", phases.total(), right ? "true" : "false");
  return right ? 0 : 1;
}
