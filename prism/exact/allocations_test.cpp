// Operations that write kept memory allocate nothing once it has grown: every call of operator new is counted.
#include "tests/support/allocations.h"

#include <array>
#include <functional>

#include "prism/exact/internal/testing.h"

namespace prism::exact {
namespace {

using testing::make_parameters;
using testing::must;
using testing::Shape;
using testing::World;

struct Case {
  const char* name;
  Shape shape;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class AllocationTest : public ::testing::TestWithParam<Case> {};

TEST_P(AllocationTest, NoneInSteadyState) {
  PRISM_SKIP_UNLESS_COUNTED();
  World w(3, make_parameters(GetParam().shape));
  w.add_relinearisation();
  const Evaluator& e = w.evaluator;
  w.add_automorphism(rlwe::galois_element_for_rotation(1, w.parameters->degree()));
  const Ciphertext x = w.encrypt(w.random_slots()), y = w.encrypt(w.random_slots());
  const Plaintext p = must(w.encoder.encode(w.random_slots()));
  const rlwe::Level top = w.parameters->max_level(), below{top.value - 1};
  const Multiplicand m = must(e.prepare(p, top, true));
  const Ciphertext three = must(e.multiply(x, y));
  const Evaluator::Hoisted hoisted = must(e.hoist(x));
  const std::array<const Ciphertext*, 2> inputs{&x, &y};
  const std::array<const Multiplicand*, 2> factors{&m, &m};
  const std::array<std::int64_t, 2> weights{3, -5};

  ring::Workspace workspace;
  Ciphertext out, accumulator;
  Multiplicand prepared;
  Evaluator::Hoisted digits;
  ExtendedCiphertext extended, sum;
  Ciphertext changed = x.clone();
  const std::pair<const char*, std::function<Status()>> operations[] = {
      {"add", [&] { return e.add(out, x, y); }},
      {"subtract", [&] { return e.subtract(out, x, y); }},
      {"add_into", [&] { return e.add_into(changed, y); }},
      {"add_plain_into", [&] { return e.add_plain_into(changed, p, workspace); }},
      {"multiply_plain_into", [&] { return e.multiply_plain_into(changed, p, workspace); }},
      {"add_scalar_into", [&] { return e.add_scalar_into(changed, 77); }},
      {"multiply_scalar_into", [&] { return e.multiply_scalar_into(changed, 77); }},
      {"prepare", [&] { return e.prepare(prepared, p, top, true, workspace); }},
      {"multiply_plain", [&] { return e.multiply_plain(out, x, m); }},
      {"linear_combination", [&] { return e.linear_combination(out, inputs, weights, workspace); }},
      {"linear_combination of plaintexts", [&] { return e.linear_combination(out, inputs, factors, workspace); }},
      {"multiply", [&] { return e.multiply(accumulator, x, y, workspace); }},
      {"square", [&] { return e.square(accumulator, x, workspace); }},
      {"tensor_add", [&] { return e.tensor_add(accumulator, x, y, workspace); }},
      {"relinearise", [&] { return e.relinearise(out, three, w.keys, workspace); }},
      {"multiply_relinearise", [&] { return e.multiply_relinearise(out, x, y, w.keys, workspace); }},
      {"multiply_relinearise_drop", [&] { return e.multiply_relinearise_drop(out, x, y, below, w.keys, workspace); }},
      {"drop_to", [&] { return e.drop_to(out, x, below, workspace); }},
      {"rotate", [&] { return e.rotate(out, x, 1, w.keys, workspace); }},
      {"hoist", [&] { return e.hoist(digits, x, workspace); }},
      {"rotate hoisted", [&] { return e.rotate(out, hoisted, 1, w.keys, workspace); }},
      {"rotate_extended", [&] { return e.rotate_extended(extended, hoisted, 1, w.keys, workspace); }},
      {"multiply_plain_add", [&] { return e.multiply_plain_add(sum, extended, m); }},
      {"finish", [&] { return e.finish(out, sum, workspace); }},
  };
  const std::size_t before = allocations;
  must(e.add(x, y));
  EXPECT_GT(allocations, before) << "the counter does not count";
  for (int round = 0; round < 3; ++round) {
    for (const auto& [name, operation] : operations) {
      const std::size_t start = allocations;
      const Status status = operation();
      const std::size_t used = allocations - start;
      ASSERT_TRUE(status.has_value()) << name << ": " << status.error().message;
      if (round == 2) {
        EXPECT_EQ(used, 0U) << name;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Exact, AllocationTest,
                         ::testing::Values(Case{"bgv", {Scheme::bgv, 10, 20, 4}}, Case{"bfv", {Scheme::bfv, 10, 20, 4}},
                                           Case{"bgv_two_primes_a_digit", {Scheme::bgv, 10, 33, 4, 1, 2}},
                                           Case{"bfv_two_primes_a_digit", {Scheme::bfv, 10, 33, 4, 1, 2}}),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace prism::exact
