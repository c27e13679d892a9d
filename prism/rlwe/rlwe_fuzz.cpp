// The first byte chooses the parser and how the rest is used: as it is, behind a head that passes, or as changes to
// bytes that parse, so that what lies deep is reached. Whatever comes, it ends in a value or an error, and what is
// accepted is written back byte for byte.
#include <algorithm>
#include <cstdlib>

#include "prism/rlwe/files.h"
#include "prism/rlwe/internal/test_support.h"

namespace {

using namespace prism;

void require(bool holds) {
  if (!holds) std::abort();
}

const std::shared_ptr<const rlwe::Parameters>& parameters() {
  static const auto made = [] {
    rlwe::ParameterSpec spec;
    spec.log_n = 3;  // keys of a few hundred bytes, which a fuzzer can fill
    spec.security = rlwe::Security::none_for_tests;
    spec.primes = rlwe::choose_primes(50, 3).value();
    spec.primes[1] = rlwe::choose_primes(33, 1).value()[0];
    spec.special_primes = rlwe::choose_primes(49, 1).value();
    spec.digit_size = 2;
    return rlwe::Parameters::make(spec).value();
  }();
  return made;
}

/// Version 1 and the parameters' digest, then the input.
Bytes with_head(ByteView input) {
  Bytes bytes = {1, 0};
  bytes.insert(bytes.end(), parameters()->digest().begin(), parameters()->digest().end());
  bytes.insert(bytes.end(), input.begin(), input.end());
  return bytes;
}

struct Valid {
  Bytes spec, key, public_key, bundle;
};

const Valid& valid() {
  static const Valid made = [] {
    rlwe::test::SeededRandom random(1);
    const auto secret = rlwe::SecretKey::generate(parameters(), random).value();
    rlwe::ParameterSpec spec;
    spec.log_n = 13;
    spec.primes = rlwe::choose_primes(50, 3).value();
    spec.special_primes = rlwe::choose_primes(49, 1).value();
    rlwe::EvaluationKeys keys(parameters());
    using Kind = rlwe::KeyId::Kind;
    keys.add(rlwe::make_switch_key(secret, {Kind::relinearise, 0, rlwe::Level{2}}, 7, random).value());
    keys.add(rlwe::make_switch_key(secret, {Kind::automorphism, 5, rlwe::Level{0}}, 7, random).value());
    return Valid{rlwe::encode(spec), rlwe::encode(*parameters(), keys.keys().begin()->second),
                 rlwe::encode(*parameters(), rlwe::make_public_key(secret, 1, random).value()), rlwe::encode(keys)};
  }();
  return made;
}

/// Each three bytes: where, and what is changed there; a rest cuts the end off.
Bytes changed(Bytes bytes, ByteView changes) {
  for (; changes.size() >= 3; changes = changes.subspan(3))
    bytes[(changes[0] | std::size_t{changes[1]} << 8) % bytes.size()] ^= changes[2];
  if (!changes.empty()) bytes.resize(bytes.size() - std::min<std::size_t>(bytes.size(), changes[0]));
  return bytes;
}

bool same(ByteView a, ByteView b) { return as_text(a) == as_text(b); }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView rest(data + 1, size - 1);
  const unsigned parser = data[0] % 4, use = data[0] / 4 % 3;
  const Bytes* const start[] = {&valid().spec, &valid().key, &valid().public_key, &valid().bundle};
  const Bytes input = use == 0   ? Bytes(rest.begin(), rest.end())
                      : use == 1 ? with_head(rest)
                                 : changed(*start[parser], rest);
  if (parser == 0) {
    const auto spec = rlwe::decode_parameter_spec(input);
    if (spec) require(same(rlwe::encode(*spec), input));
  } else if (parser == 1) {
    const auto key = rlwe::decode_switch_key(parameters(), input);
    if (key) require(same(rlwe::encode(*parameters(), *key), input));
  } else if (parser == 2) {
    const auto key = rlwe::decode_public_key(parameters(), input);
    if (key) require(same(rlwe::encode(*parameters(), *key), input));
  } else if (const auto index = rlwe::decode_bundle_index(*parameters(), input)) {
    for (const auto& entry : index->entries) {
      require(entry.offset + entry.length <= input.size());
      (void)rlwe::decode_key(parameters(), input, entry);
    }
    if (const auto keys = rlwe::decode_evaluation_keys(parameters(), input))
      require(keys->digest() == index->digest(*parameters()));
  }
  return 0;
}
