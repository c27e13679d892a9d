// apps/prism/terminal.h - what people see: data on stdout, messages on stderr, questions and progress on a terminal
// only.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "prism/base/result.h"
#include "prism/secret/secret.h"

namespace prism::app {

/// Control characters as escapes, so that text from a file cannot steer a terminal. Line breaks become breaks plus
/// `indent`.
std::string printable(std::string_view text, std::string_view indent = "");

/// One message on stderr; a line break is added.
void say(std::string_view message);
/// Data on stdout, all of it or an error (a full disk).
Status print(std::string_view data);
/// "prism: ..." on stderr, and below it the place in the query if point_at() added one.
void say_error(const Error& error);
/// Adds the line of the query an error is about, with a caret under the place.
Error point_at(Error error, std::string_view sql);

/// Whether somebody can be asked: stdin and stderr are terminals.
bool can_ask();
/// Yes or no, no by default. refused when nobody can be asked. interrupted by Ctrl-C.
Result<bool> confirm(std::string_view question);
/// Typed without being shown.
Result<secret::SecretVector<std::uint8_t>> ask_passphrase(std::string_view prompt);

/// A bar with the time left on stderr, if that is a terminal; nothing otherwise. Goes away when it is done.
class Progress {
 public:
  explicit Progress(std::string what);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  /// False when somebody pressed Ctrl-C: what the long functions want to hear. From one thread at a time.
  bool operator()(std::uint64_t done, std::uint64_t all);

 private:
  using Time = std::chrono::steady_clock::time_point;
  std::string what_;
  bool shown_ = false, terminal_ = false;
  Time start_, last_;
};

/// "812 bytes", "1.4 MB": powers of 1000, as disks are sold.
std::string bytes_text(std::uint64_t bytes);
/// "3.2 ms", "1.4 s", "2 min 5 s".
std::string seconds_text(double seconds);
/// "2026-03-09 13:05:09 UTC"; a plain number outside the years 1 to 9999.
std::string utc_text(std::chrono::seconds since_1970);
/// "1,000,000".
std::string count_text(std::uint64_t count);

}  // namespace prism::app
