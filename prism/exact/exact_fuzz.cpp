// Any bytes as plaintext, ciphertext or seeded ciphertext: refused, or something that encodes to the same bytes again
// and that every operation survives. Inputs are short, real ones are not: the harness appends zeros up to a
// ciphertext's length when asked to.
#include <cstdlib>

#include "prism/exact/evaluator.h"
#include "prism/exact/wire.h"

namespace {

using namespace prism;
using namespace prism::exact;

void require(bool holds) {
  if (!holds) std::abort();
}

std::shared_ptr<const Parameters> parameters(Scheme scheme) {
  rlwe::ParameterSpec spec;
  spec.log_n = 11;
  auto primes = rlwe::choose_primes(26, 2);
  require(primes.has_value());
  spec.primes = *primes;
  spec.level_sizes = {1, 2};
  auto made = Parameters::make(spec, 12289, scheme);
  require(made.has_value());
  return *made;
}

/// Body: everything after form, version and digest, which the harness writes itself so that inputs get past them.
Bytes framed(std::uint8_t form, const Parameters& p, ByteView body, bool pad) {
  Bytes bytes{form, 1};
  bytes.insert(bytes.end(), p.digest().begin(), p.digest().end());
  bytes.insert(bytes.end(), body.begin(), body.end());
  if (pad) {
    // 1 + 1 + 8 + 40 + 1 + 2 bytes stand before the residues when no ancestry is given; seeds add 40 less the part
    // count.
    const std::size_t row = 2048 * 26 / 8;
    const std::size_t plain = 2048 * 14 / 8;
    const std::size_t level = body.size() > 1 ? body[form == 1 ? 1 : 0] % 2 : 0;
    const std::size_t parts = form == 1 ? (body.empty() ? 2 : body[0]) % 4 : 1;
    const std::size_t head = form == 0 ? 34 : form == 1 ? 34 + 53 : form == 2 ? 34 + 92 : 34 + 17 + 8 * (level + 1);
    const std::size_t total = form == 0 ? 34 + plain : head + parts * (level + 1) * row;
    if (bytes.size() < total) bytes.resize(total);
  }
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::shared_ptr<const Parameters> sets[2] = {parameters(Scheme::bgv), parameters(Scheme::bfv)};
  static const Evaluator evaluators[2] = {Evaluator(sets[0]), Evaluator(sets[1])};
  if (size < 1) return 0;
  const std::size_t which = data[0] & 1;
  const auto form = static_cast<std::uint8_t>((data[0] >> 1) % 4);
  const ByteView body(data + 1, size - 1);
  const auto& p = sets[which];
  const Bytes bytes =
      (data[0] & 0x80) != 0 ? Bytes(body.begin(), body.end()) : framed(form, *p, body, (data[0] & 0x40) != 0);
  if (const auto plaintext = decode_plaintext(bytes, p)) {
    const auto again = encode(*plaintext);
    require(again && *again == bytes);
  }
  if (const auto seeded = decode_seeded_ciphertext(bytes, p)) {
    const auto again = encode(*seeded);
    require(again && again->size() == bytes.size());
    require(evaluators[which].negate(expand(*seeded)).parts.size() == 2);
  }
  if (const auto sample = decode_lwe_sample(bytes, p)) {
    const auto again = encode(*sample);
    require(again && again->size() == bytes.size());
  }
  if (auto c = decode_ciphertext(bytes, p)) {
    const auto again = encode(*c);
    require(again && again->size() == bytes.size());
    require(decode_ciphertext(*again, p).has_value());
    require(evaluators[which].add(*c, *c).has_value());
    const auto low = evaluators[which].drop_to(*c, rlwe::Level{0});
    require(low.has_value());
    require(evaluators[which].multiply(*c, *c).has_value() == (c->parts.size() == 2));
  }
  return 0;
}
