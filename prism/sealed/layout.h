// prism/sealed/layout.h - what a sealed table is: public schema, encodings, parameters, and which encrypted cells there
// are.
//
// A *cell* is one encrypted number per row. Rows are cut into blocks of N; each (cell, block) is one symmetric BGV
// ciphertext in transformed form at the cell's level, stored as packed b rows; its a rows are expanded from the run
// seed. Everything in Header is public.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "prism/base/bytes.h"
#include "prism/base/result.h"
#include "prism/exact/parameters.h"
#include "prism/ring/sampler.h"
#include "prism/rlwe/keys.h"
#include "prism/table/schema.h"

namespace prism::sealed {

using TableId = std::array<std::uint8_t, 16>;
using KeyFingerprint = std::array<std::uint8_t, 16>;

/// value = sum_j digit_j * 2^(limb_bits*j), digits balanced: |digit| <= 2^(limb_bits-1); `count` is large enough for
/// the column's bounds. NULL is 0 in every limb.
struct Limbs {
  int limb_bits = 0;
  int count = 0;
  bool operator==(const Limbs&) const = default;
};

/// Codes 0 .. size-1 of a filter or group column: value - low for numbers, rank in the byte-sorted dictionary for text.
struct Code {
  enum class Kind : std::uint8_t { one_hot, digits } kind = Kind::one_hot;
  std::int64_t low = 0;
  std::uint64_t size = 0;
  /// digits: mixed radix, most significant first, product >= size. Cell (digit i, threshold c), 1 <= c < bases[i], is 1
  /// iff digit i >= c. NULL: all 0.
  std::vector<std::uint32_t> bases;
  bool operator==(const Code&) const = default;
};

struct Column {
  table::ColumnSchema schema;
  bool measure = false, filter = false, group = false;
  std::int64_t low = 0, high = 0;       ///< public bounds of the scaled values, rounded outwards (not for text)
  std::optional<Limbs> value;           ///< measure
  std::optional<Limbs> square;          ///< measure with squares
  std::optional<Code> code;             ///< filter or group
  bool published = false;               ///< text: the dictionary below is public
  std::vector<std::string> dictionary;  ///< published text columns only; size of a private one is code->size
};
/// a*b sealed as a measure of its own; a < b. Rows where either is NULL hold 0 and are not valid.
struct Product {
  std::uint32_t a, b;
  Limbs limbs;
};

struct Cell {
  enum class Kind : std::uint8_t {
    exists,
    valid,
    product_valid,
    limb,
    square_limb,
    product_limb,
    one_hot,
    thermometer
  } kind;
  std::uint32_t column = 0;  ///< or the product's number
  std::uint32_t index = 0;   ///< limb, category, or digit
  std::uint32_t threshold = 0;
  rlwe::Level level{0};
};

struct Header {
  std::string name;  ///< the table's name in SQL: the file's stem
  TableId id{};
  KeyFingerprint key{};      ///< which keyring sealed it
  std::uint64_t rows = 0;    ///< exact, or padded upwards when `rows_padded`
  bool rows_padded = false;  ///< then an encrypted `exists` cell says which rows are real
  std::shared_ptr<const exact::Parameters> parameters;
  int measure_level = 0, group_level = 0, filter_level = 0;
  int predicate_level = 0;  ///< the level at which a finished predicate must arrive
  ring::Seed run_seed{};    ///< public; fresh for every seal run
  std::vector<Column> columns;
  std::vector<Product> products;
  std::vector<rlwe::KeyId> keys;  ///< evaluation keys in the file

  std::uint64_t blocks() const;  ///< ceil(rows / N), at least 1
  std::uint64_t rows_in_block(std::uint64_t block) const;
  /// True when some rows of a column may be NULL: then there is a `valid` cell, unless a one-hot code makes its sum the
  /// validity.
  const Column* find(std::string_view name) const;
};

/// Every cell of a table, in file order: a function of the header alone.
std::vector<Cell> cells_of(const Header& header);
/// Bytes of one block of a cell: N residues of each prime of its level, packed at the prime's bit length.
std::uint64_t block_bytes(const Header& header, const Cell& cell);
/// "age: thermometer digit 2 threshold 3"
std::string describe(const Header& header, const Cell& cell);

/// Where the uniform halves of a cell come from: a seed of its own, bound to run, table and cell; streams count blocks,
/// the ring binds the prime.
ring::Seed cell_seed(const Header& header, std::uint32_t cell);

Bytes encode(const Header& header);
/// `file_bytes`: of the file the header came from, or as many as may be spent; memory is taken in proportion to it.
Result<Header> decode_header(ByteView bytes, std::uint64_t file_bytes = std::uint64_t{1} << 40);

}  // namespace prism::sealed
