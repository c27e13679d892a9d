#include "prism/service/audit.h"

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>
#include <optional>

#include "prism/host/file.h"
#include "prism/service/names.h"

namespace prism::service {
namespace {

using std::chrono::seconds;

constexpr std::size_t kMostValueBytes = 200;
constexpr std::size_t kMostWaiting = std::size_t{4} << 20;

void add_string(std::string& out, std::string_view text) {
  // The library escapes; what is not UTF-8 is shown with replacement characters.
  out += nlohmann::json(std::string(text.substr(0, kMostValueBytes)))
             .dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

std::string time_text(seconds wall) {
  const std::time_t time = wall.count();
  std::tm parts{};
  std::array<char, 32> out{};
  if (::gmtime_r(&time, &parts) == nullptr) return "?";
  const std::size_t size = std::strftime(out.data(), out.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {out.data(), size};
}

/// The number after that of the last line that is one; nothing when none is. Torn lines, of which each crash may leave
/// one, are passed over.
std::optional<std::uint64_t> next_number(std::string_view text) {
  for (std::size_t end = text.rfind('\n'); end != std::string_view::npos; end = text.rfind('\n', end - 1)) {
    const std::size_t before = end == 0 ? std::string_view::npos : text.rfind('\n', end - 1);
    const std::size_t start = before == std::string_view::npos ? 0 : before + 1;
    const auto line = nlohmann::json::parse(text.substr(start, end - start), nullptr, false);
    if (line.is_object() && line.contains("seq") && line["seq"].is_number_unsigned())
      return line["seq"].get<std::uint64_t>() + 1;
    if (end == 0) break;
  }
  return std::nullopt;
}

/// The highest N of the files FILE.N, of which somebody may have taken some away; 0 without any.
Result<std::uint64_t> last_aside(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string prefix = (slash == std::string::npos ? path : path.substr(slash + 1)) + ".";
  PRISM_TRY(const auto names, host::list_directory(slash == std::string::npos ? "." : path.substr(0, slash + 1)));
  std::uint64_t last = 0;
  for (const std::string& name : names)
    if (name.starts_with(prefix))
      last = std::max(last, number_from(std::string_view(name).substr(prefix.size())).value_or(0));
  return last;
}

}  // namespace

Result<std::unique_ptr<Audit>> Audit::open(const std::string& path, const Clock& clock) {
  std::optional<std::uint64_t> sequence;
  bool torn = false;
  if (host::exists(path)) {
    PRISM_TRY(const Bytes text, host::read_file(path, 2 * kFileBytes));
    sequence = next_number(as_text(text));
    torn = !text.empty() && text.back() != '\n';
  }
  // Between the old file's new name and the new file's first line there is nothing here: the numbers go on there.
  if (!sequence) {
    PRISM_TRY(const std::uint64_t aside, last_aside(path));
    if (aside > 0) {
      PRISM_TRY(const Bytes text, host::read_file(path + "." + std::to_string(aside), 2 * kFileBytes));
      sequence = next_number(as_text(text));
    }
  }
  PRISM_TRY(host::GrowingFile file, host::GrowingFile::open(path));
  // A crash in the middle of a line leaves its start; the next line must not continue it.
  if (torn) PRISM_CHECKED(file.append(as_bytes("\n")));
  return std::unique_ptr<Audit>(new Audit(path, std::move(file), sequence.value_or(0), clock));
}

Audit::Audit(std::string path, host::GrowingFile file, std::uint64_t sequence, const Clock& clock)
    : path_(std::move(path)), clock_(&clock), file_(std::move(file)), sequence_(sequence), writer_([this] { run(); }) {}

Audit::~Audit() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  writer_.join();
  (void)flush();
}

void Audit::add_locked(std::string_view event, Fields fields) {
  std::string& out = waiting_;
  out += R"({"time":")" + time_text(clock_->wall()) + R"(","seq":)" + std::to_string(sequence_++) + R"(,"event":)";
  add_string(out, event);
  for (const auto& [name, value] : fields) {
    out += ',';
    add_string(out, name);
    out += ':';
    add_string(out, value);
  }
  out += "}\n";
}

void Audit::line(std::string_view event, Fields fields) {
  bool full = false;
  {
    const std::lock_guard lock(mutex_);
    add_locked(event, fields);
    full = waiting_.size() > kMostWaiting;
  }
  if (full) (void)flush();  // a disk that is slower than the callers makes them wait
}

void Audit::refusal(std::string_view event, Fields fields) {
  const std::lock_guard lock(mutex_);
  const seconds now = clock_->wall();
  if (now != refusals_in_) {
    if (suppressed_ > 0) add_locked("refusals-suppressed", {{"count", std::to_string(suppressed_)}});
    refusals_in_ = now;
    refusals_ = 0;
    suppressed_ = 0;
  }
  if (++refusals_ > kRefusalsPerSecond)
    ++suppressed_;
  else
    add_locked(event, fields);
}

void Audit::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    wake_.wait_for(lock, kBatch, [this] { return stopping_; });
    if (waiting_.empty()) continue;
    lock.unlock();
    (void)flush();
    lock.lock();
  }
}

Status Audit::flush() {
  const std::lock_guard file_lock(file_mutex_);
  std::string lines;
  {
    const std::lock_guard lock(mutex_);
    lines.swap(waiting_);
  }
  const Status written = lines.empty() ? Status{} : write(lines);
  const std::lock_guard lock(mutex_);
  if (!written) {
    healthy_ = false;
    if (lines.size() + waiting_.size() <= 2 * kMostWaiting) waiting_.insert(0, lines);  // tried again
    return written;
  }
  healthy_ = true;
  return {};
}

Status Audit::write(const std::string& lines) {
  if (file_.size() > 0 && file_.size() + lines.size() > kFileBytes) {
    PRISM_TRY(const std::uint64_t aside, last_aside(path_));
    PRISM_CHECKED(file_.rename_to(path_ + "." + std::to_string(aside + 1)));
    PRISM_TRY(file_, host::GrowingFile::open(path_));
  }
  const std::uint64_t before = file_.size();
  PRISM_CHECKED(file_.append(as_bytes(lines)));
  Status synced = file_.sync();
  // They are written again, and must not stand there twice.
  if (!synced) (void)file_.cut(before);
  return synced;
}

bool Audit::healthy() const {
  const std::lock_guard lock(mutex_);
  return healthy_;
}

}  // namespace prism::service
