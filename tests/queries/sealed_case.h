// tests/queries/sealed_case.h - a table beside its sealed form, the keys, and the whole way of a question.
#pragma once
#include <memory>
#include <string>

#include "prism/backend/he/open.h"
#include "prism/backend/he/query.h"
#include "prism/base/parallel.h"
#include "prism/rlwe/keys.h"
#include "prism/sealed/propose.h"
#include "prism/sealed/reader.h"
#include "prism/table/table.h"

namespace prism::queries {

struct SealedCase {
  std::unique_ptr<const table::Table> table;  ///< every row and column
  sealed::Manifest manifest;
  rlwe::SecretKey key;
  sealed::SealedTable sealed;
  backend::he::Dictionaries dictionaries;  ///< of the private text columns, as exported
};

/// Proposes, draws a key, seals into `path` and opens the file.
/// With `layout`, its columns, levels and parameters instead of a proposal of the table's own.
Result<SealedCase> seal_case(table::Table table, const sealed::SealOptions& options, const std::string& path,
                             Parallel& parallel, const sealed::Header* layout = nullptr);

/// A CSV file as a table named by its stem.
Result<table::Table> read_table(const std::string& path);

}  // namespace prism::queries
