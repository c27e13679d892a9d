#include "prism/sealed/manifest.h"

#include "prism/wire/artefact.h"
#include "prism/wire/reader.h"
#include "prism/wire/writer.h"

namespace prism::sealed {
namespace {

constexpr std::uint16_t kManifestVersion = 1;
constexpr std::uint16_t kDictionaryVersion = 1;
constexpr std::uint64_t kMostWords = 1u << 24;
constexpr std::uint64_t kMostWordBytes = 1u << 20;
constexpr std::uint64_t kMostHeaderBytes = std::uint64_t{1} << 32;

void write_words(wire::Writer& out, const std::vector<std::string>& words) {
  out.count(words.size());
  for (const std::string& word : words) out.string(word);
}

Result<std::vector<std::string>> read_words(wire::Reader& in) {
  PRISM_TRY(const std::size_t count, in.count(kMostWords, 8));
  std::vector<std::string> words;
  for (std::size_t i = 0; i < count; ++i) {
    PRISM_TRY(std::string word, in.string(kMostWordBytes));
    if (i > 0 && !(words.back() < word))
      return fail(ErrorCode::malformed, in.what(), " has a dictionary that is not sorted");
    words.push_back(std::move(word));
  }
  return words;
}

}  // namespace

Bytes encode(const Manifest& manifest) {
  wire::Writer out;
  out.bytes(encode(manifest.header));
  out.digest(manifest.root);
  out.count(manifest.dictionaries.size());
  for (const auto& words : manifest.dictionaries) write_words(out, words);
  return wire::encode_artefact(wire::Kind::manifest, kManifestVersion, out.view());
}

Result<Manifest> decode_manifest(ByteView bytes) {
  wire::Reader in(bytes, "the manifest");
  PRISM_TRY(const auto head, wire::read_header(in, wire::Kind::manifest, {kManifestVersion}));
  (void)head;
  Manifest m;
  PRISM_TRY(const ByteView header, in.bytes_view(kMostHeaderBytes));
  PRISM_TRY(m.header, decode_header(header));
  PRISM_TRY(m.root, in.digest());
  PRISM_TRY(const std::size_t columns, in.count(m.header.columns.size(), 8));
  for (std::size_t c = 0; c < columns; ++c) {
    PRISM_TRY(auto words, read_words(in));
    m.dictionaries.push_back(std::move(words));
  }
  PRISM_CHECKED(in.finish());
  if (columns != m.header.columns.size())
    return fail(ErrorCode::malformed, "the manifest has dictionaries for ", columns, " columns and the table has ",
                m.header.columns.size());
  for (std::size_t c = 0; c < columns; ++c) {
    const Column& column = m.header.columns[c];
    const bool coded_text = column.schema.type == table::ColumnType::text && column.code;
    if (coded_text && m.dictionaries[c].size() != column.code->size &&
        !(m.dictionaries[c].empty() && column.code->size == 1))
      return fail(ErrorCode::malformed, "the manifest's dictionary of column ", c + 1,
                  " does not have the size the table says");
  }
  return m;
}

Bytes encode_dictionary(const DictionaryExport& dictionary) {
  wire::Writer out;
  out.raw(dictionary.table);
  out.string(dictionary.column);
  write_words(out, dictionary.words);
  return wire::encode_artefact(wire::Kind::dictionary, kDictionaryVersion, out.view());
}

Result<DictionaryExport> decode_dictionary(ByteView file) {
  wire::Reader in(file, "a dictionary");
  PRISM_TRY(const auto head, wire::read_header(in, wire::Kind::dictionary, {kDictionaryVersion}));
  (void)head;
  DictionaryExport d;
  PRISM_TRY(d.table, in.array<16>());
  PRISM_TRY(d.column, in.string(1024));
  PRISM_TRY(d.words, read_words(in));
  PRISM_CHECKED(in.finish());
  return d;
}

}  // namespace prism::sealed
