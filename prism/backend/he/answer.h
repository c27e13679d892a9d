// prism/backend/he/answer.h - the file an evaluator hands back: the question, what it was computed over, and encrypted
// numbers.
//
// Wire kind `answer`, version 1. Body: string sql | string table name | 16 bytes table id | digest root | digest
// program | u8 delivery | u64 count | items. An item of delivery 0 (samples) is, for each prime of level 0, N packed
// residues a and one u64 residue b; of delivery 1 (packed) two rows of N packed residues per prime. Nothing in it is
// believed: see open.h.
#pragma once
#include <string>
#include <vector>

#include "prism/base/bytes.h"
#include "prism/program/executor.h"
#include "prism/sealed/layout.h"

namespace prism::backend::he {

inline constexpr std::uint64_t kMostSqlBytes = std::uint64_t{64} * 1024;

struct AnswerHead {
  std::string sql;
  std::string table;
  sealed::TableId id{};
  Digest root{};
  Digest program{};
  program::Delivery delivery = program::Delivery::samples;
  std::uint64_t items = 0;
};

Bytes encode_answer(const AnswerHead& head, const program::Outcome& outcome);

/// The head, and where the items start. Sizes of the items are known only to who knows the parameters.
struct ParsedAnswer {
  AnswerHead head;
  ByteView items;
};
Result<ParsedAnswer> parse_answer(ByteView file);

/// The items, checked against the parameters before memory is spent: exactly `outputs` numbers in the program's
/// delivery, every residue canonical. `noise` is what the recompiled program may have; `correction` likewise.
Result<program::Outcome> parse_items(const ParsedAnswer& answer, std::shared_ptr<const exact::Parameters> parameters,
                                     program::Delivery delivery, std::size_t outputs, math::Bound noise);

}  // namespace prism::backend::he
