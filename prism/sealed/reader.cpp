#include "prism/sealed/reader.h"

#include <algorithm>

#include "prism/rlwe/files.h"
#include "prism/wire/artefact.h"
#include "prism/wire/reader.h"

namespace prism::sealed {
namespace {

constexpr std::uint64_t kMostFileBytes = std::uint64_t{1} << 44;

}  // namespace

Result<SealedTable> SealedTable::open(const std::string& path) {
  PRISM_TRY(host::MappedFile file, host::MappedFile::open(path, kMostFileBytes));
  SealedTable table(std::move(file));
  const ByteView bytes = table.file_.bytes();
  wire::Reader in(bytes, "the sealed table");
  PRISM_TRY(const auto head, wire::read_header(in, wire::Kind::sealed_table, {kSealedVersion}));
  (void)head;
  Prologue& prologue = table.prologue_;
  PRISM_TRY(prologue.header_bytes, in.u64());
  PRISM_TRY(prologue.block_bytes, in.u64());
  PRISM_TRY(prologue.key_bytes, in.u64());
  PRISM_TRY(prologue.root, in.digest());
  PRISM_TRY(const ByteView header, in.view(prologue.header_bytes));
  PRISM_TRY(table.header_, decode_header(header, bytes.size()));
  table.cells_ = cells_of(table.header_);
  const std::uint64_t blocks = table.header_.blocks();
  std::uint64_t expected = 0;
  for (const Cell& cell : table.cells_) {
    table.offsets_.push_back(in.position() + expected);
    const std::uint64_t each = block_bytes(table.header_, cell);
    if (blocks > (kMostFileBytes - expected) / each)
      return fail(ErrorCode::malformed, "the sealed table claims more blocks than a file can hold");
    expected += each * blocks;
  }
  if (expected != prologue.block_bytes)
    return fail(ErrorCode::malformed, "the sealed table's blocks take ", prologue.block_bytes,
                " bytes and its header asks for ", expected, "; the file is damaged");
  PRISM_CHECKED(in.view(prologue.block_bytes));
  table.leaves_offset_ = in.position();
  PRISM_TRY(const ByteView leaves, in.view(table.cells_.size() * blocks * 32));
  PRISM_TRY(const ByteView keys, in.view(prologue.key_bytes));
  PRISM_CHECKED(in.finish());
  if (tree_root(header, leaves, table.cells_.size(), blocks) != prologue.root)
    return fail(
        ErrorCode::integrity,
        "the sealed table's hash tree does not match its root: the file is damaged or was changed; fetch it again");
  PRISM_CHECKED(rlwe::decode_bundle_index(table.header_.parameters->rlwe(), keys));
  const exact::Parameters& parameters = *table.header_.parameters;
  const exact::NoiseModel model(parameters.rlwe(), parameters.plain_modulus(), rlwe::ternary_norms(parameters.degree()),
                                exact::NoiseModel::Mode::tails);
  for (std::uint32_t c = 0; c < table.cells_.size(); ++c) {
    table.seeds_.push_back(cell_seed(table.header_, c));
    table.fresh_.push_back(model.fresh_symmetric(exact::Ancestry::event(c)));
  }
  return table;
}

ByteView SealedTable::block(std::uint32_t cell, std::uint64_t block) const {
  const std::uint64_t size = block_bytes(header_, cells_[cell]);
  return file_.bytes().subspan(offsets_[cell] + block * size, size);
}

Status SealedTable::check_block(std::uint32_t cell, std::uint64_t number) const {
  const std::size_t leaf = (static_cast<std::size_t>(cell) * header_.blocks() + number) * 32;
  const ByteView wanted = file_.bytes().subspan(leaves_offset_ + leaf, 32);
  const Digest found = leaf_digest(cell, number, block(cell, number));
  if (!std::equal(found.begin(), found.end(), wanted.begin()))
    return fail(ErrorCode::integrity, "block ", number, " of the cell \"", describe(header_, cells_[cell]),
                "\" does not match the table's hash tree: the file is damaged; fetch it again");
  return {};
}

Result<exact::Ciphertext> SealedTable::load(std::uint32_t cell, std::uint64_t number) const {
  if (cell >= cells_.size() || number >= header_.blocks())
    return fail(ErrorCode::invalid_argument, "the table has no block ", number, " of cell ", cell);
  const ByteView bytes = block(cell, number);
  PRISM_CHECKED(check_block(cell, number));
  const auto& rlwe = header_.parameters->rlwe();
  const rlwe::Level level = cells_[cell].level;
  ring::Evaluations b(rlwe.ring(), rlwe.primes(level));
  std::size_t at = 0;
  for (std::size_t i = 0; i < b.rows(); ++i) {
    const kernels::Modulus& m = b.modulus(i);
    kernels::best().unpack_bits(b.row(i).data(), bytes.data() + at, b.degree(), m.bits);
    if (!kernels::best().all_below(b.row(i).data(), b.degree(), m.q))
      return fail(ErrorCode::malformed, "block ", number, " of the cell \"", describe(header_, cells_[cell]),
                  "\" holds a number that is not below its prime");
    at += b.degree() * m.bits / 8;
  }
  // The pages are in the system's cache still; they need not count as this process's memory.
  file_.done_with(offsets_[cell] + number * bytes.size(), bytes.size());
  exact::Ciphertext out;
  out.parameters = header_.parameters;
  out.level = level;
  out.correction = header_.parameters->correction(level);
  out.noise = fresh_[cell];
  out.parts.push_back(std::move(b));
  out.parts.push_back(ring::uniform(rlwe.ring(), rlwe.primes(level), seeds_[cell], number));
  return out;
}

Status SealedTable::verify() const {
  for (std::uint32_t c = 0; c < cells_.size(); ++c)
    for (std::uint64_t b = 0; b < header_.blocks(); ++b) PRISM_CHECKED(check_block(c, b));
  PRISM_CHECKED(rlwe::decode_evaluation_keys(header_.parameters->rlwe_ptr(), bundle()));
  return {};
}

Result<rlwe::EvaluationKeys> SealedTable::keys(const std::vector<rlwe::KeyId>& wanted) const {
  const auto& parameters = header_.parameters->rlwe_ptr();
  rlwe::EvaluationKeys out(parameters);
  if (wanted.empty()) return out;
  const ByteView bundle = this->bundle();
  PRISM_TRY(const rlwe::BundleIndex index, rlwe::decode_bundle_index(*parameters, bundle));
  for (const rlwe::KeyId& id : wanted) {
    if (out.find(id.kind, id.g, id.level)) continue;
    const rlwe::BundleEntry* best = nullptr;
    for (const auto& entry : index.entries)
      if (entry.id.kind == id.kind && entry.id.g == id.g && entry.id.level >= id.level &&
          (best == nullptr || entry.id.level < best->id.level))
        best = &entry;
    if (best == nullptr)
      return fail(ErrorCode::not_found, "this question needs ",
                  id.kind == rlwe::KeyId::Kind::relinearise ? std::string("a relinearisation key")
                                                            : "the automorphism key " + std::to_string(id.g),
                  " for level ", id.level.value, ", and the sealed table has none");
    PRISM_TRY(rlwe::SwitchKey key, rlwe::decode_key(parameters, bundle, *best));
    out.add(std::move(key));
  }
  return out;
}

std::uint64_t SealedTable::key_bytes(const rlwe::KeyId& wanted) const {
  std::uint64_t bytes = 0;
  std::optional<rlwe::KeyId> best;
  for (const auto& id : header_.keys)
    if (id.kind == wanted.kind && id.g == wanted.g && id.level >= wanted.level && (!best || id.level < best->level))
      best = id;
  if (best) bytes = rlwe::switch_key_bytes(header_.parameters->rlwe(), *best);
  return bytes;
}

}  // namespace prism::sealed
