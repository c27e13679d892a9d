// prism/sealed/writer.h - seals: encrypts every cell of a table into one file, in constant memory.
//
// File (wire kind `sealed table`, version 1), after the 18 bytes of every Prism file:
//   u64 bytes of the header | u64 bytes of the key bundle | u64 bytes of all blocks | digest root | header | key bundle
//   | blocks, cell after cell | leaf digests, cell after cell: SHA-256 of each block with its place.
// root = H("prism/sealed/root/v1", H(header), H(keys), for each cell H(its leaf digests)): a hash tree over everything.
#pragma once
#include <functional>

#include "prism/base/parallel.h"
#include "prism/base/random.h"
#include "prism/host/atomic_file.h"
#include "prism/rlwe/keys.h"
#include "prism/sealed/manifest.h"
#include "prism/sealed/propose.h"

namespace prism::sealed {

/// Bytes of the file that sealing this header makes.
std::uint64_t sealed_file_bytes(const Header& header);

struct SealProgress {
  std::uint64_t done = 0, all = 0;  ///< ciphertexts
};

/// Draws table seeds, makes exactly header.keys, encrypts, and commits `file`. Returns what the owner must remember.
/// `header` comes from propose(), with id and key filled in and parameters equal to the secret key's. Every seed is
/// fresh from `random`: a retry shares nothing with what it retries. `progress` is called from one worker; false stops
/// the run (interrupted).
Result<Manifest> seal(const table::Table& table, Header header, const rlwe::SecretKey& key, host::AtomicFile& file,
                      Random& random, Parallel& parallel, const std::function<bool(SealProgress)>& progress = {});

}  // namespace prism::sealed
