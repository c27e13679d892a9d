// The operations of Microsoft SEAL, for bench/engine.py (requests: driver.h). A case names
//   scheme=ckks log_n= bits=60,40x2,60 scale=BITS      the last prime is SEAL's special one
//   scheme=bfv|bgv log_n= bits=default|LIST t=
//   scheme=ntt log_n=
#include <seal/seal.h>
#include <seal/util/ntt.h>

#include <memory>

#include "driver.h"

namespace {

using namespace seal;

struct Keys {
  explicit Keys(const EncryptionParameters& parameters)
      : context(parameters, true, sec_level_type::tc128), generator(checked(context)) {
    generator.create_public_key(public_key);
    generator.create_relin_keys(relinearise);
    generator.create_galois_keys(std::vector<int>{1}, galois);
  }
  static const SEALContext& checked(const SEALContext& context) {
    if (!context.parameters_set()) throw std::invalid_argument(context.parameter_error_message());
    return context;
  }
  SEALContext context;
  KeyGenerator generator;
  PublicKey public_key;
  RelinKeys relinearise;
  GaloisKeys galois;
};

struct World : Keys {
  explicit World(const EncryptionParameters& parameters)
      : Keys(parameters),
        encryptor(context, public_key),
        decryptor(context, generator.secret_key()),
        evaluator(context) {}
  Encryptor encryptor;
  Decryptor decryptor;
  Evaluator evaluator;
  Plaintext plain, opened;
  Ciphertext x, y, result;
};

void describe(bench::Case& out, const SEALContext& context) {
  const auto& all = context.key_context_data()->parms().coeff_modulus();
  const auto log2 = [](const std::vector<Modulus>& primes, std::size_t count) {
    double sum = 0;
    for (std::size_t i = 0; i < count; ++i) sum += std::log2(static_cast<double>(primes[i].value()));
    return sum;
  };
  const double n = static_cast<double>(context.key_context_data()->parms().poly_modulus_degree());
  const std::size_t limbs = all.size() - 1;
  out.facts["limbs"] = static_cast<double>(limbs);
  out.facts["special"] = 1;
  out.facts["digits"] = static_cast<double>(limbs);
  out.facts["log_q"] = log2(all, limbs);
  out.facts["log_qp"] = log2(all, limbs + 1);
  out.facts["levels"] = static_cast<double>(context.first_context_data()->chain_index());
  out.facts["ciphertext_bytes"] = 2 * static_cast<double>(limbs) * n * 8;
  out.facts["key_bytes"] = 2 * static_cast<double>(limbs * (limbs + 1)) * n * 8;
}

EncryptionParameters ring(scheme_type scheme, const bench::Spec& spec) {
  EncryptionParameters parameters(scheme);
  const std::size_t n = std::size_t{1} << spec.number("log_n");
  parameters.set_poly_modulus_degree(n);
  parameters.set_coeff_modulus(spec.text("bits") == "default" ? CoeffModulus::BFVDefault(n)
                                                              : CoeffModulus::Create(n, spec.list("bits")));
  return parameters;
}

bench::Case ckks_case(const bench::Spec& spec) {
  struct Setting : World {
    Setting(const EncryptionParameters& parameters, double scale_)
        : World(parameters), encoder(context), scale(scale_) {
      bench::Values values(1);
      for (std::size_t i = 0; i < encoder.slot_count(); ++i) slots.push_back(values.unit() - 0.5);
      encoder.encode(slots, scale, plain);
      encryptor.encrypt(plain, x);
      encryptor.encrypt(plain, y);
    }
    void multiply() {
      evaluator.multiply(x, y, result);
      evaluator.relinearize_inplace(result, relinearise);
      evaluator.rescale_to_next_inplace(result);
    }
    void rotate() { evaluator.rotate_vector(x, 1, galois, result); }
    double precision(const Ciphertext& c, const std::function<double(std::size_t)>& right) {
      decryptor.decrypt(c, opened);
      encoder.decode(opened, decoded);
      double largest = 0;
      for (std::size_t i = 0; i < decoded.size(); ++i) largest = std::max(largest, std::abs(decoded[i] - right(i)));
      return -std::log2(largest);
    }
    CKKSEncoder encoder;
    double scale;
    std::vector<double> slots, decoded;
  };
  const auto s = std::make_shared<Setting>(ring(scheme_type::ckks, spec), std::pow(2.0, spec.number("scale")));
  bench::Case out;
  describe(out, s->context);
  out.operations = {
      {"multiply", [s] { s->multiply(); }},
      {"rotate", [s] { s->rotate(); }},
      {"rotate_hoisted", [s] { s->rotate(); }},  // there is no other way here
      {"key", [s] { s->generator.create_relin_keys(s->relinearise); }},
      {"encrypt", [s] { s->encryptor.encrypt(s->plain, s->result); }},
      {"decrypt", [s] { s->decryptor.decrypt(s->x, s->opened); }},
      {"encode", [s] { s->encoder.encode(s->slots, s->scale, s->opened); }},
      {"decode", [s] { s->encoder.decode(s->plain, s->decoded); }},
      {"add", [s] { s->evaluator.add(s->x, s->y, s->result); }},
  };
  out.figures = {
      {"precision_multiply",
       [s] {
         return s->multiply(), s->precision(s->result, [s](std::size_t i) { return s->slots[i] * s->slots[i]; });
       }},
      {"precision_rotate",
       [s] {
         s->rotate();
         return s->precision(s->result, [s](std::size_t i) { return s->slots[(i + 1) % s->slots.size()]; });
       }},
      {"precision_encrypt", [s] { return s->precision(s->x, [s](std::size_t i) { return s->slots[i]; }); }},
  };
  return out;
}

bench::Case exact_case(const bench::Spec& spec, scheme_type scheme) {
  struct Setting : World {
    explicit Setting(const EncryptionParameters& parameters) : World(parameters), encoder(context) {
      bench::Values values(2);
      for (std::size_t i = 0; i < encoder.slot_count(); ++i)
        slots.push_back(values.below(parameters.plain_modulus().value()));
      encoder.encode(slots, plain);
      encryptor.encrypt(plain, x);
      encryptor.encrypt(plain, y);
    }
    void multiply() {
      evaluator.multiply(x, y, result);
      evaluator.relinearize_inplace(result, relinearise);
    }
    void rotate() { evaluator.rotate_rows(x, 1, galois, result); }
    BatchEncoder encoder;
    std::vector<std::uint64_t> slots, decoded;
  };
  EncryptionParameters parameters = ring(scheme, spec);
  parameters.set_plain_modulus(spec.number("t"));
  const auto s = std::make_shared<Setting>(parameters);
  bench::Case out;
  describe(out, s->context);
  out.operations = {
      {"multiply", [s] { s->multiply(); }},
      {"rotate", [s] { s->rotate(); }},
      {"rotate_hoisted", [s] { s->rotate(); }},
      {"key", [s] { s->generator.create_relin_keys(s->relinearise); }},
      {"encrypt", [s] { s->encryptor.encrypt(s->plain, s->result); }},
      {"decrypt", [s] { s->decryptor.decrypt(s->x, s->opened); }},
      {"encode", [s] { s->encoder.encode(s->slots, s->opened); }},
      {"decode", [s] { s->encoder.decode(s->plain, s->decoded); }},
      {"add", [s] { s->evaluator.add(s->x, s->y, s->result); }},
  };
  out.figures = {
      {"budget_multiply", [s] { return s->multiply(), s->decryptor.invariant_noise_budget(s->result); }},
      {"budget_rotate", [s] { return s->rotate(), s->decryptor.invariant_noise_budget(s->result); }},
      {"budget_encrypt", [s] { return s->decryptor.invariant_noise_budget(s->x); }},
  };
  return out;
}

bench::Case ntt_case(const bench::Spec& spec) {
  struct Setting {
    util::NTTTables tables;
    std::vector<std::uint64_t> row;
  };
  const int log_n = static_cast<int>(spec.number("log_n"));
  const std::size_t n = std::size_t{1} << log_n;
  const Modulus q = CoeffModulus::Create(std::min<std::size_t>(n, 32768), {49})[0];
  const auto s = std::make_shared<Setting>(Setting{{log_n, q}, {}});
  bench::Values values(3);
  for (std::size_t i = 0; i < n; ++i) s->row.push_back(values.below(q.value()));
  bench::Case out;
  out.operations = {
      {"forward", [s] { util::ntt_negacyclic_harvey(util::CoeffIter(s->row.data()), s->tables); }},
      {"inverse", [s] { util::inverse_ntt_negacyclic_harvey(util::CoeffIter(s->row.data()), s->tables); }},
  };
  return out;
}

bench::Case make(const bench::Spec& spec) {
  const std::string scheme = spec.text("scheme");
  if (scheme == "ckks") return ckks_case(spec);
  if (scheme == "bfv") return exact_case(spec, scheme_type::bfv);
  if (scheme == "bgv") return exact_case(spec, scheme_type::bgv);
  if (scheme == "ntt") return ntt_case(spec);
  throw std::invalid_argument("no scheme '" + scheme + "'");
}

}  // namespace

int main() {
  std::string name = "SEAL " + std::to_string(SEAL_VERSION_MAJOR) + "." + std::to_string(SEAL_VERSION_MINOR) + "." +
                     std::to_string(SEAL_VERSION_PATCH);
#ifdef SEAL_USE_INTEL_HEXL
  name += " with HEXL";
#endif
  return bench::serve(name, make);
}
