#include "tests/cost/counting_kernels.h"

#include <algorithm>

namespace prism::counting {
namespace {

using kernels::Kernels;
using kernels::Modulus;
using kernels::Multiplier;
using kernels::NttTables;
using Word = std::uint64_t;

const Kernels* real = nullptr;
Kernels counting;
/// In residues, because conversions work in tiles. Tests run on one thread.
struct {
  Word forward = 0, inverse = 0, products = 0, light = 0, key_rows = 0;
} at;

Word size(const NttTables& t) { return Word{1} << t.log_n; }

void wrap() {
  counting = *real;
  counting.name = "counting";
  counting.forward_ntt = [](Word* row, const NttTables& t) noexcept {
    at.forward += size(t);
    real->forward_ntt(row, t);
  };
  counting.inverse_ntt = [](Word* row, const NttTables& t) noexcept {
    at.inverse += size(t);
    real->inverse_ntt(row, t);
  };
  counting.forward_ntt_from = [](Word* out, const Word* in, const NttTables& t) noexcept {
    at.forward += size(t);
    real->forward_ntt_from(out, in, t);
  };
  counting.inverse_ntt_from = [](Word* out, const Word* in, const NttTables& t) noexcept {
    at.inverse += size(t);
    real->inverse_ntt_from(out, in, t);
  };
  counting.recentre_forward_ntt = [](Word* out, const Word* in, const Modulus& from, const NttTables& t) noexcept {
    at.forward += size(t);
    at.light += size(t);
    real->recentre_forward_ntt(out, in, from, t);
  };

  counting.add = [](Word* out, const Word* a, const Word* b, std::size_t n, const Modulus& m) noexcept {
    at.light += n;
    real->add(out, a, b, n, m);
  };
  counting.subtract = [](Word* out, const Word* a, const Word* b, std::size_t n, const Modulus& m) noexcept {
    at.light += n;
    real->subtract(out, a, b, n, m);
  };
  counting.negate = [](Word* out, const Word* a, std::size_t n, const Modulus& m) noexcept {
    at.light += n;
    real->negate(out, a, n, m);
  };
  counting.reduce = [](Word* out, const Word* a, std::size_t n, const Modulus& m) noexcept {
    at.light += n;
    real->reduce(out, a, n, m);
  };
  counting.recentre = [](Word* out, const Word* a, const Modulus& from, std::size_t n, const Modulus& m) noexcept {
    at.light += n;
    real->recentre(out, a, from, n, m);
  };
  counting.permute = [](Word* out, const Word* a, const std::uint32_t* index, std::size_t n) noexcept {
    at.light += n;
    real->permute(out, a, index, n);
  };
  counting.permute_eights = [](Word* out, const Word* a, const std::uint32_t* index, std::size_t n) noexcept {
    at.light += n;
    real->permute_eights(out, a, index, n);
  };

  counting.multiply = [](Word* out, const Word* a, const Word* b, std::size_t n, const Modulus& m) noexcept {
    at.products += n;
    real->multiply(out, a, b, n, m);
  };
  counting.multiply_add = [](Word* out, const Word* a, const Word* b, std::size_t n, const Modulus& m) noexcept {
    at.products += n;
    real->multiply_add(out, a, b, n, m);
  };
  counting.multiply_scalar = [](Word* out, const Word* a, Multiplier s, std::size_t n, const Modulus& m) noexcept {
    at.products += n;
    real->multiply_scalar(out, a, s, n, m);
  };
  counting.multiply_scalar_add = [](Word* out, const Word* a, Multiplier s, std::size_t n, const Modulus& m) noexcept {
    at.products += n;
    real->multiply_scalar_add(out, a, s, n, m);
  };
  counting.subtract_multiply_scalar = [](Word* out, const Word* a, const Word* b, Multiplier s, std::size_t n,
                                         const Modulus& m) noexcept {
    at.products += n;
    real->subtract_multiply_scalar(out, a, b, s, n, m);
  };
  counting.tensor = [](Word* c0, Word* c1, Word* c2, const Word* a0, const Word* a1, const Word* b0, const Word* b1,
                       std::size_t n, const Modulus& m) noexcept {
    at.products += 4 * n;
    real->tensor(c0, c1, c2, a0, a1, b0, b1, n, m);
  };
  counting.tensor_add = [](Word* c0, Word* c1, Word* c2, const Word* a0, const Word* a1, const Word* b0, const Word* b1,
                           std::size_t n, const Modulus& m) noexcept {
    at.products += 4 * n;
    real->tensor_add(c0, c1, c2, a0, a1, b0, b1, n, m);
  };
  counting.tensor_square = [](Word* c0, Word* c1, Word* c2, const Word* a0, const Word* a1, std::size_t n,
                              const Modulus& m) noexcept {
    at.products += 3 * n;
    real->tensor_square(c0, c1, c2, a0, a1, n, m);
  };
  counting.inner_product_scalar = [](Word* out, const Word* const* a, const Word* s, std::size_t count, std::size_t n,
                                     const Modulus& m) noexcept {
    at.products += count * n;
    real->inner_product_scalar(out, a, s, count, n, m);
  };
  counting.combine = [](Word* out, const Word* const* rows, const Multiplier* factors, std::size_t count, Word first,
                        Word offset, std::size_t n, const Modulus& m) noexcept {
    at.products += count * n;
    real->combine(out, rows, factors, count, first, offset, n, m);
  };
  counting.fraction_round = [](Word* out, const Word* const* a, const Modulus* m, std::size_t count,
                               std::size_t n) noexcept {
    at.products += count * n;
    real->fraction_round(out, a, m, count, n);
  };

  // Inner products of rows are products with keys.
  counting.inner_product = [](Word* out, const Word* const* a, const Word* const* b, std::size_t count, std::size_t n,
                              const Modulus& m) noexcept {
    at.products += count * n;
    at.key_rows += count * n;
    real->inner_product(out, a, b, count, n, m);
  };
  counting.inner_product_pair = [](Word* out0, Word* out1, const Word* const* a, const Word* const* b0,
                                   const Word* const* b1, std::size_t count, const std::uint32_t* index, std::size_t n,
                                   const Modulus& m) noexcept {
    at.products += 2 * count * n;
    at.key_rows += 2 * count * n;
    real->inner_product_pair(out0, out1, a, b0, b1, count, index, n, m);
  };
  counting.inner_product_pair_add = [](Word* out0, Word* out1, const Word* const* a, const Word* const* b0,
                                       const Word* const* b1, std::size_t count, const std::uint32_t* index,
                                       std::size_t n, const Modulus& m) noexcept {
    at.products += 2 * count * n;
    at.key_rows += 2 * count * n;
    real->inner_product_pair_add(out0, out1, a, b0, b1, count, index, n, m);
  };
}

}  // namespace

bool install(std::string_view name) {
  const auto sets = kernels::all();
  const auto found = std::ranges::find_if(
      sets, [&](const Kernels* set) { return (name.empty() || set->name == name) && set->runs_here(); });
  if (found == sets.end()) return false;
  real = *found;
  wrap();
  return kernels::use(counting);
}

program::Work counted(std::size_t degree) {
  return {at.forward / degree, at.inverse / degree, at.products / degree, at.light / degree, at.key_rows / degree};
}

void reset() { at = {}; }

}  // namespace prism::counting
