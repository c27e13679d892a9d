#include "prism/sql/internal/encode.h"

#include "prism/base/bytes.h"
#include "prism/wire/writer.h"

namespace prism::sql {
namespace {

// "PLAN", then the version: raise it whenever the meaning or the layout of a plan changes.
constexpr std::uint32_t kMagic = 0x4E414C50;
constexpr std::uint16_t kVersion = 1;

using wire::Writer;

template <class Enum>
void choice(Writer& out, Enum value) {
  out.choice(static_cast<std::uint8_t>(value));
}

void text(Writer& out, std::string_view value) { out.bytes(as_bytes(value)); }

void optional_text(Writer& out, const std::optional<std::string>& value) {
  out.boolean(value.has_value());
  if (value) text(out, *value);
}

void put(Writer& out, const ColumnTest& test) {
  out.u64(test.column);
  out.boolean(test.null_is_true);
  out.count(test.intervals.size());
  for (const Interval& i : test.intervals) {
    out.i64(i.low);
    out.i64(i.high);
  }
  out.count(test.texts.size());
  for (const TextInterval& i : test.texts) {
    optional_text(out, i.low);
    optional_text(out, i.high);
    out.boolean(i.low_included);
    out.boolean(i.high_included);
  }
}

void put(Writer& out, const Predicate& predicate) {
  choice(out, predicate.kind);
  if (predicate.kind == Predicate::Kind::test) put(out, predicate.test);
  out.count(predicate.children.size());
  for (const Predicate& child : predicate.children) put(out, child);
}

void put(Writer& out, const Expression& e) {
  choice(out, e.op);
  choice(out, e.type);
  out.u32(static_cast<std::uint32_t>(e.scale));
  text(out, e.digits);
  text(out, e.literal);
  out.u64(e.index);
  out.u64(e.count);
  out.u64(e.square);
  out.count(e.arguments.size());
  for (const Expression& argument : e.arguments) put(out, argument);
}

void put(Writer& out, const Catalog& catalog) {
  text(out, catalog.table);
  out.count(catalog.columns.size());
  for (const table::ColumnSchema& column : catalog.columns) {
    text(out, column.name);
    choice(out, column.type);
    out.u32(static_cast<std::uint32_t>(column.scale));
    out.boolean(column.nullable);
  }
}

}  // namespace

namespace internal {

Bytes encode_predicate(const Predicate& predicate) {
  Writer out;
  put(out, predicate);
  return std::move(out).take();
}

}  // namespace internal

Bytes encode(const Plan& plan) {
  Writer out;
  out.u32(kMagic);
  out.u16(kVersion);
  put(out, plan.catalog);
  put(out, plan.where);
  out.count(plan.group_by.size());
  for (const std::size_t column : plan.group_by) out.u64(column);
  out.count(plan.primitives.size());
  for (const Primitive& primitive : plan.primitives) {
    choice(out, primitive.kind);
    out.count(primitive.columns.size());
    for (const std::size_t column : primitive.columns) out.u64(column);
  }
  out.count(plan.outputs.size());
  for (const OutputColumn& output : plan.outputs) {
    text(out, output.name);
    put(out, output.value);
  }
  out.boolean(plan.having.has_value());
  if (plan.having) put(out, *plan.having);
  out.count(plan.order.size());
  for (const OrderKey& key : plan.order) {
    put(out, key.value);
    out.boolean(key.descending);
    out.boolean(key.nulls_first);
  }
  out.boolean(plan.limit.has_value());
  if (plan.limit) out.u64(*plan.limit);
  out.u64(plan.offset);
  return std::move(out).take();
}

}  // namespace prism::sql
