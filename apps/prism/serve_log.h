// apps/prism/serve_log.h - the server's log: one line for each event on stderr, never data, keys or raw paths.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <variant>
#include <vector>

namespace prism::app {

/// For several threads. Lines are written by a thread of the log's own, so that a slow terminal or pipe slows no
/// request; when it falls behind by kMaxWaiting, lines are dropped and counted.
class ServeLog {
 public:
  enum class Format { json, text };
  using Value = std::variant<std::string_view, std::uint64_t, double>;
  struct Field {
    std::string_view name;
    Value value;
  };
  static constexpr std::size_t kMaxWaiting = 65536;

  explicit ServeLog(Format format);
  /// Writes what waits.
  ~ServeLog();
  ServeLog(const ServeLog&) = delete;
  ServeLog& operator=(const ServeLog&) = delete;

  /// {"time":"2026-01-02T03:04:05.678Z","level":"info","event":EVENT, FIELDS...}; names are ours and plain.
  void write(std::string_view level, std::string_view event, const std::vector<Field>& fields);

 private:
  void run();

  const Format format_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::string> waiting_;
  std::uint64_t dropped_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace prism::app
