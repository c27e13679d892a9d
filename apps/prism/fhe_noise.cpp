#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "apps/prism/commands.h"
#include "apps/prism/fhe_options.h"
#include "apps/prism/terminal.h"
#include "prism/ckks/decryptor.h"
#include "prism/ckks/encryptor.h"
#include "prism/ckks/evaluator.h"
#include "prism/exact/decryptor.h"
#include "prism/exact/encryptor.h"
#include "prism/exact/evaluator.h"
#include "prism/host/system.h"
#include "prism/table/result_table.h"

namespace prism::app {
namespace {

using Json = nlohmann::ordered_json;
using rlwe::KeyId;

struct Arguments {
  FheOptions parameters;
  std::string format = "table";
  std::size_t samples = 20;
};

/// What one operation did: the bound that was promised and the worst that was measured, log2.
struct Measured {
  std::string operation;
  int level = 0;
  double bound = -HUGE_VAL, worst = -HUGE_VAL;
  std::size_t samples = 0, values = 0;
  double gap() const { return bound - worst; }
};

class Measurements {
 public:
  /// `worst` of `values` numbers of one ciphertext.
  void note(const std::string& operation, rlwe::Level level, double bound, double worst, std::size_t values) {
    const auto found =
        std::find_if(all_.begin(), all_.end(), [&](const Measured& m) { return m.operation == operation; });
    Measured& m = found == all_.end() ? all_.emplace_back(Measured{operation, level.value}) : *found;
    exceeded_ = exceeded_ || worst > bound;
    // The nearest that any sample came to its own bound.
    if (m.samples == 0 || bound - worst < m.gap()) {
      m.bound = bound;
      m.worst = worst;
    }
    ++m.samples;
    m.values += values;
  }
  const std::vector<Measured>& all() const { return all_; }
  bool exceeded() const { return exceeded_; }

 private:
  std::vector<Measured> all_;
  bool exceeded_ = false;
};

/// What keys of one measurement may take in memory.
constexpr double kMostKeyBytes = 4.0 * (1U << 30);

Result<rlwe::EvaluationKeys> make_keys(const rlwe::SecretKey& secret, std::uint64_t error_scale,
                                       const std::vector<std::uint32_t>& elements, Random& random) {
  const auto& parameters = secret.parameters_ptr();
  rlwe::EvaluationKeys keys(parameters);
  const rlwe::ParameterSpec& spec = parameters->spec();
  const std::size_t digits = (spec.primes.size() + spec.digit_size - 1) / spec.digit_size;
  const double bytes = 16.0 * static_cast<double>(parameters->degree()) * static_cast<double>(digits) *
                       static_cast<double>(spec.primes.size() + spec.special_primes.size()) *
                       static_cast<double>(elements.size() + 1);
  if (bytes > kMostKeyBytes) {
    return fail(ErrorCode::unsupported, "the ", elements.size() + 1, " keys of this measurement would take ",
                static_cast<std::uint64_t>(bytes / (1U << 30)),
                " GiB and 4 GiB are the most; use larger digits, fewer primes or a smaller ring");
  }
  std::vector<KeyId> ids = {{KeyId::Kind::relinearise, 0, parameters->max_level()}};
  for (const std::uint32_t g : elements) ids.push_back({KeyId::Kind::automorphism, g, parameters->max_level()});
  for (const KeyId& id : ids) {
    PRISM_TRY(auto key, rlwe::make_switch_key(secret, id, error_scale, random));
    keys.add(std::move(key));
  }
  return keys;
}

/// Values in [-1, 1) with 53 random bits each, times `largest`.
Result<std::vector<double>> random_reals(std::size_t count, double largest, Random& random) {
  std::vector<double> out(count);
  Bytes bytes(8 * count);
  PRISM_CHECKED(random.fill(bytes));
  for (std::size_t i = 0; i < count; ++i) {
    std::uint64_t word = 0;
    for (std::size_t b = 0; b < 8; ++b) word |= std::uint64_t{bytes[8 * i + b]} << (8 * b);
    out[i] = largest * (static_cast<double>(word >> 11) * 0x1p-52 - 1);
  }
  return out;
}

/// CKKS: the distance of each slot from what was meant, in units of the message.
class ApproximateRun {
 public:
  ApproximateRun(std::shared_ptr<const ckks::Parameters> parameters, const rlwe::SecretKey& secret, double largest,
                 Measurements& out)
      : parameters_(std::move(parameters)),
        encoder_(parameters_),
        encryptor_(secret, parameters_),
        decryptor_(secret, parameters_),
        evaluator_(parameters_),
        largest_(largest),
        out_(&out) {}

  Status sample(const ckks::PublicEncryptor& public_encryptor, const rlwe::EvaluationKeys* keys, Random& random) const {
    const rlwe::Level top = parameters_->max_level();
    const std::size_t n = parameters_->slots();
    PRISM_TRY(const auto x, random_reals(n, largest_, random));
    PRISM_TRY(const auto y, random_reals(n, largest_, random));
    PRISM_TRY(const auto px, encoder_.encode(std::span<const double>(x), top, largest_));
    PRISM_TRY(const auto py, encoder_.encode(std::span<const double>(y), top, largest_));
    PRISM_TRY(const auto cx, encryptor_.encrypt(px, random));
    PRISM_TRY(const auto cy, public_encryptor.encrypt(py, random));
    PRISM_CHECKED(note("encrypt (secret key)", cx, x));
    PRISM_CHECKED(note("encrypt (public key)", cy, y));
    std::vector<double> sum(n), product(n), turned(n);
    double total = 0;
    for (std::size_t i = 0; i < n; ++i) {
      sum[i] = x[i] + y[i];
      product[i] = x[i] * y[i];
      turned[i] = x[(i + 1) % n];
      total += x[i];
    }
    PRISM_TRY(const auto added, evaluator_.add(cx, cy));
    PRISM_CHECKED(note("add", added, sum));
    PRISM_TRY(const auto scaled, evaluator_.multiply_plain(cx, py));
    PRISM_CHECKED(note("multiply by a plaintext", scaled, product));
    PRISM_TRY(const auto multiplied, evaluator_.multiply(cx, cy));
    PRISM_CHECKED(note("multiply", multiplied, product));
    if (keys == nullptr) return {};
    PRISM_TRY(const auto linear, evaluator_.relinearise(multiplied, *keys));
    PRISM_CHECKED(note("multiply, relinearise", linear, product));
    if (top.value > 0) {
      PRISM_TRY(const auto lower, evaluator_.rescale(linear));
      PRISM_CHECKED(note("multiply, relinearise, rescale", lower, product));
    }
    PRISM_TRY(const auto rotated, evaluator_.rotate(cx, 1, *keys));
    PRISM_CHECKED(note("rotate", rotated, turned));
    PRISM_TRY(const auto all, evaluator_.sum_slots(cx, *keys));
    return note("sum of all slots", all, std::vector<double>(n, total));
  }
  std::vector<std::uint32_t> elements() const { return evaluator_.sum_slots_elements(); }

 private:
  Status note(const std::string& operation, const ckks::Ciphertext& c, const std::vector<double>& wanted) const {
    auto opened = decryptor_.decrypt_private(c);
    // A message that would wrap at this level cannot be measured, and was not promised to decrypt.
    if (!opened && opened.error().code == ErrorCode::noise_exceeded) return {};
    if (!opened) return std::move(opened).error();
    const std::vector<ckks::Complex> found = encoder_.decode(*opened);
    double worst = 0, largest = 0;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      worst = std::max(worst, std::abs(found[i] - wanted[i]));
      largest = std::max(largest, std::fabs(wanted[i]));
    }
    // The decoder and the sums that are compared with are in double precision, too.
    const math::Bound bound = opened->noise().error +
                              encoder_.transform_error(opened->noise().magnitude + opened->noise().error) +
                              math::Bound::from_double(largest * 0x1p-52 * static_cast<double>(wanted.size()));
    out_->note(operation, c.level, bound.log2(), std::log2(worst), wanted.size());
    return {};
  }

  std::shared_ptr<const ckks::Parameters> parameters_;
  ckks::Encoder encoder_;
  ckks::SymmetricEncryptor encryptor_;
  ckks::Decryptor decryptor_;
  ckks::Evaluator evaluator_;
  double largest_;
  Measurements* out_;
};

/// BGV, BFV: the largest coefficient of the noise polynomial.
class ExactRun {
 public:
  ExactRun(std::shared_ptr<const exact::Parameters> parameters, const rlwe::SecretKey& secret, Measurements& out)
      : parameters_(std::move(parameters)),
        encoder_(parameters_),
        encryptor_(secret, parameters_),
        decryptor_(secret, parameters_),
        evaluator_(parameters_),
        out_(&out) {}

  Status sample(const exact::PublicEncryptor& public_encryptor, const rlwe::EvaluationKeys* keys,
                Random& random) const {
    const rlwe::Level top = parameters_->max_level();
    PRISM_TRY(const auto px, random_plaintext(random));
    PRISM_TRY(const auto py, random_plaintext(random));
    PRISM_TRY(const auto cx, encryptor_.encrypt(px, random));
    PRISM_TRY(const auto cy, public_encryptor.encrypt(py, random));
    PRISM_CHECKED(note("encrypt (secret key)", cx));
    PRISM_CHECKED(note("encrypt (public key)", cy));
    PRISM_TRY(const auto added, evaluator_.add(cx, cy));
    PRISM_CHECKED(note("add", added));
    PRISM_TRY(const auto scaled, evaluator_.multiply_plain(cx, py));
    PRISM_CHECKED(note("multiply by a plaintext", scaled));
    PRISM_TRY(const auto multiplied, evaluator_.multiply(cx, cy));
    PRISM_CHECKED(note("multiply", multiplied));
    if (keys == nullptr) return {};
    PRISM_TRY(const auto linear, evaluator_.relinearise(multiplied, *keys));
    PRISM_CHECKED(note("multiply, relinearise", linear));
    if (top.value > 0 && parameters_->scheme() == exact::Scheme::bgv) {
      PRISM_TRY(const auto lower, evaluator_.drop_to(linear, rlwe::Level{top.value - 1}));
      PRISM_CHECKED(note("multiply, relinearise, drop", lower));
    }
    PRISM_TRY(const auto rotated, evaluator_.rotate(cx, 1, *keys));
    PRISM_CHECKED(note("rotate", rotated));
    PRISM_TRY(const auto all, evaluator_.sum_slots(cx, *keys));
    return note("sum of all slots", all);
  }
  std::vector<std::uint32_t> elements() const { return evaluator_.sum_slots_elements(); }

 private:
  Result<exact::Plaintext> random_plaintext(Random& random) const {
    const double half = static_cast<double>((parameters_->plain_modulus() - 1) / 2);
    PRISM_TRY(const auto reals, random_reals(parameters_->slots(), half, random));
    std::vector<std::int64_t> values(reals.size());
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::int64_t>(reals[i]);
    return encoder_.encode(values);
  }
  Status note(const std::string& operation, const exact::Ciphertext& c) const {
    // Past Q/2 the noise wraps, so that there is nothing to measure; decryption refuses before.
    if (!exact::decrypts(*parameters_, c.level, c.noise.coefficient)) return {};
    PRISM_TRY(const double worst, decryptor_.measured_noise(c));
    out_->note(operation, c.level, c.noise.coefficient.log2(), worst, parameters_->degree());
    return {};
  }

  std::shared_ptr<const exact::Parameters> parameters_;
  exact::Encoder encoder_;
  exact::SymmetricEncryptor encryptor_;
  exact::Decryptor decryptor_;
  exact::Evaluator evaluator_;
  Measurements* out_;
};

/// Keys, then `samples` times what `run.sample` does.
template <class Encryptor, class Parameters, class Run, class Sample>
Status measure(const std::shared_ptr<const Parameters>& parameters, const rlwe::SecretKey& secret,
               std::uint64_t error_scale, const Run& run, std::size_t samples, Random& random, Sample sample) {
  PRISM_TRY(auto made, rlwe::make_public_key(secret, error_scale, random));
  PRISM_TRY(const auto encryptor,
            Encryptor::make(std::make_shared<const rlwe::PublicKey>(std::move(made)), parameters));
  const bool switches = !parameters->rlwe().spec().special_primes.empty();
  std::optional<rlwe::EvaluationKeys> keys;
  if (switches) {
    PRISM_TRY(keys, make_keys(secret, error_scale, run.elements(), random));
  }
  Progress progress("measuring");
  for (std::size_t i = 0; i < samples; ++i) {
    if (!progress(i, samples)) return fail(ErrorCode::interrupted, "stopped after ", i, " samples");
    PRISM_CHECKED(sample(encryptor, keys ? &*keys : nullptr));
  }
  return {};
}

Status measure(const FheParameters& parameters, const Arguments& a, Measurements& out) {
  host::SystemRandom random;
  if (const auto* const real = std::get_if<std::shared_ptr<const ckks::Parameters>>(&parameters)) {
    PRISM_TRY(const auto secret, rlwe::SecretKey::generate((*real)->rlwe_ptr(), random));
    const ApproximateRun run(*real, secret, a.parameters.largest_magnitude, out);
    return measure<ckks::PublicEncryptor>(
        *real, secret, 1, run, a.samples, random,
        [&](const auto& encryptor, const rlwe::EvaluationKeys* keys) { return run.sample(encryptor, keys, random); });
  }
  const auto& exact = std::get<std::shared_ptr<const exact::Parameters>>(parameters);
  PRISM_TRY(const auto secret, rlwe::SecretKey::generate(exact->rlwe_ptr(), random));
  const ExactRun run(exact, secret, out);
  return measure<exact::PublicEncryptor>(
      exact, secret, exact->error_scale(), run, a.samples, random,
      [&](const auto& encryptor, const rlwe::EvaluationKeys* keys) { return run.sample(encryptor, keys, random); });
}

std::string bits(double log2) { return std::isfinite(log2) ? fmt::format("{:.2f}", log2) : "none"; }

Json as_json(const Arguments& a, const Measurements& found) {
  Json operations = Json::array();
  for (const Measured& m : found.all()) {
    operations.push_back({{"operation", m.operation},
                          {"level", m.level},
                          {"bound_log2", m.bound},
                          {"measured_log2", std::isfinite(m.worst) ? Json(m.worst) : Json(nullptr)},
                          {"gap_bits", std::isfinite(m.worst) ? Json(m.gap()) : Json(nullptr)},
                          {"samples", m.samples},
                          {"values", m.values}});
  }
  return {{"version", 1},
          {"scheme", a.parameters.scheme},
          {"unit", a.parameters.scheme == "ckks" ? "error of a slot" : "coefficient of the noise polynomial"},
          {"exceeded", found.exceeded()},
          {"operations", operations}};
}

table::ResultTable as_table(const Measurements& found) {
  table::ResultTable out;
  out.columns.push_back({"operation", table::ColumnType::text});
  for (const char* const name : {"level", "bound log2", "measured log2", "gap bits", "samples", "values"})
    out.columns.push_back({name, table::ColumnType::integer});
  for (const Measured& m : found.all()) {
    out.rows.push_back({m.operation, table::Number{std::to_string(m.level)}, table::Number{bits(m.bound)},
                        table::Number{bits(m.worst)}, table::Number{bits(m.gap())},
                        table::Number{std::to_string(m.samples)}, table::Number{std::to_string(m.values)}});
  }
  return out;
}

Status run(const Arguments& a) {
  PRISM_TRY(const FheParameters parameters, fhe_parameters(a.parameters));
  Measurements found;
  PRISM_CHECKED(measure(parameters, a, found));
  if (a.format == "json") {
    PRISM_CHECKED(print(as_json(a, found).dump(2) + "\n"));
  } else if (a.format == "csv") {
    PRISM_CHECKED(print(table::to_csv(as_table(found))));
  } else {
    PRISM_CHECKED(print(table::to_text_table(as_table(found)) +
                        (a.parameters.scheme == "ckks"
                             ? "\nLargest error of any slot, in units of the message; the bound is public.\n"
                             : "\nLargest coefficient of the noise polynomial; the bound is public.\n")));
  }
  if (!found.exceeded()) return {};
  return fail(ErrorCode::integrity,
              "an error is above the bound that was promised for it: this is a defect of Prism, please report it");
}

}  // namespace

void add_fhe_noise(CLI::App& fhe, Action& action) {
  CLI::App* const command =
      fhe.add_subcommand("noise", "Measure noise on fresh keys against the bounds that are promised for it");
  command->footer(
      "Example:\n  prism fhe noise --scheme bgv --depth 1 --samples 5\n\nExit status 6 when a bound is exceeded.");
  const auto a = std::make_shared<Arguments>();
  add_fhe_options(*command, a->parameters);
  command->add_option("--samples", a->samples, "Fresh ciphertexts for each operation (default 20)")
      ->check(CLI::Range(1, 1'000'000));
  command->add_option("-o,--format", a->format, "How to print it: table, json or csv")
      ->check(CLI::IsMember({"table", "json", "csv"}));
  command->callback([a, &action] { action = [a] { return run(*a); }; });
}

}  // namespace prism::app
