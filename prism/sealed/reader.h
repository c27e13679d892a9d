// prism/sealed/reader.h - a sealed table as whoever answers questions sees it: checked, memory-mapped, public.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "prism/exact/ciphertext.h"
#include "prism/host/mapped_file.h"
#include "prism/rlwe/keys.h"
#include "prism/sealed/layout.h"
#include "prism/sealed/tree.h"

namespace prism::sealed {

/// Immutable, thread-safe. Opening checks the header, all sizes, and the hash tree down to the leaf digests; a block is
/// checked when it is loaded.
class SealedTable {
 public:
  /// Errors: not_found, io, malformed (damaged, cut short), unsupported (other version), integrity (the root does not
  /// match).
  static Result<SealedTable> open(const std::string& path);
  SealedTable(SealedTable&&) noexcept = default;
  SealedTable& operator=(SealedTable&&) noexcept = default;

  const Header& header() const { return header_; }
  const std::vector<Cell>& cells() const { return cells_; }
  const Digest& root() const { return prologue_.root; }
  std::uint64_t file_bytes() const { return file_.bytes().size(); }
  /// The file as it is, and the key bundle at its end.
  ByteView bytes() const { return file_.bytes(); }
  ByteView bundle() const { return file_.bytes().last(prologue_.key_bytes); }
  const Prologue& prologue() const { return prologue_; }

  /// The smallest keys of the file that serve these ids, read one by one. not_found names what is missing.
  Result<rlwe::EvaluationKeys> keys(const std::vector<rlwe::KeyId>& wanted) const;
  /// Bytes of the key that serves this id; 0 when none does.
  std::uint64_t key_bytes(const rlwe::KeyId& wanted) const;

  /// The ciphertext of a cell in a block: digest compared, residues checked, the uniform half expanded. integrity when
  /// the block was changed.
  Result<exact::Ciphertext> load(std::uint32_t cell, std::uint64_t block) const;
  /// Compares every block, and every key, with its digest.
  Status verify() const;

 private:
  SealedTable(host::MappedFile file) : file_(std::move(file)) {}
  ByteView block(std::uint32_t cell, std::uint64_t block) const;
  Status check_block(std::uint32_t cell, std::uint64_t block) const;

  host::MappedFile file_;
  Header header_;
  Prologue prologue_;
  std::vector<Cell> cells_;
  std::vector<ring::Seed> seeds_;       // of each cell's uniform halves
  std::vector<std::uint64_t> offsets_;  // of each cell's first block in the file
  std::vector<exact::Noise> fresh_;     // per cell
  std::uint64_t leaves_offset_ = 0;
};

}  // namespace prism::sealed
