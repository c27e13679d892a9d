#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>

#include "apps/prism/backend_choice.h"
#include "apps/prism/commands.h"
#include "apps/prism/private_question.h"
#include "apps/prism/steps.h"
#include "apps/prism/terminal.h"
#include "prism/backend/he/query.h"
#include "prism/host/system.h"
#include "prism/sql/sql.h"

namespace prism::app {
namespace {

using backend::he::Compiled;
using Json = nlohmann::ordered_json;

struct Arguments {
  std::string backend, format = "text";
  PrivateQuestion question;
  std::vector<std::string> dictionaries;
  std::optional<std::size_t> threads;
};

std::string key_name(const rlwe::KeyId& id) {
  const std::string level = " up to level " + std::to_string(id.level.value);
  return (id.kind == rlwe::KeyId::Kind::relinearise ? "relinearisation" : "automorphism " + std::to_string(id.g)) +
         level;
}

Json as_json(const sealed::SealedTable& table, const Compiled& q, const backend::he::Prediction& p,
             std::size_t workers) {
  const auto& parameters = *table.header().parameters;
  Json keys = Json::array();
  for (const auto& id : q.analysis.keys) keys.push_back({{"key", key_name(id)}, {"bytes", table.key_bytes(id)}});
  return {{"sql", q.sql},
          {"plan", sql::describe(q.plan)},
          {"table",
           {{"name", table.header().name},
            {"rows", table.header().rows},
            {"blocks", table.header().blocks()},
            {"root", to_hex(table.root())}}},
          {"program",
           {{"digest", to_hex(q.digest)},
            {"depth", q.analysis.depth},
            {"cells", q.analysis.inputs},
            {"multiplications_per_block", q.analysis.multiplications},
            {"relinearisations_per_block", q.analysis.relinearisations},
            {"groups", q.lowered.groups.size()},
            {"outputs", q.lowered.program.outputs.size()}}},
          {"parameters",
           {{"ring_degree", parameters.degree()},
            {"plain_modulus", parameters.plain_modulus()},
            {"log2_key_modulus", parameters.rlwe().log2_key_modulus(parameters.max_level())},
            {"security_bits", static_cast<int>(parameters.rlwe().security())}}},
          {"keys", keys},
          {"noise_budget_bits", q.analysis.budget_bits},
          {"predicted",
           {{"seconds", p.seconds},
            {"threads", workers},
            {"read_bytes", p.read_bytes},
            {"key_bytes", p.key_bytes},
            {"answer_bytes", p.answer_bytes}}}};
}

std::string as_text(const sealed::SealedTable& table, const Compiled& q, const backend::he::Prediction& p,
                    std::size_t workers) {
  const auto& parameters = *table.header().parameters;
  std::string plan = sql::describe(q.plan);
  while (plan.ends_with('\n')) plan.pop_back();
  std::string out = "plan\n  " + printable(plan, "  ") + "\n\nprogram " + to_hex(q.digest) + "\n";
  const auto line = [&](std::string_view name, const std::string& value) {
    out += fmt::format("  {:<12} {}\n", name, value);
  };
  const std::size_t groups = q.lowered.groups.size(), outputs = q.lowered.program.outputs.size();
  const std::uint64_t blocks = table.header().blocks();
  line("work", fmt::format("{} cells in {} of {} rows; per block {} products, {} relinearisations",
                           count_text(q.analysis.inputs), blocks == 1 ? "1 block" : count_text(blocks) + " blocks",
                           count_text(parameters.slots()), count_text(q.analysis.multiplications),
                           count_text(q.analysis.relinearisations)));
  line("depth", fmt::format("{} products in a row", q.analysis.depth));
  line("answer", fmt::format("{} encrypted numbers in {}, {}", count_text(outputs),
                             groups == 1 ? "1 group" : count_text(groups) + " groups", bytes_text(p.answer_bytes)));
  line("parameters", fmt::format("BGV, ring degree {}, t = {}, {:.0f}-bit key modulus, {}-bit security",
                                 count_text(parameters.degree()), parameters.plain_modulus(),
                                 parameters.rlwe().log2_key_modulus(parameters.max_level()),
                                 static_cast<int>(parameters.rlwe().security())));
  line("noise", std::isfinite(q.analysis.budget_bits)
                    ? fmt::format("{:.1f} bits of budget left in the answer", q.analysis.budget_bits)
                    : "none: nothing is encrypted in this answer");
  out += "\nkeys\n";
  if (q.analysis.keys.empty()) out += "  none\n";
  // Packing uses log2 N automorphisms of one size: one line says it.
  std::size_t automorphisms = 0;
  std::uint64_t automorphism_bytes = 0;
  for (const auto& id : q.analysis.keys) {
    if (id.kind == rlwe::KeyId::Kind::automorphism) {
      ++automorphisms;
      automorphism_bytes += table.key_bytes(id);
    } else {
      out += fmt::format("  {:<38} {}\n", key_name(id), bytes_text(table.key_bytes(id)));
    }
  }
  if (automorphisms > 0)
    out += fmt::format("  {:<38} {}\n", fmt::format("{} automorphisms, to pack the answer", automorphisms),
                       bytes_text(automorphism_bytes));
  out += "\npredicted\n";
  line("time", fmt::format("{} with {} {}", seconds_text(p.seconds), workers, workers == 1 ? "thread" : "threads"));
  line("reads", bytes_text(p.read_bytes) + " of the table, " + bytes_text(p.key_bytes) + " of keys");
  return out;
}

Status run_encrypted(const Arguments& a) {
  const std::string& sql = a.question.sql;
  PRISM_CHECKED(refuse_private_options(a.question));
  PRISM_TRY(const std::size_t workers, workers_from(a.threads));
  PRISM_TRY(const auto table, sealed::SealedTable::open(a.question.csv));
  PRISM_TRY(const auto dictionaries, read_dictionaries(a.dictionaries, table.header()));
  const auto question = backend::he::compile(table, sql, dictionaries);
  if (!question) return point_at(question.error(), sql);
  const auto prediction = backend::he::predict(table, *question, host::SystemClock{}, workers);
  if (a.format == "json")
    return print(as_json(table, *question, prediction, workers).dump(2, ' ', false, Json::error_handler_t::replace) +
                 "\n");
  return print(as_text(table, *question, prediction, workers));
}

Status run(const Arguments& a) {
  PRISM_TRY(const BackendChoice backend, choose_backend(a.question.csv, a.backend));
  if (backend == BackendChoice::he) return run_encrypted(a);
  if (!a.dictionaries.empty()) return fail(ErrorCode::invalid_argument, "--dictionary is for sealed tables");
  PrivateQuestion question = a.question;
  if (a.format == "json") question.format = "json";
  return explain_private(question);
}

}  // namespace

void add_explain(CLI::App& app, Action& action) {
  CLI::App* const command =
      app.add_subcommand("explain", "Show what a question will do and cost, without computing it");
  command->footer(
      "Example:\n  prism explain patients.sealed \"SELECT diagnosis, AVG(cost) FROM patients WHERE age >= 65 GROUP BY "
      "diagnosis\"\n"
      "  prism explain patients.csv --epsilon 0.5 \"SELECT AVG(cost) FROM patients WHERE age >= 65\"\n\n"
      "For a CSV file it says what the question would spend and how wide its intervals would be; nothing is spent.");
  const auto a = std::make_shared<Arguments>();
  command->add_option("table", a->question.csv, "The sealed table or CSV file")->required();
  command->add_option("sql", a->question.sql, "The question, in SQL")->required();
  add_backend_option(*command, a->backend);
  add_private_options(*command, a->question);
  command->add_option("-o,--format", a->format, "How to print it: text or json")
      ->check(CLI::IsMember({"text", "json"}));
  command->add_option("--dictionary", a->dictionaries, "A column's exported dictionary; may be repeated")
      ->allow_extra_args(false);
  command->add_option("--threads", a->threads,
                      "How many threads would compute (default: PRISM_THREADS, or every core)");
  command->callback([a, &action] { action = [a] { return run(*a); }; });
}

}  // namespace prism::app
