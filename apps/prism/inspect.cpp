#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "apps/prism/commands.h"
#include "apps/prism/steps.h"
#include "apps/prism/terminal.h"
#include "prism/compute/result.h"
#include "prism/custody/backup.h"
#include "prism/custody/table_key.h"
#include "prism/host/file.h"
#include "prism/rlwe/files.h"
#include "prism/sealed/reader.h"
#include "prism/table/date.h"
#include "prism/table/decimal.h"
#include "prism/wire/artefact.h"

namespace prism::app {
namespace {

using Json = nlohmann::ordered_json;

struct Arguments {
  std::string file, format = "text";
  bool verify = false;
};

/// What inspect found: facts in order, and perhaps a table.
struct Report {
  Json facts = Json::object();
  std::optional<table::ResultTable> columns;
};

// 0001-01-01 and 9999-12-31, the range of format_date; bounds rounded outwards pass it, and files may claim anything.
constexpr std::int64_t kFirstDay = -719'162, kLastDay = 2'932'896;

std::string bound_text(const table::ColumnSchema& schema, std::int64_t value) {
  if (schema.type != table::ColumnType::date) return table::format_decimal(value, schema.scale);
  return value < kFirstDay || value > kLastDay ? fmt::format("day {}", value) : table::format_date(value);
}

std::string protection_text(custody::Protection protection, const crypto::ScryptCost& cost) {
  if (protection == custody::Protection::none) return "none but the file's mode";
  return fmt::format("passphrase (scrypt N=2^{}, r={}, p={}; AES-256-GCM)", cost.log2_n, cost.r, cost.p);
}

std::string encoding_text(const sealed::Column& c) {
  std::string text;
  if (c.value) text = c.value->count == 1 ? "value" : fmt::format("value in {} limbs", c.value->count);
  if (c.square) text += c.square->count == 1 ? ", square" : fmt::format(", square in {} limbs", c.square->count);
  if (c.code) {
    if (!text.empty()) text += "; ";
    text += c.code->kind == sealed::Code::Kind::one_hot
                ? fmt::format("one-hot over {}", c.code->size)
                : fmt::format("{} digits over {}", c.code->bases.size(), c.code->size);
  }
  return text;
}

Result<Report> sealed_table(const Arguments& a) {
  PRISM_TRY(const auto table, sealed::SealedTable::open(a.file));
  if (a.verify) PRISM_CHECKED(table.verify());
  const sealed::Header& h = table.header();
  const auto& parameters = *h.parameters;
  std::uint64_t key_bytes = 0, block_bytes = 0;
  for (const auto& id : h.keys) key_bytes += rlwe::switch_key_bytes(parameters.rlwe(), id);
  std::vector<std::uint64_t> column_bytes(h.columns.size(), 0);
  for (const auto& cell : table.cells()) {
    const std::uint64_t bytes = sealed::block_bytes(h, cell) * h.blocks();
    block_bytes += bytes;
    const bool of_column = cell.kind != sealed::Cell::Kind::exists && cell.kind != sealed::Cell::Kind::product_limb &&
                           cell.kind != sealed::Cell::Kind::product_valid;
    if (of_column) column_bytes[cell.column] += bytes;
  }
  Report report;
  Json& f = report.facts;
  f["table"] = h.name;
  f["rows"] = h.rows;
  f["rows padded"] = h.rows_padded;
  f["blocks"] = h.blocks();
  f["table id"] = to_hex(h.id);
  f["sealed by key"] = to_hex(h.key);
  f["root"] = to_hex(table.root());
  f["file bytes"] = table.file_bytes();
  f["encrypted cells"] = table.cells().size();
  f["encrypted bytes"] = block_bytes;
  f["evaluation keys"] = h.keys.size();
  f["key bytes"] = key_bytes;
  f["scheme"] = "BGV";
  f["ring degree"] = parameters.degree();
  f["plain modulus"] = parameters.plain_modulus();
  f["levels"] = parameters.max_level().value + 1;
  f["log2 of the key modulus"] = parameters.rlwe().log2_key_modulus(parameters.max_level());
  f["security bits"] = static_cast<int>(parameters.rlwe().security());
  f["parameters"] = to_hex(parameters.digest());
  f["hash tree"] = a.verify ? "every block verified" : "root and leaves agree (--verify hashes every block)";
  Json columns = Json::array();
  table::ResultTable shown;
  for (const char* name : {"column", "type", "roles", "bounds", "dictionary", "encoding"})
    shown.columns.push_back({name, table::ColumnType::text});
  shown.columns.push_back({"bytes a row", table::ColumnType::integer});
  for (std::size_t i = 0; i < h.columns.size(); ++i) {
    const sealed::Column& c = h.columns[i];
    const bool text = c.schema.type == table::ColumnType::text;
    std::vector<std::string> roles;
    for (const auto& [on, name] : {std::pair{c.measure, "measure"}, {c.filter, "filter"}, {c.group, "group"}})
      if (on) roles.emplace_back(name);
    const std::string dictionary = !text         ? ""
                                   : c.published ? fmt::format("{} values, public", c.code->size)
                                                 : fmt::format("{} values, private", c.code ? c.code->size : 0);
    Json column = {{"name", c.schema.name},
                   {"type", table::type_text(c.schema)},
                   {"nullable", c.schema.nullable},
                   {"roles", roles}};
    if (!text) column["bounds"] = {bound_text(c.schema, c.low), bound_text(c.schema, c.high)};
    if (text) column["dictionary"] = c.published ? Json(c.dictionary) : Json(nullptr);
    if (c.code) column["values"] = c.code->size;
    column["encoding"] = encoding_text(c);
    column["bytes"] = column_bytes[i];
    columns.push_back(column);
    shown.rows.push_back({c.schema.name, table::type_text(c.schema) + (c.schema.nullable ? ", NULLs" : ""),
                          fmt::format("{}", fmt::join(roles, ", ")),
                          text ? std::string("-") : bound_text(c.schema, c.low) + " to " + bound_text(c.schema, c.high),
                          dictionary.empty() ? "-" : dictionary, encoding_text(c),
                          table::Number{std::to_string(column_bytes[i] / (h.blocks() * parameters.slots()))}});
  }
  f["columns"] = columns;
  if (!h.products.empty()) {
    Json products = Json::array();
    for (const auto& p : h.products) products.push_back(h.columns[p.a].schema.name + "*" + h.columns[p.b].schema.name);
    f["products"] = products;
  }
  report.columns = std::move(shown);
  return report;
}

Result<Report> answer(ByteView file) {
  PRISM_TRY(const auto parsed, backend::he::parse_answer(file));
  Report report;
  Json& f = report.facts;
  f["question"] = parsed.head.sql;
  f["table"] = parsed.head.table;
  f["table id"] = to_hex(parsed.head.id);
  f["root"] = to_hex(parsed.head.root);
  f["program"] = to_hex(parsed.head.program);
  f["delivery"] =
      parsed.head.delivery == program::Delivery::samples ? "single numbers (LWE samples)" : "packed ciphertexts";
  f["items"] = parsed.head.items;
  f["item bytes"] = parsed.items.size();
  f["file bytes"] = file.size();
  f["note"] = "nothing in an answer is believed: prism open recomputes all of this from the owner's memory";
  return report;
}

Result<Report> keyring(ByteView file, const std::string& dir) {
  PRISM_TRY(const auto d, custody::describe_keyring(file));
  Report report;
  report.facts["key"] = d.id.hex();
  report.facts["created"] = utc_text(d.created);
  report.facts["protection"] = protection_text(d.protection, d.cost);
  if (!dir.empty() && host::exists(dir + "/tables")) {
    PRISM_TRY(const auto names, host::list_directory(dir + "/tables"));
    Json tables = Json::array();
    for (const std::string& name : names)
      if (name.ends_with(".manifest")) tables.push_back(name.substr(0, name.size() - 9));
    report.facts["tables"] = tables;
  }
  return report;
}

Result<Report> backup(ByteView file) {
  PRISM_TRY(const auto d, custody::describe_backup(file));
  Report report;
  report.facts["key"] = d.keyring.id.hex();
  report.facts["key created"] = utc_text(d.keyring.created);
  report.facts["backup created"] = utc_text(d.created);
  report.facts["protection"] = protection_text(d.keyring.protection, d.keyring.cost);
  report.facts["manifest bytes"] = d.sealed_manifest_bytes;
  return report;
}

Result<Report> table_key(ByteView file) {
  PRISM_TRY(const auto d, custody::describe_table_key(file));
  Report report;
  report.facts["key"] = d.id.hex();
  report.facts["table id"] = d.table.hex();
  report.facts["created"] = utc_text(d.created);
  report.facts["protection"] = protection_text(d.protection, d.cost);
  report.facts["opens answers"] = d.has_manifest;
  return report;
}

Result<Report> dictionary(ByteView file) {
  PRISM_TRY(const auto d, sealed::decode_dictionary(file));
  Report report;
  report.facts["table id"] = to_hex(d.table);
  report.facts["column"] = d.column;
  report.facts["values"] = d.words;
  return report;
}

Result<Report> vector(ByteView file) {
  PRISM_TRY(const auto summary, fhe::summarise(file));
  Report report;
  Json& f = report.facts;
  f["numbers"] = summary.approximate ? "real, with an error bound (CKKS)" : "whole (BGV or BFV)";
  f["values"] = summary.size;
  f["ciphertexts"] = summary.ciphertexts;
  f["keys"] = to_hex(summary.identity);
  f["file bytes"] = file.size();
  return report;
}

template <class Family>
Report context_report(const fhe::Context<Family>& context, ByteView file) {
  const rlwe::Parameters& ring = context.parameters().rlwe();
  Report report;
  Json& f = report.facts;
  f["keys"] = to_hex(context.identity());
  std::string text = context.describe();
  while (text.ends_with('\n')) text.pop_back();
  f["parameters"] = text;
  if (context.largest_magnitude() > 0) f["largest magnitude"] = context.largest_magnitude();
  f["ring degree"] = ring.degree();
  f["levels"] = ring.max_level().value + 1;
  f["security bits"] = static_cast<int>(ring.security());
  f["evaluation keys"] = context.keys().ids().size();
  f["file bytes"] = file.size();
  return report;
}

Result<Report> context(ByteView file) {
  PRISM_TRY(const bool approximate, fhe::is_approximate(file));
  if (approximate) {
    PRISM_TRY(const auto made, fhe::Approximate::Context::decode(file));
    return context_report(made, file);
  }
  PRISM_TRY(const auto made, fhe::Exact::Context::decode(file));
  return context_report(made, file);
}

Result<Report> result(ByteView file) {
  PRISM_TRY(const auto view, compute::decode_result(file));
  Report report;
  Json& f = report.facts;
  f["numbers"] = std::string(program::name_of(view.computation.family()));
  Json inputs = Json::array(), outputs = Json::array(), steps = Json::array();
  for (const auto& input : view.computation.inputs())
    inputs.push_back(fmt::format("{} ({} values)", input.name, input.size));
  for (const auto& output : view.computation.outputs()) outputs.push_back(output.name);
  for (const auto& operation : view.computation.operations())
    if (operation.step != program::Step::input) steps.push_back(std::string(program::name_of(operation.step)));
  f["inputs"] = inputs;
  f["operations"] = steps;
  f["results"] = outputs;
  f["program"] = to_hex(view.computation.digest());
  f["keys"] = to_hex(view.identity);
  f["ciphertext vectors"] = view.carriers.size();
  f["file bytes"] = file.size();
  f["note"] = "nothing here proves that this was computed: a receipt says who computed it";
  return report;
}

std::string fact_text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_number_unsigned()) return count_text(value.get<std::uint64_t>());
  if (value.is_number_float()) return fmt::format("{:.1f}", value.get<double>());
  if (value.is_array()) {
    constexpr std::size_t kMostShown = 40;
    std::string out = value.empty() ? "none" : "";
    for (std::size_t i = 0; i < value.size() && i < kMostShown; ++i) out += (i == 0 ? "" : ", ") + fact_text(value[i]);
    if (value.size() > kMostShown)
      out += ", and " + count_text(value.size() - kMostShown) + " more (-o json shows all)";
    return out;
  }
  return value.dump();
}

std::string as_text(const std::string& title, const Report& report) {
  std::string out = title + "\n";
  std::size_t width = 0;
  for (const auto& [name, value] : report.facts.items()) width = std::max(width, name.size());
  for (const auto& [name, value] : report.facts.items()) {
    if (name == "columns" && report.columns) continue;
    std::string text = printable(fact_text(value), std::string(width + 4, ' '));
    if (name.ends_with("bytes") && value.is_number_unsigned()) text = bytes_text(value.get<std::uint64_t>());
    out += fmt::format("  {:<{}}  {}\n", name, width, text);
  }
  if (report.columns) out += "\n" + table::to_text_table(*report.columns);
  return out;
}

Status run(const Arguments& a) {
  std::string path = a.file, dir;
  if (host::exists(path + "/" + std::string(custody::kKeyringFile))) {
    dir = path;
    path += "/" + std::string(custody::kKeyringFile);
  }
  // Sealed tables are mapped, not read; everything else is small.
  PRISM_TRY(auto start, host::MappedFile::open(path, std::uint64_t{1} << 44));
  PRISM_TRY(const wire::Header head, wire::peek_header(start.bytes()));
  if (wire::name_of(head.kind) == wire::name_of(wire::Kind{0}))
    return fail(ErrorCode::unsupported, path,
                " is a kind of file that this program does not know; a later version wrote it, or it is damaged");
  if (a.verify && head.kind != wire::Kind::sealed_table)
    return fail(ErrorCode::invalid_argument, "--verify is for sealed tables; ", path, " is ", wire::name_of(head.kind));
  const auto inspect = [&]() -> Result<Report> {
    switch (head.kind) {
      case wire::Kind::sealed_table:
        return sealed_table(a);
      case wire::Kind::answer:
        return answer(start.bytes());
      case wire::Kind::master_key:
        return keyring(start.bytes(), dir);
      case wire::Kind::key_backup:
        return backup(start.bytes());
      case wire::Kind::secret_key:
        return table_key(start.bytes());
      case wire::Kind::dictionary:
        return dictionary(start.bytes());
      case wire::Kind::ciphertext:
        return vector(start.bytes());
      case wire::Kind::context:
        return context(start.bytes());
      case wire::Kind::result:
        return result(start.bytes());
      case wire::Kind::manifest: {
        Report report;
        report.facts["note"] = "what an owner remembers about a table; encrypted, so only its keys can read it";
        return report;
      }
      default: {
        Report report;
        report.facts["note"] = "this program knows of this kind, and nothing more";
        return report;
      }
    }
  };
  PRISM_TRY(const Report report, inspect());
  if (a.format == "json") {
    Json out = {{"file", path}, {"kind", std::string(wire::name_of(head.kind))}, {"version", head.version}};
    // Names that scripts can use without quotes.
    for (const auto& [name, value] : report.facts.items()) {
      std::string key = name;
      std::replace(key.begin(), key.end(), ' ', '_');
      out[key] = value;
    }
    return print(out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
  }
  return print(
      as_text(fmt::format("{}: {}, version {}", printable(path), wire::name_of(head.kind), head.version), report));
}

}  // namespace

Status inspect_file(const std::string& path, const std::string& format) {
  Arguments a;
  a.file = path;
  a.format = format;
  return run(a);
}

void add_inspect(CLI::App& app, Action& action) {
  CLI::App* const command =
      app.add_subcommand("inspect", "Say what a file of Prism is and what it holds, without any key");
  command->footer(
      "Example:\n  prism inspect patients.sealed --verify\n  prism inspect answer.prism -o json\n  prism inspect "
      "alice");
  const auto a = std::make_shared<Arguments>();
  command->add_option("file", a->file, "A sealed table, an answer, an encrypted vector, a result, a key directory, ...")
      ->required();
  command->add_option("-o,--format", a->format, "How to print it: text or json")
      ->check(CLI::IsMember({"text", "json"}));
  command->add_flag("--verify", a->verify, "Sealed tables: compare every block with the hash tree");
  command->callback([a, &action] { action = [a] { return run(*a); }; });
}

}  // namespace prism::app
