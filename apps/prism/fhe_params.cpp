#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "apps/prism/commands.h"
#include "apps/prism/fhe_options.h"
#include "apps/prism/terminal.h"
#include "prism/rlwe/files.h"
#include "prism/table/result_table.h"

namespace prism::app {
namespace {

using Json = nlohmann::ordered_json;
using rlwe::Level;

struct Arguments {
  FheOptions parameters;
  std::string format = "table";
  bool explain = false;
};

double rounded(double bits) { return std::round(bits * 100) / 100; }

/// Two parts, each residue in as many bits as its prime has: what a file holds beside some hundred bytes of head.
std::size_t packed_bytes(const rlwe::Parameters& p, Level level, std::size_t parts) {
  std::size_t row_bytes = 0;
  const ring::PrimeSet primes = p.primes(level);
  for (const std::uint32_t i : primes.indexes()) row_bytes += (p.degree() * p.ring().modulus(i).bits + 7) / 8;
  return parts * row_bytes;
}

std::size_t key_memory_bytes(const rlwe::Parameters& p) {
  const std::size_t primes = p.spec().primes.size(), special = p.spec().special_primes.size();
  const std::size_t digits = (primes + p.spec().digit_size - 1) / p.spec().digit_size;
  return 2 * digits * (primes + special) * p.degree() * sizeof(std::uint64_t);
}

/// What goes first on the way down: the level whose arrival needs the prime, 0 for those that stay.
int level_of_prime(const rlwe::ParameterSpec& spec, std::size_t index) {
  int level = 0;
  while (index >= spec.level_sizes[static_cast<std::size_t>(level)]) ++level;
  return level;
}

Json primes_json(const rlwe::ParameterSpec& spec) {
  Json out = Json::array();
  const auto add = [&](std::uint64_t prime, const std::string& role) {
    out.push_back({{"value", prime}, {"bits", rounded(std::log2(static_cast<double>(prime)))}, {"role", role}});
  };
  for (std::size_t i = 0; i < spec.primes.size(); ++i) {
    const int level = level_of_prime(spec, i);
    add(spec.primes[i], level == 0 ? "base" : "level " + std::to_string(level));
  }
  for (const std::uint64_t prime : spec.special_primes) add(prime, "special");
  return out;
}

Json report(const FheParameters& parameters) {
  const rlwe::Parameters& p = rlwe_of(parameters);
  const rlwe::ParameterSpec& spec = p.spec();
  const auto* const approximate = std::get_if<std::shared_ptr<const ckks::Parameters>>(&parameters);
  const auto* const exact = std::get_if<std::shared_ptr<const exact::Parameters>>(&parameters);
  const Level top = p.max_level();
  const bool switches = !spec.special_primes.empty();
  Json out = {{"version", 1}};
  out["scheme"] = approximate != nullptr ? "ckks" : (*exact)->scheme() == exact::Scheme::bgv ? "bgv" : "bfv";
  out["ring"] = {{"log_n", spec.log_n}, {"degree", p.degree()}};
  out["slots"] = approximate != nullptr ? (*approximate)->slots() : (*exact)->slots();
  if (approximate != nullptr) {
    out["scale_bits"] = (*approximate)->scale_bits();
  } else {
    out["plain_modulus"] = (*exact)->plain_modulus();
  }
  // BFV drops primes to be smaller, not to go on; its depth is a matter of noise.
  if (out["scheme"] != "bfv") out["rescalings"] = top.value;
  const double all = p.log2_key_modulus(top);
  const unsigned most = rlwe::max_log2_modulus(spec.log_n, p.security());
  out["log2"] = {{"q", rounded(p.log2_q(top))}, {"p", rounded(all - p.log2_q(top))}, {"qp", rounded(all)}};
  out["security"] = {{"bits", static_cast<int>(p.security())},
                     {"log2_modulus_limit", most},
                     {"log2_modulus_left", rounded(most - all)},
                     {"source", "ePrint 2024/463, Table 5.2: classical, uniform ternary secret"}};
  out["primes"] = primes_json(spec);
  Json levels = Json::array();
  for (int l = top.value; l >= 0; --l) {
    const Level level{l};
    Json one = {{"level", l}, {"primes", p.primes(level).size()}, {"log2_q", rounded(p.log2_q(level))}};
    if (approximate != nullptr) one["log2_scale"] = rounded((*approximate)->scale(level).log2());
    one["ciphertext_bytes"] = 2 * p.primes(level).size() * p.degree() * sizeof(std::uint64_t);
    one["ciphertext_packed_bytes"] = packed_bytes(p, level, 2);
    one["ciphertext_seeded_bytes"] = packed_bytes(p, level, 1) + ring::Seed{}.size();
    levels.push_back(one);
  }
  out["levels"] = levels;
  Json keys = {{"public",
                {{"memory_bytes", 2 * spec.primes.size() * p.degree() * sizeof(std::uint64_t)},
                 {"file_bytes", packed_bytes(p, top, 1) + ring::Seed{}.size()}}}};
  if (switches) {
    out["digits"] = {{"count", (spec.primes.size() + spec.digit_size - 1) / spec.digit_size},
                     {"primes_each", spec.digit_size}};
    keys["switching"] = {{"memory_bytes", key_memory_bytes(p)},
                         {"file_bytes", rlwe::switch_key_bytes(p, {rlwe::KeyId::Kind::relinearise, 0, top})},
                         {"for_sums", spec.log_n - (approximate != nullptr ? 1 : 0)}};
  }
  out["keys"] = keys;
  out["digest"] = to_hex(std::visit([](const auto& made) { return made->digest(); }, parameters));
  return out;
}

std::string number_text(const Json& value) {
  return value.is_number_float() ? fmt::format("{:.2f}", value.get<double>()) : value.dump();
}

/// One line for each number, its name a path: for spreadsheets.
void flatten(table::ResultTable& out, const Json& value, const std::string& name) {
  if (value.is_structured()) {
    for (const auto& [key, member] : value.items())
      flatten(out, member, name.empty() ? key : fmt::format("{}.{}", name, key));
  } else {
    out.rows.push_back({name, value.is_string() ? value.get<std::string>() : number_text(value)});
  }
}

table::ResultTable table_of(const Json& rows, std::initializer_list<std::pair<const char*, const char*>> columns) {
  table::ResultTable out;
  for (const auto& [key, title] : columns)
    out.columns.push_back({title, rows[0][key].is_string() ? table::ColumnType::text : table::ColumnType::integer});
  for (const Json& row : rows) {
    std::vector<table::Cell> cells;
    for (const auto& [key, title] : columns) {
      const Json& value = row[key];
      if (value.is_string()) {
        cells.emplace_back(value.get<std::string>());
      } else {
        cells.emplace_back(table::Number{number_text(value)});
      }
    }
    out.rows.push_back(std::move(cells));
  }
  return out;
}

std::string as_text(const Json& r, bool explain) {
  const bool approximate = r["scheme"] == "ckks";
  std::string scheme = r["scheme"];
  std::transform(scheme.begin(), scheme.end(), scheme.begin(), [](char c) { return static_cast<char>(c - 'a' + 'A'); });
  std::string out;
  const auto line = [&](std::string_view name, const std::string& value) {
    out += fmt::format("{:<12} {}\n", name, value);
  };
  const auto bytes = [](const Json& value) { return bytes_text(value.get<std::uint64_t>()); };
  line("scheme", approximate ? fmt::format("{}, scale 2^{}", scheme, r["scale_bits"].get<int>())
                             : fmt::format("{}, t = {}", scheme, r["plain_modulus"].get<std::uint64_t>()));
  line("ring", fmt::format("N = 2^{} = {}, {} slots a ciphertext", r["ring"]["log_n"].get<int>(),
                           count_text(r["ring"]["degree"]), count_text(r["slots"])));
  line("modulus", fmt::format("log2 Q = {}, P = {}, QP = {}", number_text(r["log2"]["q"]), number_text(r["log2"]["p"]),
                              number_text(r["log2"]["qp"])));
  line("security",
       fmt::format("{} bits: QP may have {} bits, {} left ({})", r["security"]["bits"].get<int>(),
                   r["security"]["log2_modulus_limit"].get<int>(), number_text(r["security"]["log2_modulus_left"]),
                   r["security"]["source"].get<std::string>()));
  if (r.contains("rescalings"))
    line("depth",
         fmt::format("{} {} down to level 0", r["rescalings"].get<int>(), r["rescalings"] == 1 ? "level" : "levels"));
  const Json& top = r["levels"][0];
  line("ciphertext", fmt::format("{} in memory, {} in a file, {} fresh with its seed", bytes(top["ciphertext_bytes"]),
                                 bytes(top["ciphertext_packed_bytes"]), bytes(top["ciphertext_seeded_bytes"])));
  line("public key", fmt::format("{} in memory, {} in a file", bytes(r["keys"]["public"]["memory_bytes"]),
                                 bytes(r["keys"]["public"]["file_bytes"])));
  if (r["keys"].contains("switching")) {
    const Json& key = r["keys"]["switching"];
    line("switching",
         fmt::format("{} digits of {}; each key {} in memory, {} in a file; sums of all slots need {}",
                     r["digits"]["count"].get<int>(),
                     r["digits"]["primes_each"] == 1 ? "one prime"
                                                     : fmt::format("{} primes", r["digits"]["primes_each"].get<int>()),
                     bytes(key["memory_bytes"]), bytes(key["file_bytes"]), key["for_sums"].get<int>()));
  } else {
    line("switching", "none: no products are relinearised, nothing is rotated");
  }
  if (!explain) return out + "\n--explain lists each prime and level\n";
  out += "\n" + table::to_text_table(table_of(r["primes"], {{"value", "prime"}, {"bits", "bits"}, {"role", "role"}}));
  out += approximate ? "base: stays to the end. level L: divided out with the scale when a product leaves level L.\n"
                     : "base: stays to the end. level L: divided out with the noise when a product leaves level L.\n";
  out += "special: only in keys, where it keeps the noise of key switching small.\n\n";
  const table::ResultTable levels = approximate ? table_of(r["levels"], {{"level", "level"},
                                                                         {"primes", "primes"},
                                                                         {"log2_q", "log2 Q"},
                                                                         {"log2_scale", "log2 scale"},
                                                                         {"ciphertext_bytes", "bytes"},
                                                                         {"ciphertext_packed_bytes", "packed"},
                                                                         {"ciphertext_seeded_bytes", "seeded"}})
                                                : table_of(r["levels"], {{"level", "level"},
                                                                         {"primes", "primes"},
                                                                         {"log2_q", "log2 Q"},
                                                                         {"ciphertext_bytes", "bytes"},
                                                                         {"ciphertext_packed_bytes", "packed"},
                                                                         {"ciphertext_seeded_bytes", "seeded"}});
  return out + table::to_text_table(levels) + "\nparameters " + r["digest"].get<std::string>() + "\n";
}

Status run(const Arguments& a) {
  PRISM_TRY(const FheParameters parameters, fhe_parameters(a.parameters));
  const Json found = report(parameters);
  if (a.format == "json") return print(found.dump(2) + "\n");
  if (a.format == "csv") {
    table::ResultTable flat;
    flat.columns = {{"name", table::ColumnType::text}, {"value", table::ColumnType::text}};
    flatten(flat, found, "");
    return print(table::to_csv(flat));
  }
  return print(as_text(found, a.explain));
}

}  // namespace

void add_fhe_params(CLI::App& fhe, Action& action) {
  CLI::App* const command =
      fhe.add_subcommand("params", "Choose parameters for what is to be computed, and say what they cost");
  command->footer("Example:\n  prism fhe params --scheme ckks --depth 3 --precision 20 --explain");
  const auto a = std::make_shared<Arguments>();
  add_fhe_options(*command, a->parameters);
  command->add_flag("--explain", a->explain, "Each prime and each level, and what they are for");
  command->add_option("-o,--format", a->format, "How to print it: table, json or csv")
      ->check(CLI::IsMember({"table", "json", "csv"}));
  command->callback([a, &action] { action = [a] { return run(*a); }; });
}

void add_fhe(CLI::App& app, Action& action) {
  CLI::App* const fhe = app.add_subcommand("fhe", "Look into the engine: parameters, and noise against its bounds");
  fhe->require_subcommand(1);
  fhe->footer("Example:\n  prism fhe params --depth 2");
  add_fhe_params(*fhe, action);
  add_fhe_noise(*fhe, action);
}

}  // namespace prism::app
