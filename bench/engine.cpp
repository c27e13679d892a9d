// The operations of this engine, for bench/engine.py (requests: bench/peers/driver.h). A case names
//   scheme=ckks log_n= base=BITS levels= scale=BITS special=BITSxCOUNT digit=
//   scheme=bfv|bgv log_n= primes=BITSxCOUNT special=BITSxCOUNT digit= t=
//   scheme=ntt log_n=
#include <malloc.h>

#include <complex>
#include <cstdlib>
#include <memory>
#include <optional>
#include <thread>

#include "bench/peers/driver.h"
#include "bench/unit_costs.h"
#include "prism/ckks/decryptor.h"
#include "prism/ckks/encryptor.h"
#include "prism/ckks/evaluator.h"
#include "prism/exact/decryptor.h"
#include "prism/exact/encryptor.h"
#include "prism/exact/evaluator.h"
#include "prism/host/system.h"
#include "prism/math/primes.h"
#include "prism/program/work.h"

namespace bench {
std::uint64_t allocations();  // allocation_count.cpp
}

namespace {

using namespace prism;

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return *std::move(result);
}

void must(const Status& status) {
  if (!status) throw std::runtime_error(status.error().message);
}

/// Keeps a result alive as far as the compiler knows.
template <class T>
void use(const T& value) {
  asm volatile("" : : "g"(&value) : "memory");
}

/// Primes of these bit lengths, different from those taken.
std::vector<std::uint64_t> primes(const std::vector<int>& bits, std::vector<std::uint64_t>& taken) {
  std::vector<std::uint64_t> out;
  for (const int b : bits) {
    const std::uint64_t p = must(rlwe::choose_primes(static_cast<unsigned>(b), 1, taken))[0];
    out.push_back(p);
    taken.push_back(p);
  }
  return out;
}

rlwe::ParameterSpec common(const bench::Spec& spec, std::vector<std::uint64_t>& taken) {
  rlwe::ParameterSpec out;
  out.log_n = static_cast<unsigned>(spec.number("log_n"));
  out.special_primes = primes(spec.list("special"), taken);
  out.digit_size = static_cast<std::uint32_t>(spec.number("digit", 1));
  return out;
}

/// Makes `count` of something that stays, and says how much resident memory one took.
template <class Make>
double resident_each(std::size_t count, const Make& make) {
  std::vector<decltype(make())> kept;
  kept.reserve(count);
  kept.push_back(make());  // tables that all of them share are made by the first
  malloc_trim(0);          // what earlier figures freed must not hide what this one takes
  const double before = bench::resident_bytes();
  for (std::size_t i = 1; i < count; ++i) kept.push_back(make());
  malloc_trim(0);
  return (bench::resident_bytes() - before) / static_cast<double>(count - 1);
}

/// How much more two threads get done than one, in wall time: each has its own result and memory, and all share keys
/// and operands, which nothing writes to.
template <class Setting>
double throughput_gain(const Setting& setting,
                       const typename Setting::Ciphertext& (Setting::*work)(typename Setting::Ciphertext&,
                                                                            ring::Workspace&) const) {
  const auto rate = [&](std::size_t threads) {
    constexpr double kLong = 1e9;
    std::vector<double> rates(threads, 0.0);
    std::vector<std::thread> running;
    for (std::size_t i = 0; i < threads; ++i)
      running.emplace_back([&, i] {
        typename Setting::Ciphertext out;
        ring::Workspace workspace;
        (setting.*work)(out, workspace);
        const double start = bench::wall_ns();
        double now = start;
        std::size_t done = 0;
        for (; now - start < kLong; now = bench::wall_ns(), ++done) (setting.*work)(out, workspace);
        rates[i] = static_cast<double>(done) / (now - start);
      });
    for (std::thread& t : running) t.join();
    double sum = 0;
    for (const double r : rates) sum += r;
    return sum;
  };
  const double before = rate(1), two = rate(2), after = rate(1);
  return two / std::max(before, after);
}

/// Allocations of the third run: the first ones grow memory.
double allocations_of(const std::function<void()>& work) {
  work();
  work();
  const std::uint64_t before = bench::allocations();
  work();
  return static_cast<double>(bench::allocations() - before);
}

void describe(bench::Case& out, const rlwe::Parameters& parameters, const program::Chain& at) {
  out.facts["limbs"] = static_cast<double>(at.primes);
  out.facts["special"] = static_cast<double>(at.special);
  out.facts["digits"] = static_cast<double>(at.digits());
  out.facts["log_q"] = parameters.log2_q(parameters.max_level());
  out.facts["log_qp"] = parameters.log2_key_modulus(parameters.max_level());
  out.facts["levels"] = parameters.max_level().value;
  out.facts["ciphertext_bytes"] = static_cast<double>(program::ciphertext_bytes(at));
  out.facts["key_bytes"] = static_cast<double>(program::key_bytes(at));
}

/// What the operations take by formula and by what a row of each kind takes here; measured once, when first asked.
void add_predictions(bench::Case& out, std::shared_ptr<const ring::Ring> ring, const program::Chain& at,
                     const program::Work& multiply) {
  const auto units = std::make_shared<std::optional<bench::UnitCosts>>();
  for (const auto& [name, work] : {std::pair<std::string, program::Work>{"multiply", multiply},
                                   {"rotate", program::rotate(at, false)},
                                   {"rotate_hoisted", program::rotate(at, true)}}) {
    out.facts["transforms_" + name] = static_cast<double>(work.transforms());
    out.facts["products_" + name] = static_cast<double>(work.products);
    out.figures["model_" + name] = [ring, at, work, units] {
      if (!*units) *units = bench::measure_unit_costs(*ring, at);
      return (*units)->predict(work) / 1e6;
    };
  }
}

/// What both kinds of schemes share: keys, and the figures about them. Operations hold it alive.
template <class Parameters, class Evaluator>
struct World {
  World(std::shared_ptr<const Parameters> p, std::uint64_t error_scale_)
      : parameters(std::move(p)),
        error_scale(error_scale_),
        secret(must(rlwe::SecretKey::generate(parameters->rlwe_ptr(), random))),
        keys(parameters->rlwe_ptr()),
        evaluator(parameters) {
    keys.add(make_key());
    keys.add(must(rlwe::make_switch_key(
        secret, {rlwe::KeyId::Kind::automorphism, rlwe::galois_element_for_rotation(1, parameters->degree()), top()},
        error_scale, random)));
    public_key = std::make_shared<const rlwe::PublicKey>(must(rlwe::make_public_key(secret, error_scale, random)));
  }
  rlwe::Level top() const { return parameters->max_level(); }
  rlwe::SwitchKey make_key() {
    return must(rlwe::make_switch_key(secret, {rlwe::KeyId::Kind::relinearise, 0, top()}, error_scale, random));
  }

  std::shared_ptr<const Parameters> parameters;
  host::SystemRandom random;
  std::uint64_t error_scale;
  rlwe::SecretKey secret;
  rlwe::EvaluationKeys keys;
  std::shared_ptr<const rlwe::PublicKey> public_key;
  Evaluator evaluator;
};

bench::Case ckks_case(const bench::Spec& spec) {
  std::vector<std::uint64_t> taken;
  rlwe::ParameterSpec ring = common(spec, taken);
  const auto levels = spec.number("levels");
  const auto scale = static_cast<unsigned>(spec.number("scale"));
  ring.primes = primes(spec.list("base"), taken);
  const auto base = static_cast<std::uint32_t>(ring.primes.size());
  const auto middle = must(ckks::rescaling_primes(ring.log_n, scale, levels, 1, taken));
  ring.primes.insert(ring.primes.end(), middle.begin(), middle.end());
  for (std::uint32_t l = 0; l <= levels; ++l) ring.level_sizes.push_back(base + l);

  using Base = World<ckks::Parameters, ckks::Evaluator>;
  struct Setting : Base {
    explicit Setting(std::shared_ptr<const ckks::Parameters> p)
        : Base(p, 1),
          encoder(p),
          encryptor(must(ckks::PublicEncryptor::make(public_key, p))),
          decryptor(secret, p),
          plain(p, p->scale(p->max_level()), {}) {
      bench::Values values(1);
      for (std::size_t i = 0; i < p->slots(); ++i) slots.push_back(values.unit() - 0.5);
      plain = encode();
      x = must(encryptor.encrypt(plain, random));
      y = must(encryptor.encrypt(plain, random));
      hoisted = must(evaluator.hoist(x));
    }
    ckks::Plaintext encode() const { return must(encoder.encode(std::span<const double>(slots), top(), 1)); }
    using Ciphertext = ckks::Ciphertext;
    const Ciphertext& multiply(Ciphertext& out, ring::Workspace& space) const {
      must(evaluator.multiply_relinearise_rescale(out, x, y, keys, space));
      return out;
    }
    const Ciphertext& multiply() { return multiply(lower, workspace); }
    const Ciphertext& rotate(Ciphertext& out, ring::Workspace& space) const {
      must(evaluator.rotate(out, x, 1, keys, space));
      return out;
    }
    const Ciphertext& rotate() { return rotate(result, workspace); }
    /// -log2 of the largest distance from what is right.
    double precision(const ckks::Ciphertext& c, const std::function<double(std::size_t)>& right) const {
      const std::vector<double> got = encoder.decode_real(must(decryptor.decrypt_private(c)));
      double largest = 0;
      for (std::size_t i = 0; i < got.size(); ++i) largest = std::max(largest, std::abs(got[i] - right(i)));
      return -std::log2(largest);
    }
    ckks::Encoder encoder;
    ckks::PublicEncryptor encryptor;
    ckks::Decryptor decryptor;
    std::vector<double> slots;
    ckks::Plaintext plain;
    Ciphertext x, y, result, lower;  // `lower`: of products, whose rows may be fewer
    ckks::Evaluator::Hoisted hoisted;
    ring::Workspace workspace;
  };
  const auto s = std::make_shared<Setting>(must(ckks::Parameters::make(ring, scale)));
  bench::Case out;
  const program::Chain at = program::chain_of(s->parameters->rlwe(), s->parameters->max_level());
  describe(out, s->parameters->rlwe(), at);
  out.operations = {
      {"multiply", [s] { s->multiply(); }},
      {"rotate", [s] { s->rotate(); }},
      {"rotate_hoisted", [s] { must(s->evaluator.rotate(s->result, s->hoisted, 1, s->keys, s->workspace)); }},
      {"key", [s] { use(s->make_key()); }},
      {"encrypt", [s] { use(must(s->encryptor.encrypt(s->plain, s->random))); }},
      {"decrypt", [s] { use(must(s->decryptor.decrypt_private(s->x))); }},
      {"encode", [s] { use(s->encode()); }},
      {"decode", [s] { use(s->encoder.decode(s->plain)); }},
      {"add", [s] { must(s->evaluator.add(s->result, s->x, s->y)); }},
  };
  const auto square = [s](std::size_t i) { return s->slots[i] * s->slots[i]; };
  const auto moved = [s](std::size_t i) { return s->slots[(i + 1) % s->slots.size()]; };
  const auto same = [s](std::size_t i) { return s->slots[i]; };
  out.figures = {
      {"precision_multiply", [s, square] { return s->precision(s->multiply(), square); }},
      {"precision_rotate", [s, moved] { return s->precision(s->rotate(), moved); }},
      {"precision_encrypt", [s, same] { return s->precision(s->x, same); }},
      {"resident_key",
       [s, n = out.facts["key_bytes"]] {
         return resident_each(2 + static_cast<std::size_t>(128e6 / n), [s] { return s->make_key(); });
       }},
      {"resident_ciphertext",
       [s, n = out.facts["ciphertext_bytes"]] {
         return resident_each(2 + static_cast<std::size_t>(128e6 / n), [s] { return s->x.clone(); });
       }},
      {"two_threads_multiply", [s] { return throughput_gain(*s, &Setting::multiply); }},
      {"two_threads_rotate", [s] { return throughput_gain(*s, &Setting::rotate); }},
      {"allocations_multiply", [s] { return allocations_of([s] { s->multiply(); }); }},
      {"allocations_rotate", [s] { return allocations_of([s] { s->rotate(); }); }},
  };
  add_predictions(out, {s, &s->parameters->rlwe().ring()}, at, program::multiply_relinearise_rescale(at, 1));
  return out;
}

bench::Case exact_case(const bench::Spec& spec, exact::Scheme scheme) {
  const std::uint64_t t = spec.number("t");
  std::vector<std::uint64_t> taken{t};
  rlwe::ParameterSpec ring = common(spec, taken);
  ring.primes = primes(spec.list("primes"), taken);

  using Base = World<exact::Parameters, exact::Evaluator>;
  struct Setting : Base {
    explicit Setting(std::shared_ptr<const exact::Parameters> p)
        : Base(p, p->error_scale()),
          encoder(p),
          encryptor(must(exact::PublicEncryptor::make(public_key, p))),
          decryptor(secret, p),
          plain(p) {
      bench::Values values(2);
      const std::uint64_t half = p->plain_modulus() / 2;
      for (std::size_t i = 0; i < p->slots(); ++i)
        slots.push_back(static_cast<std::int64_t>(values.below(2 * half)) - static_cast<std::int64_t>(half));
      plain = must(encoder.encode(slots));
      x = must(encryptor.encrypt(plain, random));
      y = must(encryptor.encrypt(plain, random));
      hoisted = must(evaluator.hoist(x));
    }
    using Ciphertext = exact::Ciphertext;
    const Ciphertext& multiply(Ciphertext& out, ring::Workspace& space) const {
      must(evaluator.multiply_relinearise(out, x, y, keys, space));
      return out;
    }
    const Ciphertext& multiply() { return multiply(lower, workspace); }
    const Ciphertext& rotate(Ciphertext& out, ring::Workspace& space) const {
      must(evaluator.rotate(out, x, 1, keys, space));
      return out;
    }
    const Ciphertext& rotate() { return rotate(result, workspace); }
    /// log2 of how far the noise is from what no longer decrypts; refuses a wrong result.
    double budget(const exact::Ciphertext& c, const std::function<Int128(std::size_t)>& right) const {
      const auto t = static_cast<Int128>(parameters->plain_modulus());
      const std::vector<std::int64_t> got = encoder.decode(must(decryptor.decrypt(c)));
      for (std::size_t i = 0; i < got.size(); ++i)
        if ((right(i) - got[i]) % t != 0) throw std::runtime_error("a wrong result");
      return parameters->rlwe().log2_q(c.level) - 1 - must(decryptor.measured_noise(c));
    }
    exact::Encoder encoder;
    exact::PublicEncryptor encryptor;
    exact::Decryptor decryptor;
    std::vector<std::int64_t> slots;
    exact::Plaintext plain;
    Ciphertext x, y, result, lower;
    exact::Evaluator::Hoisted hoisted;
    ring::Workspace workspace;
  };
  const auto s = std::make_shared<Setting>(must(exact::Parameters::make(ring, t, scheme)));
  bench::Case out;
  const program::Chain at = program::chain_of(*s->parameters, s->parameters->max_level());
  describe(out, s->parameters->rlwe(), at);
  out.operations = {
      {"multiply", [s] { s->multiply(); }},
      {"rotate", [s] { s->rotate(); }},
      {"rotate_hoisted", [s] { must(s->evaluator.rotate(s->result, s->hoisted, 1, s->keys, s->workspace)); }},
      {"key", [s] { use(s->make_key()); }},
      {"encrypt", [s] { use(must(s->encryptor.encrypt(s->plain, s->random))); }},
      {"decrypt", [s] { use(must(s->decryptor.decrypt(s->x))); }},
      {"encode", [s] { use(must(s->encoder.encode(s->slots))); }},
      {"decode", [s] { use(s->encoder.decode(s->plain)); }},
      {"add", [s] { use(must(s->evaluator.add(s->x, s->y))); }},
  };
  const auto square = [s](std::size_t i) { return static_cast<Int128>(s->slots[i]) * s->slots[i]; };
  const auto moved = [s](std::size_t i) {  // each half moves by itself
    const std::size_t half = s->slots.size() / 2;
    return static_cast<Int128>(s->slots[i / half * half + (i + 1) % half]);
  };
  const auto same = [s](std::size_t i) { return static_cast<Int128>(s->slots[i]); };
  out.figures = {
      {"budget_multiply", [s, square] { return s->budget(s->multiply(), square); }},
      {"budget_rotate", [s, moved] { return s->budget(s->rotate(), moved); }},
      {"budget_encrypt", [s, same] { return s->budget(s->x, same); }},
  };
  add_predictions(out, {s, &s->parameters->rlwe().ring()}, at, program::multiply_relinearise(at));
  return out;
}

bench::Case ntt_case(const bench::Spec& spec) {
  struct Setting {
    kernels::NttTables tables;
    Residues row;
  };
  const auto log_n = static_cast<unsigned>(spec.number("log_n"));
  const auto made = must(ring::Ring::make(log_n, must(rlwe::choose_primes(50, 1))));
  const auto s = std::make_shared<Setting>(Setting{made->tables(0), Residues(made->degree())});
  bench::Values values(3);
  for (std::uint64_t& x : s->row) x = values.below(made->prime(0));
  bench::Case out;
  out.facts["log_q"] = made->log2_product(made->all());
  out.operations = {
      {"forward", [s] { kernels::best().forward_ntt(s->row.data(), s->tables); }},
      {"inverse", [s] { kernels::best().inverse_ntt(s->row.data(), s->tables); }},
  };
  return out;
}

bench::Case make(const bench::Spec& spec) {
  const std::string scheme = spec.text("scheme");
  if (scheme == "ckks") return ckks_case(spec);
  if (scheme == "bfv") return exact_case(spec, exact::Scheme::bfv);
  if (scheme == "bgv") return exact_case(spec, exact::Scheme::bgv);
  if (scheme == "ntt") return ntt_case(spec);
  throw std::invalid_argument("no scheme '" + scheme + "'");
}

}  // namespace

int main() {
  if (const char* const wanted = std::getenv("PRISM_KERNELS"); wanted != nullptr && !kernels::choose(wanted)) {
    std::fprintf(stderr, "PRISM_KERNELS=%s does not run here\n", wanted);
    return 2;
  }
  return bench::serve("Prism, " + std::string(kernels::best().name), make);
}
