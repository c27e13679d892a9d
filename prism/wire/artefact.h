// prism/wire/artefact.h - the 18 bytes every file of Prism starts with, so that a wrong file is named, not misread.
//
//   offset 0   6 bytes   "PRISM\0"
//          6   u16       kind
//          8   u16       format version of that kind
//         10   u64       length of the body: all bytes after the header
#pragma once
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "prism/base/bytes.h"
#include "prism/base/result.h"
#include "prism/wire/reader.h"

namespace prism::wire {

/// Numbers are for ever: a kind that is no longer written keeps its number.
enum class Kind : std::uint16_t {
  sealed_table = 1,
  answer = 2,
  master_key = 3,  ///< the owner's seed, possibly under a passphrase
  key_backup = 4,
  manifest = 5,         ///< what the owner keeps about a table
  evaluation_keys = 6,  ///< public key material that queries need
  program = 7,
  plan = 8,
  dictionary = 9,  ///< an exported dictionary of a column
  parameters = 10,
  public_key = 11,
  secret_key = 12,
  ciphertext = 13,
  context = 14,  ///< all that is public about a key holder: parameters, public key, evaluation keys
  result = 15,   ///< what a computation on encrypted vectors gave, and which computation it was
};
/// "a sealed table", "an answer", ...; "an unknown kind of file" for numbers of later programs.
std::string_view name_of(Kind kind);

inline constexpr std::size_t kHeaderBytes = 18;

struct Header {
  Kind kind;
  std::uint16_t version;
  std::uint64_t body_bytes;
};

Bytes encode_header(const Header& header);
/// Header and body in one.
Bytes encode_artefact(Kind kind, std::uint16_t version, ByteView body);

/// What a file says it is, for `inspect`: accepts every kind and version. Errors: malformed, when it is not Prism's.
Result<Header> peek_header(ByteView bytes);

/// Reads the header where `reader` stands, which is then at the body. The body must be exactly what remains.
/// Errors: mismatch for another kind, unsupported for a version not in `versions`, malformed for all else
/// (not Prism's, cut short, too long).
Result<Header> read_header(Reader& reader, Kind wanted, std::initializer_list<std::uint16_t> versions);

}  // namespace prism::wire
