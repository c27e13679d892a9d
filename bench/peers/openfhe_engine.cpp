// The operations of OpenFHE, for bench/engine.py (requests: driver.h). A case names
//   scheme=ckks log_n= depth= scale=BITS digits=       first and special primes are OpenFHE's choice (60 bits)
//   scheme=bfv|bgv log_n= depth=N|most t=              most: the deepest that fits the ring at 128 bits
//   scheme=ntt log_n=
// CKKS and BGV use FIXEDMANUAL, the technique without hidden rescaling; key switching is hybrid with a uniform ternary
// secret.
#include <openfhe.h>

#include <memory>

#include "driver.h"

namespace {

using namespace lbcrypto;
using Context = CryptoContext<DCRTPoly>;
using Encrypted = Ciphertext<DCRTPoly>;

template <class Chosen>
Context generate(const bench::Spec& spec, std::uint32_t depth) {
  CCParams<Chosen> p;
  p.SetSecurityLevel(HEStd_128_classic);
  p.SetRingDim(1U << spec.number("log_n"));
  p.SetMultiplicativeDepth(depth);
  p.SetKeySwitchTechnique(HYBRID);
  p.SetSecretKeyDist(UNIFORM_TERNARY);
  if constexpr (std::is_same_v<Chosen, CryptoContextCKKSRNS>) {
    p.SetScalingModSize(static_cast<std::uint32_t>(spec.number("scale")));
    p.SetFirstModSize(60);
  } else {
    p.SetPlaintextModulus(spec.number("t"));
  }
  if constexpr (!std::is_same_v<Chosen, CryptoContextBFVRNS>) p.SetScalingTechnique(FIXEDMANUAL);
  if (const auto digits = spec.number("digits", 0); digits != 0)
    p.SetNumLargeDigits(static_cast<std::uint32_t>(digits));
  return GenCryptoContext(p);
}

/// Refuses a ring larger than the case says; OpenFHE may grow it.
template <class Chosen>
Context context(const bench::Spec& spec) {
  const std::uint32_t wanted = 1U << spec.number("log_n");
  Context found;
  if (spec.text("depth") == "most") {
    for (std::uint32_t depth = 1; depth < 40; ++depth) {
      try {
        const Context next = generate<Chosen>(spec, depth);
        if (next->GetRingDimension() > wanted) break;
        found = next;
      } catch (const std::exception&) {
        break;
      }
    }
  } else {
    found = generate<Chosen>(spec, static_cast<std::uint32_t>(spec.number("depth")));
  }
  if (!found || found->GetRingDimension() != wanted) throw std::invalid_argument("no such parameters in this ring");
  for (const auto feature : {PKE, KEYSWITCH, LEVELEDSHE, ADVANCEDSHE}) found->Enable(feature);
  return found;
}

struct World {
  explicit World(Context made) : context(std::move(made)), keys(context->KeyGen()) {
    context->EvalMultKeyGen(keys.secretKey);
    context->EvalRotateKeyGen(keys.secretKey, {1});
  }
  ~World() {  // OpenFHE keeps evaluation keys and contexts in maps of the process
    CryptoContextImpl<DCRTPoly>::ClearEvalMultKeys();
    CryptoContextImpl<DCRTPoly>::ClearEvalAutomorphismKeys();
    CryptoContextFactory<DCRTPoly>::ReleaseAllContexts();
  }
  std::uint32_t m() const { return 2 * context->GetRingDimension(); }
  Plaintext open(const Encrypted& c) {
    Plaintext out;
    context->Decrypt(keys.secretKey, c, &out);
    return out;
  }
  void new_key() {
    CryptoContextImpl<DCRTPoly>::ClearEvalMultKeys();
    context->EvalMultKeyGen(keys.secretKey);
  }
  Context context;
  KeyPair<DCRTPoly> keys;
  Plaintext plain;
  Encrypted x, y, result;
  std::shared_ptr<std::vector<DCRTPoly>> digits;
};

void describe(bench::Case& out, const Context& context) {
  const auto parameters = std::dynamic_pointer_cast<CryptoParametersRNS>(context->GetCryptoParameters());
  double log_q = 0, log_p = 0, special = 0;
  const auto log2 = [](const auto& params) { return std::log2(params->GetModulus().ConvertToDouble()); };
  const auto& q = parameters->GetElementParams()->GetParams();
  for (const auto& prime : q) log_q += log2(prime);
  if (parameters->GetParamsP()) {
    for (const auto& prime : parameters->GetParamsP()->GetParams()) {
      log_p += log2(prime);
      ++special;
    }
  }
  const double n = context->GetRingDimension(), limbs = static_cast<double>(q.size());
  out.facts["limbs"] = limbs;
  out.facts["special"] = special;
  out.facts["digits"] = parameters->GetNumPartQ();
  out.facts["log_q"] = log_q;
  out.facts["log_qp"] = log_q + log_p;
  out.facts["levels"] = parameters->GetMultiplicativeDepth();
  out.facts["ciphertext_bytes"] = 2 * limbs * n * 8;
  out.facts["key_bytes"] = parameters->GetNumPartQ() * 2 * (limbs + special) * n * 8;
}

template <class Setting>
void shared_operations(bench::Case& out, const std::shared_ptr<Setting>& s) {
  s->digits = s->context->EvalFastRotationPrecompute(s->x);
  out.operations = {
      {"multiply", [s] { s->multiply(); }},
      {"rotate", [s] { s->result = s->context->EvalRotate(s->x, 1); }},
      {"rotate_hoisted", [s] { s->result = s->context->EvalFastRotation(s->x, 1, s->m(), s->digits); }},
      {"key", [s] { s->new_key(); }},
      {"encrypt", [s] { s->result = s->context->Encrypt(s->keys.publicKey, s->plain); }},
      {"decrypt", [s] { s->open(s->x); }},  // with decoding; OpenFHE does not separate them
      {"encode", [s] { s->encode(); }},
      {"add", [s] { s->result = s->context->EvalAdd(s->x, s->y); }},
  };
}

bench::Case ckks_case(const bench::Spec& spec) {
  struct Setting : World {
    explicit Setting(Context c) : World(std::move(c)) {
      bench::Values values(1);
      for (std::size_t i = 0; i < context->GetRingDimension() / 2; ++i) slots.push_back(values.unit() - 0.5);
      plain = encode();
      x = context->Encrypt(keys.publicKey, plain);
      y = context->Encrypt(keys.publicKey, plain);
    }
    Plaintext encode() const { return context->MakeCKKSPackedPlaintext(slots); }
    void multiply() { result = context->Rescale(context->EvalMult(x, y)); }
    double precision(const Encrypted& c, const std::function<double(std::size_t)>& right) {
      Plaintext opened = open(c);
      opened->SetLength(slots.size());
      const std::vector<double> got = opened->GetRealPackedValue();
      double largest = 0;
      for (std::size_t i = 0; i < got.size(); ++i) largest = std::max(largest, std::abs(got[i] - right(i)));
      return -std::log2(largest);
    }
    std::vector<double> slots;
  };
  const auto s = std::make_shared<Setting>(context<CryptoContextCKKSRNS>(spec));
  bench::Case out;
  describe(out, s->context);
  shared_operations(out, s);
  out.figures = {
      {"precision_multiply",
       [s] {
         return s->multiply(), s->precision(s->result, [s](std::size_t i) { return s->slots[i] * s->slots[i]; });
       }},
      {"precision_rotate",
       [s] {
         s->result = s->context->EvalRotate(s->x, 1);
         return s->precision(s->result, [s](std::size_t i) { return s->slots[(i + 1) % s->slots.size()]; });
       }},
      {"precision_encrypt", [s] { return s->precision(s->x, [s](std::size_t i) { return s->slots[i]; }); }},
  };
  return out;
}

bench::Case exact_case(const bench::Spec& spec, bool bfv) {
  struct Setting : World {
    Setting(Context c, std::uint64_t t_, bool bfv_) : World(std::move(c)), t(t_), bfv(bfv_) {
      bench::Values values(2);
      for (std::size_t i = 0; i < context->GetRingDimension(); ++i)
        slots.push_back(static_cast<std::int64_t>(values.below(t)) - static_cast<std::int64_t>(t / 2));
      plain = encode();
      x = context->Encrypt(keys.publicKey, plain);
      y = context->Encrypt(keys.publicKey, plain);
    }
    Plaintext encode() const { return context->MakePackedPlaintext(slots); }
    void multiply() { result = context->EvalMult(x, y); }
    /// log2 of how far the noise is from what no longer decrypts: c0 + c1 s (times t in BFV) against Q/2.
    double budget(const Encrypted& c) {
      const auto& parts = c->GetElements();
      DCRTPoly secret = keys.secretKey->GetPrivateElement();
      secret.SetFormat(Format::EVALUATION);
      if (secret.GetNumOfElements() > parts[0].GetNumOfElements())
        secret.DropLastElements(secret.GetNumOfElements() - parts[0].GetNumOfElements());
      DCRTPoly first = parts[0], second = parts[1];
      first.SetFormat(Format::EVALUATION);
      second.SetFormat(Format::EVALUATION);
      DCRTPoly phase = first + second * secret;
      if (bfv) phase = phase.Times(NativeInteger(t));
      phase.SetFormat(Format::COEFFICIENT);
      const auto whole = phase.CRTInterpolate();
      return std::log2(phase.GetModulus().ConvertToDouble()) - 1 - std::log2(whole.Norm());
    }
    std::uint64_t t;
    bool bfv;
    std::vector<std::int64_t> slots;
  };
  const auto s = std::make_shared<Setting>(
      bfv ? context<CryptoContextBFVRNS>(spec) : context<CryptoContextBGVRNS>(spec), spec.number("t"), bfv);
  bench::Case out;
  describe(out, s->context);
  shared_operations(out, s);
  out.figures = {
      {"budget_multiply", [s] { return s->multiply(), s->budget(s->result); }},
      {"budget_rotate", [s] { return s->result = s->context->EvalRotate(s->x, 1), s->budget(s->result); }},
      {"budget_encrypt", [s] { return s->budget(s->x); }},
  };
  return out;
}

bench::Case ntt_case(const bench::Spec& spec) {
  const std::uint32_t n = 1U << spec.number("log_n");
  const NativeInteger q = LastPrime<NativeInteger>(49, 2 * n);
  const auto parameters = std::make_shared<ILNativeParams>(2 * n, q, RootOfUnity<NativeInteger>(2 * n, q));
  DiscreteUniformGeneratorImpl<NativeVector> uniform;
  uniform.SetModulus(q);
  const auto s = std::make_shared<NativePoly>(uniform, parameters, Format::EVALUATION);
  bench::Case out;
  // SwitchFormat goes back and forth; only the pair is measured.
  out.operations = {{"both", [s] {
                       s->SetFormat(Format::COEFFICIENT);
                       s->SetFormat(Format::EVALUATION);
                     }}};
  return out;
}

bench::Case make(const bench::Spec& spec) {
  const std::string scheme = spec.text("scheme");
  if (scheme == "ckks") return ckks_case(spec);
  if (scheme == "bfv" || scheme == "bgv") return exact_case(spec, scheme == "bfv");
  if (scheme == "ntt") return ntt_case(spec);
  throw std::invalid_argument("no scheme '" + scheme + "'");
}

}  // namespace

int main() {
  std::string name = "OpenFHE " + GetOPENFHEVersion();
#ifdef WITH_INTEL_HEXL
  name += " with HEXL";
#endif
  return bench::serve(name, make);
}
