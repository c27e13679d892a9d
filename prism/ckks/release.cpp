#include "prism/ckks/release.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "prism/ckks/internal/rounding.h"
#include "prism/ckks/internal/wide_gaussian.h"
#include "prism/hash/sha256.h"
#include "prism/wire/reader.h"
#include "prism/wire/writer.h"

namespace prism::ckks {
using math::Bound;

namespace {

constexpr secret::RevealKey kReveal{};
constexpr std::uint8_t kVersion = 1;
constexpr std::uint64_t kMostQueries = std::uint64_t{1} << 32;
constexpr unsigned kLeastBits = 30, kMostBits = 128;
/// Numbers are rounded to a grid on which the error is this many bits wide, so that the roundings, here and in the
/// simulator's numbers, add a sixteenth to it at most.
constexpr int kGridBits = 5;
constexpr double kMostGridded = 118;  // log2 of the largest number on the grid

Status check_budget(const ReleaseBudget& budget) {
  if (budget.queries < 1 || budget.queries > kMostQueries)
    return fail(ErrorCode::invalid_argument, budget.queries, " queries; 1 to 2^32 can be declared");
  if (budget.statistical_bits < kLeastBits || budget.statistical_bits > kMostBits) {
    return fail(ErrorCode::invalid_argument, budget.statistical_bits, " statistical bits; ", kLeastBits, " to ",
                kMostBits, " are possible");
  }
  return {};
}

/// How a release is made, from public numbers alone.
struct Plan {
  int grid;           ///< numbers are multiples of 2^-grid
  double wanted;      ///< log2 of the least sigma of the flooding, on the grid
  double sigma_log2;  ///< and what it is
  double largest;     ///< log2 of the largest number on the grid, without flooding
  Bound error;        ///< of what is shown
};

Plan plan(const Parameters& parameters, const Noise& noise, const ReleaseRequest& request,
          const ReleaseBudget& budget) {
  const Bound error = noise.error + NoiseModel::transform_error(parameters.degree(), noise.magnitude + noise.error);
  const double slots = static_cast<double>(request.slots.empty() ? parameters.slots() : request.slots.size());
  const double numbers = request.real ? slots : 2 * slots;
  Plan out{};
  // A message whose error is zero (a constant ciphertext) floods, too: 2^-100 is as good as none.
  out.grid = kGridBits - static_cast<int>(std::floor(std::max(error.log2(), -100.0)));
  const Bound unit = Bound::from_log2(out.grid);
  // A slot (both of its parts) is off by `error`; rounding the shown and the simulator's numbers by 1/2 each.
  const Bound distance =
      Bound::from_double(std::sqrt(slots)) * (error * unit + Bound::from_double(request.real ? 1 : std::sqrt(2.0)));
  out.wanted = 0.5 * std::log2(12.0 * static_cast<double>(budget.queries)) +
               0.5 * static_cast<double>(budget.statistical_bits) + distance.log2() + 0x1p-30;
  out.largest = ((noise.magnitude + error) * unit).log2();
  if (out.wanted > WideGaussian::kMostLog2) {
    out.error = Bound::from_log2(4000);
    return out;
  }
  out.sigma_log2 = WideGaussian(out.wanted).log2_sigma();
  // All numbers stay below kappa*sigma except with probability 2^-160.
  const double kappa = std::sqrt(2 * (std::log(2 * numbers) + 160 * std::numbers::ln2));
  const Bound flooding = Bound::from_log2(out.sigma_log2) * Bound::from_double(kappa) + Bound::from_double(0.5);
  const Bound both = request.real ? flooding : flooding * Bound::from_double(std::sqrt(2.0));
  // The last term is the conversion to doubles.
  out.error = error + both / unit + (noise.magnitude + both / unit) * Bound::from_log2(-51);
  return out;
}

}  // namespace

Digest release_identity(const rlwe::SecretKey& key) {
  hash::Sha256 h = hash::tagged_sha256("prism ckks release key v1");
  h.update(key.parameters().digest());
  for (const std::int32_t c : key.coefficients(kReveal)) h.update_u64(static_cast<std::uint64_t>(std::int64_t{c}));
  return h.finish();
}

Result<ReleaseLedger> ReleaseLedger::open(const Digest& key, const ReleaseBudget& budget) {
  PRISM_CHECKED(check_budget(budget));
  return ReleaseLedger(key, budget);
}

Result<ReleaseTicket> ReleaseLedger::charge() {
  if (spent_ == budget_.queries) {
    return fail(ErrorCode::refused, "all ", budget_.queries,
                " releases that were declared for this key are used up; make a new key, and declare more");
  }
  ++spent_;
  return ReleaseTicket(key_, budget_);
}

Bytes ReleaseLedger::encode() const {
  wire::Writer w;
  w.u8(kVersion);
  w.digest(key_);
  w.u64(budget_.queries);
  w.u64(budget_.statistical_bits);
  w.u64(spent_);
  w.u8(0);  // reserved
  return std::move(w).take();
}

Result<ReleaseLedger> ReleaseLedger::parse(ByteView bytes) {
  wire::Reader r(bytes, "a release ledger");
  PRISM_TRY(const std::uint8_t version, r.u8());
  if (version != kVersion) return fail(ErrorCode::malformed, "a release ledger of version ", unsigned{version});
  PRISM_TRY(const Digest key, r.digest());
  PRISM_TRY(const std::uint64_t queries, r.u64());
  PRISM_TRY(const std::uint64_t bits, r.u64());
  PRISM_TRY(const std::uint64_t spent, r.u64());
  PRISM_TRY(const std::uint8_t reserved, r.u8());
  PRISM_CHECKED(r.finish());
  const ReleaseBudget budget{queries, static_cast<unsigned>(std::min<std::uint64_t>(bits, kMostBits + 1))};
  if (!check_budget(budget) || spent > queries || reserved != 0)
    return fail(ErrorCode::malformed, "a release ledger whose numbers are out of range");
  ReleaseLedger out(key, budget);
  out.spent_ = spent;
  return out;
}

Bound release_error(const Parameters& parameters, const Noise& noise, const ReleaseRequest& request,
                    const ReleaseBudget& budget) {
  return plan(parameters, noise, request, budget).error;
}

Releaser::Releaser(const rlwe::SecretKey& key, Encoder encoder)
    : decryptor_(key, encoder.parameters_ptr()), encoder_(std::move(encoder)), identity_(release_identity(key)) {}

Result<Released> Releaser::release(const Ciphertext& ciphertext, const ReleaseRequest& request, ReleaseTicket&& ticket,
                                   Random& random) const {
  if (!ticket.valid()) return fail(ErrorCode::refused, "a ticket that is spent; charge the ledger again");
  if (ticket.key() != identity_) return fail(ErrorCode::mismatch, "a ticket of another key's ledger");
  const Parameters& parameters = *encoder_.parameters_ptr();
  for (const std::uint32_t slot : request.slots) {
    if (slot >= parameters.slots())
      return fail(ErrorCode::invalid_argument, "slot ", slot, "; there are ", parameters.slots());
  }
  PRISM_TRY(const Plaintext plaintext, decryptor_.decrypt_private(ciphertext));
  const Plan how = plan(parameters, plaintext.noise(), request, ticket.budget());
  if (!(how.error.log2() <= -request.precision_bits) || !(how.largest < kMostGridded)) {
    return fail(ErrorCode::noise_exceeded, "flooded for ", ticket.budget().queries, " queries and ",
                ticket.budget().statistical_bits, " statistical bits the error may be 2^", std::ceil(how.error.log2()),
                " and 2^", -request.precision_bits,
                " was asked for; show fewer slots, use a larger scale, or declare less in a new key's ledger");
  }
  PRISM_TRY(const ring::SecretSeed seed, ring::fresh_secret_seed(random));

  // Decoding is a function of the plaintext, so what it rounds is part of the error that is flooded, not of the proof.
  std::vector<Complex> slots = encoder_.decode(plaintext);
  const std::size_t count = request.slots.empty() ? slots.size() : request.slots.size();
  const std::size_t parts = request.real ? 1 : 2;
  secret::SecretVector<Int128> storage(count * parts);
  const auto noise = storage.reveal(kReveal);
  WideGaussian(how.wanted).fill(noise, seed);
  Released out{std::vector<Complex>(count), how.error, how.sigma_log2 - how.grid};
  const double down = std::ldexp(1.0, how.grid - 60), unit = std::ldexp(1.0, -how.grid);
  const auto flooded = [&](double x, Int128 with) { return to_double(round_times_2_60(x * down) + with) * unit; };
  for (std::size_t i = 0; i < count; ++i) {
    const Complex x = slots[request.slots.empty() ? i : request.slots[i]];
    out.values[i] = {flooded(x.real(), noise[i * parts]), parts == 2 ? flooded(x.imag(), noise[i * parts + 1]) : 0.0};
  }
  secret::wipe(slots.data(), slots.size() * sizeof(Complex));
  ticket.valid_ = false;
  return out;
}

}  // namespace prism::ckks
