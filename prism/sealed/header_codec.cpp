#include <algorithm>

#include "prism/base/int128.h"
#include "prism/hash/sha256.h"
#include "prism/sealed/layout.h"
#include "prism/wire/reader.h"
#include "prism/wire/writer.h"

namespace prism::sealed {
namespace {

// Bounds on what a header may claim, far above any real table: they keep hostile files from asking for memory.
constexpr std::uint64_t kMostColumns = 4096;
constexpr std::uint64_t kMostRows = std::uint64_t{1} << 34;
constexpr std::uint64_t kMostCells = 1u << 18;
constexpr std::uint64_t kMostDictionary = 1u << 20;
constexpr std::uint64_t kMostName = 1024;
constexpr std::uint64_t kMostDigits = 64;
constexpr std::uint32_t kMostBase = 4096;
constexpr int kMostLimbs = 16;

void write(wire::Writer& out, const std::optional<Limbs>& limbs) {
  out.u8(static_cast<std::uint8_t>(limbs ? limbs->limb_bits : 0));
  out.u8(static_cast<std::uint8_t>(limbs ? limbs->count : 0));
}

Result<std::optional<Limbs>> read_limbs(wire::Reader& in, std::uint64_t rows, std::uint64_t t) {
  PRISM_TRY(const auto bits, in.u8());
  PRISM_TRY(const auto count, in.u8());
  if (bits == 0 && count == 0) return std::optional<Limbs>();
  if (bits == 0 || bits > 48 || count == 0 || count > kMostLimbs || (count - 1) * bits > 126)
    return fail(ErrorCode::malformed, "the sealed table's header has limbs that no column can have");
  // Sums never wrap: that is decided here and at sealing, not at query time.
  if ((Int128{1} << (bits - 1)) * static_cast<Int128>(std::max<std::uint64_t>(rows, 1)) >= static_cast<Int128>(t / 2))
    return fail(ErrorCode::malformed, "the sealed table's limbs are too wide: sums over its rows could wrap");
  return std::optional<Limbs>({bits, count});
}

Result<Code> read_code(wire::Reader& in) {
  Code code;
  PRISM_TRY(const auto kind, in.choice(2));
  code.kind = static_cast<Code::Kind>(kind);
  PRISM_TRY(code.low, in.i64());
  PRISM_TRY(code.size, in.u64());
  PRISM_TRY(const std::size_t digits, in.count(kMostDigits, 4));
  Uint128 product = 1;
  for (std::size_t i = 0; i < digits; ++i) {
    PRISM_TRY(const auto base, in.u32());
    if (base < 2 || base > kMostBase)
      return fail(ErrorCode::malformed, "the sealed table's header has a digit with base ", base);
    code.bases.push_back(base);
    if (product <= code.size) product *= base;
  }
  const bool one_hot = code.kind == Code::Kind::one_hot;
  if (code.size == 0 || (one_hot && (code.size > kMostBase || digits != 0)) ||
      (!one_hot && (digits == 0 || product < code.size)) ||
      static_cast<Int128>(code.low) + static_cast<Int128>(code.size) - 1 > INT64_MAX)
    return fail(ErrorCode::malformed, "the sealed table's header has an impossible code");
  return code;
}

/// What one column's encodings take, before any of it is listed.
std::uint64_t cell_count(const Column& c) {
  std::uint64_t cells = 1;  // validity
  for (const auto* limbs : {&c.value, &c.square})
    if (*limbs) cells += static_cast<std::uint64_t>((*limbs)->count);
  if (c.code && c.code->kind == Code::Kind::one_hot) cells += c.code->size;
  if (c.code)
    for (const auto base : c.code->bases) cells += base - 1;
  return cells;
}

/// Every value within the bounds has limbs.
bool covers(const Limbs& limbs, const Column& c) {
  const Int128 low = c.low, high = c.high;
  const int bits = limbs.limb_bits * limbs.count - 1;
  return bits >= 64 || std::max(low < 0 ? -low : low, high) <= (Int128{1} << bits);
}

Status check_key(const rlwe::KeyId& id, const rlwe::Parameters& parameters) {
  const bool relinearise = id.kind == rlwe::KeyId::Kind::relinearise;
  const bool fits = id.level <= parameters.max_level() && parameters.special_primes().size() != 0 &&
                    (relinearise ? id.g == 0 : id.g % 2 == 1 && id.g < 2 * parameters.degree());
  if (fits) return {};
  return fail(ErrorCode::malformed, "the sealed table's header names a key that its parameters cannot have");
}

Status check_levels(const Header& h) {
  const int top = h.parameters->max_level().value;
  for (const int level : {h.measure_level, h.group_level, h.filter_level, h.predicate_level})
    if (level < 0 || level > top)
      return fail(ErrorCode::malformed, "the sealed table's header names level ", level, "; its parameters have 0 to ",
                  top);
  return {};
}

}  // namespace

ring::Seed cell_seed(const Header& header, std::uint32_t cell) {
  return hash::tagged_sha256("prism/sealed/a/v1").update(header.run_seed).update(header.id).update_u64(cell).finish();
}

Bytes encode(const Header& h) {
  wire::Writer out;
  out.string(h.name);
  out.raw(h.id);
  out.raw(h.key);
  out.u64(h.rows);
  out.boolean(h.rows_padded);
  out.bytes(rlwe::encode(h.parameters->rlwe().spec()));
  out.u64(h.parameters->plain_modulus());
  for (const int level : {h.measure_level, h.group_level, h.filter_level, h.predicate_level})
    out.u8(static_cast<std::uint8_t>(level));
  out.raw(h.run_seed);
  out.count(h.columns.size());
  for (const Column& c : h.columns) {
    out.string(c.schema.name);
    out.choice(static_cast<std::uint8_t>(c.schema.type));
    out.u8(static_cast<std::uint8_t>(c.schema.scale));
    out.boolean(c.schema.nullable);
    out.boolean(c.measure);
    out.boolean(c.filter);
    out.boolean(c.group);
    out.i64(c.low);
    out.i64(c.high);
    write(out, c.value);
    write(out, c.square);
    out.boolean(c.code.has_value());
    if (c.code) {
      out.choice(static_cast<std::uint8_t>(c.code->kind));
      out.i64(c.code->low);
      out.u64(c.code->size);
      out.count(c.code->bases.size());
      for (const auto base : c.code->bases) out.u32(base);
    }
    out.boolean(c.published);
    if (c.published) {
      out.count(c.dictionary.size());
      for (const std::string& word : c.dictionary) out.string(word);
    }
  }
  out.count(h.products.size());
  for (const Product& p : h.products) {
    out.u32(p.a);
    out.u32(p.b);
    write(out, p.limbs);
  }
  out.count(h.keys.size());
  for (const auto& id : h.keys) {
    out.choice(static_cast<std::uint8_t>(id.kind));
    out.u32(id.g);
    out.u8(static_cast<std::uint8_t>(id.level.value));
  }
  return std::move(out).take();
}

Result<Header> decode_header(ByteView bytes, std::uint64_t file_bytes) {
  wire::Reader in(bytes, "the sealed table's header");
  Header h;
  PRISM_TRY(h.name, in.string(kMostName));
  PRISM_TRY(h.id, in.array<16>());
  PRISM_TRY(h.key, in.array<16>());
  PRISM_TRY(h.rows, in.u64());
  if (h.rows > kMostRows)
    return fail(ErrorCode::malformed, "the sealed table claims ", h.rows, " rows; at most ", kMostRows, " are read");
  PRISM_TRY(h.rows_padded, in.boolean());
  PRISM_TRY(const ByteView spec_bytes, in.bytes_view(1 << 16));
  PRISM_TRY(rlwe::ParameterSpec spec, rlwe::decode_parameter_spec(spec_bytes));
  PRISM_TRY(const std::uint64_t t, in.u64());
  // Tables of roots take 32 bytes per coefficient and prime in each of two rings; a ciphertext of the lowest level has
  // 3 bytes or more per coefficient, one of the highest 3 per prime.
  const std::uint64_t root_bytes = (64 * (spec.primes.size() + spec.special_primes.size()) + 32) << spec.log_n;
  if (root_bytes / 64 > file_bytes)
    return fail(ErrorCode::malformed, "the sealed table's header asks for ", root_bytes,
                " bytes of tables and the file has ", file_bytes, "; the file is damaged");
  PRISM_TRY(h.parameters, exact::Parameters::make(std::move(spec), t, exact::Scheme::bgv));
  for (int* level : {&h.measure_level, &h.group_level, &h.filter_level, &h.predicate_level}) {
    PRISM_TRY(const auto value, in.u8());
    *level = value;
  }
  PRISM_CHECKED(check_levels(h));
  PRISM_TRY(h.run_seed, in.array<32>());
  PRISM_TRY(const std::size_t columns, in.count(kMostColumns, 32));
  std::uint64_t all_cells = 1;
  for (std::size_t i = 0; i < columns; ++i) {
    Column c;
    PRISM_TRY(c.schema.name, in.string(kMostName));
    PRISM_TRY(const auto type, in.choice(4));
    c.schema.type = static_cast<table::ColumnType>(type);
    PRISM_TRY(const auto scale, in.u8());
    if (scale > 18)
      return fail(ErrorCode::malformed, "a column of the sealed table has ", scale,
                  " decimals; at most 18 are possible");
    c.schema.scale = scale;
    PRISM_TRY(c.schema.nullable, in.boolean());
    PRISM_TRY(c.measure, in.boolean());
    PRISM_TRY(c.filter, in.boolean());
    PRISM_TRY(c.group, in.boolean());
    PRISM_TRY(c.low, in.i64());
    PRISM_TRY(c.high, in.i64());
    if (c.low > c.high)
      return fail(ErrorCode::malformed, "a column of the sealed table has a lower bound above its upper bound");
    PRISM_TRY(c.value, read_limbs(in, h.rows, t));
    PRISM_TRY(c.square, read_limbs(in, h.rows, t));
    PRISM_TRY(const bool coded, in.boolean());
    if (coded) {
      PRISM_TRY(c.code, read_code(in));
    }
    if ((!c.measure && !coded) || c.measure != c.value.has_value() || (c.square && !c.measure) ||
        (c.filter || c.group) != coded || (c.group && c.code->kind != Code::Kind::one_hot))
      return fail(ErrorCode::malformed, "a column of the sealed table has a role without its encoding");
    if (c.value && !covers(*c.value, c))
      return fail(ErrorCode::malformed, "the sealed table's limbs are too few for its bounds");
    all_cells += cell_count(c);
    if (all_cells > kMostCells)
      return fail(ErrorCode::malformed, "the sealed table claims more than ", kMostCells, " cells");
    PRISM_TRY(c.published, in.boolean());
    if (c.published) {
      PRISM_TRY(const std::size_t words, in.count(kMostDictionary, 8));
      for (std::size_t w = 0; w < words; ++w) {
        PRISM_TRY(std::string word, in.string(1 << 20));
        if (w > 0 && !(c.dictionary.back() < word))
          return fail(ErrorCode::malformed, "a dictionary of the sealed table is not sorted");
        c.dictionary.push_back(std::move(word));
      }
      if (!coded || c.schema.type != table::ColumnType::text || std::max<std::uint64_t>(1, words) != c.code->size)
        return fail(ErrorCode::malformed, "a dictionary of the sealed table does not fit its column");
    }
    h.columns.push_back(std::move(c));
  }
  PRISM_TRY(const std::size_t products, in.count(kMostColumns, 10));
  for (std::size_t i = 0; i < products; ++i) {
    Product p;
    PRISM_TRY(p.a, in.u32());
    PRISM_TRY(p.b, in.u32());
    PRISM_TRY(const auto limbs, read_limbs(in, h.rows, t));
    if (p.a >= p.b || p.b >= columns || !limbs)
      return fail(ErrorCode::malformed, "the sealed table declares a product of columns it does not have");
    p.limbs = *limbs;
    h.products.push_back(p);
  }
  PRISM_TRY(const std::size_t keys, in.count(256, 6));
  for (std::size_t i = 0; i < keys; ++i) {
    rlwe::KeyId id;
    PRISM_TRY(const auto kind, in.choice(2));
    id.kind = static_cast<rlwe::KeyId::Kind>(kind);
    PRISM_TRY(id.g, in.u32());
    PRISM_TRY(const auto level, in.u8());
    id.level = rlwe::Level{level};
    PRISM_CHECKED(check_key(id, h.parameters->rlwe()));
    h.keys.push_back(id);
  }
  PRISM_CHECKED(in.finish());
  if (cells_of(h).size() > kMostCells)
    return fail(ErrorCode::malformed, "the sealed table claims more than ", kMostCells, " cells");
  return h;
}

}  // namespace prism::sealed
