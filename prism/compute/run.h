// prism/compute/run.h - runs requests on encoded artefacts: a context, vectors, and out comes a result.
//
//   auto context = Context::decode(bytes, limits);              // once; kept, shared by threads
//   auto ran = run(request, *context, {{"x", data}}, options);  // ran->result is an artefact (result.h)
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "prism/base/bytes.h"
#include "prism/base/result.h"
#include "prism/compute/limits.h"
#include "prism/compute/request.h"
#include "prism/program/requirements.h"

namespace prism::compute {

/// A decoded fhe::Context of either family, ready for any number of computations. Immutable, thread-safe.
class Context {
 public:
  /// An artefact of kind context. Errors: exhausted (limits), and those of fhe::Context::decode.
  static Result<std::shared_ptr<const Context>> decode(ByteView artefact, const Limits& limits = {});
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  program::Family family() const;
  /// fhe::Context::identity(): vectors that name it belong to it.
  const Digest& identity() const;
  /// SHA-256 of the artefact it was decoded from.
  const Digest& digest() const;
  /// What it keeps in memory.
  std::uint64_t memory_bytes() const;
  program::AnyParameters parameters() const;

  struct State;
  const State& state() const { return *state_; }

 private:
  explicit Context(std::unique_ptr<const State> state);
  std::unique_ptr<const State> state_;
};

struct NamedBytes {
  std::string_view name;
  ByteView bytes;  ///< an artefact of kind ciphertext
};

struct RunOptions {
  Limits limits;
  /// Called between operations with (done, all); returning false stops (interrupted).
  std::function<bool(std::uint64_t, std::uint64_t)> progress;
  /// Asked between operations; true stops (interrupted).
  std::function<bool()> stop;
};

struct Ran {
  Bytes result;                  ///< an artefact of kind result
  Digest program{};              ///< of the Computation that was evaluated
  Digest computation_context{};  ///< Context::identity()
};

/// What would be run: the computation for these inputs. Cheap; nothing is decrypted or decoded but headers.
Result<program::Computation> lower(const Request& request, const Context& context, std::span<const NamedBytes> inputs);

/// Errors: those of lower and program::evaluate; mismatch for inputs of another context; exhausted for what is beyond
/// the limits, before memory is spent on it.
Result<Ran> run(const Request& request, const Context& context, std::span<const NamedBytes> inputs,
                const RunOptions& options = {});

}  // namespace prism::compute
