#include "prism/wire/artefact.h"

#include <algorithm>
#include <string>

#include "prism/wire/writer.h"

namespace prism::wire {
namespace {

constexpr std::string_view kMagic{"PRISM\0", 6};

/// Reads the fields; checks the magic alone.
Result<Header> read_fields(Reader& reader) {
  if (reader.remaining() < kMagic.size())
    return fail(ErrorCode::malformed, reader.what(), " is not a Prism file: it has ", reader.remaining(),
                " bytes, fewer than a header");
  PRISM_TRY(const ByteView magic, reader.view(kMagic.size()));
  if (as_text(magic) != kMagic) return fail(ErrorCode::malformed, reader.what(), " is not a Prism file");
  PRISM_TRY(const std::uint16_t kind, reader.u16());
  PRISM_TRY(const std::uint16_t version, reader.u16());
  PRISM_TRY(const std::uint64_t body_bytes, reader.u64());
  return Header{static_cast<Kind>(kind), version, body_bytes};
}

}  // namespace

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::sealed_table:
      return "a sealed table";
    case Kind::answer:
      return "an answer";
    case Kind::master_key:
      return "a master key";
    case Kind::key_backup:
      return "a key backup";
    case Kind::manifest:
      return "a manifest";
    case Kind::evaluation_keys:
      return "a bundle of evaluation keys";
    case Kind::program:
      return "a program";
    case Kind::plan:
      return "a plan";
    case Kind::dictionary:
      return "a dictionary";
    case Kind::parameters:
      return "a parameter set";
    case Kind::public_key:
      return "a public key";
    case Kind::secret_key:
      return "a secret key";
    case Kind::ciphertext:
      return "a ciphertext";
    case Kind::context:
      return "a context";
    case Kind::result:
      return "a result";
  }
  return "an unknown kind of file";
}

Bytes encode_header(const Header& header) {
  Writer writer;
  writer.raw(as_bytes(kMagic));
  writer.u16(static_cast<std::uint16_t>(header.kind));
  writer.u16(header.version);
  writer.u64(header.body_bytes);
  return std::move(writer).take();
}

Bytes encode_artefact(Kind kind, std::uint16_t version, ByteView body) {
  Writer writer(encode_header({kind, version, body.size()}));
  writer.raw(body);
  return std::move(writer).take();
}

Result<Header> peek_header(ByteView bytes) {
  Reader reader(bytes, "the file");
  return read_fields(reader);
}

Result<Header> read_header(Reader& reader, Kind wanted, std::initializer_list<std::uint16_t> versions) {
  PRISM_TRY(const Header header, read_fields(reader));
  if (header.kind != wanted)
    return fail(ErrorCode::mismatch, reader.what(), " is ", name_of(header.kind), "; ", name_of(wanted), " was wanted");
  if (std::find(versions.begin(), versions.end(), header.version) == versions.end()) {
    std::string known;
    for (const std::uint16_t version : versions) known += (known.empty() ? "" : ", ") + std::to_string(version);
    return fail(ErrorCode::unsupported, reader.what(), " is ", name_of(header.kind), " of version ",
                int{header.version}, "; this program reads ", known);
  }
  if (header.body_bytes > reader.remaining())
    return fail(ErrorCode::malformed, reader.what(), " is cut short: it has ", reader.remaining(), " of ",
                header.body_bytes, " bytes after its header");
  if (header.body_bytes < reader.remaining())
    return fail(ErrorCode::malformed, reader.what(), " has ", reader.remaining() - header.body_bytes,
                " bytes after its end");
  return header;
}

}  // namespace prism::wire
