// Runs the circuits on standard input with OpenFHE and prints what it decrypted (circuit.h; generate.py calls it). The
// parameters are for comparing results: large enough for every circuit, and not secure.
#include <openfhe.h>

#include <iostream>

#include "circuit.h"

namespace {

using namespace lbcrypto;
using circuits::Circuit;

struct Machine {
  using Value = Ciphertext<DCRTPoly>;
  explicit Machine(const Circuit& c) : circuit(c), context(make(c)) {
    for (const auto feature : {PKE, KEYSWITCH, LEVELEDSHE}) context->Enable(feature);
    keys = context->KeyGen();
    context->EvalMultKeyGen(keys.secretKey);
    const std::vector<int> steps = circuits::rotations(c);
    if (!steps.empty()) context->EvalRotateKeyGen(keys.secretKey, std::vector<int32_t>(steps.begin(), steps.end()));
    swap_keys = context->EvalAutomorphismKeyGen(keys.secretKey, {(2U << c.log_n) - 1});
  }
  ~Machine() {
    CryptoContextImpl<DCRTPoly>::ClearEvalMultKeys();
    CryptoContextImpl<DCRTPoly>::ClearEvalAutomorphismKeys();
    CryptoContextFactory<DCRTPoly>::ReleaseAllContexts();
  }
  template <class Chosen>
  static CryptoContext<DCRTPoly> generate(const Circuit& c) {
    CCParams<Chosen> p;
    p.SetSecurityLevel(HEStd_NotSet);
    p.SetRingDim(1U << c.log_n);
    p.SetKeySwitchTechnique(HYBRID);
    if constexpr (std::is_same_v<Chosen, CryptoContextCKKSRNS>) {
      p.SetMultiplicativeDepth(4);
      p.SetScalingModSize(50);
      p.SetFirstModSize(60);
    } else {
      p.SetMultiplicativeDepth(10);  // nothing is switched down, so noise needs the room of more products
      p.SetPlaintextModulus(c.t);
    }
    if constexpr (!std::is_same_v<Chosen, CryptoContextBFVRNS>) p.SetScalingTechnique(FIXEDMANUAL);
    return GenCryptoContext(p);
  }
  static CryptoContext<DCRTPoly> make(const Circuit& c) {
    if (c.scheme == "bfv") return generate<CryptoContextBFVRNS>(c);
    if (c.scheme == "bgv") return generate<CryptoContextBGVRNS>(c);
    return generate<CryptoContextCKKSRNS>(c);
  }
  Plaintext encode(std::int64_t seed, const Value* meets) const {
    if (circuit.scheme == "ckks") {
      // A plaintext must stand at the level of the ciphertext it meets; its scale is the first one's, as FIXEDMANUAL
      // counts.
      return context->MakeCKKSPackedPlaintext(circuits::reals(circuit, seed), 1, meets ? (*meets)->GetLevel() : 0);
    }
    std::vector<int64_t> centred;
    for (const std::uint64_t x : circuits::values(circuit, seed))
      centred.push_back(x > circuit.t / 2 ? static_cast<int64_t>(x) - static_cast<int64_t>(circuit.t)
                                          : static_cast<int64_t>(x));
    return context->MakePackedPlaintext(centred);
  }
  Value reduce(const Value& product) const { return circuit.scheme == "ckks" ? context->Rescale(product) : product; }
  Value input(std::int64_t seed) const { return context->Encrypt(keys.secretKey, encode(seed, nullptr)); }
  Value add(const Value& a, const Value& b) const { return context->EvalAdd(a, b); }
  Value subtract(const Value& a, const Value& b) const { return context->EvalSub(a, b); }
  Value negate(const Value& a) const { return context->EvalNegate(a); }
  Value multiply(const Value& a, const Value& b) const { return reduce(context->EvalMult(a, b)); }
  Value square(const Value& a) const { return reduce(context->EvalSquare(a)); }
  Value rotate(const Value& a, int steps) const { return context->EvalRotate(a, steps); }
  Value swap(const Value& a) const { return context->EvalAutomorphism(a, (2U << circuit.log_n) - 1, *swap_keys); }
  Value add_plain(const Value& a, std::int64_t seed) const {
    Plaintext plain = encode(seed, &a);  // EvalAdd may transform it
    return context->EvalAdd(a, plain);
  }
  Value multiply_plain(const Value& a, std::int64_t seed) const {
    return reduce(context->EvalMult(a, encode(seed, &a)));
  }

  const Circuit& circuit;
  CryptoContext<DCRTPoly> context;
  KeyPair<DCRTPoly> keys;
  std::shared_ptr<std::map<uint32_t, EvalKey<DCRTPoly>>> swap_keys;
};

struct Results {
  static Plaintext decrypted(const Circuit& circuit, Machine& machine) {
    Plaintext out;
    machine.context->Decrypt(machine.keys.secretKey, circuits::run(circuit, machine), &out);
    out->SetLength(circuit.slots());
    return out;
  }
  std::vector<std::uint64_t> integers(const Circuit& circuit) const {
    Machine machine(circuit);
    const auto t = static_cast<std::int64_t>(circuit.t);
    std::vector<std::uint64_t> out;
    const Plaintext plain = decrypted(circuit, machine);  // owns the values
    for (const std::int64_t x : plain->GetPackedValue()) out.push_back(static_cast<std::uint64_t>((x % t + t) % t));
    return out;
  }
  std::vector<double> reals(const Circuit& circuit) const {
    Machine machine(circuit);
    return decrypted(circuit, machine)->GetRealPackedValue();
  }
};

}  // namespace

int main() {
  try {
    return circuits::answer("openfhe", std::cin, std::cout, Results{});
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
