// `prism fhe-decrypt`: results of computations, or encrypted vectors, to numbers, for who holds the keys.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>

#include "apps/prism/commands.h"
#include "apps/prism/fhe_keys.h"
#include "apps/prism/steps.h"
#include "apps/prism/terminal.h"
#include "prism/ckks/noise.h"
#include "prism/compute/result.h"
#include "prism/host/file.h"
#include "prism/host/system.h"
#include "prism/wire/artefact.h"

namespace prism::app {
namespace {

using Json = nlohmann::ordered_json;

struct Arguments {
  std::string file, keys, passphrase_file, format = "table";
  std::optional<int> precision;
  bool claimed = false;
};

struct Shown {
  std::vector<compute::OpenedOutput> outputs;
  std::optional<Digest> program;
  bool recomputed = true, exact = false;
  std::uint64_t modulus = 0;  // as compute::Opened's
};

template <class Family>
Result<Shown> open_vector(ByteView file, const fhe::KeyHolder<Family>& keys) {
  PRISM_TRY(const auto vector, keys.public_part().decode_vector(file));
  PRISM_TRY(const auto values, keys.decrypt_private(vector));
  compute::OpenedOutput out{"values", {}, {}, 0};
  out.values.assign(values.begin(), values.end());
  if constexpr (std::is_same_v<Family, fhe::Approximate>) {
    const auto decoding = ckks::NoiseModel::transform_error(keys.public_part().parameters().degree(),
                                                            math::Bound::from_log2(vector.magnitude_log2()));
    out.error = std::exp2(vector.error_log2()) + decoding.to_double();
    return Shown{{std::move(out)}, std::nullopt, false};
  } else {
    out.whole = values;
    // A vector does not say what was computed to get it.
    return Shown{{std::move(out)}, std::nullopt, false, true, keys.public_part().parameters().plain_modulus()};
  }
}

template <class Family>
Result<Shown> open_any(wire::Kind kind, ByteView file, const fhe::KeyHolder<Family>& keys, bool claimed) {
  if (kind == wire::Kind::ciphertext) return open_vector<Family>(file, keys);
  compute::OpenOptions options;
  options.recompute_bounds = !claimed;
  PRISM_TRY(auto opened, compute::open_result(file, keys, options));
  return Shown{std::move(opened.outputs), opened.computation.digest(), opened.bounds_recomputed,
               std::is_same_v<Family, fhe::Exact>, opened.modulus};
}

/// As many digits as the error leaves, or as many as were asked for.
std::string number_text(const compute::OpenedOutput& output, std::size_t i, std::optional<int> precision) {
  if (!output.whole.empty()) return std::to_string(output.whole[i]);
  const double known = output.error > 0 ? std::ceil(-std::log10(output.error)) : 12;
  const int digits = precision.value_or(static_cast<int>(std::clamp(known, 0.0, 12.0)));
  std::string text = fmt::format("{:.{}f}", output.values[i], digits);
  // "-0.00" says less than nothing.
  if (text.starts_with('-') && text.find_first_not_of("-0.") == std::string::npos) text.erase(0, 1);
  return text;
}

std::string error_text(double error) { return error == 0 ? "0" : fmt::format("{:.1e}", error); }

table::ResultTable table_of(const Shown& shown, std::optional<int> precision) {
  const bool several = std::any_of(shown.outputs.begin(), shown.outputs.end(),
                                   [](const auto& output) { return output.values.size() > 1; });
  table::ResultTable out;
  out.columns = {{"result", table::ColumnType::text}};
  if (several) out.columns.push_back({"row", table::ColumnType::integer});
  out.columns.push_back({"value", table::ColumnType::decimal});
  out.columns.push_back({"error at most", table::ColumnType::decimal});
  for (const compute::OpenedOutput& output : shown.outputs) {
    for (std::size_t i = 0; i < output.values.size(); ++i) {
      std::vector<table::Cell> row{output.name};
      if (several) row.emplace_back(table::Number{std::to_string(i)});
      row.emplace_back(table::Number{number_text(output, i, precision)});
      row.emplace_back(table::Number{error_text(output.error)});
      out.rows.push_back(std::move(row));
    }
  }
  return out;
}

Json json_of(const Shown& shown) {
  Json results = Json::array();
  for (const compute::OpenedOutput& output : shown.outputs) {
    Json one = {{"name", output.name}};
    if (output.whole.empty()) {
      one["values"] = output.values;
    } else {
      one["values"] = output.whole;
    }
    one["error"] = output.error;
    results.push_back(std::move(one));
  }
  Json out = {{"results", std::move(results)}};
  if (shown.program) out["program"] = to_hex(*shown.program);
  out["bounds"] = shown.recomputed ? "recomputed" : "claimed";
  if (shown.modulus != 0) out["modulus"] = shown.modulus;
  return out;
}

Status run(const Arguments& a) {
  PRISM_TRY(const Bytes file, host::read_file(a.file, kMostAnswerBytes));
  PRISM_TRY(const wire::Header head, wire::peek_header(file));
  Digest identity{};
  if (head.kind == wire::Kind::ciphertext) {
    PRISM_TRY(identity, fhe::named_identity(file));
  } else if (head.kind == wire::Kind::result) {
    PRISM_TRY(const auto view, compute::decode_result(file));
    identity = view.identity;
  } else {
    return fail(ErrorCode::mismatch, printable(a.file), " is ", wire::name_of(head.kind),
                "; fhe-decrypt opens results and encrypted vectors");
  }
  PRISM_TRY(const custody::Keyring keyring, open_key_folder(a.keys, a.passphrase_file));
  host::SystemRandom random;
  PRISM_TRY(const auto holder, open_key_holder(keyring, identity, random));
  PRISM_TRY(const Shown shown,
            std::visit([&](const auto& keys) { return open_any(head.kind, file, keys, a.claimed); }, holder));
  if (a.format == "json") {
    PRISM_CHECKED(print(json_of(shown).dump(2) + "\n"));
  } else {
    const table::ResultTable rows = table_of(shown, a.precision);
    PRISM_CHECKED(print(a.format == "csv" ? table::to_csv(rows) : table::to_text_table(rows)));
  }
  if (!shown.recomputed) say("note: the errors are what the sender claims");
  if (shown.modulus != 0)
    say(fmt::format(
        "note: values and errors are modulo {0}: what was above {1} in size came back as another number, and "
        "nothing here says that none was",
        shown.modulus, (shown.modulus - 1) / 2));
  for (const compute::OpenedOutput& output : shown.outputs) {
    if (std::any_of(output.values.begin(), output.values.end(), [](double value) { return !std::isfinite(value); }))
      say("note: " + printable(output.name) + " is not a number: the count is 0");
  }
  say(shown.exact ? "note: whoever computed this may have computed something else; a receipt says who"
                  : "note: for the key holder alone: numbers like these, given to who chooses ciphertexts, tell about "
                    "the key; and whoever computed them may have computed something else");
  return {};
}

}  // namespace

void add_fhe_decrypt(CLI::App& app, Action& action) {
  CLI::App* const command =
      app.add_subcommand("fhe-decrypt", "Decrypt the result of a computation, or an encrypted vector");
  command->footer(
      "Example:\n"
      "  prism fhe-decrypt result.enc --keys alice\n"
      "  prism fhe-decrypt result.enc -o json\n\n"
      "Errors are computed again from the computation that the result names, not taken from its sender.");
  const auto a = std::make_shared<Arguments>();
  command->add_option("file", a->file, "A result, or an encrypted vector")->required();
  command->add_option("--keys", a->keys, "The key directory, or its name");
  command->add_option("--passphrase-file", a->passphrase_file, "A file that holds the passphrase of the keys");
  command->add_option("-o,--format", a->format, "How to print it: table, json or csv")
      ->check(CLI::IsMember({"table", "json", "csv"}));
  command->add_option("--precision", a->precision, "Digits after the point (default: as many as the error leaves)")
      ->check(CLI::Range(0, 17));
  command->add_flag("--claimed-bounds", a->claimed,
                    "Believe the sender's errors: quicker, and needed for data encrypted with the public key");
  command->callback([a, &action] { action = [a] { return run(*a); }; });
}

}  // namespace prism::app
