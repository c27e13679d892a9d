#include "prism/sealed/writer.h"

#include <atomic>
#include <mutex>

#include "prism/exact/encoder.h"
#include "prism/exact/encryptor.h"
#include "prism/rlwe/files.h"
#include "prism/sealed/encode_rows.h"
#include "prism/sealed/reader.h"
#include "prism/sealed/tree.h"
#include "prism/wire/artefact.h"
#include "prism/wire/writer.h"

namespace prism::sealed {
namespace {

std::uint64_t blocks_bytes(const Header& header) {
  std::uint64_t bytes = 0;
  for (const Cell& cell : cells_of(header)) bytes += block_bytes(header, cell) * header.blocks();
  return bytes;
}

/// Per key in a bundle, before the key itself: see rlwe/files.h. Measured once on an empty and a one-key bundle by the
/// tests.
std::uint64_t bundle_bytes(const Header& header) {
  const rlwe::Parameters& parameters = header.parameters->rlwe();
  std::uint64_t bytes = rlwe::encode(rlwe::EvaluationKeys(header.parameters->rlwe_ptr())).size();
  for (const auto& id : header.keys) bytes += 1 + 4 + 4 + 32 + 8 + rlwe::switch_key_bytes(parameters, id);
  return bytes;
}

/// What one worker needs to encrypt any cell of any block.
struct Workspace {
  std::vector<std::int64_t> slots;
  Residues rows;
  Bytes packed;
};

Bytes start_of_file(const Prologue& prologue, std::uint64_t file_bytes) {
  wire::Writer out(wire::encode_header({wire::Kind::sealed_table, kSealedVersion, file_bytes - wire::kHeaderBytes}));
  out.u64(prologue.header_bytes);
  out.u64(prologue.block_bytes);
  out.u64(prologue.key_bytes);
  out.digest(prologue.root);
  return std::move(out).take();
}

}  // namespace

std::uint64_t sealed_file_bytes(const Header& header) {
  Header sized = header;
  return wire::kHeaderBytes + kPrologueBytes + encode(sized).size() + bundle_bytes(header) + blocks_bytes(header) +
         cells_of(header).size() * header.blocks() * 32;
}

Result<Manifest> seal(const table::Table& table, Header header, const rlwe::SecretKey& key, host::AtomicFile& file,
                      Random& random, Parallel& parallel, const std::function<bool(SealProgress)>& progress) {
  const auto& parameters = header.parameters;
  if (key.parameters().digest() != parameters->rlwe().digest())
    return fail(ErrorCode::mismatch, "the secret key belongs to other parameters than the table's");
  PRISM_TRY(const auto source, match_columns(table, header));
  PRISM_TRY(header.run_seed, ring::fresh_seed(random));
  PRISM_TRY(const ring::SecretSeed error_seed, ring::fresh_secret_seed(random));

  rlwe::EvaluationKeys keys(parameters->rlwe_ptr());
  for (const rlwe::KeyId& id : header.keys) {
    PRISM_TRY(rlwe::SwitchKey made, rlwe::make_switch_key(key, id, parameters->error_scale(), random));
    keys.add(std::move(made));
  }
  const Bytes key_bytes = rlwe::encode(keys);
  const Bytes header_bytes = encode(header);
  const std::vector<Cell> cells = cells_of(header);
  const std::uint64_t blocks = header.blocks(), n = parameters->slots();

  std::vector<std::uint64_t> offsets;
  std::uint64_t at = wire::kHeaderBytes + kPrologueBytes + header_bytes.size();
  std::vector<ring::Seed> seeds;
  for (std::uint32_t c = 0; c < cells.size(); ++c) {
    offsets.push_back(at);
    at += block_bytes(header, cells[c]) * blocks;
    seeds.push_back(cell_seed(header, c));
  }
  const std::uint64_t leaves_at = at;
  Bytes leaves(cells.size() * blocks * 32);

  const exact::Encoder encoder(parameters);
  const exact::SymmetricEncryptor encryptor(key, parameters);
  std::mutex writing;
  std::atomic<std::uint64_t> done{0};
  std::atomic<bool> stop{false};
  std::vector<Status> outcomes(parallel.workers());
  std::vector<Workspace> spaces(parallel.workers());
  const std::uint64_t all = cells.size() * blocks;
  parallel.for_each(static_cast<std::size_t>(all), [&](std::size_t piece, std::size_t worker) {
    if (stop) return;
    Status& outcome = outcomes[worker];
    outcome = [&]() -> Status {
      const auto c = static_cast<std::uint32_t>(piece / blocks);
      const std::uint64_t block = piece % blocks;
      const Cell& cell = cells[c];
      Workspace& space = spaces[worker];
      space.slots.resize(n);
      encode_rows(space.slots, table, header, source, cell, block * n);
      PRISM_TRY(const exact::Plaintext plain, encoder.encode(space.slots));
      const auto primes = parameters->rlwe().primes(cell.level);
      space.rows.resize(primes.size() * n);
      // Errors have a stream per (cell, block): the seed is this run's alone.
      PRISM_CHECKED(encryptor.encrypt_row_into(space.rows, plain, cell.level, seeds[c], block, error_seed,
                                               (static_cast<std::uint64_t>(c) << 32) | block));
      space.packed.resize(block_bytes(header, cell));
      std::size_t offset = 0;
      for (std::size_t i = 0; i < primes.size(); ++i) {
        const unsigned bits = parameters->rlwe().ring().modulus(primes[i]).bits;
        kernels::best().pack_bits(space.packed.data() + offset, space.rows.data() + i * n, n, bits);
        offset += n * bits / 8;
      }
      const Digest leaf = leaf_digest(c, block, space.packed);
      std::copy(leaf.begin(), leaf.end(), leaves.begin() + static_cast<std::ptrdiff_t>(piece * 32));
      const std::lock_guard lock(writing);
      return file.write_at(offsets[c] + block * space.packed.size(), space.packed);
    }();
    const std::uint64_t count = ++done;
    if (outcome && worker == 0 && progress && !progress({count, all}))
      outcome = Status(fail(ErrorCode::interrupted, "stopped before the table was sealed; nothing was written"));
    if (!outcome) stop = true;
  });
  for (auto& space : spaces)
    if (!space.slots.empty()) secret::wipe(space.slots.data(), space.slots.size() * sizeof(std::int64_t));
  for (Status& outcome : outcomes)
    if (!outcome) return std::move(outcome).error();

  Manifest manifest;
  manifest.root = tree_root(header_bytes, leaves, cells.size(), blocks);
  const std::uint64_t keys_at = leaves_at + leaves.size();
  PRISM_CHECKED(file.write_at(leaves_at, leaves));
  PRISM_CHECKED(file.write_at(keys_at, key_bytes));
  PRISM_CHECKED(file.write_at(
      0, start_of_file({header_bytes.size(), leaves_at - offsets.front(), key_bytes.size(), manifest.root},
                       keys_at + key_bytes.size())));
  PRISM_CHECKED(file.write_at(wire::kHeaderBytes + kPrologueBytes, header_bytes));
  manifest.header = std::move(header);
  for (std::size_t c = 0; c < manifest.header.columns.size(); ++c)
    manifest.dictionaries.push_back(manifest.header.columns[c].code ? table.columns[source[c]].dictionary
                                                                    : std::vector<std::string>());
  return manifest;
}

Status extend_keys(const SealedTable& table, const std::vector<rlwe::SwitchKey>& more, host::AtomicFile& file) {
  const rlwe::Parameters& parameters = table.header().parameters->rlwe();
  const ByteView all = table.bytes();
  const ByteView before = all.first(all.size() - table.bundle().size());
  Bytes bundle(table.bundle().begin(), table.bundle().end());
  for (const rlwe::SwitchKey& key : more) PRISM_CHECKED(rlwe::append_key(bundle, parameters, key));
  Prologue prologue = table.prologue();
  prologue.key_bytes = bundle.size();
  const Bytes start = start_of_file(prologue, before.size() + bundle.size());
  PRISM_CHECKED(file.append(start));
  PRISM_CHECKED(file.append(before.subspan(start.size())));
  return file.append(bundle);
}

}  // namespace prism::sealed
