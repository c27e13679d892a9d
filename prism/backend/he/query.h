// prism/backend/he/query.h - answers and explains questions about a sealed table with public material only.
#pragma once
#include <functional>
#include <string>

#include "prism/backend/he/answer.h"
#include "prism/backend/he/lower.h"
#include "prism/base/clock.h"
#include "prism/base/parallel.h"
#include "prism/program/analysis.h"
#include "prism/sealed/reader.h"

namespace prism::backend::he {

/// A question compiled over a table: what `explain` shows and `answer_query` runs.
struct Compiled {
  std::string sql;
  sql::Plan plan;
  Lowered lowered;
  program::Analysis analysis;
  Digest digest{};
};
/// `extra`: exported dictionaries; published ones are known. Refuses what sql, the table's roles, its depth and its
/// bounds do not allow.
Result<Compiled> compile(const sealed::SealedTable& table, std::string_view sql, const Dictionaries& extra);

/// The whole answer file. Deterministic: the same table and question give the same bytes, with any number of workers
/// and any kernels.
Result<Bytes> answer_query(const sealed::SealedTable& table, const Compiled& question, Parallel& parallel,
                           const program::RunOptions& options = {});

/// What a question will take on this machine, from a few measured milliseconds of its hot loops.
struct Prediction {
  double seconds = 0;  ///< wall time with `workers`
  std::uint64_t read_bytes = 0;
  std::uint64_t key_bytes = 0;
  std::uint64_t answer_bytes = 0;
};
Prediction predict(const sealed::SealedTable& table, const Compiled& question, const Clock& clock, std::size_t workers);

}  // namespace prism::backend::he
