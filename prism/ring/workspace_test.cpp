#include "prism/ring/workspace.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "prism/math/primes.h"
#include "prism/ring/conversion.h"
#include "prism/ring/sampler.h"

namespace prism::ring {
namespace {

std::shared_ptr<const Ring> make_ring() { return *Ring::make(10, *math::primes_below(50, 1 << 18, 6)); }

TEST(WorkspaceTest, LendsWhatFitsBestAndGrowsOnlyWhenNothingDoes) {
  Workspace workspace;
  Memory small = workspace.take(100), large = workspace.take(1000);
  const auto* const small_at = small.data();
  const auto* const large_at = large.data();
  workspace.give_back(std::move(large));
  workspace.give_back(std::move(small));
  const std::size_t held = workspace.memory_bytes();
  EXPECT_GE(held, 1100 * sizeof(std::uint64_t));
  Memory first = workspace.take(64), second = workspace.take(101);
  EXPECT_EQ(first.data(), small_at);
  EXPECT_EQ(second.data(), large_at);
  EXPECT_EQ(workspace.memory_bytes(), 0U);
  workspace.give_back(std::move(first));
  workspace.give_back(std::move(second));
  EXPECT_EQ(workspace.memory_bytes(), held);
  // Too large for either: the largest makes room, the small one stays.
  Memory grown = workspace.take(5000);
  EXPECT_EQ(workspace.memory_bytes(), 100 * sizeof(std::uint64_t));
  workspace.give_back(std::move(grown));
  workspace.release();
  EXPECT_EQ(workspace.memory_bytes(), 0U);
}

TEST(WorkspaceTest, RowsAndPolynomialsStartOnCacheLines) {
  const auto ring = make_ring();
  Workspace workspace;
  BorrowedRows rows(workspace, 3, 1024);
  Borrowed<Domain::evaluations> poly(workspace, *ring, PrimeSet({1, 4}));
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(reinterpret_cast<std::uintptr_t>(rows.row(i)) % 64, 0U);
  EXPECT_EQ(poly->primes(), PrimeSet({1, 4}));
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(poly->row(1).data()) % 64, 0U);
}

TEST(WorkspaceTest, WipingLeavesNothing) {
  Workspace workspace;
  const std::uint64_t* at = nullptr;
  {
    BorrowedRows rows(workspace, 2, 512);
    std::fill_n(rows.row(0), 1024, 0x5ec2e7);
    at = rows.row(0);
    EXPECT_DEATH(workspace.wipe(), "lent out");
  }
  workspace.wipe();
  const Memory memory = workspace.take(1024);
  ASSERT_EQ(memory.data(), at);
  EXPECT_TRUE(std::ranges::all_of(memory, [](std::uint64_t x) { return x == 0; }));
}

TEST(WorkspaceTest, OutForms) {
  // Every form that writes into given memory agrees with the one that allocates, also into memory of another shape.
  const auto ring = make_ring();
  const PrimeSet set = PrimeSet::range(0, 4), part({0, 3});
  const Evaluations a = uniform(*ring, set, {}, 0), b = uniform(*ring, set, {}, 1);
  Evaluations out(*ring, PrimeSet({5})), expected = a.clone();
  add(out, a, b);
  add_into(expected, b);
  EXPECT_EQ(out, expected);
  subtract(out, out, b);
  EXPECT_EQ(out, a);
  expected = a.clone();
  multiply_into(expected, b);
  multiply(out, a, b);
  EXPECT_EQ(out, expected);
  negate(out, a);
  add_into(out, a);
  EXPECT_EQ(out, Evaluations(*ring, set));
  copy(out, a);
  EXPECT_EQ(out, a);
  restrict_to(out, a, part);
  EXPECT_EQ(out, a.restricted(part));
  automorphism(out, a, 5);
  EXPECT_EQ(out, automorphism(a, 5));
  Coefficients c;
  to_coefficients(c, a);
  EXPECT_EQ(c, to_coefficients(a.clone()));
  to_evaluations(out, c);
  EXPECT_EQ(out, a);

  Workspace workspace;
  const Divider divider(*ring, PrimeSet::range(0, 2), PrimeSet::range(2, 2), 65537);
  divider.divide(out, a, workspace);
  EXPECT_EQ(out, divider.divide(a));
  const BaseConverter converter(*ring, set, PrimeSet::range(4, 2));
  Coefficients converted;
  converter.convert(converted, c, workspace);
  EXPECT_EQ(converted, converter.convert(c));
}

}  // namespace
}  // namespace prism::ring
