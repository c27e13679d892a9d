// prism/kernels/avx512ifma/functions.h - the AVX-512 IFMA kernels, one declaration per entry of the contract
// (kernels.h).
#pragma once
#include "prism/kernels/kernels.h"

namespace prism::kernels::avx512ifma_set {

using Word = std::uint64_t;

void forward_ntt(Word* row, const NttTables& t) noexcept;
void inverse_ntt(Word* row, const NttTables& t) noexcept;
void forward_ntt_from(Word* out, const Word* in, const NttTables& t) noexcept;
void inverse_ntt_from(Word* out, const Word* in, const NttTables& t) noexcept;
void recentre_forward_ntt(Word* out, const Word* in, const Modulus& from, const NttTables& t) noexcept;
void add(Word* out, const Word* a, const Word* b, std::size_t n, const Modulus& m) noexcept;
void subtract(Word* out, const Word* a, const Word* b, std::size_t n, const Modulus& m) noexcept;
void negate(Word* out, const Word* a, std::size_t n, const Modulus& m) noexcept;
void multiply(Word* out, const Word* a, const Word* b, std::size_t n, const Modulus& m) noexcept;
void multiply_add(Word* out, const Word* a, const Word* b, std::size_t n, const Modulus& m) noexcept;
void multiply_scalar(Word* out, const Word* a, Multiplier s, std::size_t n, const Modulus& m) noexcept;
void multiply_scalar_add(Word* out, const Word* a, Multiplier s, std::size_t n, const Modulus& m) noexcept;
void subtract_multiply_scalar(Word* out, const Word* a, const Word* b, Multiplier s, std::size_t n,
                              const Modulus& m) noexcept;
void tensor_add(Word* c0, Word* c1, Word* c2, const Word* a0, const Word* a1, const Word* b0, const Word* b1,
                std::size_t n, const Modulus& m) noexcept;
void tensor(Word* c0, Word* c1, Word* c2, const Word* a0, const Word* a1, const Word* b0, const Word* b1, std::size_t n,
            const Modulus& m) noexcept;
void tensor_square(Word* c0, Word* c1, Word* c2, const Word* a0, const Word* a1, std::size_t n,
                   const Modulus& m) noexcept;
void inner_product_pair(Word* out0, Word* out1, const Word* const* a, const Word* const* b0, const Word* const* b1,
                        std::size_t count, const std::uint32_t* index, std::size_t n, const Modulus& m) noexcept;
void inner_product_pair_add(Word* out0, Word* out1, const Word* const* a, const Word* const* b0, const Word* const* b1,
                            std::size_t count, const std::uint32_t* index, std::size_t n, const Modulus& m) noexcept;
void inner_product(Word* out, const Word* const* a, const Word* const* b, std::size_t count, std::size_t n,
                   const Modulus& m) noexcept;
void inner_product_scalar(Word* out, const Word* const* a, const Word* s, std::size_t count, std::size_t n,
                          const Modulus& m) noexcept;
void combine(Word* out, const Word* const* a, const Multiplier* s, std::size_t count, Word first_below, Word offset,
             std::size_t n, const Modulus& m) noexcept;
void reduce(Word* out, const Word* a, std::size_t n, const Modulus& m) noexcept;
void recentre(Word* out, const Word* a, const Modulus& from, std::size_t n, const Modulus& m) noexcept;
void fraction_round(Word* out, const Word* const* a, const Modulus* m, std::size_t count, std::size_t n) noexcept;
void permute(Word* out, const Word* a, const std::uint32_t* index, std::size_t n) noexcept;
void permute_eights(Word* out, const Word* a, const std::uint32_t* index, std::size_t n) noexcept;
void pack_bits(std::uint8_t* out, const Word* a, std::size_t n, unsigned bits) noexcept;
void unpack_bits(Word* out, const std::uint8_t* in, std::size_t n, unsigned bits) noexcept;
bool all_below(const Word* a, std::size_t n, Word bound) noexcept;
Kernels::Taken take_uniform(Word* out, std::size_t want, const Word* words, std::size_t count,
                            const Modulus& m) noexcept;
void draw_by_table(std::int32_t* out, const Word* words, std::size_t n, const std::array<Word, 2>* table,
                   std::size_t count) noexcept;
void chacha20(std::uint8_t* out, std::size_t blocks, const std::uint32_t key[8], std::uint32_t counter,
              const std::uint32_t nonce[3]) noexcept;

}  // namespace prism::kernels::avx512ifma_set
