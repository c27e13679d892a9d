#include "apps/prism/terminal.h"

#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "prism/host/interrupt.h"
#include "prism/sql/sql.h"
#include "prism/table/date.h"

namespace prism::app {
namespace {

constexpr std::size_t kMostPassphraseBytes = 4096;

/// Puts a terminal back as it was.
class Silence {
 public:
  Silence() {
    if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    changed_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) == 0;
  }
  ~Silence() {
    if (changed_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;

 private:
  termios before_{};
  bool changed_ = false;
};

/// One line from stdin, byte by byte so that nothing is read ahead and left in a buffer.
template <class Put>
Status read_line(Put&& put) {
  for (;;) {
    char c = 0;
    const ssize_t got = ::read(STDIN_FILENO, &c, 1);
    if (got < 0 && errno == EINTR) {
      PRISM_CHECKED(host::check_interrupted());
      continue;
    }
    if (got < 0) return fail(ErrorCode::io, "cannot read from the terminal: ", std::strerror(errno));
    if (got == 0 || c == '\n') return {};
    put(c);
  }
}

}  // namespace

std::string printable(std::string_view text, std::string_view indent) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const auto at = [&](std::size_t j) { return i + j < text.size() ? static_cast<unsigned char>(text[i + j]) : 0U; };
    if (c == '\n') {
      out += '\n';
      out += indent;
    } else if (c < 0x20 || c == 0x7f) {
      out += fmt::format("\\x{:02x}", c);
    } else if (c == 0xC2 && at(1) >= 0x80 && at(1) < 0xA0) {  // C1 controls
      out += fmt::format("\\u{:04x}", at(1));
      ++i;
    } else if (c == 0xE2 &&
               ((at(1) == 0x80 && ((at(2) >= 0x8E && at(2) <= 0x8F) || (at(2) >= 0xA8 && at(2) <= 0xAE))) ||
                (at(1) == 0x81 && at(2) >= 0xA6 && at(2) <= 0xA9))) {
      // Marks that turn the direction of writing would let one question look like another.
      out += fmt::format("\\u{:04x}", 0x2000U + ((at(1) & 0x3FU) << 6U) + (at(2) & 0x3FU));
      i += 2;
    } else {
      out += static_cast<char>(c);
    }
  }
  return out;
}

void say(std::string_view message) {
  std::string line(message);
  line += '\n';
  std::fwrite(line.data(), 1, line.size(), stderr);
}

Status print(std::string_view data) {
  const bool written = std::fwrite(data.data(), 1, data.size(), stdout) == data.size() && std::fflush(stdout) == 0;
  if (!written) return fail(ErrorCode::io, "cannot write to standard output: ", std::strerror(errno));
  return {};
}

void say_error(const Error& error) {
  say("prism: " + printable(error.message, "       "));
  if (error.detail.starts_with('\n')) say(printable(std::string_view(error.detail).substr(1)));
}

Error point_at(Error error, std::string_view sql) {
  std::string lines = sql::explain_position(sql, sql::position_of(error));
  while (lines.ends_with('\n')) lines.pop_back();
  error.detail = lines.empty() ? "" : "\n" + lines;
  return error;
}

bool can_ask() { return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1; }

Result<bool> confirm(std::string_view question) {
  if (!can_ask()) return fail(ErrorCode::refused, "nobody can be asked");
  std::fprintf(stderr, "%.*s [y/N] ", static_cast<int>(question.size()), question.data());
  std::string answer;
  PRISM_CHECKED(read_line([&](char c) {
    if (answer.size() < 16) answer += c;
  }));
  return answer == "y" || answer == "Y" || answer == "yes" || answer == "Yes";
}

Result<secret::SecretVector<std::uint8_t>> ask_passphrase(std::string_view prompt) {
  if (!can_ask()) return fail(ErrorCode::unauthorised, "a passphrase is needed; give --passphrase-file FILE");
  std::fprintf(stderr, "%.*s: ", static_cast<int>(prompt.size()), prompt.data());
  secret::SecretVector<std::uint8_t> typed(kMostPassphraseBytes);
  std::size_t size = 0;
  Status outcome;
  {
    const Silence silence;
    outcome = read_line([&](char c) {
      if (size < kMostPassphraseBytes) typed.reveal(secret::RevealKey{})[size] = static_cast<std::uint8_t>(c);
      ++size;
    });
  }
  std::fputc('\n', stderr);
  PRISM_CHECKED(std::move(outcome));
  if (size == 0 || size > kMostPassphraseBytes)
    return fail(ErrorCode::invalid_argument, "a passphrase has 1 to ", kMostPassphraseBytes, " bytes");
  secret::SecretVector<std::uint8_t> passphrase(size);
  const auto from = typed.reveal(secret::RevealKey{}).first(size);
  std::copy(from.begin(), from.end(), passphrase.reveal(secret::RevealKey{}).begin());
  return passphrase;
}

Progress::Progress(std::string what)
    : what_(std::move(what)), terminal_(::isatty(STDERR_FILENO) == 1), start_(std::chrono::steady_clock::now()) {
  last_ = start_;
}

bool Progress::operator()(std::uint64_t done, std::uint64_t all) {
  if (host::interrupted()) return false;
  if (!terminal_ || all == 0) return true;
  const auto now = std::chrono::steady_clock::now();
  if (now - last_ < std::chrono::milliseconds(100)) return true;
  last_ = now;
  const double share = static_cast<double>(done) / static_cast<double>(all);
  const double passed = std::chrono::duration<double>(now - start_).count();
  constexpr int kWidth = 30;
  const auto full = static_cast<int>(share * kWidth);
  const std::string line =
      fmt::format("\r\x1b[K{} [{:#<{}}{:.<{}}] {:3.0f}%  {} left", what_, "", full, "", kWidth - full, share * 100,
                  share > 0 ? seconds_text(passed * (1 - share) / share) : "?");
  std::fwrite(line.data(), 1, line.size(), stderr);
  shown_ = true;
  return true;
}

Progress::~Progress() {
  if (shown_) std::fputs("\r\x1b[K", stderr);
}

std::string bytes_text(std::uint64_t bytes) {
  if (bytes < 1000) return fmt::format("{} bytes", bytes);
  constexpr std::array<const char*, 5> kUnits = {"kB", "MB", "GB", "TB", "PB"};
  auto value = static_cast<double>(bytes) / 1000;
  std::size_t unit = 0;
  while (value >= 999.5 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  return value < 9.95 ? fmt::format("{:.1f} {}", value, kUnits[unit]) : fmt::format("{:.0f} {}", value, kUnits[unit]);
}

std::string seconds_text(double seconds) {
  if (seconds < 0.0995) return fmt::format("{:.1f} ms", seconds * 1000);
  if (seconds < 0.9995) return fmt::format("{:.0f} ms", seconds * 1000);
  if (seconds < 59.95) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<std::uint64_t>(seconds + 0.5);
  return whole < 3600 ? fmt::format("{} min {} s", whole / 60, whole % 60)
                      : fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

std::string count_text(std::uint64_t count) {
  std::string digits = std::to_string(count);
  for (std::size_t i = digits.size(); i > 3;) {
    i -= 3;
    digits.insert(i, ",");
  }
  return digits;
}

std::string utc_text(std::chrono::seconds since_1970) {
  constexpr std::int64_t kFirstDay = -719'162, kLastDay = 2'932'896, kDay = 86'400;  // the range of format_date
  if (since_1970.count() < kFirstDay * kDay || since_1970.count() >= (kLastDay + 1) * kDay)
    return std::to_string(since_1970.count()) + " seconds after 1970-01-01";
  const std::int64_t in_day = (since_1970.count() % kDay + kDay) % kDay;
  return fmt::format("{} {:02}:{:02}:{:02} UTC", table::format_date((since_1970.count() - in_day) / kDay),
                     in_day / 3600, in_day / 60 % 60, in_day % 60);
}

}  // namespace prism::app
