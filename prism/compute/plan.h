// prism/compute/plan.h - what a computation needs and costs, said by the server before any key exists, so that the
// client makes and sends exactly the keys that are needed.
//
// Asked as JSON:    {"request": {..}, "inputs": {"x": 4096}, "parameters": hex of an artefact of kind parameters}
// Answered as JSON: {"version": 1, "program": hex, "parameters": hex, "family": .., "depth": {"needed", "available"},
//                    "keys": [{"name", "kind", "element", "level", "bytes"}],
//                    "outputs": [{"name", "values", "bytes", "error"}],
//                    "totals": {"key_bytes", "answer_bytes", "memory_bytes", "cpu_seconds"},
//                    "modulus": t}, the last only for exact numbers of which no largest is declared
#pragma once
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "prism/base/bytes.h"
#include "prism/base/result.h"
#include "prism/compute/limits.h"
#include "prism/program/requirements.h"

namespace prism::compute {

struct PlannedKey {
  std::string name;  ///< for people: `relinearisation`, `rotation by 64`, `row swap`
  rlwe::KeyId id;
  std::uint64_t bytes = 0;
  bool operator==(const PlannedKey&) const = default;
};
struct PlannedOutput {
  std::string name;
  std::uint64_t values = 0;
  std::uint64_t bytes = 0;
  /// At most this far from the truth, with decoding; 0 for exact numbers and for quotients, whose reader computes it.
  double error = 0;
  bool operator==(const PlannedOutput&) const = default;
};

struct Plan {
  Digest program{};     ///< of the Computation
  Digest parameters{};  ///< that it was planned for
  program::Family family = program::Family::approximate;
  int depth_needed = 0, depth_available = 0;
  std::vector<PlannedKey> keys;
  std::vector<PlannedOutput> outputs;
  std::uint64_t key_bytes = 0, answer_bytes = 0, memory_bytes = 0;
  double cpu_seconds = 0;     ///< an estimate for one core
  std::uint64_t modulus = 0;  ///< exact, with no largest input declared: t, which results are modulo; otherwise 0
  bool operator==(const Plan&) const = default;

  std::vector<rlwe::KeyId> key_ids() const;
  std::string to_json() const;
  /// Bounded and strict: it comes from a server. malformed; `detail` is the JSON pointer.
  static Result<Plan> parse(std::string_view json);
};

/// Errors: those of program::requirements and check_limits.
Result<Plan> make_plan(const program::Computation& computation, const program::AnyParameters& parameters,
                       const Limits& limits = {}, const std::function<bool()>& stop = {});

/// The question above, and its answer. Errors: malformed, invalid_argument, and those of make_plan.
std::string plan_question(std::string_view request_json, const std::map<std::string, std::uint64_t>& sizes,
                          ByteView parameters_artefact);
Result<Plan> answer_plan(std::string_view json, const Limits& limits, const std::function<bool()>& stop = {});

/// CPU-seconds of one core for this much work, by the measured speed of transforms; within a factor of two or so.
double seconds_of(const program::Work& work, std::uint64_t degree);

}  // namespace prism::compute
