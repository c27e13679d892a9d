#include "prism/ring/poly.h"

#include <algorithm>
#include <array>

#include "prism/math/modular.h"
#include "prism/secret/secret.h"

namespace prism::ring {
namespace {

template <Domain D>
void check_alike(const Poly<D>& a, const Poly<D>& b) {
  check(&a.ring() == &b.ring() && a.primes() == b.primes(), "polynomials over different rings or primes");
}

/// r where the mask is zero, -r mod q where it is all-ones; for public masks and secret r.
std::uint64_t negate_if(bool negative, std::uint64_t r, std::uint64_t q) {
  const std::uint64_t negated = (q - r) & secret::mask_if(r);
  return negative ? negated : r;
}

}  // namespace

template <Domain D>
Poly<D>::Poly(const Ring& ring, PrimeSet primes)
    : ring_(&ring), primes_(primes), residues_(primes_.size() * ring.degree(), 0) {
  check(primes_.size() == 0 || primes_[primes_.size() - 1] < ring.prime_count(), "a prime that the ring does not have");
}

template <Domain D>
Poly<D> Poly<D>::clone() const {
  return *this;
}

template <Domain D>
void Poly<D>::reshape(const Ring& ring, const PrimeSet& primes) {
  check(primes.size() == 0 || primes[primes.size() - 1] < ring.prime_count(), "a prime that the ring does not have");
  const std::size_t words = primes.size() * ring.degree();
  if (residues_.capacity() < words) residues_ = Memory();  // growing would copy what nobody needs
  residues_.resize(words);
  ring_ = &ring;
  primes_ = primes;
}

template <Domain D>
Poly<D> Poly<D>::restricted(const PrimeSet& subset) const {
  Poly result;
  restrict_to(result, *this, subset);
  return result;
}

template <Domain D>
void Poly<D>::wipe() {
  if (!residues_.empty()) secret::wipe(residues_.data(), residues_.size() * sizeof(std::uint64_t));
}

Evaluations to_evaluations(Coefficients&& p) {
  Evaluations result;
  result.ring_ = p.ring_;
  result.primes_ = std::move(p.primes_);
  result.residues_ = std::move(p.residues_);
  if (result.rows() == 0) return result;
  const auto& k = result.ring().kernels();
  for (std::size_t i = 0; i < result.rows(); ++i) {
    k.forward_ntt(result.row(i).data(), result.ring().tables(result.primes()[i]));
  }
  return result;
}

Coefficients to_coefficients(Evaluations&& p) {
  Coefficients result;
  result.ring_ = p.ring_;
  result.primes_ = std::move(p.primes_);
  result.residues_ = std::move(p.residues_);
  if (result.rows() == 0) return result;
  const auto& k = result.ring().kernels();
  for (std::size_t i = 0; i < result.rows(); ++i) {
    k.inverse_ntt(result.row(i).data(), result.ring().tables(result.primes()[i]));
  }
  return result;
}

void to_evaluations(Evaluations& out, const Coefficients& p) {
  out.reshape(p.ring(), p.primes());
  for (std::size_t i = 0; i < p.rows(); ++i) {
    p.ring().kernels().forward_ntt_from(out.row(i).data(), p.row(i).data(), p.ring().tables(p.primes()[i]));
  }
}

void to_coefficients(Coefficients& out, const Evaluations& p) {
  out.reshape(p.ring(), p.primes());
  for (std::size_t i = 0; i < p.rows(); ++i) {
    p.ring().kernels().inverse_ntt_from(out.row(i).data(), p.row(i).data(), p.ring().tables(p.primes()[i]));
  }
}

template <Domain D>
void copy(Poly<D>& out, const Poly<D>& a) {
  restrict_to(out, a, a.primes());
}

template <Domain D>
void restrict_to(Poly<D>& out, const Poly<D>& a, const PrimeSet& subset) {
  check(a.primes().includes(subset), "restrict_to: not a subset of the polynomial's primes");
  if (&out == &a) {
    check(subset == a.primes(), "restrict_to: a polynomial cannot lose rows in place");
    return;
  }
  out.reshape(a.ring(), subset);
  for (std::size_t i = 0; i < subset.size(); ++i) {
    std::copy_n(a.row(a.primes().position(subset[i])).data(), a.degree(), out.row(i).data());
  }
}

template <Domain D>
void add(Poly<D>& out, const Poly<D>& a, const Poly<D>& b) {
  check_alike(a, b);
  out.reshape(a.ring(), a.primes());
  const auto& k = a.ring().kernels();
  for (std::size_t i = 0; i < a.rows(); ++i) {
    k.add(out.row(i).data(), a.row(i).data(), b.row(i).data(), a.degree(), a.modulus(i));
  }
}

template <Domain D>
void subtract(Poly<D>& out, const Poly<D>& a, const Poly<D>& b) {
  check_alike(a, b);
  out.reshape(a.ring(), a.primes());
  const auto& k = a.ring().kernels();
  for (std::size_t i = 0; i < a.rows(); ++i) {
    k.subtract(out.row(i).data(), a.row(i).data(), b.row(i).data(), a.degree(), a.modulus(i));
  }
}

template <Domain D>
void negate(Poly<D>& out, const Poly<D>& a) {
  out.reshape(a.ring(), a.primes());
  const auto& k = a.ring().kernels();
  for (std::size_t i = 0; i < a.rows(); ++i) k.negate(out.row(i).data(), a.row(i).data(), a.degree(), a.modulus(i));
}

template <Domain D>
void multiply_scalar(Poly<D>& out, const Poly<D>& a, std::span<const std::uint64_t> residues) {
  check(residues.size() == a.rows(), "multiply_scalar: one residue per prime");
  out.reshape(a.ring(), a.primes());
  const auto& k = a.ring().kernels();
  for (std::size_t i = 0; i < a.rows(); ++i) {
    k.multiply_scalar(out.row(i).data(), a.row(i).data(), kernels::make_multiplier(residues[i], a.modulus(i)),
                      a.degree(), a.modulus(i));
  }
}

void multiply(Evaluations& out, const Evaluations& a, const Evaluations& b) {
  check_alike(a, b);
  out.reshape(a.ring(), a.primes());
  const auto& k = a.ring().kernels();
  for (std::size_t i = 0; i < a.rows(); ++i) {
    k.multiply(out.row(i).data(), a.row(i).data(), b.row(i).data(), a.degree(), a.modulus(i));
  }
}

template <Domain D>
void add_into(Poly<D>& a, const Poly<D>& b) {
  add(a, a, b);
}

template <Domain D>
void subtract_into(Poly<D>& a, const Poly<D>& b) {
  subtract(a, a, b);
}

template <Domain D>
void negate_into(Poly<D>& a) {
  if (a.rows() != 0) negate(a, a);
}

template <Domain D>
void multiply_scalar_into(Poly<D>& a, std::span<const std::uint64_t> residues) {
  if (a.rows() != 0) multiply_scalar(a, a, residues);
}

template <Domain D>
void multiply_integer_into(Poly<D>& a, std::int64_t s) {
  std::array<std::uint64_t, PrimeSet::kMost> residues;
  for (std::size_t i = 0; i < a.rows(); ++i) residues[i] = math::reduce_signed(s, a.modulus(i).q);
  multiply_scalar_into(a, std::span<const std::uint64_t>(residues.data(), a.rows()));
}

void multiply_into(Evaluations& a, const Evaluations& b) { multiply(a, a, b); }

void multiply_add(Evaluations& out, const Evaluations& a, const Evaluations& b) {
  check_alike(a, b);
  check_alike(out, a);
  const auto& k = out.ring().kernels();
  for (std::size_t i = 0; i < out.rows(); ++i) {
    k.multiply_add(out.row(i).data(), a.row(i).data(), b.row(i).data(), out.degree(), out.modulus(i));
  }
}

void automorphism(Evaluations& out, const Evaluations& p, std::uint32_t g) {
  check(&out != &p, "automorphism: into the polynomial itself");
  out.reshape(p.ring(), p.primes());
  const auto index = p.ring().automorphism(g);
  const auto& k = p.ring().kernels();
  for (std::size_t i = 0; i < p.rows(); ++i)
    k.permute_eights(out.row(i).data(), p.row(i).data(), index->data(), p.degree());
}

Evaluations automorphism(const Evaluations& p, std::uint32_t g) {
  Evaluations result;
  automorphism(result, p, g);
  return result;
}

Coefficients automorphism(const Coefficients& p, std::uint32_t g) {
  const std::size_t n = p.degree();
  check(g % 2 == 1 && g < 2 * n, "automorphism X -> X^g: g must be odd and below 2N");
  Coefficients result(p.ring(), p.primes());
  for (std::size_t i = 0; i < p.rows(); ++i) {
    const std::uint64_t q = p.modulus(i).q;
    const auto in = p.row(i);
    const auto out = result.row(i);
    for (std::size_t j = 0; j < n; ++j) {
      const std::size_t exponent = j * g & (2 * n - 1);
      out[exponent & (n - 1)] = negate_if(exponent >= n, in[j], q);
    }
  }
  return result;
}

Coefficients times_monomial(const Coefficients& p, std::uint32_t k) {
  const std::size_t n = p.degree();
  check(k < 2 * n, "times_monomial: the exponent must be below 2N");
  Coefficients result(p.ring(), p.primes());
  for (std::size_t i = 0; i < p.rows(); ++i) {
    const std::uint64_t q = p.modulus(i).q;
    const auto in = p.row(i);
    const auto out = result.row(i);
    for (std::size_t j = 0; j < n; ++j) {
      const std::size_t exponent = (j + k) & (2 * n - 1);
      out[exponent & (n - 1)] = negate_if(exponent >= n, in[j], q);
    }
  }
  return result;
}

Coefficients from_signed(const Ring& ring, const PrimeSet& primes, std::span<const std::int32_t> coefficients) {
  const std::size_t n = ring.degree();
  check(coefficients.size() == n, "from_signed: one coefficient per power of X");
  constexpr std::uint64_t kReach = std::uint64_t{1} << 31;
  Coefficients result(ring, primes);
  for (std::size_t i = 0; i < result.rows(); ++i) {
    const std::uint64_t q = result.modulus(i).q;
    const auto out = result.row(i);
    if (q > kReach) {
      for (std::size_t j = 0; j < n; ++j) {
        const std::int64_t c = coefficients[j];
        out[j] = static_cast<std::uint64_t>(c) + (q & static_cast<std::uint64_t>(c >> 63));
      }
    } else {
      // A multiple of q makes every coefficient positive and below 2^33, which the kernel reduces.
      const std::uint64_t lift = (kReach / q + 1) * q;
      for (std::size_t j = 0; j < n; ++j) out[j] = static_cast<std::uint64_t>(std::int64_t{coefficients[j]}) + lift;
      ring.kernels().reduce(out.data(), out.data(), n, result.modulus(i));
    }
  }
  return result;
}

Coefficients from_centred_row(const Ring& ring, const PrimeSet& primes, std::span<const std::uint64_t> row,
                              const kernels::Modulus& from) {
  check(row.size() == ring.degree(), "from_centred_row: one residue per power of X");
  // The caller's memory may lie anywhere; kernels want whole cache lines.
  const Residues aligned(row.begin(), row.end());
  Coefficients result(ring, primes);
  for (std::size_t i = 0; i < result.rows(); ++i) {
    ring.kernels().recentre(result.row(i).data(), aligned.data(), from, row.size(), result.modulus(i));
  }
  return result;
}

template class Poly<Domain::coefficients>;
template class Poly<Domain::evaluations>;
template void copy(Coefficients&, const Coefficients&);
template void copy(Evaluations&, const Evaluations&);
template void restrict_to(Coefficients&, const Coefficients&, const PrimeSet&);
template void restrict_to(Evaluations&, const Evaluations&, const PrimeSet&);
template void add(Coefficients&, const Coefficients&, const Coefficients&);
template void add(Evaluations&, const Evaluations&, const Evaluations&);
template void subtract(Coefficients&, const Coefficients&, const Coefficients&);
template void subtract(Evaluations&, const Evaluations&, const Evaluations&);
template void negate(Coefficients&, const Coefficients&);
template void negate(Evaluations&, const Evaluations&);
template void multiply_scalar(Coefficients&, const Coefficients&, std::span<const std::uint64_t>);
template void multiply_scalar(Evaluations&, const Evaluations&, std::span<const std::uint64_t>);
template void add_into(Coefficients&, const Coefficients&);
template void add_into(Evaluations&, const Evaluations&);
template void subtract_into(Coefficients&, const Coefficients&);
template void subtract_into(Evaluations&, const Evaluations&);
template void negate_into(Coefficients&);
template void negate_into(Evaluations&);
template void multiply_scalar_into(Coefficients&, std::span<const std::uint64_t>);
template void multiply_scalar_into(Evaluations&, std::span<const std::uint64_t>);
template void multiply_integer_into(Coefficients&, std::int64_t);
template void multiply_integer_into(Evaluations&, std::int64_t);

}  // namespace prism::ring
