// Keys, errors and messages are marked undefined, and memcheck reports every branch and every address that depends on
// them (Langley's ctgrind). Run under valgrind, one part and one kernel set at a time:
//   valgrind secrets_test portable keys
//
// What is declared public, on purpose: ciphertexts and evaluation keys once made; which two-bit fields of a ternary
// key's stream are skipped (they say nothing about those kept); that a value to encode is outside the plaintext's
// range.
#include <valgrind/memcheck.h>

#include <cstdio>
#include <cstring>
#include <random>
#include <string_view>

#include "prism/ckks/decryptor.h"
#include "prism/ckks/encryptor.h"
#include "prism/ckks/plaintext.h"
#include "prism/exact/decryptor.h"
#include "prism/exact/encoder.h"
#include "prism/exact/encryptor.h"
#include "prism/exact/evaluator.h"
#include "prism/kernels/kernels.h"

namespace prism {
namespace {

constexpr secret::RevealKey kReveal{};
constexpr int kSkipped = 77;
int broken = 0;
unsigned allowed = 0;  // reports that were expected

template <class T>
void poison(std::span<T> values) {
  (void)VALGRIND_MAKE_MEM_UNDEFINED(values.data(), values.size_bytes());
}
template <class T>
void publish(std::span<T> values) {
  (void)VALGRIND_MAKE_MEM_DEFINED(values.data(), values.size_bytes());
}
void publish(const ring::Evaluations& p) {
  for (std::size_t i = 0; i < p.rows(); ++i) publish(p.row(i));
}
template <class T>
std::span<T> writable(std::span<const T> values) {
  return {const_cast<T*>(values.data()), values.size()};
}

template <class T>
T must(Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "%s\n", result.error().message.c_str());
    std::exit(1);
  }
  return *std::move(result);
}
void expect(bool truth, const char* what) {
  if (truth) return;
  std::fprintf(stderr, "failed: %s\n", what);
  ++broken;
}

/// As keys are made, the first seed is public and the second, of the errors, is not.
class KeyRandom final : public Random {
 public:
  Status fill(MutableByteView out) override {
    for (auto& byte : out) byte = static_cast<std::uint8_t>(engine_());
    if (calls_++ % 2 == 1) poison(out);
    return {};
  }

 private:
  std::mt19937_64 engine_{5};
  int calls_ = 0;
};

ring::SecretSeed secret_seed(std::uint8_t first) {
  ring::SecretSeed seed;
  seed.reveal(kReveal).fill(first);
  return seed;
}

rlwe::ParameterSpec spec_of(unsigned log_n, std::uint64_t avoid) {
  rlwe::ParameterSpec spec;
  spec.log_n = log_n;
  spec.security = rlwe::Security::none_for_tests;
  spec.primes = must(rlwe::choose_primes(50, 4, {avoid}));
  spec.special_primes = {spec.primes.back()};
  spec.primes.pop_back();
  return spec;
}

/// A key whose coefficients memcheck takes for secrets.
rlwe::SecretKey poisoned_key(const std::shared_ptr<const rlwe::Parameters>& parameters) {
  rlwe::SecretKey key = must(rlwe::SecretKey::from_seed(parameters, secret_seed(1)));
  poison(writable(key.coefficients(kReveal)));
  // Transformed again, so that the transform of a secret is watched, too.
  const ring::Ring& ring = parameters->ring();
  const ring::Evaluations again = ring::to_evaluations(ring::from_signed(ring, ring.all(), key.coefficients(kReveal)));
  const ring::Evaluations& held = key.evaluations(kReveal);
  for (std::size_t i = 0; i < held.rows(); ++i)
    std::memcpy(writable(held.row(i)).data(), again.row(i).data(), again.row(i).size_bytes());
  return key;
}

constexpr std::uint64_t kPlain = 8588886017;  // 33 bits, 1 mod 2^18

struct ExactWorld {
  explicit ExactWorld(exact::Scheme scheme)
      : parameters(must(exact::Parameters::make(spec_of(10, kPlain), kPlain, scheme))),
        key(poisoned_key(parameters->rlwe_ptr())),
        encoder(parameters) {}
  std::shared_ptr<const exact::Parameters> parameters;
  rlwe::SecretKey key;
  exact::Encoder encoder;
};

/// Switching keys, automorphism keys and the public key.
void make_keys() {
  ExactWorld w(exact::Scheme::bgv);
  for (const rlwe::KeyId& id : {rlwe::KeyId{rlwe::KeyId::Kind::relinearise, 0, rlwe::Level{2}},
                                rlwe::KeyId{rlwe::KeyId::Kind::automorphism, 5, rlwe::Level{1}}}) {
    KeyRandom random;
    const rlwe::SwitchKey made = must(rlwe::make_switch_key(w.key, id, w.parameters->error_scale(), random));
    // The marks went all the way through; otherwise nothing was watched.
    std::uint64_t marks = 0;
    (void)VALGRIND_GET_VBITS(made.b[0].row(0).data(), &marks, sizeof marks);
    expect(marks != 0 || !RUNNING_ON_VALGRIND, "a switching key depends on what was poisoned");
  }
  KeyRandom random;
  (void)must(rlwe::make_public_key(w.key, w.parameters->error_scale(), random));
}

/// A message, its errors and the key: only their sum is public.
exact::Ciphertext encrypted(const ExactWorld& w, std::int64_t value) {
  std::vector<std::int64_t> slots(w.parameters->slots(), value);
  exact::Plaintext plain = must(w.encoder.encode(slots));
  poison(plain.coefficients());
  ring::SecretSeed errors = secret_seed(2);
  poison(std::span<std::uint8_t>(errors.reveal(kReveal)));
  const exact::SymmetricEncryptor encryptor(w.key, w.parameters);
  exact::SeededCiphertext seeded = must(encryptor.encrypt(plain, rlwe::Level{1}, ring::Seed{3}, 4, errors, 5));
  publish(seeded.b);
  return exact::expand(std::move(seeded));
}

void encrypt() {
  for (const auto scheme : {exact::Scheme::bgv, exact::Scheme::bfv}) {
    ExactWorld w(scheme);
    (void)encrypted(w, -3);
    // Encoding looks at nothing but whether every value fits: one branch.
    std::vector<std::int64_t> slots(w.parameters->slots(), 12345);
    poison(std::span(slots));
    (void)must(w.encoder.encode(slots));
    ++allowed;
  }
}

void decrypt() {
  for (const auto scheme : {exact::Scheme::bgv, exact::Scheme::bfv}) {
    ExactWorld w(scheme);
    const exact::Ciphertext c = encrypted(w, -12345678);
    const exact::Decryptor decryptor(w.key, w.parameters);
    const exact::Plaintext plain = must(decryptor.decrypt(c));
    std::vector<std::int64_t> slots = w.encoder.decode(plain);
    publish(std::span(slots));
    for (const auto v : slots) expect(v == -12345678, "decryption is right");
    const exact::Evaluator evaluator(w.parameters);
    std::vector<std::uint64_t> constant = must(decryptor.decrypt_lwe(std::vector{must(evaluator.extract_constant(c))}));
    publish(std::span(constant));
    expect(constant[0] == kPlain - 12345678, "samples decrypt right");
  }
}

void ckks() {
  const auto parameters = must(ckks::Parameters::make(spec_of(10, 0), 40));
  const rlwe::SecretKey key = poisoned_key(parameters->rlwe_ptr());
  const ckks::Encoder encoder(parameters);
  const std::vector<double> slots(parameters->slots(), 0.5);
  ckks::Plaintext plain = must(encoder.encode(slots, parameters->max_level(), 1));
  poison(plain.coefficients(kReveal));
  ring::SecretSeed errors = secret_seed(2);
  poison(std::span<std::uint8_t>(errors.reveal(kReveal)));
  const ckks::SymmetricEncryptor encryptor(key, parameters);
  auto seeded = must(encryptor.encrypt(plain, parameters->max_level(), ring::Seed{3}, 4, errors, 5));
  publish(seeded.b);
  const ckks::Ciphertext c = ckks::expand(std::move(seeded));
  const ckks::Plaintext back = must(ckks::Decryptor(key, parameters).decrypt_private(c));
  std::vector<Int128> coefficients(back.coefficients(kReveal).begin(), back.coefficients(kReveal).end());
  publish(std::span(coefficients));
  const Int128 half = Int128{1} << 39;
  expect(coefficients[0] > half - 1000 && coefficients[0] < half + 1000, "CKKS decrypts to about what was encrypted");
}

/// What must be reported: a test under this watch that cannot fail proves nothing.
void canary() {
  std::vector<std::uint64_t> values(64, 1);
  poison(std::span(values));
  if (values[7] == 1) std::puts("a branch on a secret");
}

int run(std::string_view kernels, std::string_view part) {
  if (!kernels::choose(kernels)) {
    std::printf("skipped: the kernel set does not run here\n");
    return kSkipped;
  }
  if (!RUNNING_ON_VALGRIND) std::printf("not under valgrind: results are checked, secrets are not watched\n");
  if (part == "keys") make_keys();
  if (part == "encrypt") encrypt();
  if (part == "decrypt") decrypt();
  if (part == "ckks") ckks();
  if (part == "canary") canary();
  const auto reports = VALGRIND_COUNT_ERRORS;
  if (RUNNING_ON_VALGRIND && reports != allowed)
    std::fprintf(stderr, "%u reports and %u expected\n", static_cast<unsigned>(reports), allowed);
  return broken == 0 && (!RUNNING_ON_VALGRIND || reports == allowed) ? 0 : 1;
}

}  // namespace
}  // namespace prism

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  return prism::run(argv[1], argv[2]);
}
