#include "prism/backend/he/open.h"

#include "prism/exact/decryptor.h"
#include "prism/exact/encoder.h"
#include "prism/math/modular.h"
#include "prism/program/analysis.h"
#include "prism/sql/finish.h"
#include "prism/sql/sql.h"

namespace prism::backend::he {
namespace {

Dictionaries dictionaries_of(const sealed::Manifest& manifest) {
  Dictionaries out;
  for (std::size_t c = 0; c < manifest.header.columns.size(); ++c)
    if (manifest.header.columns[c].schema.type == table::ColumnType::text && manifest.header.columns[c].code)
      out[c] = manifest.dictionaries[c];
  return out;
}

/// Everything the owner recomputes about a question.
struct Recompiled {
  ParsedAnswer answer;
  sql::Plan plan;
  Lowered lowered;
  program::Analysis analysis;
  program::Outcome outcome;
};

Result<Recompiled> recompile(ByteView file, const sealed::Manifest& manifest) {
  Recompiled r;
  PRISM_TRY(r.answer, parse_answer(file));
  const AnswerHead& head = r.answer.head;
  if (head.id != manifest.header.id)
    return fail(ErrorCode::mismatch, "the answer is about table ", to_hex(head.id), " and this manifest about table ",
                to_hex(manifest.header.id));
  if (head.root != manifest.root)
    return fail(
        ErrorCode::integrity,
        "the answer was computed over another version of the sealed table than the one these keys remember (root ",
        to_hex(head.root), ", wanted ", to_hex(manifest.root), "); ask for it to be computed over the original file");
  PRISM_TRY(r.plan, sql::plan_query(head.sql, catalog_of(manifest.header)));
  PRISM_TRY(r.lowered, lower(r.plan, manifest.header, dictionaries_of(manifest), head.sql));
  const auto& parameters = manifest.header.parameters;
  PRISM_TRY(r.analysis, program::analyse(r.lowered.program, *parameters, manifest.header.blocks()));
  if (head.program != program::digest(r.lowered.program, *parameters, manifest.root, r.analysis.keys))
    return fail(ErrorCode::integrity,
                "the answer was not computed by this question's program; it was made by another version of Prism, or "
                "for another question");
  PRISM_TRY(r.outcome, parse_items(r.answer, parameters, r.lowered.program.delivery, r.lowered.program.outputs.size(),
                                   r.analysis.final_noise));
  return r;
}

/// The planned coefficients, modulo t.
Result<std::vector<std::uint64_t>> planned(const Recompiled& r, const exact::Decryptor& decryptor,
                                           const exact::Evaluator& evaluator) {
  if (r.lowered.program.delivery == program::Delivery::samples) return decryptor.decrypt_lwe(r.outcome.samples);
  std::vector<std::uint64_t> values;
  const std::size_t outputs = r.lowered.program.outputs.size();
  for (const auto& ciphertext : r.outcome.packed) {
    const std::size_t here = std::min(program::kPackedGroup, outputs - values.size());
    const std::size_t stride = evaluator.pack_stride(here);
    PRISM_TRY(const exact::Plaintext plain, decryptor.decrypt(ciphertext));
    for (std::size_t i = 0; i < here; ++i) values.push_back(plain.coefficients()[i * stride]);
  }
  return values;
}

sql::KeyValue key_value(const sealed::Manifest& manifest, std::size_t column,
                        const std::optional<std::uint64_t>& code) {
  if (!code) return std::monostate{};
  const sealed::Column& c = manifest.header.columns[column];
  if (c.schema.type == table::ColumnType::text) {
    // A column without any value has one code and no words; no row has that code.
    const auto& words = manifest.dictionaries[column];
    return *code < words.size() ? words[*code] : std::string();
  }
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(c.code->low) + *code);
}

}  // namespace

Result<Opened> open_answer(ByteView file, const sealed::Manifest& manifest, const rlwe::SecretKey& key) {
  PRISM_TRY(const Recompiled r, recompile(file, manifest));
  const auto& parameters = manifest.header.parameters;
  const exact::Decryptor decryptor(key, parameters);
  const exact::Evaluator evaluator(parameters);
  PRISM_TRY(const auto constants, planned(r, decryptor, evaluator));
  // All slots together are N times the constant coefficient.
  const std::uint64_t t = parameters->plain_modulus();
  std::vector<Int128> sums;
  for (const std::uint64_t c : constants) {
    const std::uint64_t sum = math::multiply_mod(c, parameters->slots() % t, t);
    sums.push_back(sum > t / 2 ? static_cast<Int128>(sum) - static_cast<Int128>(t) : static_cast<Int128>(sum));
  }
  std::vector<sql::GroupValues> groups;
  for (const Group& group : r.lowered.groups) {
    sql::GroupValues values;
    for (std::size_t k = 0; k < group.codes.size(); ++k)
      values.keys.push_back(key_value(manifest, r.plan.group_by[k], group.codes[k]));
    for (const PrimitiveSource& source : group.primitives) {
      // Unsigned, because what a hostile answer claims may wrap; planned sums are below 2^126 (lower.cpp).
      auto total = static_cast<Uint128>(source.constant);
      for (std::size_t j = source.outputs.size(); j-- > 0;) {
        const Int128 sum = sums[source.outputs[j]];
        if (sum > source.output_bound || -sum > source.output_bound)
          return fail(ErrorCode::integrity,
                      "the answer holds a number outside what the table's bounds allow: it was not computed as asked; "
                      "do not tell its sender");
        total += static_cast<Uint128>(sum) << (source.limb_bits * static_cast<int>(j));
      }
      values.primitives.push_back(static_cast<Int128>(total));
    }
    groups.push_back(std::move(values));
  }
  Opened opened;
  opened.sql = r.answer.head.sql;
  opened.budget_bits = r.analysis.budget_bits;
  PRISM_TRY(opened.table, sql::finish(r.plan, groups));
  return opened;
}

Result<std::vector<std::vector<std::uint64_t>>> decrypt_everything(ByteView file, const sealed::Manifest& manifest,
                                                                   const rlwe::SecretKey& key) {
  PRISM_TRY(const Recompiled r, recompile(file, manifest));
  const exact::Decryptor decryptor(key, manifest.header.parameters);
  std::vector<std::vector<std::uint64_t>> out;
  if (!r.outcome.samples.empty()) {
    PRISM_TRY(auto all, decryptor.decrypt_lwe(r.outcome.samples));
    out.push_back(std::move(all));
  }
  for (const auto& ciphertext : r.outcome.packed) {
    PRISM_TRY(const exact::Plaintext plain, decryptor.decrypt(ciphertext));
    out.emplace_back(plain.coefficients().begin(), plain.coefficients().end());
  }
  return out;
}

}  // namespace prism::backend::he
