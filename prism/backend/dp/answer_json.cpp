#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "prism/backend/dp/answer.h"

namespace prism::backend::dp {
namespace {

using Json = nlohmann::ordered_json;

Json cell_json(const table::Cell& cell) {
  if (std::holds_alternative<std::monostate>(cell)) return nullptr;
  // Numbers as text: a JSON reader would make doubles of them, and they are exact.
  if (const auto* number = std::get_if<table::Number>(&cell)) return number->text;
  return std::get<std::string>(cell);
}

/// Four digits, rounded down: a promise must not grow by being printed.
std::string coverage_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4f", std::floor(value * 10'000 + 1e-9) / 10'000);
  return text;
}

Json release_json(const Release& r) {
  Json out = {{"what", r.what}, {"mechanism", r.mechanism}};
  if (r.parameter.numerator != 0)
    out[r.mechanism == "discrete Gaussian" ? "variance" : "scale"] = to_string(r.parameter);
  out["sensitivity"] = to_string(static_cast<Int128>(r.sensitivity));
  out["numbers"] = r.numbers;
  out["epsilon"] = r.epsilon.text();
  out["delta"] = r.delta.text();
  return out;
}

Json releases_json(const std::vector<Release>& releases) {
  Json out = Json::array();
  for (const Release& r : releases) out.push_back(release_json(r));
  return out;
}

Json notes_json(const std::vector<Note>& notes) {
  Json out = Json::array();
  for (const Note& note : notes) {
    Json one = {{"text", note.text}};
    if (note.output) one["column"] = *note.output;
    out.push_back(std::move(one));
  }
  return out;
}

std::string text_of(const Json& json) {
  // Text of tables is UTF-8 by then; should it not be, the bytes are replaced rather than thrown about.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string to_json(const Preview& preview) {
  Json columns = Json::array();
  for (const PreviewColumn& c : preview.columns) {
    Json one = {{"name", c.name}};
    if (c.plus_minus) {
      one["plus_minus"] = *c.plus_minus;
      one["exact"] = c.exact;
      if (!c.exact) one["assumed_rows"] = c.assumed_rows;
    }
    one["text"] = c.text;
    columns.push_back(std::move(one));
  }
  Json out = {{"version", 1},
              {"epsilon", preview.epsilon.text()},
              {"delta", preview.delta.text()},
              {"contribution", {{"rows", preview.contribution.rows}, {"groups", preview.contribution.groups}}},
              {"public_groups", preview.public_groups},
              {"groups", preview.groups}};
  if (!preview.public_groups) out["keep_half_units"] = static_cast<std::uint64_t>(preview.keep_half_units);
  out["bucket_ms"] = preview.bucket.count();
  out["time_limit_ms"] = preview.time_limit.count();
  out["columns"] = std::move(columns);
  out["releases"] = releases_json(preview.releases);
  out["notes"] = notes_json(preview.notes);
  return text_of(out);
}

std::string to_json(const Answer& answer) {
  Json columns = Json::array();
  for (const table::ResultColumn& c : answer.table.columns)
    columns.push_back({{"name", c.name}, {"type", table::name_of(c.type)}});
  Json rows = Json::array();
  for (std::size_t i = 0; i < answer.table.rows.size(); ++i) {
    Json row = Json::array();
    for (std::size_t k = 0; k < answer.table.rows[i].size(); ++k) {
      Json cell = {{"value", cell_json(answer.table.rows[i][k])}};
      if (const auto& interval = answer.intervals[i][k]) {
        cell["low"] = cell_json(interval->low);
        cell["high"] = cell_json(interval->high);
        cell["coverage"] = coverage_text(interval->coverage);
        cell["exact"] = interval->exact;
      }
      row.push_back(std::move(cell));
    }
    rows.push_back(std::move(row));
  }
  Json out = {{"version", 1},
              {"backend", "dp_sandbox"},
              {"columns", std::move(columns)},
              {"rows", std::move(rows)},
              {"epsilon", answer.epsilon.text()},
              {"delta", answer.delta.text()},
              {"releases", releases_json(answer.releases)},
              {"contribution", {{"rows", answer.contribution.rows}, {"groups", answer.contribution.groups}}},
              {"public_groups", answer.public_groups}};
  if (answer.suppressed_groups) out["suppressed_groups"] = *answer.suppressed_groups;
  out["notes"] = notes_json(answer.notes);
  if (answer.left) {
    out["left"] = {{"epsilon", answer.left->epsilon}, {"delta", answer.left->delta}};
    if (answer.left->analyst) out["left"]["analyst"] = *answer.left->analyst;
    if (answer.left->room) out["left"]["room"] = *answer.left->room;
  }
  return text_of(out);
}

}  // namespace prism::backend::dp
