#include "prism/table/csv_reader.h"

#include <csv.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <optional>
#include <set>
#include <utility>

#include "prism/table/utf8.h"

namespace prism::table {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

constexpr unsigned char kDialect = CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL | CSV_EMPTY_IS_NULL;

/// Whether more bytes could make this a byte order mark, of UTF-8 or UTF-16.
bool may_become_mark(std::string_view begin) {
  return (begin.size() < kByteOrderMark.size() && kByteOrderMark.starts_with(begin)) || begin == "\xFF" ||
         begin == "\xFE";
}

int is_never_space(unsigned char) { return 0; }

std::uint64_t count_newlines(std::string_view text) {
  return static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
}

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace

ByteSource memory_source(std::string_view bytes, std::size_t piece) {
  return [bytes, piece](std::span<char> out) mutable -> Result<std::size_t> {
    std::size_t count = std::min(out.size(), bytes.size());
    if (piece != 0) count = std::min(count, piece);
    if (count != 0) std::memcpy(out.data(), bytes.data(), count);
    bytes.remove_prefix(count);
    return count;
  };
}

/// libcsv pushes fields and row ends through callbacks; this collects those of one chunk so that rows can be pulled.
/// Line numbers are counted from what the callbacks see: line breaks inside fields, and those that end rows.
class CsvReader::Parser {
 public:
  Parser(ByteSource source, const CsvLimits& limits, Misfits misfits)
      : source_(std::move(source)), limits_(limits), tolerant_(misfits == Misfits::missing) {
    check(limits.columns > 0 && limits.chunk_bytes > 0, "a CSV limit of zero");
    csv_init(&csv_, kDialect);
    csv_set_space_func(&csv_, is_never_space);  // RFC 4180 section 2.4: spaces are part of a field
    csv_set_blk_size(&csv_, 4096);
    chunk_.resize(std::max<std::size_t>(limits.chunk_bytes, 4));
  }
  ~Parser() { csv_free(&csv_); }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  const std::vector<std::string>& header() const { return header_; }

  Status read_header() {
    PRISM_TRY(const bool any, next_record());
    if (!any) return fail(ErrorCode::malformed, "the file is empty; wanted a first line with column names");
    if (row_.fields.empty()) return fail(ErrorCode::malformed, "line 1 is empty; wanted column names");
    if (row_misfits_) return fail(ErrorCode::malformed, "line 1 is too long, or not UTF-8 text; wanted column names");
    std::set<std::string_view> seen;
    header_.reserve(row_.fields.size());
    for (const CsvField& field : row_.fields) {
      const std::size_t number = header_.size() + 1;
      const std::string_view name = trim(field.text);
      if (name.size() > limits_.name_bytes)
        return fail(ErrorCode::exhausted, "the name of column ", number, " is longer than ", limits_.name_bytes,
                    " bytes");
      if (std::any_of(name.begin(), name.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }))
        return fail(ErrorCode::malformed, "the name of column ", number,
                    " has a control character or line break in it");
      header_.push_back(name.empty() ? "column_" + std::to_string(number) : std::string(name));
    }
    for (std::size_t i = 0; i < header_.size(); ++i)
      if (!seen.insert(header_[i]).second)
        return fail(ErrorCode::malformed, "column ", i + 1, " is a second `", header_[i], "`; names must differ");
    return {};
  }

  Result<const CsvRow*> next() {
    if (error_) return *error_;
    auto row = next_data_row();
    if (!row) error_ = row.error();
    return row;
  }

 private:
  struct FieldPlace {
    std::size_t offset;
    std::size_t size;
    bool missing;
  };
  struct RowPlace {
    std::size_t first;  // in fields_
    std::size_t count;  // as in the file, even past the limit
    std::uint64_t line;
    bool too_long;
    bool misfits;  // it is too long, or one of its fields was made missing
  };

  Result<const CsvRow*> next_data_row() {
    for (;;) {
      PRISM_TRY(const bool any, next_record());
      if (!any) return static_cast<const CsvRow*>(nullptr);
      const std::size_t wanted = header_.size();
      if (row_.fields.empty() && wanted > 1) {
        if (blank_line_ == 0 && !tolerant_) blank_line_ = row_.line;
        continue;
      }
      if (blank_line_ != 0) return ragged(blank_line_, 0);
      if (row_.fields.empty()) {
        row_fields_.push_back({{}, true});
        row_.fields = row_fields_;
      }
      if (row_.fields.size() != wanted || row_too_long_) {
        if (!tolerant_) return ragged(row_.line, row_.fields.size());
        row_fields_.assign(wanted, {{}, true});
        row_.fields = row_fields_;
      }
      if (row_.number == limits_.rows) return fail(ErrorCode::exhausted, "more than ", limits_.rows, " rows");
      ++row_.number;
      return static_cast<const CsvRow*>(&row_);
    }
  }

  Error ragged(std::uint64_t line, std::size_t found) const {
    return fail(ErrorCode::malformed, "line ", line, " has ", found, found == 1 ? " field" : " fields",
                "; the header has ", header_.size());
  }

  /// Makes row_ the next record of the file, header or data; false at the end.
  Result<bool> next_record() {
    while (next_row_ == rows_.size()) {
      if (ended_) return false;
      PRISM_CHECKED(parse_chunk());
    }
    const RowPlace& place = rows_[next_row_++];
    if (place.count > limits_.columns && (!tolerant_ || header_.empty()))
      return fail(ErrorCode::exhausted, "line ", place.line, " has ", place.count, " fields; at most ", limits_.columns,
                  " columns are read");
    row_fields_.clear();
    const std::size_t kept = std::min(place.count, limits_.columns);
    for (std::size_t i = place.first; i < place.first + kept; ++i)
      row_fields_.push_back({std::string_view(text_).substr(fields_[i].offset, fields_[i].size), fields_[i].missing});
    row_.fields = row_fields_;
    row_.line = place.line;
    row_too_long_ = place.too_long || place.count > limits_.columns;
    row_misfits_ = place.misfits;
    return true;
  }

  Result<std::size_t> read_some(std::size_t have) {
    PRISM_TRY(const std::size_t got, source_(std::span<char>(chunk_).subspan(have)));
    if (got > chunk_.size() - have) return fail(ErrorCode::io, "the source returned more bytes than were asked for");
    return got;
  }

  Status parse_chunk() {
    keep_open_row();
    PRISM_TRY(std::size_t size, read_some(0));
    if (!started_) {
      started_ = true;
      // Only while it may become a mark: behind a short header there are rows, and they are not looked at for this.
      while (size > 0 && may_become_mark({chunk_.data(), size})) {
        PRISM_TRY(const std::size_t more, read_some(size));
        if (more == 0) break;
        size += more;
      }
      const std::string_view begin(chunk_.data(), size);
      if (begin.starts_with("\xFF\xFE") || begin.starts_with("\xFE\xFF"))
        return fail(ErrorCode::malformed, "the file is UTF-16; convert it to UTF-8 first");
      if (begin.starts_with(kByteOrderMark)) {
        bytes_before_ = kByteOrderMark.size();
        return parse_bytes(begin.substr(kByteOrderMark.size()));
      }
    }
    if (size == 0) return finish();
    return parse_bytes({chunk_.data(), size});
  }

  Status parse_bytes(std::string_view bytes) {
    if (tolerant_) return parse_tolerantly(bytes);
    if (const std::size_t nul = bytes.find('\0'); nul != std::string_view::npos)
      return fail(ErrorCode::malformed, place_of(bytes, nul), "a NUL byte; this is not a text file");
    if (const auto bad = utf8_.feed(bytes))
      return fail(ErrorCode::malformed, place_of(bytes, *bad), "not UTF-8; convert the file to UTF-8 first");
    const std::size_t done = csv_parse(&csv_, bytes.data(), bytes.size(), on_field, on_row_end, this);
    PRISM_CHECKED(callback_outcome());
    if (done != bytes.size()) return stuck_at(bytes, done);
    if (csv_.entry_pos > limits_.field_bytes) return too_long(field_line());
    bytes_before_ += bytes.size();
    lines_before_ += count_newlines(bytes);
    return {};
  }

  /// As above, where what a row holds is no error; fields are judged one by one in add_field.
  Status parse_tolerantly(std::string_view bytes) {
    for (std::size_t done = 0; done != bytes.size();) {
      done += csv_parse(&csv_, bytes.data() + done, bytes.size() - done, on_field, on_row_end, this);
      PRISM_CHECKED(callback_outcome());
      if (done == bytes.size()) break;
      if (csv_error(&csv_) != CSV_EPARSE || csv_.quoted != 0 || in_header()) return stuck_at(bytes, done);
      // A quote in the middle of a field without quotes: it still ends where it would.
      csv_set_opts(&csv_, static_cast<unsigned char>(kDialect & ~CSV_STRICT));
      const std::size_t passed = csv_parse(&csv_, bytes.data() + done, 1, on_field, on_row_end, this);
      csv_set_opts(&csv_, kDialect);
      if (passed != 1) return stuck_at(bytes, done);
      ++done;
      open_field_misfits_ = true;
    }
    if (csv_.entry_pos > limits_.field_bytes) {
      open_field_misfits_ = true;
      csv_.entry_pos = 1;  // the rest of it needs no memory; libcsv takes back one byte, a closing quote
    }
    bytes_before_ += bytes.size();
    lines_before_ += count_newlines(bytes);
    return {};
  }

  bool in_header() const { return header_.empty() && rows_.empty(); }

  Error stuck_at(std::string_view bytes, std::size_t done) {
    if (csv_error(&csv_) != CSV_EPARSE) return fail(ErrorCode::exhausted, "out of memory while reading a field");
    return fail(ErrorCode::malformed, place_of(bytes, done),
                "a quote inside a field without quotes, or text after a closing quote; "
                "put the whole field in quotes and double the quotes inside");
  }

  Status finish() {
    ended_ = true;
    if (!tolerant_ && !utf8_.complete())
      return fail(ErrorCode::malformed, "line ", lines_before_ + 1, " ends within a UTF-8 character");
    if (csv_fini(&csv_, on_field, on_row_end, this) != 0)
      return fail(ErrorCode::malformed, "the quoted field that begins on line ", field_line(), " is not closed");
    if (after_cr_ && !tolerant_) lone_cr();
    return callback_outcome();
  }

  std::string place_of(std::string_view bytes, std::size_t at) const {
    return "line " + std::to_string(lines_before_ + count_newlines(bytes.substr(0, at)) + 1) + ", byte " +
           std::to_string(bytes_before_ + at + 1) + " of the file: ";
  }

  /// Where the field that libcsv is in the middle of began.
  std::uint64_t field_line() const { return line_; }

  Error too_long(std::uint64_t line) const {
    return fail(ErrorCode::exhausted, "the field that begins on line ", line, " is longer than ", limits_.field_bytes,
                " bytes; is a quote missing?");
  }

  /// Forgets delivered rows, keeping the fields of the row that is still being read.
  void keep_open_row() {
    const std::size_t text_start = open_first_ < fields_.size() ? fields_[open_first_].offset : text_.size();
    text_.erase(0, text_start);
    fields_.erase(fields_.begin(), fields_.begin() + static_cast<std::ptrdiff_t>(open_first_));
    for (FieldPlace& field : fields_) field.offset -= text_start;
    open_first_ = 0;
    rows_.clear();
    next_row_ = 0;
  }

  Status callback_outcome() {
    if (callback_error_) return *callback_error_;
    return {};
  }

  // C code calls these, and no exception may cross it; after an error they do nothing until libcsv returns.
  static void on_field(void* data, std::size_t size, void* self) noexcept {
    auto& parser = *static_cast<Parser*>(self);
    if (!parser.callback_error_) parser.guarded([&] { parser.add_field(static_cast<const char*>(data), size); });
  }
  static void on_row_end(int terminator, void* self) noexcept {
    auto& parser = *static_cast<Parser*>(self);
    if (!parser.callback_error_) parser.guarded([&] { parser.end_row(terminator); });
  }
  template <class Body>
  void guarded(const Body& body) noexcept {
    try {
      body();
    } catch (const std::exception&) {
      callback_error_ = Error{ErrorCode::exhausted, "out of memory", {}};  // short enough to need no memory itself
    }
  }

  void add_field(const char* data, std::size_t size) {
    if (after_cr_) {
      if (!tolerant_) return lone_cr();
      after_cr_ = false;
    }
    const std::uint64_t breaks = size == 0 ? 0 : count_newlines({data, size});
    if (tolerant_ && (open_field_misfits_ || size > limits_.field_bytes || !is_text(data, size))) {
      open_row_misfits_ = true;
      data = nullptr;
      size = 0;
    } else if (size > limits_.field_bytes) {
      callback_error_ = too_long(line_);
      return;
    }
    open_field_misfits_ = false;
    if (open_count_ == 0) {
      open_line_ = line_;
      open_bytes_ = 0;
    }
    ++open_count_;
    open_bytes_ += size;
    if (open_bytes_ > limits_.row_bytes && tolerant_) {
      open_row_too_long_ = open_row_misfits_ = true;
      size = 0;
    } else if (open_bytes_ > limits_.row_bytes) {
      callback_error_ = fail(ErrorCode::exhausted, "the row that begins on line ", open_line_, " is longer than ",
                             limits_.row_bytes, " bytes");
      return;
    }
    if (open_count_ <= limits_.columns) {
      fields_.push_back({text_.size(), size, data == nullptr});
      if (size != 0) text_.append(data, size);
    }
    line_ += breaks;
  }

  static bool is_text(const char* data, std::size_t size) {
    if (size == 0) return true;
    Utf8Validator utf8;
    const std::string_view text(data, size);
    return text.find('\0') == std::string_view::npos && !utf8.feed(text) && utf8.complete();
  }

  void end_row(int terminator) {
    if (after_cr_) {
      const bool pair = terminator == CSV_LF && open_count_ == 0;
      if (!pair && !tolerant_) return lone_cr();
      after_cr_ = false;
      if (pair) {
        ++line_;
        return;
      }
    }
    rows_.push_back(
        {open_first_, open_count_, open_count_ == 0 ? line_ : open_line_, open_row_too_long_, open_row_misfits_});
    open_first_ = fields_.size();
    open_count_ = 0;
    open_row_too_long_ = open_row_misfits_ = false;
    if (terminator == CSV_CR) after_cr_ = true;
    if (terminator == CSV_LF) ++line_;
  }

  void lone_cr() {
    callback_error_ = fail(ErrorCode::malformed, "line ", line_,
                           " has a carriage return without line feed; wanted LF or CRLF line ends");
  }

  ByteSource source_;
  CsvLimits limits_;
  bool tolerant_;
  csv_parser csv_{};
  Utf8Validator utf8_;
  std::string chunk_;
  bool started_ = false;
  bool ended_ = false;
  std::uint64_t bytes_before_ = 0;  // of the chunk being parsed
  std::uint64_t lines_before_ = 0;

  std::string text_;  // the fields' bytes, one after the other
  std::vector<FieldPlace> fields_;
  std::vector<RowPlace> rows_;  // complete, not yet forgotten
  std::size_t next_row_ = 0;
  std::size_t open_first_ = 0;  // the row being read: its first field, how many so far, where it began
  std::size_t open_count_ = 0;
  std::size_t open_bytes_ = 0;
  std::uint64_t open_line_ = 1;
  bool open_field_misfits_ = false;  // tolerant: what libcsv is in the middle of will be missing
  bool open_row_misfits_ = false;
  bool open_row_too_long_ = false;
  std::uint64_t line_ = 1;
  bool after_cr_ = false;  // a CR ended the row; LF must follow
  std::optional<Error> callback_error_;

  std::vector<std::string> header_;
  std::vector<CsvField> row_fields_;
  CsvRow row_;
  bool row_too_long_ = false;
  bool row_misfits_ = false;
  std::uint64_t blank_line_ = 0;  // the first empty line, if only empty lines came since
  std::optional<Error> error_;
};

Result<CsvReader> CsvReader::open(ByteSource source, const CsvLimits& limits, Misfits misfits) {
  auto parser = std::make_unique<Parser>(std::move(source), limits, misfits);
  PRISM_CHECKED(parser->read_header());
  return CsvReader(std::move(parser));
}

CsvReader::CsvReader(std::unique_ptr<Parser> parser) : parser_(std::move(parser)) {}
CsvReader::CsvReader(CsvReader&&) noexcept = default;
CsvReader& CsvReader::operator=(CsvReader&&) noexcept = default;
CsvReader::~CsvReader() = default;

const std::vector<std::string>& CsvReader::header() const { return parser_->header(); }
Result<const CsvRow*> CsvReader::next() { return parser_->next(); }

}  // namespace prism::table
