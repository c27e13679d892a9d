// What an answer file holds: the planned numbers, zeros beside them, and a size that says nothing about the rows.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "prism/exact/evaluator.h"
#include "prism/host/thread_pool.h"
#include "prism/table/read_csv.h"
#include "tests/queries/sealed_case.h"
#include "tests/support/test_directory.h"

namespace prism::queries {
namespace {

using sealed::Role;

/// `rows` rows with the same bounds, words and NULLs whatever their number.
Result<SealedCase> visits(std::size_t rows, const std::string& path, Parallel& parallel,
                          const sealed::Header* layout = nullptr) {
  std::string csv = "clinic,age,cost,ward\n";
  for (std::size_t i = 0; i < rows; ++i) {
    const std::size_t mixed = i * 2654435761u % 100;
    csv += std::string(1, static_cast<char>('a' + i % 7)) + "," + (i % 10 == 9 ? "" : std::to_string(i % 100)) + "," +
           std::to_string(mixed) + "." + std::to_string(10 + i % 90) + "," + std::to_string(i % 3) + "\n";
  }
  PRISM_TRY(table::Table table, table::read_csv_text("visits", csv));
  sealed::SealOptions options;
  for (const char* const c : {"age", "cost"})
    for (const Role role : {Role::measure, Role::filter}) options.roles.emplace_back(c, role);
  for (const char* const c : {"clinic", "ward"})
    for (const Role role : {Role::filter, Role::group}) options.roles.emplace_back(c, role);
  options.publish = {"clinic"};
  options.bounds = {{"age", {0, 120}}, {"cost", {0, 10'000}}};
  return seal_case(std::move(table), options, path, parallel, layout);
}

const std::vector<std::string> kQuestions = {
    "SELECT COUNT(*) FROM visits WHERE age > 17",
    "SELECT SUM(cost) FROM visits WHERE age BETWEEN 20 AND 60 AND clinic <> 'b'",
    "SELECT AVG(cost), STDDEV(age), COUNT(age), SUM(cost) FROM visits WHERE cost > 12.34 OR age IS NULL",
    "SELECT clinic, COUNT(*) FROM visits GROUP BY clinic",
    "SELECT clinic, AVG(cost), VAR_POP(cost) FROM visits WHERE cost < 51.25 GROUP BY clinic",
    "SELECT clinic, ward, SUM(cost), SUM(age) FROM visits WHERE NOT (age = 3 AND ward = 1) GROUP BY clinic, ward",
    "SELECT SUM(cost) FROM visits",
    "SELECT COUNT(*) FROM visits WHERE age > 1000",
};

TEST(AnswersTest, PackedAnswersHoldZerosBesideThePlannedNumbers) {
  const support::TestDirectory directory;
  host::ThreadPool pool;
  const auto s = visits(1234, directory / "visits.sealed", pool);
  ASSERT_TRUE(s) << s.error().message;
  const exact::Evaluator evaluator(s->manifest.header.parameters);
  const std::size_t n = s->manifest.header.parameters->degree();
  std::size_t packed_items = 0, zeros = 0, numbers = 0;
  for (const std::string& sql : kQuestions) {
    SCOPED_TRACE(sql);
    const auto question = backend::he::compile(s->sealed, sql, s->dictionaries);
    ASSERT_TRUE(question) << question.error().message;
    const auto file = backend::he::answer_query(s->sealed, *question, pool);
    ASSERT_TRUE(file) << file.error().message;
    const auto items = backend::he::decrypt_everything(*file, s->manifest, s->key);
    ASSERT_TRUE(items) << items.error().message;
    const auto& program = question->lowered.program;
    if (program.delivery == program::Delivery::samples) {
      // A sample is one number; there is nothing beside it.
      ASSERT_EQ(items->size(), program.outputs.empty() ? 0u : 1u);
      if (!items->empty()) {
        EXPECT_EQ(items->front().size(), program.outputs.size());
      }
      continue;
    }
    std::size_t left = program.outputs.size();
    for (const auto& item : *items) {
      const std::size_t here = std::min(program::kPackedGroup, left);
      left -= here;
      const std::size_t stride = evaluator.pack_stride(here);
      ASSERT_EQ(item.size(), n);
      ASSERT_LE((here - 1) * stride, n - 1);
      ++packed_items;
      for (std::size_t i = 0; i < n; ++i) {
        if (i % stride == 0 && i / stride < here) {
          numbers += item[i] != 0 ? 1 : 0;
          continue;
        }
        ASSERT_EQ(item[i], 0u) << "coefficient " << i << " of " << here << " numbers at every " << stride;
        ++zeros;
      }
    }
    EXPECT_EQ(left, 0u);
  }
  EXPECT_GE(packed_items, 4u);
  EXPECT_GT(zeros, n);
  EXPECT_GT(numbers, 20u);
}

TEST(AnswersTest, SizesDoNotDependOnTheNumberOfRows) {
  const support::TestDirectory directory;
  host::ThreadPool pool;
  std::vector<std::size_t> sizes;
  // Two blocks, and one block in the layout that was chosen for two.
  std::optional<sealed::Header> layout;
  for (const std::size_t rows : {30'000u, 16'384u, 100u}) {
    SCOPED_TRACE(rows);
    const auto s = visits(rows, directory / ("visits" + std::to_string(rows)), pool, layout ? &*layout : nullptr);
    ASSERT_TRUE(s) << s.error().message;
    const sealed::Header& header = s->manifest.header;
    EXPECT_EQ(header.blocks(), (rows + header.parameters->slots() - 1) / header.parameters->slots());
    if (!layout) layout = header;
    for (std::size_t i = 0; i < kQuestions.size(); ++i) {
      const auto question = backend::he::compile(s->sealed, kQuestions[i], s->dictionaries);
      ASSERT_TRUE(question) << question.error().message;
      const auto file = backend::he::answer_query(s->sealed, *question, pool);
      ASSERT_TRUE(file) << file.error().message;
      if (sizes.size() < kQuestions.size())
        sizes.push_back(file->size());
      else
        EXPECT_EQ(file->size(), sizes[i]) << kQuestions[i];
    }
  }
}

TEST(AnswersTest, OneWorkerAndManyMakeTheSameBytes) {
  const support::TestDirectory directory;
  host::ThreadPool pool(3);
  Serial serial;
  const auto s = visits(20'000, directory / "visits.sealed", pool);
  ASSERT_TRUE(s) << s.error().message;
  ASSERT_EQ(s->manifest.header.blocks(), 2u);
  for (const std::string& sql : {kQuestions[1], kQuestions[4]}) {
    const auto question = backend::he::compile(s->sealed, sql, s->dictionaries);
    ASSERT_TRUE(question) << question.error().message;
    const auto one = backend::he::answer_query(s->sealed, *question, serial);
    const auto many = backend::he::answer_query(s->sealed, *question, pool);
    ASSERT_TRUE(one);
    ASSERT_TRUE(many);
    EXPECT_EQ(*one, *many) << sql;
  }
}

}  // namespace
}  // namespace prism::queries
