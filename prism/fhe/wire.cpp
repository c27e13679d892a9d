#include "prism/fhe/internal/wire.h"

#include <algorithm>
#include <cstring>

#include "prism/fhe/context.h"
#include "prism/wire/artefact.h"
#include "prism/wire/reader.h"
#include "prism/wire/writer.h"

namespace prism::fhe {
namespace {

constexpr std::uint16_t kVersion = 1;
constexpr std::uint64_t kMostSpecBytes = 4096;
constexpr std::uint64_t kMostBlocks = std::uint64_t{1} << 32;

}  // namespace

Bytes encode_vector(const Digest& identity, std::uint8_t family, Padding padding, std::size_t size,
                    std::span<const Bytes> blocks) {
  wire::Writer w;
  w.digest(identity);
  w.u8(family);
  w.u8(static_cast<std::uint8_t>(padding));
  w.u64(size);
  w.count(blocks.size());
  for (const Bytes& block : blocks) w.bytes(block);
  return wire::encode_artefact(wire::Kind::ciphertext, kVersion, w.view());
}

Result<VectorBytes> decode_vector_bytes(ByteView bytes, const Digest& identity, std::uint8_t family,
                                        std::size_t slots) {
  wire::Reader r(bytes, "the encrypted vector");
  PRISM_TRY(const wire::Header header, wire::read_header(r, wire::Kind::ciphertext, {kVersion}));
  (void)header;
  PRISM_TRY(const Digest claimed, r.digest());
  PRISM_TRY(const std::uint8_t found, r.choice(2));
  if (claimed != identity || found != family)
    return fail(ErrorCode::mismatch, "an encrypted vector of another context than this one");
  VectorBytes out;
  PRISM_TRY(const std::uint8_t padding, r.choice(3));
  out.padding = static_cast<Padding>(padding);
  PRISM_TRY(const std::uint64_t size, r.u64());
  PRISM_TRY(const std::size_t count, r.count(kMostBlocks, 8));
  if (size == 0 || count != (size - 1) / slots + 1 || (out.padding == Padding::copies && size != 1))
    return fail(ErrorCode::malformed, "an encrypted vector of ", size, " values in ", count, " ciphertexts of ", slots);
  out.size = size;
  for (std::size_t i = 0; i < count; ++i) {
    PRISM_TRY(const ByteView block, r.bytes_view(r.remaining()));
    out.blocks.push_back(block);
  }
  PRISM_CHECKED(r.finish());
  return out;
}

namespace {

void write_parameters(wire::Writer& w, const ContextBytes& context) {
  w.u8(context.scheme);
  w.bytes(context.parameters);
  w.u64(context.number);
  // The browser's library (libc++ 13) has no std::bit_cast.
  std::uint64_t bits = 0;
  std::memcpy(&bits, &context.largest_magnitude, sizeof bits);
  w.u64(bits);
}

Result<ContextBytes> read_parameters(wire::Reader& r) {
  ContextBytes out;
  PRISM_TRY(out.scheme, r.choice(3));
  PRISM_TRY(out.parameters, r.bytes_view(kMostSpecBytes));
  PRISM_TRY(out.number, r.u64());
  PRISM_TRY(const std::uint64_t magnitude, r.u64());
  std::memcpy(&out.largest_magnitude, &magnitude, sizeof magnitude);
  return out;
}

}  // namespace

Bytes encode_context(const ContextBytes& context) {
  wire::Writer w;
  write_parameters(w, context);
  w.bytes(context.public_key);
  w.bytes(context.keys);
  return wire::encode_artefact(wire::Kind::context, kVersion, w.view());
}

Result<ContextBytes> decode_context_bytes(ByteView bytes) {
  wire::Reader r(bytes, "the context");
  PRISM_CHECKED(wire::read_header(r, wire::Kind::context, {kVersion}));
  PRISM_TRY(ContextBytes out, read_parameters(r));
  PRISM_TRY(out.public_key, r.bytes_view(r.remaining()));
  PRISM_TRY(out.keys, r.bytes_view(r.remaining()));
  PRISM_CHECKED(r.finish());
  return out;
}

Bytes encode_parameters_bytes(const ContextBytes& context) {
  wire::Writer w;
  write_parameters(w, context);
  return wire::encode_artefact(wire::Kind::parameters, kVersion, w.view());
}

Result<ContextBytes> decode_parameters_bytes(ByteView bytes) {
  wire::Reader r(bytes, "the parameters");
  PRISM_CHECKED(wire::read_header(r, wire::Kind::parameters, {kVersion}));
  PRISM_TRY(const ContextBytes out, read_parameters(r));
  PRISM_CHECKED(r.finish());
  return out;
}

Bytes encode_evaluation_keys(const Digest& identity, ByteView bundle) {
  wire::Writer w;
  w.digest(identity);
  w.raw(bundle);
  return wire::encode_artefact(wire::Kind::evaluation_keys, kVersion, w.view());
}

Result<ByteView> decode_evaluation_keys_bytes(ByteView bytes, const Digest& identity) {
  wire::Reader r(bytes, "the evaluation keys");
  PRISM_CHECKED(wire::read_header(r, wire::Kind::evaluation_keys, {kVersion}));
  PRISM_TRY(const Digest named, r.digest());
  if (named != identity) return fail(ErrorCode::mismatch, "evaluation keys of another context than this one");
  return r.view(r.remaining());
}

Result<bool> is_approximate(ByteView artefact) {
  PRISM_TRY(const wire::Header header, wire::peek_header(artefact));
  if (header.kind != wire::Kind::parameters && header.kind != wire::Kind::context)
    return fail(ErrorCode::mismatch, "parameters or a context are wanted here, and this is ",
                wire::name_of(header.kind));
  wire::Reader r(artefact, wire::name_of(header.kind));
  PRISM_CHECKED(wire::read_header(r, header.kind, {kVersion}));
  PRISM_TRY(const std::uint8_t scheme, r.choice(3));
  return scheme == 0;
}

Result<rlwe::ParameterSpec> named_ring(ByteView artefact) {
  PRISM_TRY(const bool approximate, is_approximate(artefact));
  (void)approximate;
  wire::Reader r(artefact, "the parameters");
  PRISM_TRY(const ByteView header, r.view(wire::kHeaderBytes));
  (void)header;
  PRISM_TRY(const ContextBytes read, read_parameters(r));
  return rlwe::decode_parameter_spec(read.parameters);
}

Result<Digest> named_identity(ByteView artefact) {
  PRISM_TRY(const wire::Header header, wire::peek_header(artefact));
  if (header.kind != wire::Kind::ciphertext && header.kind != wire::Kind::evaluation_keys)
    return fail(ErrorCode::mismatch, "a ciphertext or evaluation keys are wanted here, and this is ",
                wire::name_of(header.kind));
  wire::Reader r(artefact, wire::name_of(header.kind));
  PRISM_CHECKED(wire::read_header(r, header.kind, {kVersion}));
  return r.digest();
}

Result<VectorSummary> summarise(ByteView vector) {
  wire::Reader r(vector, "the encrypted vector");
  PRISM_CHECKED(wire::read_header(r, wire::Kind::ciphertext, {kVersion}));
  VectorSummary out;
  PRISM_TRY(out.identity, r.digest());
  PRISM_TRY(const std::uint8_t family, r.choice(2));
  out.approximate = family == 0;
  PRISM_TRY(const std::uint8_t padding, r.choice(3));
  (void)padding;
  PRISM_TRY(out.size, r.u64());
  PRISM_TRY(out.ciphertexts, r.count(kMostBlocks, 8));
  if (out.size == 0 || out.ciphertexts == 0 || out.ciphertexts > out.size)
    return fail(ErrorCode::malformed, "an encrypted vector of ", out.size, " values in ", out.ciphertexts,
                " ciphertexts");
  return out;
}

}  // namespace prism::fhe
