// Runs the circuits on standard input with Microsoft SEAL and prints what it decrypted (circuit.h; generate.py calls
// it). The parameters are for comparing results: large enough for every circuit, and not secure.
#include <seal/seal.h>

#include <iostream>
#include <memory>

#include "circuit.h"

namespace {

using namespace seal;
using circuits::Circuit;

struct Machine {
  using Value = Ciphertext;
  Machine(const EncryptionParameters& parameters, const Circuit& c)
      : circuit(c),
        context(parameters, true, sec_level_type::none),
        generator(context),
        encryptor(context, generator.secret_key()),
        decryptor(context, generator.secret_key()),
        evaluator(context) {
    generator.create_relin_keys(relinearise);
    std::vector<int> steps = circuits::rotations(c);
    steps.push_back(0);  // swaps rows
    generator.create_galois_keys(steps, galois);
  }
  virtual ~Machine() = default;
  virtual Plaintext encode(std::int64_t seed, const Ciphertext* meets) = 0;
  virtual Ciphertext reduce(Ciphertext product) = 0;

  Value input(std::int64_t seed) {
    Ciphertext out;
    encryptor.encrypt_symmetric(encode(seed, nullptr), out);
    return out;
  }
  Value add(const Value& a, const Value& b) {
    Ciphertext out;
    evaluator.add(a, b, out);
    return out;
  }
  Value subtract(const Value& a, const Value& b) {
    Ciphertext out;
    evaluator.sub(a, b, out);
    return out;
  }
  Value negate(const Value& a) {
    Ciphertext out;
    evaluator.negate(a, out);
    return out;
  }
  Value multiply(const Value& a, const Value& b) {
    Ciphertext out;
    evaluator.multiply(a, b, out);
    evaluator.relinearize_inplace(out, relinearise);
    return reduce(out);
  }
  Value square(const Value& a) {
    Ciphertext out;
    evaluator.square(a, out);
    evaluator.relinearize_inplace(out, relinearise);
    return reduce(out);
  }
  Value rotate(const Value& a, int steps) {
    Ciphertext out;
    if (circuit.scheme == "ckks") {
      evaluator.rotate_vector(a, steps, galois, out);
    } else {
      evaluator.rotate_rows(a, steps, galois, out);
    }
    return out;
  }
  Value swap(const Value& a) {
    Ciphertext out;
    evaluator.rotate_columns(a, galois, out);
    return out;
  }
  Value add_plain(const Value& a, std::int64_t seed) {
    Ciphertext out;
    evaluator.add_plain(a, encode(seed, &a), out);
    return out;
  }
  Value multiply_plain(const Value& a, std::int64_t seed) {
    Ciphertext out;
    evaluator.multiply_plain(a, encode(seed, &a), out);
    return reduce(out);
  }

  const Circuit& circuit;
  SEALContext context;
  KeyGenerator generator;
  Encryptor encryptor;
  Decryptor decryptor;
  Evaluator evaluator;
  RelinKeys relinearise;
  GaloisKeys galois;
};

struct Integers : Machine {
  Integers(const EncryptionParameters& parameters, const Circuit& c) : Machine(parameters, c), encoder(context) {}
  Plaintext encode(std::int64_t seed, const Ciphertext*) override {
    Plaintext out;
    encoder.encode(circuits::values(circuit, seed), out);
    return out;
  }
  Ciphertext reduce(Ciphertext product) override { return product; }
  BatchEncoder encoder;
};

struct Reals : Machine {
  Reals(const EncryptionParameters& parameters, const Circuit& c) : Machine(parameters, c), encoder(context) {}
  Plaintext encode(std::int64_t seed, const Ciphertext* meets) override {
    Plaintext out;
    if (meets == nullptr) {
      encoder.encode(circuits::reals(circuit, seed), 0x1p50, out);
    } else {
      encoder.encode(circuits::reals(circuit, seed), meets->parms_id(), meets->scale(), out);
    }
    return out;
  }
  Ciphertext reduce(Ciphertext product) override {
    evaluator.rescale_to_next_inplace(product);
    return product;
  }
  CKKSEncoder encoder;
};

struct Results {
  static EncryptionParameters parameters(scheme_type scheme, const Circuit& circuit, const std::vector<int>& bits) {
    EncryptionParameters out(scheme);
    const std::size_t n = std::size_t{1} << circuit.log_n;
    out.set_poly_modulus_degree(n);
    out.set_coeff_modulus(CoeffModulus::Create(n, bits));
    return out;
  }
  std::vector<std::uint64_t> integers(const Circuit& circuit) const {
    EncryptionParameters ring =
        parameters(circuit.scheme == "bfv" ? scheme_type::bfv : scheme_type::bgv, circuit, std::vector<int>(11, 55));
    ring.set_plain_modulus(circuit.t);
    Integers machine(ring, circuit);
    const Ciphertext result = circuits::run(circuit, static_cast<Machine&>(machine));
    if (machine.decryptor.invariant_noise_budget(result) < 10)
      throw std::runtime_error("too deep for these parameters");
    Plaintext plain;
    machine.decryptor.decrypt(result, plain);
    std::vector<std::uint64_t> out;
    machine.encoder.decode(plain, out);
    return out;
  }
  std::vector<double> reals(const Circuit& circuit) const {
    Reals machine(parameters(scheme_type::ckks, circuit, {60, 50, 50, 50, 50, 60}), circuit);
    Plaintext plain;
    machine.decryptor.decrypt(circuits::run(circuit, static_cast<Machine&>(machine)), plain);
    std::vector<double> out;
    machine.encoder.decode(plain, out);
    return out;
  }
};

}  // namespace

int main() {
  try {
    return circuits::answer("seal", std::cin, std::cout, Results{});
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
