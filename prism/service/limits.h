// prism/service/limits.h - what one caller and all callers together may take. Everything a peer can make grow has a
// number here.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace prism::service {

struct Limits {
  // -- handshakes and sessions
  std::size_t half_open = 4096;         ///< handshakes begun and not finished, all peers
  std::size_t half_open_per_peer = 64;  ///< of one peer address
  std::size_t busy_from = 1024;         ///< from here on, a peer must show that it receives at its address
  std::chrono::seconds half_open_for{60};
  std::size_t sessions = 16'384;  ///< established
  std::size_t sessions_per_client = 256;
  std::chrono::seconds session_for{24 * 3600};  ///< at most a day
  // -- what is kept on disk
  std::uint64_t context_bytes = std::uint64_t{2} << 30;  ///< one context: parameters, public key, evaluation keys
  std::uint64_t data_bytes = std::uint64_t{256} << 20;   ///< one encrypted vector
  std::uint64_t bytes_per_client = std::uint64_t{8} << 30;
  std::uint64_t bytes = std::uint64_t{64} << 30;             ///< all clients
  std::uint64_t free_disk_bytes = std::uint64_t{256} << 20;  ///< left to the system whatever happens
  std::size_t blobs_per_client = 4096;
  std::chrono::seconds upload_for{24 * 3600};     ///< an upload that is not continued vanishes
  std::chrono::seconds kept_for{30 * 24 * 3600};  ///< a blob that nobody used vanishes
  // -- requests
  std::uint64_t request_bytes = std::uint64_t{1} << 20;  ///< the JSON of one computation
  std::uint64_t inline_bytes = std::uint64_t{8} << 20;   ///< a computation with its inputs in the request
  std::uint64_t answer_bytes = std::uint64_t{256} << 20;
  int largest_ring_log2 = 16;
  int most_primes = 64;
  // -- computing
  double cpu_seconds_per_job = 600;
  double cpu_seconds_per_window = 600;  ///< of one client
  double plan_cpu_seconds = 10;         ///< of one plan
  /// How long a request waits for its turn to compute before it is told to come again: it occupies a thread.
  std::chrono::milliseconds patience{2000};
  std::size_t calls_per_client = 32;                       ///< that compute on their connection's thread, or wait to
  std::size_t plans_per_client = 2;                        ///< that run or wait
  std::uint64_t loading_bytes = std::uint64_t{4} << 30;    ///< of contexts that are being decoded, all clients
  std::uint64_t computing_bytes = std::uint64_t{8} << 30;  ///< of vectors of computations that run, all clients
  std::chrono::seconds window{60};
  std::size_t jobs = 1024;  ///< waiting or running
  std::size_t jobs_per_client = 64;
  std::size_t answers_per_client = 4096;  ///< finished and kept
  std::uint64_t answer_bytes_per_client = std::uint64_t{2} << 30;
  std::uint64_t kept_answer_bytes = std::uint64_t{32} << 30;  ///< all clients
  std::chrono::seconds answers_for{3600};
  double windows_of_jobs = 16;  ///< of one client's CPU-seconds that its waiting and running jobs may need, by estimate
  std::chrono::milliseconds quick_answer{2000};                 ///< how long compute waits before it answers with a job
  std::uint64_t cached_context_bytes = std::uint64_t{2} << 30;  ///< of artefacts that stay decoded
  std::uint64_t cached_data_bytes = std::uint64_t{256} << 20;
};

}  // namespace prism::service
