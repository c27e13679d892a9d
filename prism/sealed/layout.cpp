#include "prism/sealed/layout.h"

#include <algorithm>

#include "prism/table/table.h"

namespace prism::sealed {
namespace {

bool one_hot(const Column& c) { return c.code && c.code->kind == Code::Kind::one_hot; }

/// Whether "is this value there?" has a cell of its own. A one-hot code says it already, but only at its own level.
bool has_valid_cell(const Column& c) {
  if (!c.schema.nullable) return false;
  if (one_hot(c)) return c.measure && !c.filter;
  return c.measure || c.code.has_value();
}

bool has_filter(const Header& h) {
  return std::any_of(h.columns.begin(), h.columns.end(), [](const Column& c) { return c.filter; });
}

}  // namespace

std::uint64_t Header::blocks() const {
  const std::uint64_t n = parameters->slots();
  return std::max<std::uint64_t>(1, (rows + n - 1) / n);
}

std::uint64_t Header::rows_in_block(std::uint64_t block) const {
  const std::uint64_t n = parameters->slots();
  return std::min(n, rows - std::min(rows, block * n));
}

const Column* Header::find(std::string_view wanted) const {
  for (const Column& c : columns)
    if (c.schema.name == wanted) return &c;
  for (const Column& c : columns)
    if (table::equal_ignoring_case(c.schema.name, wanted)) return &c;
  return nullptr;
}

std::vector<Cell> cells_of(const Header& header) {
  using Kind = Cell::Kind;
  std::vector<Cell> cells;
  const bool filters = has_filter(header);
  const int top = std::max({header.measure_level, header.group_level, filters ? header.filter_level : 0});
  const auto add = [&](Kind kind, std::size_t column, std::size_t index, std::size_t threshold, int level) {
    cells.push_back({kind, static_cast<std::uint32_t>(column), static_cast<std::uint32_t>(index),
                     static_cast<std::uint32_t>(threshold), rlwe::Level{level}});
  };
  if (header.rows_padded) add(Kind::exists, 0, 0, 0, top);
  for (std::size_t c = 0; c < header.columns.size(); ++c) {
    const Column& column = header.columns[c];
    if (has_valid_cell(column)) add(Kind::valid, c, 0, 0, filters ? header.filter_level : header.measure_level);
    if (column.value)
      for (int j = 0; j < column.value->count; ++j)
        add(Kind::limb, c, static_cast<std::size_t>(j), 0, header.measure_level);
    if (column.square)
      for (int j = 0; j < column.square->count; ++j)
        add(Kind::square_limb, c, static_cast<std::size_t>(j), 0, header.measure_level);
    if (!column.code) continue;
    const int level = column.filter ? header.filter_level : header.group_level;
    if (column.code->kind == Code::Kind::one_hot) {
      for (std::uint64_t i = 0; i < column.code->size; ++i) add(Kind::one_hot, c, i, 0, level);
    } else {
      for (std::size_t digit = 0; digit < column.code->bases.size(); ++digit)
        for (std::uint32_t threshold = 1; threshold < column.code->bases[digit]; ++threshold)
          add(Kind::thermometer, c, digit, threshold, level);
    }
  }
  for (std::size_t p = 0; p < header.products.size(); ++p) {
    const Product& product = header.products[p];
    if (header.columns[product.a].schema.nullable && header.columns[product.b].schema.nullable)
      add(Kind::product_valid, p, 0, 0, header.measure_level);
    for (int j = 0; j < product.limbs.count; ++j)
      add(Kind::product_limb, p, static_cast<std::size_t>(j), 0, header.measure_level);
  }
  return cells;
}

std::uint64_t block_bytes(const Header& header, const Cell& cell) {
  const auto& rlwe = header.parameters->rlwe();
  std::uint64_t bytes = 0;
  for (const auto p : rlwe.primes(cell.level).indexes())
    bytes += rlwe.degree() * rlwe.ring().modulus(p).bits / 8;  // N is a multiple of 8
  return bytes;
}

std::string describe(const Header& header, const Cell& cell) {
  const auto name = [&] { return header.columns[cell.column].schema.name; };
  const auto number = [](std::uint32_t v) { return std::to_string(v); };
  switch (cell.kind) {
    case Cell::Kind::exists:
      return "is a row";
    case Cell::Kind::valid:
      return name() + ": is not NULL";
    case Cell::Kind::limb:
      return name() + ": value limb " + number(cell.index);
    case Cell::Kind::square_limb:
      return name() + ": square limb " + number(cell.index);
    case Cell::Kind::one_hot:
      return name() + ": is category " + number(cell.index);
    case Cell::Kind::thermometer:
      return name() + ": digit " + number(cell.index) + " is at least " + number(cell.threshold);
    case Cell::Kind::product_valid:
    case Cell::Kind::product_limb: {
      const Product& p = header.products[cell.column];
      const std::string product = header.columns[p.a].schema.name + "*" + header.columns[p.b].schema.name;
      return cell.kind == Cell::Kind::product_valid ? product + ": is not NULL"
                                                    : product + ": limb " + number(cell.index);
    }
  }
  check(false, "unknown Cell::Kind");
  return {};
}

}  // namespace prism::sealed
