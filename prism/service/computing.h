// prism/service/computing.h - from the bytes of a request to a signed answer: parse, find what it names, run, sign.
#pragma once
#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "prism/compute/run.h"
#include "prism/service/audit.h"
#include "prism/service/blob_store.h"
#include "prism/service/cache.h"
#include "prism/service/cpu_accounts.h"
#include "prism/service/identities.h"
#include "prism/service/receipt_numbers.h"
#include "prism/service/slots.h"

namespace prism::service {

/// What a body asks for, parsed and bounded; nothing in it was found yet.
struct ComputeRequest {
  compute::Request request;
  Digest body{};  ///< SHA-256 of the body
  Digest context{};
  std::map<std::string, Digest> data;  ///< inputs by digest, or
  std::map<std::string, Bytes> bytes;  ///< inputs that came along
};
/// {"context": hex, "inputs": {name: hex}, "request": {...}}
Result<ComputeRequest> parse_compute_json(ByteView body, const Limits& limits);
/// The CBOR map {"context", "inputs", "request"} of docs/rest.md.
Result<ComputeRequest> parse_compute_cbor(ByteView body, const Limits& limits);

compute::Limits compute_limits(const Limits& limits);

/// Who runs a computation, and how it is watched and stopped.
struct ComputeControl {
  std::function<void(double)> progress{};
  std::function<bool()> stop{};
  /// A worker's: it was let in when it was submitted, and has a thread of its own.
  bool job = false;
};

/// Thread-safe. References must outlive it.
class Computing {
 public:
  using Context = compute::Context;
  using Control = ComputeControl;
  /// Everything that a request needs, held so that it stays.
  struct Prepared {
    std::vector<BlobStore::Pin> pins;
    std::shared_ptr<const Context> context;
    std::vector<std::shared_ptr<const Bytes>> data;  ///< owned with the cache
    std::vector<compute::NamedBytes> inputs;         ///< in the order of their names
    std::vector<Digest> digests;                     ///< of inputs
    Digest program{};
    double cpu_seconds = 0;          ///< an estimate
    std::uint64_t memory_bytes = 0;  ///< of vectors alive at once, an estimate
    Slots::Held slot;                ///< of computations on callers' threads
  };

  Computing(const Limits& limits, BlobStore& blobs, Identities& identities, Audit& audit, CpuAccounts& cpu,
            ReceiptNumbers& numbers, const Clock& clock, Random& random);

  /// Loads what the request names, from the caches if it is there. `request` must outlive the result. But for jobs the
  /// result holds a turn: contexts in memory are bounded by those who compute. Errors: capacity when none comes soon.
  Result<Prepared> prepare(const Caller& caller, const ComputeRequest& request, const std::optional<Digest>& program,
                           const Control& control = {});
  Result<Answer> run(const Caller& caller, const ComputeRequest& request, const Prepared& prepared,
                     const Control& control);
  /// Plans cost what computing costs, and are charged like it. One at a time.
  Result<std::string> plan(const Caller& caller, std::string_view json, const Control& control);
  void forget(const BlobKey& key);
  /// Whoever waits for a turn is told that there is none.
  void stop();

  struct Totals {
    std::uint64_t computations = 0, failed = 0, contexts = 0, context_bytes = 0;
    double cpu_seconds = 0;
  };
  Totals totals() const;

 private:
  Result<std::shared_ptr<const Context>> context_of(const BlobKey& key, const Control& control);
  Result<Bytes> read(const BlobKey& key);
  Result<std::shared_ptr<const Bytes>> data_of(const BlobKey& key);
  Result<Bytes> receipt(const Caller& caller, const ComputeRequest& request, const Prepared& prepared,
                        const compute::Ran& ran, std::uint64_t number);
  std::optional<std::chrono::milliseconds> patience(const Control& control) const;
  template <class Body>
  auto charged(const Caller& caller, const Body& body);

  const Limits limits_;
  const compute::Limits compute_limits_;
  BlobStore& blobs_;
  Identities& identities_;
  Audit& audit_;
  CpuAccounts& cpu_;
  ReceiptNumbers& numbers_;
  const Clock& clock_;
  Random& random_;
  const Digest build_;
  Cache<Context> contexts_;
  Cache<Bytes> data_;
  /// For what computes on callers' threads. Long things have others: they must not stand before quick ones.
  Slots quick_, plans_;
  Slots loading_, memory_;  ///< bytes
  std::atomic<std::uint64_t> computations_{0}, failed_{0};
  std::atomic<std::int64_t> cpu_nanoseconds_{0};
};

}  // namespace prism::service
