#include "prism/circuits/moments.h"

namespace prism::circuits {
namespace {

Status sums_fit(const exact::Parameters& parameters, std::uint64_t count, std::uint64_t largest) {
  if (count == 0) return fail(ErrorCode::invalid_argument, "moments of a vector without values");
  const Uint128 half = (parameters.plain_modulus() - 1) / 2;
  // 2^49 bounds t, so larger factors need not be multiplied.
  const bool small = largest < std::uint64_t{1} << 25 && count < std::uint64_t{1} << 50;
  if (small && Uint128{count} * largest * largest <= half) return {};
  return fail(ErrorCode::invalid_argument, "sums of ", count, " squares of up to ", largest,
              " squared may wrap modulo t = ", parameters.plain_modulus(),
              "; use a plaintext modulus above twice that sum, smaller values (subtract a public middle), or parts of "
              "the vector");
}

Result<Fraction> quotient(std::uint64_t count, Int128 numerator, Variance kind) {
  const Int128 n = static_cast<Int128>(count), divisor = kind == Variance::population ? n : n - 1;
  if (divisor <= 0)
    return fail(ErrorCode::invalid_argument, "a sample of ", count,
                " values has no variance; it takes two, or ask for the population's");
  return Fraction{numerator, n * divisor};
}

}  // namespace

KeyList moment_keys(rlwe::Level level) {
  KeyList list;
  list.add_relinearisation(level);
  return list;
}

Result<Moments> moments(const exact::Evaluator& evaluator, const exact::EncryptedVector& x, std::uint64_t largest,
                        const rlwe::EvaluationKeys& keys) {
  PRISM_CHECKED(sums_fit(evaluator.parameters(), x.size, largest));
  PRISM_TRY(exact::LweSample sum, exact::sum(evaluator, x));
  PRISM_TRY(exact::LweSample squares, exact::inner_product(evaluator, x, x, keys));
  return Moments{x.size, std::move(sum), std::move(squares)};
}

Result<JointMoments> moments(const exact::Evaluator& evaluator, const exact::EncryptedVector& x,
                             const exact::EncryptedVector& y, std::uint64_t largest, const rlwe::EvaluationKeys& keys) {
  PRISM_CHECKED(sums_fit(evaluator.parameters(), x.size, largest));
  PRISM_TRY(exact::LweSample sum_x, exact::sum(evaluator, x));
  PRISM_TRY(exact::LweSample products, exact::inner_product(evaluator, x, y, keys));
  PRISM_TRY(exact::LweSample sum_y, exact::sum(evaluator, y));
  return JointMoments{x.size, std::move(sum_x), std::move(sum_y), std::move(products)};
}

Result<Fraction> OpenMoments::variance(Variance kind) const {
  return quotient(count, static_cast<Int128>(count) * squares - Int128{sum} * sum, kind);
}

Result<Fraction> OpenJointMoments::covariance(Variance kind) const {
  return quotient(count, static_cast<Int128>(count) * products - Int128{sum_x} * sum_y, kind);
}

Result<OpenMoments> open(const exact::Decryptor& decryptor, const Moments& moments) {
  OpenMoments out{moments.count};
  PRISM_TRY(out.sum, exact::decrypt_sum(decryptor, moments.sum));
  PRISM_TRY(out.squares, exact::decrypt_sum(decryptor, moments.squares));
  return out;
}

Result<OpenJointMoments> open(const exact::Decryptor& decryptor, const JointMoments& moments) {
  OpenJointMoments out{moments.count};
  PRISM_TRY(out.sum_x, exact::decrypt_sum(decryptor, moments.sum_x));
  PRISM_TRY(out.sum_y, exact::decrypt_sum(decryptor, moments.sum_y));
  PRISM_TRY(out.products, exact::decrypt_sum(decryptor, moments.products));
  return out;
}

}  // namespace prism::circuits
