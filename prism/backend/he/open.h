// prism/backend/he/open.h - the key holder reads an answer, believing nothing in it.
//
// The question's text is shown to the key holder and compiled again over the owner's own memory of the table
// (manifest): root, schema, dictionaries, parameters. Noise and overflow bounds are computed afresh; only planned
// positions are decoded; numbers outside what the table's bounds allow are refused. None of this proves that the
// evaluator computed what was asked. Opened values, and refusals, must not reach anyone who can choose answers: a
// chosen answer is a decryption query.
#pragma once
#include <string>
#include <vector>

#include "prism/backend/he/answer.h"
#include "prism/backend/he/lower.h"
#include "prism/sealed/manifest.h"
#include "prism/table/result_table.h"

namespace prism::backend::he {

struct Opened {
  std::string sql;
  table::ResultTable table;
  double budget_bits = 0;  ///< how far the noise bound stayed below what decrypts
};

/// Errors: malformed, mismatch (another table), noise_exceeded, integrity (numbers
/// outside the bounds), unauthorised (the key is not the one the table was sealed with), and what sql refuses.
Result<Opened> open_answer(ByteView file, const sealed::Manifest& manifest, const rlwe::SecretKey& key);

/// Every coefficient of every item modulo t, planned or not: what tests look at to see that an answer holds nothing
/// else.
Result<std::vector<std::vector<std::uint64_t>>> decrypt_everything(ByteView file, const sealed::Manifest& manifest,
                                                                   const rlwe::SecretKey& key);

}  // namespace prism::backend::he
