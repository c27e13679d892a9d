#include "prism/sql/internal/encode.h"

#include <algorithm>

#include "prism/base/bytes.h"
#include "prism/wire/writer.h"

namespace prism::sql {
namespace {

// "PLAN", then the version: raise it whenever the meaning or the layout of a plan changes.
constexpr std::uint32_t kMagic = 0x4E414C50;
// Version 2 is for what version 1 cannot say; plans that both can say stay in version 1, so that what was signed stays
// valid.
constexpr std::uint16_t kOneTable = 1;
constexpr std::uint16_t kRelations = 2;

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

void put(Writer& out, const std::vector<table::ColumnSchema>& columns) {
  out.count(columns.size());
  for (const table::ColumnSchema& column : columns) {
    text(out, column.name);
    choice(out, column.type);
    out.u32(static_cast<std::uint32_t>(column.scale));
    out.boolean(column.nullable);
  }
}

void put_table(Writer& out, const std::string& name, const std::vector<table::ColumnSchema>& columns) {
  text(out, name);
  put(out, columns);
}

void put_places(Writer& out, const std::vector<std::size_t>& columns) {
  out.count(columns.size());
  for (const std::size_t column : columns) out.u64(column);
}

/// Without the names that people give to parts and to columns of derived tables.
void put(Writer& out, const Relation& relation) {
  choice(out, relation.kind);
  switch (relation.kind) {
    case Relation::Kind::table:
      put_table(out, relation.name, relation.catalog.columns);
      return;
    case Relation::Kind::join:
      out.count(relation.parts.size());
      for (std::size_t i = 0; i < relation.parts.size(); ++i) {
        put(out, relation.parts[i]);
        if (i == 0) continue;
        out.count(relation.keys[i - 1].size());
        for (const JoinKey& key : relation.keys[i - 1]) {
          out.u64(key.left);
          out.u64(key.right);
        }
      }
      return;
    case Relation::Kind::derived:
      put(out, relation.parts[0]);
      put(out, relation.where);
      out.boolean(relation.grouped);
      put_places(out, relation.group_by);
      out.count(relation.outputs.size());
      for (const DerivedColumn& column : relation.outputs) {
        choice(out, column.kind);
        out.boolean(column.column.has_value());
        if (column.column) out.u64(*column.column);
      }
      return;
  }
}

bool needs_relations(const Plan& plan) {
  return plan.from || plan.group_by.size() > 2 ||
         std::any_of(plan.primitives.begin(), plan.primitives.end(), [](const Primitive& p) {
           return p.kind != Primitive::Kind::count && p.kind != Primitive::Kind::sum;
         });
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
  const bool relations = needs_relations(plan);
  out.u16(relations ? kRelations : kOneTable);
  if (relations) out.boolean(plan.from.has_value());
  if (plan.from)
    put(out, *plan.from);
  else
    put_table(out, plan.catalog.table, plan.catalog.columns);
  put(out, plan.where);
  put_places(out, plan.group_by);
  out.count(plan.primitives.size());
  for (const Primitive& primitive : plan.primitives) {
    choice(out, primitive.kind);
    put_places(out, primitive.columns);
    if (relations) out.i64(primitive.fraction_nano);
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
