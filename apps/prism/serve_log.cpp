#include "apps/prism/serve_log.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <ctime>

#include "apps/prism/terminal.h"
#include "prism/http/problem.h"

namespace prism::app {
namespace {

std::string now_text() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  const std::time_t seconds = ms / 1000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, ms % 1000);
}

std::string value_text(const ServeLog::Value& value, bool json) {
  if (const auto* const text = std::get_if<std::string_view>(&value))
    return json ? http::json_string(*text) : printable(*text);
  if (const auto* const number = std::get_if<std::uint64_t>(&value)) return fmt::format("{}", *number);
  return fmt::format("{:.3f}", std::get<double>(value));
}

void write_all(std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = ::write(STDERR_FILENO, text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return;  // nobody reads any more; the server goes on
    text.remove_prefix(static_cast<std::size_t>(put));
  }
}

}  // namespace

ServeLog::ServeLog(Format format) : format_(format), thread_([this] { run(); }) {}

ServeLog::~ServeLog() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void ServeLog::write(std::string_view level, std::string_view event, const std::vector<Field>& fields) {
  std::string line;
  if (format_ == Format::json) {
    line = fmt::format(R"({{"time":"{}","level":"{}","event":"{}")", now_text(), level, event);
    for (const Field& field : fields) line += fmt::format(R"(,"{}":{})", field.name, value_text(field.value, true));
    line += "}\n";
  } else {
    line = fmt::format("{} {:5} {}", now_text(), level, event);
    for (const Field& field : fields) line += fmt::format(" {}={}", field.name, value_text(field.value, false));
    line += "\n";
  }
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= kMaxWaiting) {
      ++dropped_;
      return;
    }
    waiting_.push_back(std::move(line));
  }
  wake_.notify_one();
}

void ServeLog::run() {
  std::vector<std::string> lines;
  std::string text;
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    lines.swap(waiting_);
    const std::uint64_t dropped = std::exchange(dropped_, 0);
    lock.unlock();
    text.clear();
    for (const std::string& line : lines) text += line;
    if (dropped > 0)
      text +=
          fmt::format(R"({{"time":"{}","level":"warn","event":"log-dropped","lines":{}}})", now_text(), dropped) + "\n";
    write_all(text);
    lines.clear();
    lock.lock();
  }
}

}  // namespace prism::app
