#include "prism/rlwe/rotation_plan.h"

#include <gtest/gtest.h>

#include <bit>

#include "prism/rlwe/internal/test_support.h"

namespace prism::rlwe {
namespace {

constexpr std::size_t kDegree = 1024;

std::uint32_t product(const RotationPlan& plan, std::size_t degree) {
  std::uint64_t x = 1;
  for (const std::uint32_t element : plan.elements) x = x * element % (2 * degree);
  return static_cast<std::uint32_t>(x);
}

std::vector<std::uint32_t> powers_of_two() {
  std::vector<std::uint32_t> elements;
  for (int step = 1; step < static_cast<int>(kDegree) / 2; step *= 2)
    elements.push_back(galois_element_for_rotation(step, kDegree));
  return elements;
}

TEST(RotationPlanTest, PowersOfTwoMakeEveryRotationWithOneSwitchPerBit) {
  const auto elements = powers_of_two();
  for (int steps = 0; steps < static_cast<int>(kDegree) / 2; ++steps) {
    const std::uint32_t g = galois_element_for_rotation(steps, kDegree);
    const auto plan = plan_automorphism(elements, g, kDegree);
    ASSERT_TRUE(plan) << steps;
    EXPECT_EQ(product(*plan, kDegree), g) << steps;
    EXPECT_EQ(plan->switches(), static_cast<std::size_t>(std::popcount(static_cast<unsigned>(steps)))) << steps;
  }
}

TEST(RotationPlanTest, FindsTheFewest) {
  // With 7 and 8 among the steps, 15 takes two; the order in which they are given says nothing.
  std::vector<std::uint32_t> elements;
  for (const int step : {1, 8, 7}) elements.push_back(galois_element_for_rotation(step, kDegree));
  const std::uint32_t g = galois_element_for_rotation(15, kDegree);
  const auto plan = plan_automorphism(elements, g, kDegree).value();
  EXPECT_EQ(plan.switches(), 2U);
  EXPECT_EQ(product(plan, kDegree), g);
  std::swap(elements[0], elements[2]);
  EXPECT_EQ(plan_automorphism(elements, g, kDegree)->elements, plan.elements);
}

TEST(RotationPlanTest, RefusesWhatKeysDoNotGenerate) {
  const auto elements = powers_of_two();
  const auto conjugation = plan_automorphism(elements, galois_element_for_conjugation(kDegree), kDegree);
  EXPECT_EQ(conjugation.error().code, ErrorCode::not_found);
  EXPECT_EQ(plan_automorphism(elements, 4, kDegree).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(plan_automorphism(elements, 2 * kDegree + 1, kDegree).error().code, ErrorCode::invalid_argument);
  const std::uint32_t all = galois_element_for_rotation(511, kDegree);
  EXPECT_EQ(plan_automorphism(elements, all, kDegree, 8).error().code, ErrorCode::not_found);
  EXPECT_EQ(plan_automorphism(elements, all, kDegree, 9)->switches(), 9U);
  EXPECT_EQ(plan_automorphism({}, 1, kDegree)->switches(), 0U);
}

TEST(RotationPlanTest, UsesKeysThatReachTheLevel) {
  const auto parameters = test::make_parameters(test::small_spec(10, 3, 1, 1));
  test::SeededRandom random(1);
  const auto secret = SecretKey::generate(parameters, random).value();
  EvaluationKeys keys(parameters);
  const auto add = [&](int steps, int level) {
    const KeyId id{KeyId::Kind::automorphism, galois_element_for_rotation(steps, kDegree), Level{level}};
    keys.add(make_switch_key(secret, id, 1, random).value());
  };
  add(1, 2);
  add(4, 2);
  add(5, 0);
  EXPECT_EQ(plan_rotation(keys, 5, Level{0})->switches(), 1U);
  EXPECT_EQ(plan_rotation(keys, 5, Level{1})->switches(), 2U);
  EXPECT_EQ(plan_rotation(keys, -507, Level{2})->switches(), 2U);
  EXPECT_EQ(plan_rotation(keys, 0, Level{2})->switches(), 0U);
}

}  // namespace
}  // namespace prism::rlwe
