// prism/sealed/writer.h - seals: encrypts every cell of a table into one file, in constant memory.
//
// File (wire kind `sealed table`, version 1), after the 18 bytes of every Prism file:
//   u64 bytes of the header | u64 bytes of all blocks | u64 bytes of the key bundle | digest root | header | blocks,
//   cell after cell | leaf digests, cell after cell: SHA-256 of each block with its place | key bundle (rlwe/files.h).
// root = H("prism/sealed/root/v1", H(header), for each cell H(its leaf digests)): a hash tree over everything but the
// keys, which carry their own digests so that more can be added without sealing again.
#pragma once
#include <functional>

#include "prism/base/parallel.h"
#include "prism/base/random.h"
#include "prism/host/atomic_file.h"
#include "prism/rlwe/keys.h"
#include "prism/sealed/manifest.h"
#include "prism/sealed/propose.h"
#include "prism/sealed/reader.h"

namespace prism::sealed {

/// Bytes of the file that sealing this header makes.
std::uint64_t sealed_file_bytes(const Header& header);

struct SealProgress {
  std::uint64_t done = 0, all = 0;  ///< ciphertexts
};

/// Draws table seeds, makes exactly header.keys, encrypts into `file`, and leaves commit() to the caller. Returns what
/// the owner must remember. `header` comes from propose(), with id and key filled in and parameters equal to the secret
/// key's. Every seed is fresh from `random`: a retry shares nothing with what it retries. `progress` is called from one
/// worker; false stops the run (interrupted).
Result<Manifest> seal(const table::Table& table, Header header, const rlwe::SecretKey& key, host::AtomicFile& file,
                      Random& random, Parallel& parallel, const std::function<bool(SealProgress)>& progress = {});

/// The same table with more evaluation keys: nothing is encrypted again, the root stays, the bundle grows at the end of
/// the file. Errors: mismatch for a key that is there already or belongs to other parameters.
Status extend_keys(const SealedTable& table, const std::vector<rlwe::SwitchKey>& more, host::AtomicFile& file);

}  // namespace prism::sealed
