#include "prism/backend/he/answer.h"

#include "prism/kernels/kernels.h"
#include "prism/wire/artefact.h"
#include "prism/wire/reader.h"
#include "prism/wire/writer.h"

namespace prism::backend::he {
namespace {

constexpr std::uint16_t kVersion = 1;
constexpr std::uint64_t kMostItems = program::kMostOutputs;

std::size_t packed_size(std::size_t n, unsigned bits) { return (n * bits + 7) / 8; }

void write_row(wire::Writer& out, std::span<const std::uint64_t> row, unsigned bits) {
  kernels::best().pack_bits(out.grow(packed_size(row.size(), bits)).data(), row.data(), row.size(), bits);
}

Status read_row(wire::Reader& in, std::span<std::uint64_t> row, const kernels::Modulus& m) {
  PRISM_TRY(const ByteView bytes, in.view(packed_size(row.size(), m.bits)));
  kernels::best().unpack_bits(row.data(), bytes.data(), row.size(), m.bits);
  if (!kernels::best().all_below(row.data(), row.size(), m.q))
    return fail(ErrorCode::malformed, "the answer holds a number that is not below its prime; it is damaged");
  return {};
}

}  // namespace

Bytes encode_answer(const AnswerHead& head, const program::Outcome& outcome) {
  wire::Writer out;
  out.string(head.sql);
  out.string(head.table);
  out.raw(head.id);
  out.digest(head.root);
  out.digest(head.program);
  out.choice(static_cast<std::uint8_t>(head.delivery));
  const bool packed = head.delivery == program::Delivery::packed;
  out.count(packed ? outcome.packed.size() : outcome.samples.size());
  for (const auto& sample : outcome.samples) {
    const ring::Ring& ring = sample.parameters->rlwe().ring();
    for (std::size_t i = 0; i < sample.a.size(); ++i) {
      write_row(out, sample.a[i], ring.modulus(static_cast<std::uint32_t>(i)).bits);
      out.u64(sample.b[i]);
    }
  }
  for (const auto& ciphertext : outcome.packed)
    for (const auto& part : ciphertext.parts)
      for (std::size_t i = 0; i < part.rows(); ++i) write_row(out, part.row(i), part.modulus(i).bits);
  return wire::encode_artefact(wire::Kind::answer, kVersion, out.view());
}

Result<ParsedAnswer> parse_answer(ByteView file) {
  wire::Reader in(file, "an answer");
  PRISM_TRY(const auto header, wire::read_header(in, wire::Kind::answer, {kVersion}));
  (void)header;
  ParsedAnswer answer;
  AnswerHead& head = answer.head;
  PRISM_TRY(head.sql, in.string(kMostSqlBytes));
  PRISM_TRY(head.table, in.string(1024));
  PRISM_TRY(head.id, in.array<16>());
  PRISM_TRY(head.root, in.digest());
  PRISM_TRY(head.program, in.digest());
  PRISM_TRY(const auto delivery, in.choice(2));
  head.delivery = static_cast<program::Delivery>(delivery);
  PRISM_TRY(head.items, in.count(kMostItems, 1));
  PRISM_TRY(answer.items, in.view(in.remaining()));
  return answer;
}

Result<program::Outcome> parse_items(const ParsedAnswer& answer, std::shared_ptr<const exact::Parameters> parameters,
                                     program::Delivery delivery, std::size_t outputs, math::Bound noise) {
  const bool packed = delivery == program::Delivery::packed;
  const std::size_t wanted = packed ? (outputs + program::kPackedGroup - 1) / program::kPackedGroup : outputs;
  if (answer.head.delivery != delivery || answer.head.items != wanted)
    return fail(ErrorCode::mismatch, "the answer holds ", answer.head.items, " encrypted items and this question has ",
                wanted, "; it does not answer this question");
  const rlwe::Level level{0};
  const ring::PrimeSet primes = parameters->rlwe().primes(level);
  const ring::Ring& ring = parameters->rlwe().ring();
  const std::size_t n = parameters->degree();
  std::uint64_t each = 0;
  for (const auto p : primes.indexes())
    each += packed ? 2 * packed_size(n, ring.modulus(p).bits) : packed_size(n, ring.modulus(p).bits) + 8;
  if (answer.items.size() != each * wanted)
    return fail(ErrorCode::malformed, "the answer's numbers take ", answer.items.size(), " bytes and ", each * wanted,
                " were expected; the file is damaged");
  const std::uint64_t factor = parameters->correction(rlwe::Level{0});
  wire::Reader in(answer.items, "an answer");
  program::Outcome outcome;
  for (std::size_t i = 0; i < wanted; ++i) {
    if (packed) {
      exact::Ciphertext c{.parameters = parameters, .parts = {}, .level = level, .correction = factor, .noise = {}};
      c.noise.coefficient = noise;
      for (int part = 0; part < 2; ++part) {
        ring::Evaluations rows(ring, primes);
        for (std::size_t r = 0; r < rows.rows(); ++r) PRISM_CHECKED(read_row(in, rows.row(r), rows.modulus(r)));
        c.parts.push_back(std::move(rows));
      }
      outcome.packed.push_back(std::move(c));
    } else {
      exact::LweSample sample{
          .parameters = parameters, .a = {}, .b = {}, .level = level, .correction = factor, .noise = noise};
      for (const auto p : primes.indexes()) {
        Residues row(n);
        PRISM_CHECKED(read_row(in, row, ring.modulus(p)));
        PRISM_TRY(const std::uint64_t b, in.u64());
        if (b >= ring.prime(p))
          return fail(ErrorCode::malformed, "the answer holds a number that is not below its prime; it is damaged");
        sample.a.push_back(std::move(row));
        sample.b.push_back(b);
      }
      outcome.samples.push_back(std::move(sample));
    }
  }
  return outcome;
}

}  // namespace prism::backend::he
