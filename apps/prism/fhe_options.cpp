#include "apps/prism/fhe_options.h"

#include <CLI/CLI.hpp>

#include "prism/math/primes.h"

namespace prism::app {
namespace {

constexpr std::uint64_t kBitsBelow = 64;  ///< a "prime" below this is a number of bits

Result<rlwe::Security> security_of(const FheOptions& o) {
  switch (o.security) {
    case 128:
      return rlwe::Security::bits128;
    case 192:
      return rlwe::Security::bits192;
    case 256:
      return rlwe::Security::bits256;
    default:
      return fail(ErrorCode::invalid_argument, "--security ", o.security, "; it takes 128, 192 or 256");
  }
}

/// Numbers of bits become the largest primes of that size that nothing uses yet.
Result<std::vector<std::uint64_t>> resolve(const std::vector<std::uint64_t>& wanted, std::vector<std::uint64_t>& used) {
  std::vector<std::uint64_t> out;
  for (const std::uint64_t value : wanted) {
    if (value >= kBitsBelow) {
      out.push_back(value);
    } else {
      PRISM_TRY(const auto chosen, rlwe::choose_primes(static_cast<unsigned>(value), 1, used));
      out.push_back(chosen[0]);
    }
    used.push_back(out.back());
  }
  return out;
}

Result<rlwe::ParameterSpec> explicit_spec(const FheOptions& o, rlwe::Security security) {
  if (o.primes.empty())
    return fail(ErrorCode::invalid_argument, "--log-n needs --primes: values, or numbers of bits such as 50,40,40");
  rlwe::ParameterSpec spec;
  spec.log_n = o.log_n;
  spec.security = security;
  spec.digit_size = o.digit_size;
  spec.level_sizes = o.level_sizes;
  // Values that were given are taken before bits are turned into primes.
  std::vector<std::uint64_t> used;
  for (const auto* list : {&o.primes, &o.special_primes})
    for (const std::uint64_t value : *list)
      if (value >= kBitsBelow) used.push_back(value);
  PRISM_TRY(spec.special_primes, resolve(o.special_primes, used));
  PRISM_TRY(spec.primes, resolve(o.primes, used));
  return spec;
}

Result<FheParameters> ckks_parameters(const FheOptions& o, rlwe::Security security) {
  if (o.log_n != 0) {
    if (o.scale_bits == 0) return fail(ErrorCode::invalid_argument, "--log-n with CKKS needs --scale-bits");
    PRISM_TRY(auto spec, explicit_spec(o, security));
    PRISM_TRY(auto made, ckks::Parameters::make(std::move(spec), o.scale_bits));
    return FheParameters(std::move(made));
  }
  ckks::Intent intent;
  intent.depth = o.depth;
  intent.precision_bits = o.precision_bits;
  intent.largest_magnitude = o.largest_magnitude;
  intent.additions = o.additions;
  intent.rotations = o.rotations;
  intent.security = security;
  intent.min_slots = o.values;
  PRISM_TRY(auto made, ckks::parameters_for(intent));
  return FheParameters(std::move(made));
}

Result<FheParameters> exact_parameters(const FheOptions& o, rlwe::Security security) {
  const exact::Scheme scheme = o.scheme == "bgv" ? exact::Scheme::bgv : exact::Scheme::bfv;
  if (o.log_n != 0) {
    PRISM_TRY(auto spec, explicit_spec(o, security));
    std::uint64_t t = o.plain_modulus;
    if (t == 0) {
      PRISM_TRY(const auto found, math::primes_below(o.plain_bits == 0 ? 20 : o.plain_bits,
                                                     std::uint64_t{2} << std::min(o.log_n, 20U), 1, spec.primes));
      t = found[0];
    }
    PRISM_TRY(auto made, exact::Parameters::make(std::move(spec), t, scheme));
    return FheParameters(std::move(made));
  }
  exact::Intent intent;
  intent.depth = o.depth;
  intent.plain_modulus = o.plain_modulus;
  intent.largest_sum = o.largest_sum;
  if (intent.largest_sum == 0) {
    const unsigned bits = o.plain_bits == 0 ? 20 : o.plain_bits;
    if (bits < 2 || bits > 48)
      return fail(ErrorCode::invalid_argument, "--plain-bits ", o.plain_bits, "; it takes 2 to 48");
    intent.largest_sum = (std::uint64_t{1} << (bits - 1)) - 1;
  }
  intent.additions = o.additions;
  intent.rotations = o.rotations;
  intent.security = security;
  intent.scheme = scheme;
  PRISM_TRY(auto made, exact::parameters_for(intent));
  return FheParameters(std::move(made));
}

}  // namespace

void add_fhe_options(CLI::App& command, FheOptions& o) {
  command.add_option("--scheme", o.scheme, "ckks (real numbers), bgv or bfv (whole numbers)")
      ->check(CLI::IsMember({"ckks", "bgv", "bfv"}));
  command.add_option("--depth", o.depth, "Products one after another")->check(CLI::Range(0, 1000));
  command.add_option("--security", o.security, "Classical security in bits: 128, 192 or 256");
  command.add_option("--precision", o.precision_bits, "ckks: errors are at most 2^-BITS")->check(CLI::Range(0, 100));
  command.add_option("--largest-magnitude", o.largest_magnitude, "ckks: of every input; magnitudes multiply");
  command.add_option("--plain-bits", o.plain_bits, "bgv, bfv: bits of the plaintext modulus t (default 20)");
  command.add_option("--largest-sum", o.largest_sum, "bgv, bfv: largest value that must not wrap, instead of bits");
  command.add_option("--additions", o.additions, "Ciphertexts added up after the last product")
      ->check(CLI::PositiveNumber);
  command.add_option("--values", o.values, "ckks: slots that a ciphertext must have at least")
      ->check(CLI::PositiveNumber);
  command.add_flag("--rotations", o.rotations, "Slots are moved or summed");
  command.add_option("--log-n", o.log_n, "Instead of an intent: log2 of the ring degree, with --primes")
      ->check(CLI::Range(3, 17));
  command.add_option("--primes", o.primes, "Ciphertext primes, the last to go first; below 64: bits (50,40,40)")
      ->delimiter(',')
      ->needs("--log-n");
  command.add_option("--special-primes", o.special_primes, "Primes of key switching, alike")
      ->delimiter(',')
      ->needs("--log-n");
  command.add_option("--level-sizes", o.level_sizes, "How many primes each level has (default 1,2,3,...)")
      ->delimiter(',')
      ->needs("--log-n");
  command.add_option("--digit-size", o.digit_size, "Primes in a key-switching digit")->needs("--log-n");
  command.add_option("--scale-bits", o.scale_bits, "ckks: log2 of the scale")->needs("--log-n");
  command.add_option("--plain-modulus", o.plain_modulus, "bgv, bfv: t itself, a prime = 1 mod 2N");
}

Result<FheParameters> fhe_parameters(const FheOptions& o) {
  PRISM_TRY(const rlwe::Security security, security_of(o));
  return o.scheme == "ckks" ? ckks_parameters(o, security) : exact_parameters(o, security);
}

}  // namespace prism::app
