// In steady state the evaluator allocates nothing: every `new` of this program is counted.
#include "prism/ckks/internal/testing.h"
#include "tests/support/allocations.h"

namespace prism::ckks {
namespace {

using testing::make_parameters;
using testing::must;
using testing::World;

TEST(AllocationTest, EveryHotOperationRunsInMemoryThatIsThere) {
  PRISM_SKIP_UNLESS_COUNTED();
  for (const std::uint32_t digit_size : {1U, 2U}) {
    World w(5, make_parameters({.log_n = 8, .scale_bits = 45, .depth = 4, .digit_size = digit_size}));
    w.add_relinearisation();
    w.add_rotation(1);
    w.add_automorphism(rlwe::galois_element_for_conjugation(w.parameters->degree()));
    const Evaluator& e = w.evaluator;
    const std::vector<Complex> slots = w.random_slots();
    const Ciphertext x = w.encrypt(slots), y = w.encrypt(slots), low = must(e.drop_to(x, rlwe::Level{2}));
    const Plaintext p = must(w.encoder.encode(std::span<const Complex>(slots), x.level, 1));
    const Multiplicand m = must(e.prepare(p, x.level, true));
    ring::Workspace workspace;
    Ciphertext sum, plain, product, linear, down, merged, moved, dropped;
    Evaluator::Hoisted hoisted;
    ExtendedCiphertext extended, total;
    const auto everything = [&] {
      must(e.add(sum, x, y));
      must(e.subtract(sum, low, y));
      must(e.negate(sum, x));
      must(e.add_plain(plain, x, p, workspace));
      must(e.multiply_plain(plain, x, p, workspace));
      must(e.multiply_plain(plain, x, m));
      must(e.multiply(product, x, y));
      must(e.square(product, x));
      must(e.tensor_add(product, x, y));
      must(e.relinearise(linear, product, w.keys, workspace));
      must(e.rescale(down, linear, workspace));
      must(e.relinearise_rescale(merged, product, w.keys, workspace));
      must(e.multiply_relinearise_rescale(merged, x, y, w.keys, workspace));
      must(e.multiply_relinearise_rescale(merged, low, y, w.keys, workspace));
      must(e.rotate(moved, x, 1, w.keys, workspace));
      must(e.conjugate(moved, low, w.keys, workspace));
      must(e.drop_to(dropped, x, rlwe::Level{1}));
      must(e.hoist(hoisted, x, workspace));
      must(e.rotate(moved, hoisted, 1, w.keys, workspace));
      total.clear();
      must(e.rotate_extended(extended, hoisted, 1, w.keys, workspace));
      must(e.multiply_plain_add(total, extended, m));
      must(e.multiply_plain_add(total, extended, m));
      must(e.finish_rescale(down, total, workspace));
      must(e.finish(moved, extended, workspace));
      must(e.add_scalar_into(moved, Constant(1)));
      must(e.multiply_integer_into(moved, 3));
    };
    everything();
    everything();
    const std::size_t before = allocations;
    everything();
    EXPECT_EQ(allocations - before, 0U) << "with " << digit_size << " primes per digit";
    // The counter counts.
    const Ciphertext copy = must(e.add(x, y));
    EXPECT_GT(allocations, before);
  }
}

}  // namespace
}  // namespace prism::ckks
