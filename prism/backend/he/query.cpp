#include "prism/backend/he/query.h"

#include <algorithm>

#include "prism/backend/he/refusal.h"
#include "prism/hash/sha256.h"
#include "prism/ring/sampler.h"
#include "prism/sql/sql.h"

namespace prism::backend::he {
namespace {

class TableInputs final : public program::Inputs {
 public:
  explicit TableInputs(const sealed::SealedTable& table) : table_(table) {}
  std::uint64_t blocks() const override { return table_.header().blocks(); }
  std::uint64_t rows_in_block(std::uint64_t block) const override { return table_.header().rows_in_block(block); }
  Result<exact::Ciphertext> load(std::uint32_t cell, std::uint64_t block, rlwe::Level) const override {
    return table_.load(cell, block);
  }

 private:
  const sealed::SealedTable& table_;
};

/// Seconds of one call, the best of a few.
template <class F>
double seconds_of(const Clock& clock, F&& body) {
  double best = 1e9;
  for (int i = 0; i < 5; ++i) {
    const auto start = clock.monotonic();
    body();
    best = std::min(best, std::chrono::duration<double>(clock.monotonic() - start).count());
  }
  return best;
}

}  // namespace

Result<Compiled> compile(const sealed::SealedTable& table, std::string_view sql, const Dictionaries& extra) {
  Compiled question;
  question.sql = std::string(sql);
  Dictionaries dictionaries = published_dictionaries(table.header());
  for (const auto& [column, words] : extra) dictionaries.insert_or_assign(column, words);
  PRISM_TRY(question.plan, sql::plan_query(sql, catalog_of(table.header())));
  PRISM_TRY(question.lowered, lower(question.plan, table.header(), dictionaries, sql));
  auto analysis = program::analyse(question.lowered.program, *table.header().parameters, table.header().blocks());
  if (!analysis && analysis.error().code == ErrorCode::noise_exceeded)
    return refusal(ErrorCode::level_exhausted, sql, -1, "he/depth",
                   "the condition combines or lists more than this table was sealed for (" + analysis.error().message +
                       "); drop a comparison, shorten its lists, or seal again with a larger --nesting");
  PRISM_TRY(question.analysis, std::move(analysis));
  question.digest =
      program::digest(question.lowered.program, *table.header().parameters, table.root(), question.analysis.keys);
  return question;
}

Result<Bytes> answer_query(const sealed::SealedTable& table, const Compiled& question, Parallel& parallel,
                           const program::RunOptions& options) {
  PRISM_TRY(const rlwe::EvaluationKeys keys, table.keys(question.analysis.keys));
  const exact::Evaluator evaluator(table.header().parameters);
  const TableInputs inputs(table);
  PRISM_TRY(const program::Outcome outcome,
            program::run(question.lowered.program, evaluator, keys, inputs, parallel, options));
  AnswerHead head;
  head.sql = question.sql;
  head.table = table.header().name;
  head.id = table.header().id;
  head.root = table.root();
  head.program = question.digest;
  head.delivery = question.lowered.program.delivery;
  return encode_answer(head, outcome);
}

Prediction predict(const sealed::SealedTable& table, const Compiled& question, const Clock& clock,
                   std::size_t workers) {
  const sealed::Header& header = table.header();
  const ring::Ring& ring = header.parameters->rlwe().ring();
  const std::size_t n = ring.degree();
  const kernels::Kernels& k = kernels::best();
  Residues a(n, 1), b(n, 2), c(n, 3);
  Bytes packed(n * 8);
  const double transform = seconds_of(clock, [&] { k.forward_ntt(a.data(), ring.tables(0)); });
  const double multiply = seconds_of(clock, [&] { k.multiply_add(c.data(), a.data(), b.data(), n, ring.modulus(0)); });
  const double add = seconds_of(clock, [&] { k.add(c.data(), a.data(), b.data(), n, ring.modulus(0)); });
  const double expand = seconds_of(clock, [&] { ring::uniform_row(c, ring, 0, ring::Seed{}, 0); });
  const double unpack = seconds_of(clock, [&] { k.unpack_bits(c.data(), packed.data(), n, ring.modulus(0).bits); });
  Bytes hashed(std::size_t{1} << 20);
  const double hash_byte = seconds_of(clock, [&] { (void)hash::sha256(hashed); }) / static_cast<double>(hashed.size());
  const auto seconds = [&](const program::Cost& cost) {
    return static_cast<double>(cost.transforms) * transform + static_cast<double>(cost.multiplications) * multiply +
           static_cast<double>(cost.additions) * add + static_cast<double>(cost.input_bytes) * hash_byte +
           static_cast<double>(cost.expansions) * (expand + unpack) / 2;  // half the rows are expanded, half unpacked
  };
  const auto blocks = static_cast<double>(header.blocks());
  const double parallelism = std::min<double>(static_cast<double>(workers), blocks);
  Prediction p;
  p.seconds = blocks * seconds(question.analysis.per_block) / parallelism +
              seconds(question.analysis.at_end) / static_cast<double>(workers);
  p.read_bytes = header.blocks() * question.analysis.per_block.input_bytes;
  for (const auto& id : question.analysis.keys) p.key_bytes += table.key_bytes(id);
  // A key is hashed, its b rows unpacked and checked, its a rows expanded.
  const double key_row_bytes = static_cast<double>(n) * ring.modulus(0).bits / 8;
  p.seconds += static_cast<double>(p.key_bytes) * hash_byte +
               static_cast<double>(p.key_bytes) / key_row_bytes * (expand + unpack);
  p.answer_bytes = question.analysis.answer_bytes;
  return p;
}

}  // namespace prism::backend::he
