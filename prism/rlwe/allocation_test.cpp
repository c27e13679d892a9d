// In steady state key switching allocates nothing: every `new` of this program is counted.
#include "prism/rlwe/internal/test_support.h"
#include "prism/rlwe/key_switch.h"
#include "tests/support/allocations.h"

namespace prism::rlwe {
namespace {

TEST(AllocationTest, KeySwitchingAllocatesNothingInSteadyState) {
  PRISM_SKIP_UNLESS_COUNTED();
  for (const std::uint32_t digit_size : {1U, 2U, 7U}) {
    const auto parameters = test::make_parameters(test::small_spec(10, 7, digit_size, digit_size));
    test::SeededRandom random(31);
    const auto secret = SecretKey::generate(parameters, random).value();
    const Level top = parameters->max_level();
    const auto relinearise = make_switch_key(secret, {KeyId::Kind::relinearise, 0, top}, 65537, random).value();
    const auto rotate = make_switch_key(secret, {KeyId::Kind::automorphism, 5, top}, 65537, random).value();
    const KeySwitcher switcher(parameters, 65537);
    const auto d = ring::uniform(parameters->ring(), parameters->primes(top), {}, 0);
    ring::Workspace workspace;
    Decomposition digits;
    Extended sum;
    ring::Evaluations u0, u1;
    const auto all = [&] {
      bool fine = switcher.switch_key(u0, u1, d, relinearise, workspace).has_value();
      switcher.decompose(digits, d, workspace);
      sum.clear();
      fine &= switcher.accumulate(sum, digits, 5, rotate, workspace).has_value();
      fine &= switcher.accumulate(sum, digits, 25, rotate, workspace).has_value();
      fine &= switcher.accumulate(sum, d, 5, rotate, workspace).has_value();
      fine &= switcher.accumulate(sum, d, relinearise, workspace).has_value();
      switcher.add_lifted(sum, 0, d, 5, workspace);
      switcher.divide(u0, u1, sum, top, workspace);
      switcher.divide(u0, u1, sum, Level{top.value - 2}, workspace);
      return fine;
    };
    ASSERT_TRUE(all());
    ASSERT_TRUE(all());
    const std::size_t before = allocations;
    const bool fine = all();
    EXPECT_EQ(allocations - before, 0U) << digit_size << " primes per digit";
    EXPECT_TRUE(fine);
  }
}

TEST(AllocationTest, KeysTakeWhatTheySay) {
  const auto parameters = test::make_parameters(test::small_spec(11, 6, 2, 2));
  test::SeededRandom random(32);
  const auto secret = SecretKey::generate(parameters, random).value();
  const auto key = make_switch_key(secret, {KeyId::Kind::automorphism, 5, parameters->max_level()}, 1, random).value();
  const std::size_t rows = 2 * 3 * (6 + 2);  // sides, digits, primes
  EXPECT_EQ(key.memory_bytes(), rows * parameters->degree() * sizeof(std::uint64_t));
}

}  // namespace
}  // namespace prism::rlwe
