// prism/sealed/manifest.h - what the owner remembers about a sealed table, beside the keys: enough to check and read
// any answer without trusting the file that was queried. Private: it holds the dictionaries.
#pragma once
#include <string>
#include <vector>

#include "prism/sealed/layout.h"

namespace prism::sealed {

struct Manifest {
  Header header;
  Digest root{};
  /// Per header column: the byte-sorted dictionary of a coded text column, else empty.
  std::vector<std::vector<std::string>> dictionaries;
};
/// Versioned bytes for custody to keep, and back.
Bytes encode(const Manifest& manifest);
Result<Manifest> decode_manifest(ByteView bytes);

/// One column's dictionary, exported by the owner so that somebody else can write literals. Wire kind `dictionary`,
/// version 1.
struct DictionaryExport {
  TableId table{};
  std::string column;
  std::vector<std::string> words;
};
Bytes encode_dictionary(const DictionaryExport& dictionary);
Result<DictionaryExport> decode_dictionary(ByteView file);

}  // namespace prism::sealed
