// prism/table/csv_reader.h - CSV text to records, streaming: RFC 4180 by libcsv, plus the checks libcsv does not make.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "prism/base/result.h"

namespace prism::table {

/// Puts up to span.size() bytes into the span and returns how many; 0 means the end.
using ByteSource = std::function<Result<std::size_t>(std::span<char>)>;
/// Reads `bytes`, which must outlive the source; at most `piece` bytes per call (0: as many as asked for).
ByteSource memory_source(std::string_view bytes, std::size_t piece = 0);

/// What a reader accepts before it gives up. Memory in use stays below about row_bytes + 3 * chunk_bytes.
struct CsvLimits {
  std::size_t columns = 4'096;
  std::size_t name_bytes = 256;         ///< of one column name
  std::size_t field_bytes = 1U << 20;   ///< of one field, without its quotes
  std::size_t row_bytes = 16U << 20;    ///< of all fields of one record
  std::uint64_t rows = 1'000'000'000;   ///< data records
  std::size_t chunk_bytes = 64U << 10;  ///< asked from the source at a time
};

struct CsvField {
  std::string_view text;  ///< without quotes, doubled quotes made single
  bool missing = false;   ///< empty and not quoted
};

struct CsvRow {
  std::span<const CsvField> fields;  ///< as many as the header has
  std::uint64_t line = 0;            ///< where the record starts, from 1; quoted line breaks count
  std::uint64_t number = 0;          ///< the data record's number, from 1
};

/// What a reader does with records that break the dialect (below).
enum class Misfits {
  refused,  ///< an error
  /// No error, behind the header: a field that is not UTF-8, holds a NUL byte, is too long or has a quote in the middle
  /// is missing; so are all fields of a record that is too long or has too many or too few of them; a lone CR ends a
  /// record; empty lines are skipped. What one line holds then decides nothing about others. What stays an error: text
  /// behind a closing quote, and a quote that is never closed. From there on nobody can say where records begin.
  missing,
};

/// The dialect: comma, double quote, LF or CRLF (a lone CR outside quotes is refused), UTF-8 with or without byte order
/// mark, no NUL; spaces belong to fields. The first record is the header: spaces and tabs around names are cut, an
/// empty name becomes column_K, equal names are refused, and so are control characters. Every record must have as many
/// fields as the header. An empty line is a record with one missing field; where the table has more columns, empty
/// lines are accepted at the end only. The last line break may be absent.
///
/// Errors are `malformed` (the text) or `exhausted` (a limit), name the line, and never quote a field.
class CsvReader {
 public:
  /// Reads the header, and of the source no more than it needs when it gives single bytes.
  static Result<CsvReader> open(ByteSource source, const CsvLimits& limits = {}, Misfits misfits = Misfits::refused);
  CsvReader(CsvReader&&) noexcept;
  CsvReader& operator=(CsvReader&&) noexcept;
  ~CsvReader();

  const std::vector<std::string>& header() const;
  /// The next record, or nullptr after the last. Its fields live until the next call. After an error: the same error.
  Result<const CsvRow*> next();

 private:
  class Parser;
  explicit CsvReader(std::unique_ptr<Parser> parser);
  std::unique_ptr<Parser> parser_;
};

}  // namespace prism::table
