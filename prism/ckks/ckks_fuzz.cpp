// The first byte chooses the parser and how the rest is used: as it is, behind a head that passes, or as changes to
// bytes that parse, so that what lies deep is reached. Whatever comes, it ends in a value or an error; what is accepted
// is written back byte for byte, and computing with it ends in a value or an error, too.
#include <algorithm>
#include <cstdlib>

#include "prism/ckks/internal/testing.h"
#include "prism/ckks/release.h"
#include "prism/ckks/wire.h"

namespace {

using namespace prism;
using ckks::testing::must;

void require(bool holds) {
  if (!holds) std::abort();
}

std::shared_ptr<const ckks::Parameters> make_small() {
  // No special primes: 2^11 has room for 53 bits.
  rlwe::ParameterSpec spec;
  spec.log_n = 11;
  spec.primes = must(rlwe::choose_primes(28, 1));
  const auto upper = must(ckks::rescaling_primes(11, 22, 1, 1, spec.primes));
  spec.primes.push_back(upper[0]);
  return must(ckks::Parameters::make(spec, 22));
}

struct Valid {
  std::shared_ptr<const ckks::Parameters> parameters = make_small();
  ckks::testing::World w{1, parameters};
  Bytes ciphertext, seeded;
  Valid() {
    const auto slots = w.random_slots();
    const auto plain = must(w.encoder.encode(std::span<const ckks::Complex>(slots), rlwe::Level{1}, 1));
    const auto half = must(w.encryptor.encrypt(plain, rlwe::Level{1}, ring::Seed{1}, 2,
                                               ring::SecretSeed(std::array<std::uint8_t, 32>{3}), 4));
    seeded = must(encode(half));
    ciphertext = must(encode(must(w.evaluator.rescale(must(w.evaluator.multiply_scalar(expand(half), 3))))));
  }
};

const Valid& valid() {
  static const Valid made;
  return made;
}

/// Form, version and the parameters' digest, then the input.
Bytes with_head(std::uint8_t form, ByteView input) {
  Bytes bytes = {form, 1};
  const Digest& digest = valid().parameters->digest();
  bytes.insert(bytes.end(), digest.begin(), digest.end());
  bytes.insert(bytes.end(), input.begin(), input.end());
  return bytes;
}

/// Each three bytes: where among the first 256 bytes or all, and what is changed there; a rest cuts the end off.
Bytes changed(Bytes bytes, ByteView changes) {
  for (; changes.size() >= 3; changes = changes.subspan(3)) {
    const std::size_t at = changes[1] % 2 == 0 ? changes[0] : changes[0] | std::size_t{changes[1]} << 8;
    bytes[at % bytes.size()] ^= changes[2];
  }
  if (!changes.empty()) bytes.resize(bytes.size() - std::min<std::size_t>(bytes.size(), changes[0]));
  return bytes;
}

bool same(ByteView a, ByteView b) { return as_text(a) == as_text(b); }

void use(const ckks::Ciphertext& c) {
  const ckks::Evaluator& e = valid().w.evaluator;
  (void)valid().w.decryptor.decrypt_private(c);
  (void)e.add_scalar(c, 3);
  (void)e.align_to(c, rlwe::Level{0});
  if (const auto product = e.multiply(c, c)) {
    (void)e.rescale(*product);
    (void)valid().w.decryptor.decrypt_private(*product);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView rest(data + 1, size - 1);
  const bool seeded = data[0] % 2 == 1;
  const unsigned how = data[0] / 2 % 4;
  if (how == 3) {
    // A ledger: what parses is written back byte for byte and counts no further than it declared.
    if (auto ledger = ckks::ReleaseLedger::parse(rest)) {
      require(same(ledger->encode(), rest));
      const std::uint64_t left = ledger->left();
      require(ledger->charge().has_value() == (left > 0) && ledger->left() == left - (left > 0 ? 1 : 0));
    }
    return 0;
  }
  const Bytes input = how == 0   ? Bytes(rest.begin(), rest.end())
                      : how == 1 ? with_head(seeded ? 1 : 0, rest)
                                 : changed(seeded ? valid().seeded : valid().ciphertext, rest);
  if (seeded) {
    if (const auto c = ckks::decode_seeded_ciphertext(input, valid().parameters)) {
      require(same(must(encode(*c)), input));
      use(expand(*c));
    }
  } else if (const auto c = ckks::decode_ciphertext(input, valid().parameters)) {
    require(same(must(encode(*c)), input));
    use(*c);
  }
  return 0;
}
