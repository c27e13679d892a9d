#include "prism/kernels/avx2/functions.h"
#include "prism/kernels/internal/cpu.h"
#include "prism/kernels/internal/sha_instructions.h"

namespace prism::kernels {

namespace set = avx2_set;

constinit const Kernels avx2 = {
    .name = "avx2",
    .runs_here = internal::cpu_has_avx2,
    .forward_ntt = set::forward_ntt,
    .inverse_ntt = set::inverse_ntt,
    .forward_ntt_from = set::forward_ntt_from,
    .inverse_ntt_from = set::inverse_ntt_from,
    .recentre_forward_ntt = set::recentre_forward_ntt,
    .add = set::add,
    .subtract = set::subtract,
    .negate = set::negate,
    .multiply = set::multiply,
    .multiply_add = set::multiply_add,
    .multiply_scalar = set::multiply_scalar,
    .multiply_scalar_add = set::multiply_scalar_add,
    .subtract_multiply_scalar = set::subtract_multiply_scalar,
    .tensor_add = set::tensor_add,
    .tensor = set::tensor,
    .tensor_square = set::tensor_square,
    .inner_product = set::inner_product,
    .inner_product_pair = set::inner_product_pair,
    .inner_product_pair_add = set::inner_product_pair_add,
    .inner_product_scalar = set::inner_product_scalar,
    .combine = set::combine,
    .reduce = set::reduce,
    .recentre = set::recentre,
    .fraction_round = set::fraction_round,
    .permute = set::permute,
    .permute_eights = set::permute_eights,
    .pack_bits = set::pack_bits,
    .unpack_bits = set::unpack_bits,
    .all_below = set::all_below,
    .take_uniform = set::take_uniform,
    .draw_by_table = set::draw_by_table,
    .chacha20 = set::chacha20,
    .sha256 = shani::sha256,
};

}  // namespace prism::kernels
