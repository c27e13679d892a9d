// `prism fhe-encrypt`: numbers to an encrypted vector, with keys and parameters that fit what is to be computed.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>

#include "apps/prism/commands.h"
#include "apps/prism/fhe_keys.h"
#include "apps/prism/steps.h"
#include "apps/prism/terminal.h"
#include "prism/compute/request.h"
#include "prism/host/atomic_file.h"
#include "prism/host/file.h"
#include "prism/host/system.h"
#include "prism/program/requirements.h"

namespace prism::app {
namespace {

constexpr std::uint64_t kMostInputBytes = std::uint64_t{1} << 30;
constexpr std::uint64_t kMostValues = std::uint64_t{1} << 26;
/// Errors that are asked for when nothing is said: the first of these that there are parameters for.
constexpr int kUsualPrecisions[] = {12, 8, 4, 0, -4, -8, -12, -16, -24};
/// What keys that are there must give of the largest result: 2^-kUsualBits.
constexpr double kUsualBits = 18;

struct Arguments {
  std::vector<double> values;
  std::string input, column, output, keys, passphrase_file, computation = "statistics";
  bool exact = false, fresh = false;
  std::optional<int> depth;
  std::optional<int> precision;
  int degree = 7, security = 128;
  double largest = 0;
};

Result<std::vector<double>> numbers_in(std::string_view text, const std::string& where) {
  std::vector<double> out;
  const char* at = text.data();
  const char* const end = at + text.size();
  const auto separates = [](char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == ',' || c == ';'; };
  for (;;) {
    while (at != end && separates(*at)) ++at;
    if (at == end) return out;
    double value = 0;
    const auto [next, error] = std::from_chars(at, end, value);
    if (error != std::errc{} || (next != end && !separates(*next)))
      return fail(
          ErrorCode::malformed, where, ": number ", out.size() + 1,
          " is none; wanted are numbers with spaces, commas or line ends between them (--column for CSV files)");
    if (out.size() == kMostValues) return fail(ErrorCode::exhausted, where, " has more than ", kMostValues, " numbers");
    out.push_back(value);
    at = next;
  }
}

Result<std::vector<double>> column_of(const std::string& path, const std::string& name) {
  PRISM_TRY(const table::Table csv, read_csv_file(path, {}));
  PRISM_TRY(const std::size_t at, table::find_column(csv, name));
  const table::Column& column = csv.columns[at];
  if (column.schema.type != table::ColumnType::integer && column.schema.type != table::ColumnType::decimal)
    return fail(ErrorCode::invalid_argument, "the column ", printable(name), " does not hold numbers");
  if (column.nulls > 0)
    return fail(ErrorCode::invalid_argument, "the column ", printable(name), " has ", column.nulls,
                " rows without a value; leave those rows out first");
  std::vector<double> out;
  const double unit = std::pow(10.0, column.schema.scale);
  for (const std::int64_t value : column.values) out.push_back(static_cast<double>(value) / unit);
  return out;
}

Result<std::vector<double>> values_of(const Arguments& a) {
  if (a.values.empty() == a.input.empty())
    return fail(ErrorCode::invalid_argument,
                "name the numbers with --values, or a file of them with --input (- reads "
                "standard input), and not both");
  if (!a.values.empty()) return a.values;
  if (!a.column.empty()) return column_of(a.input, a.column);
  PRISM_TRY(const Bytes bytes, host::read_file(a.input == "-" ? "/dev/stdin" : a.input, kMostInputBytes));
  return numbers_in(as_text(bytes), a.input == "-" ? "standard input" : printable(a.input));
}

/// What the parameters shall carry: a request on vectors like this one.
Result<program::Computation> computation_for(const Arguments& a, std::size_t size) {
  compute::Request request;
  request.inputs = {"x"};
  request.operation = a.computation;
  std::map<std::string, std::uint64_t> sizes{{"x", size}};
  if (a.computation == "statistics") request.compute = {"mean", "variance", "sum"};
  if (a.computation == "polynomial") {
    request.coefficients.assign(static_cast<std::size_t>(a.degree) + 1, 0);
    request.coefficients.back() = 1;
  }
  if (a.computation == "weighted_sum") request.weights.assign(size, 1);
  if (a.computation == "dot" || a.computation == "multiply" || a.computation == "add" || a.computation == "subtract") {
    request.inputs.push_back("y");
    sizes["y"] = size;
  }
  if (host::exists(a.computation)) {
    PRISM_TRY(const Bytes json, host::read_file(a.computation, compute::kMostRequestBytes));
    PRISM_TRY(request, compute::Request::parse(as_text(json)));
    for (const std::string& name : request.needed_inputs()) sizes[name] = size;
  }
  return request.lower(a.exact ? program::Family::exact : program::Family::approximate, sizes);
}

/// Whether keys that are there serve.
bool serves(const custody::StoredFheContext& stored, const Arguments& a, const program::Computation& computation,
            double largest) {
  const auto fits = [&](const program::AnyParameters& parameters) {
    const auto found = program::requirements(computation, parameters);
    if (!found) return false;
    if (a.depth && found->available < *a.depth) return false;
    if (a.exact) return true;
    const auto carriers = computation.carriers();
    return std::all_of(computation.outputs().begin(), computation.outputs().end(), [&](const program::Output& output) {
      const auto at = std::find(carriers.begin(), carriers.end(), output.value) - carriers.begin();
      const program::Delivered& carrier = found->carriers[static_cast<std::size_t>(at)];
      if (!a.precision) return carrier.error_log2 <= carrier.magnitude_log2 - kUsualBits;
      return carrier.error_log2 + std::log2(std::fabs(output.factor) / output.divisor) <= -*a.precision;
    });
  };
  if (const auto* context = std::get_if<fhe::Approximate::Context>(&stored.context)) {
    return !a.exact && context->largest_magnitude() >= largest &&
           static_cast<int>(context->parameters().rlwe().security()) >= a.security &&
           fits(program::ApproximateParameters{context->parameters_ptr(), context->largest_magnitude()});
  }
  // Keys that declare nothing do not serve: results could wrap, and nobody would know.
  const auto& context = std::get<fhe::Exact::Context>(stored.context);
  return a.exact && context.largest_magnitude() >= largest &&
         static_cast<int>(context.parameters().rlwe().security()) >= a.security &&
         fits(program::ExactParameters{context.parameters_ptr(), context.largest_magnitude()});
}

Result<custody::AnyKeyHolder> new_keys(const custody::FheKeys& keys, const Arguments& a,
                                       const program::Computation& computation, double largest, std::size_t size,
                                       Random& random) {
  const auto security = static_cast<rlwe::Security>(a.security);
  if (a.exact) {
    if (a.depth) {
      fhe::ExactIntent intent;
      intent.depth = *a.depth;
      // Both are bounded: below 2^49, and 2^26 values. What is too much is refused there.
      const double sum = largest * static_cast<double>(size);
      intent.largest_value = sum < 0x1p63 ? static_cast<std::uint64_t>(sum) : UINT64_MAX;
      intent.movement.sums = true;
      intent.security = security;
      PRISM_TRY(auto parameters, fhe::parameters_for(intent));
      return keys.create(std::move(parameters), largest, random);
    }
    PRISM_TRY(auto parameters,
              program::exact_parameters_for(computation, static_cast<std::uint64_t>(largest), security));
    return keys.create(std::move(parameters), largest, random);
  }
  if (a.depth) {
    fhe::ApproximateIntent intent;
    intent.depth = *a.depth;
    intent.precision_bits = a.precision.value_or(kUsualPrecisions[0]);
    intent.largest_magnitude = largest;
    intent.values = size;
    intent.movement.sums = true;
    intent.security = security;
    PRISM_TRY(auto parameters, fhe::parameters_for(intent));
    return keys.create(std::move(parameters), largest, random);
  }
  const int first[] = {a.precision.value_or(0)};
  Error last = fail(ErrorCode::unsupported, "no parameters");
  for (const int precision : a.precision ? std::span<const int>(first) : std::span<const int>(kUsualPrecisions)) {
    auto parameters = program::approximate_parameters_for(computation, largest, precision, security);
    if (parameters) return keys.create(*std::move(parameters), largest, random);
    last = std::move(parameters).error();
  }
  return last;
}

Result<double> largest_of(const Arguments& a, const std::vector<double>& values) {
  double most = 0;
  for (const double value : values) {
    if (!std::isfinite(value)) return fail(ErrorCode::invalid_argument, "a number that is not finite");
    if (a.exact && (value != std::floor(value) || std::fabs(value) >= 0x1p49))
      return fail(ErrorCode::invalid_argument,
                  "--exact takes whole numbers below 2^49 in size; multiply fractions by a power of ten first");
    most = std::max(most, std::fabs(value));
  }
  if (a.largest > 0) {
    if (most > a.largest)
      return fail(ErrorCode::invalid_argument, "a value is larger than --largest ", a.largest, " says");
    if (a.exact && !(a.largest >= 1 && a.largest < 0x1p49))
      return fail(ErrorCode::invalid_argument, "--largest ", a.largest,
                  " with --exact; wanted is 1 or more, below 2^49");
    return a.exact ? std::floor(a.largest) : a.largest;
  }
  return std::exp2(std::ceil(std::log2(std::max(most, 1.0))));
}

Status run(const Arguments& a) {
  PRISM_TRY(const std::vector<double> values, values_of(a));
  if (values.empty()) return fail(ErrorCode::invalid_argument, "there are no numbers to encrypt");
  if (!a.input.empty()) PRISM_CHECKED(not_the_same(a.input, a.output));
  PRISM_TRY(const double largest, largest_of(a, values));
  PRISM_TRY(const program::Computation computation, computation_for(a, values.size()));
  PRISM_TRY(const custody::Keyring keyring, open_or_make_key_folder(a.keys, a.passphrase_file));
  const custody::FheKeys keys(keyring);
  host::SystemRandom random;
  std::optional<custody::AnyKeyHolder> holder;
  if (!a.fresh) {
    PRISM_TRY(const auto stored, keys.list());
    for (const custody::StoredFheContext& one : stored) {
      if (!serves(one, a, computation, largest)) continue;
      const Digest identity = std::visit([](const auto& context) -> Digest { return context.identity(); }, one.context);
      PRISM_TRY(holder, keys.open(identity, random));
      say("using the keys " + one.id + " of " + printable(keyring.directory()));
      break;
    }
  }
  if (!holder) {
    PRISM_TRY(holder, new_keys(keys, a, computation, largest, values.size(), random));
    const std::string text = std::visit([](const auto& made) { return made.public_part().describe(); }, *holder);
    say("made keys in " + printable(keyring.directory()) + ": " + text.substr(0, text.find('\n')));
  }
  PRISM_TRY(const Bytes bytes, std::visit(
                                   [&](const auto& made) {
                                     using Number = typename std::decay_t<decltype(made)>::Number;
                                     const std::vector<Number> numbers(values.begin(), values.end());
                                     return made.encrypt_to_bytes(numbers);
                                   },
                                   *holder));
  PRISM_CHECKED(host::write_file(a.output, bytes, host::AtomicFile::Access::everybody));
  say(fmt::format("wrote {}: {} {}, {}", printable(a.output), count_text(values.size()),
                  values.size() == 1 ? "value" : "values", bytes_text(bytes.size())));
  const double declared = std::visit([](const auto& made) { return made.public_part().largest_magnitude(); }, *holder);
  say(fmt::format("note: the keys declare publicly that no value is above {} (--largest declares another bound)",
                  declared));
  return {};
}

}  // namespace

void add_fhe_encrypt(CLI::App& app, Action& action) {
  CLI::App* const command =
      app.add_subcommand("fhe-encrypt", "Encrypt numbers so that a server can compute on them, and only you can read");
  command->footer(
      "Example:\n"
      "  prism fhe-encrypt --values 100 200 300 400 500 --output data.enc\n"
      "  prism fhe-encrypt --input patients.csv --column cost --output cost.enc --keys alice --precision 16\n\n"
      "Keys are those of a key directory, or of a name among $XDG_DATA_HOME/prism/keys (~/.local/share/prism/keys);\n"
      "without --keys, of `default` there. What is missing is made; keys that fit are used again.\n"
      "Numbers in a command line can be read by others on this machine: --input keeps them out of it.");
  const auto a = std::make_shared<Arguments>();
  command->add_option("--values", a->values, "The numbers");
  command->add_option("--input", a->input, "A file of numbers, or of columns with --column; - is standard input");
  command->add_option("--column", a->column, "Which column of a CSV file");
  command->add_option("--output,--out", a->output, "The file to write")->required();
  command->add_option("--keys", a->keys, "A key directory, or its name; made when it is not there");
  command->add_option("--passphrase-file", a->passphrase_file, "A file that holds the passphrase of the keys");
  command->add_flag("--exact", a->exact, "Whole numbers, computed with exactly, instead of real ones");
  command->add_option("--for", a->computation,
                      "What is to be computed: statistics (default), sum, mean, variance, dot, weighted_sum, square, "
                      "multiply, polynomial, ..., or a file with a request");
  command->add_option("--degree", a->degree, "With --for polynomial: its degree")->check(CLI::Range(2, 4095));
  command->add_option("--depth", a->depth, "Products one after another that the keys shall carry, whatever they are")
      ->check(CLI::Range(0, 60));
  command
      ->add_option("--precision", a->precision,
                   "Errors of results are at most 2^-BITS (real numbers; default: 12, "
                   "or what large numbers leave)")
      ->check(CLI::Range(-60, 60));
  command->add_option("--largest", a->largest, "No value is larger than this; public (default: a power of two)")
      ->check(CLI::PositiveNumber);
  command->add_option("--security", a->security, "128, 192 or 256 bits")->check(CLI::IsMember({128, 192, 256}));
  command->add_flag("--new-keys", a->fresh, "Make keys even if there are some that fit");
  command->callback([a, &action] { action = [a] { return run(*a); }; });
}

}  // namespace prism::app
