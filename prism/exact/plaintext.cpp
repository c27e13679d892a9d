#include "prism/exact/plaintext.h"

#include <algorithm>

#include "prism/math/modular.h"
#include "prism/secret/secret.h"

namespace prism::exact {
namespace {

void wipe(Residues& residues) {
  if (!residues.empty()) secret::wipe(residues.data(), residues.size() * sizeof(std::uint64_t));
}

}  // namespace

Plaintext::Plaintext(std::shared_ptr<const Parameters> parameters)
    : parameters_(std::move(parameters)), coefficients_(parameters_->degree()) {}

Plaintext& Plaintext::operator=(Plaintext&& other) noexcept {
  if (this != &other) {
    wipe(coefficients_);
    parameters_ = std::move(other.parameters_);
    coefficients_ = std::move(other.coefficients_);
  }
  return *this;
}

Plaintext::~Plaintext() { wipe(coefficients_); }

Plaintext Plaintext::clone() const { return *this; }

Encoder::Encoder(std::shared_ptr<const Parameters> parameters) : parameters_(std::move(parameters)) {}

Result<Plaintext> Encoder::encode(std::span<const std::int64_t> slots) const {
  const std::uint64_t t = parameters_->plain_modulus();
  if (slots.size() > parameters_->slots()) {
    return fail(ErrorCode::invalid_argument, slots.size(), " values and ", parameters_->slots(),
                " slots; use several plaintexts or an EncryptedVector");
  }
  Plaintext plaintext(parameters_);
  const auto row = plaintext.coefficients();
  const auto& index = parameters_->slot_index();
  const std::uint64_t half = (t - 1) / 2;
  std::uint64_t outside = 0;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const auto value = static_cast<std::uint64_t>(slots[i]);
    outside |=
        static_cast<std::uint64_t>(value + half >= t);  // wraps for what is far below -half, to something above t
    row[index[i]] = value + (t & (0 - (value >> 63)));
  }
  if (outside != 0) {
    return fail(ErrorCode::invalid_argument, "a value is not within +-", half, "; the plaintext modulus ", t,
                " is too small for it");
  }
  const ring::Ring& ring = parameters_->wide_ring();
  ring.kernels().inverse_ntt(row.data(), ring.tables(parameters_->plain_index()));
  return plaintext;
}

std::vector<std::int64_t> Encoder::decode(const Plaintext& plaintext) const {
  check(plaintext.coefficients().size() == parameters_->degree() &&
            plaintext.parameters().plain_modulus() == parameters_->plain_modulus(),
        "a plaintext of other parameters");
  Plaintext copy = plaintext.clone();
  const auto row = copy.coefficients();
  const ring::Ring& ring = parameters_->wide_ring();
  ring.kernels().forward_ntt(row.data(), ring.tables(parameters_->plain_index()));
  const std::uint64_t t = parameters_->plain_modulus(), half = (t - 1) / 2;
  std::vector<std::int64_t> slots(row.size());
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const std::uint64_t value = row[parameters_->slot_index()[i]];
    slots[i] = static_cast<std::int64_t>(value - (t & (0 - ((half - value) >> 63))));
  }
  return slots;
}

Plaintext Encoder::constant(std::int64_t value) const {
  Plaintext plaintext(parameters_);
  plaintext.coefficients()[0] = math::reduce_signed(value, parameters_->plain_modulus());
  return plaintext;
}

}  // namespace prism::exact
