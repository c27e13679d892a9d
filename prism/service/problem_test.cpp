#include "prism/service/problem.h"

#include <gtest/gtest.h>

#include <set>

namespace prism::service {
namespace {

TEST(Problem, NamesAreDistinctAndFoundAgain) {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(Problem::internal); ++i) {
    const auto problem = static_cast<Problem>(i);
    EXPECT_TRUE(names.insert(name_of(problem)).second) << name_of(problem);
    EXPECT_EQ(problem_of(refuse(problem, "x")), problem) << name_of(problem);
  }
}

TEST(Problem, ErrorsOfOtherRoomsHaveOneByTheirCode) {
  EXPECT_EQ(problem_of(fail(ErrorCode::malformed, "x")), Problem::invalid_request);
  EXPECT_EQ(problem_of(fail(ErrorCode::level_exhausted, "x")), Problem::computation_refused);
  EXPECT_EQ(problem_of(fail(ErrorCode::io, "x")), Problem::internal);
  // A pointer into a document stands in `detail` of some errors; it is no problem's name.
  EXPECT_EQ(problem_of({ErrorCode::invalid_argument, "x", "/inputs/0"}), Problem::invalid_request);
}

}  // namespace
}  // namespace prism::service
