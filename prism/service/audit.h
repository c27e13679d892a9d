// prism/service/audit.h - what happened, as JSON lines that are on disk soon: who, what, why refused; no data, no keys.
//
//   {"time":"2026-01-31T12:00:00Z","seq":17,"event":"handshake","outcome":"refused","reason":"...","client":"..."}
//
// Lines are collected and made durable together, at most kBatch apart. `seq` has no gaps: a missing line shows.
// Thread-safe.
#pragma once
#include <chrono>
#include <condition_variable>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "prism/base/clock.h"
#include "prism/host/growing_file.h"

namespace prism::service {

class Audit {
 public:
  using Fields = std::initializer_list<std::pair<std::string_view, std::string_view>>;
  static constexpr std::chrono::milliseconds kBatch{50};
  /// A file of this size is set aside as FILE.N, and a new one begins. What to keep is the operator's to decide.
  static constexpr std::uint64_t kFileBytes = std::uint64_t{64} << 20;
  /// Refusals cost a peer nothing, so more than this many a second are counted, not written one by one: half a gigabyte
  /// a day at the most.
  static constexpr int kRefusalsPerSecond = 20;

  static Result<std::unique_ptr<Audit>> open(const std::string& path, const Clock& clock);
  /// Writes what is waiting.
  ~Audit();

  /// Values are text from us or from peers; they are escaped and cut at 200 bytes.
  void line(std::string_view event, Fields fields);
  /// The same for what a stranger can cause at will.
  void refusal(std::string_view event, Fields fields);
  /// Everything so far is on disk. io since the first line that could not be written.
  Status flush();
  /// False since the first line that could not be written: nothing that must be audited may happen then.
  bool healthy() const;

 private:
  Audit(std::string path, host::GrowingFile file, std::uint64_t sequence, const Clock& clock);
  void add_locked(std::string_view event, Fields fields);
  void run();
  Status write(const std::string& lines);

  const std::string path_;
  const Clock* clock_;
  std::mutex file_mutex_;  ///< taken before mutex_
  host::GrowingFile file_;
  mutable std::mutex mutex_;  ///< over all below
  std::condition_variable wake_;
  std::string waiting_;
  std::uint64_t sequence_;
  std::chrono::seconds refusals_in_{};
  int refusals_ = 0;
  std::uint64_t suppressed_ = 0;
  bool healthy_ = true;
  bool stopping_ = false;
  std::thread writer_;
};

}  // namespace prism::service
