#include "prism/store/sqlite/internal/mark.h"

#include <charconv>

#include "prism/hash/sha256.h"
#include "prism/host/file.h"
#include "prism/host/growing_file.h"

namespace prism::store::sqlite::internal {
namespace {

constexpr std::string_view kTitle = "prism budget mark 1\n";

Error damaged() { return fail(ErrorCode::integrity, "the ledger's high-water mark is damaged"); }

/// Takes "`name` VALUE\n" off the front.
std::optional<std::string_view> take_line(std::string_view& text, std::string_view name) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos || text.substr(0, name.size()) != name) return {};
  const std::string_view value = text.substr(name.size(), end - name.size());
  text.remove_prefix(end + 1);
  return value;
}

bool from_hex(std::string_view text, MutableByteView out) {
  if (text.size() != 2 * out.size()) return false;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const char* at = text.data() + 2 * i;
    const auto [end, error] = std::from_chars(at, at + 2, out[i], 16);
    if (error != std::errc{} || end != at + 2) return false;
  }
  return true;
}

}  // namespace

std::string to_text(const Mark& mark) {
  std::string text(kTitle);
  text += "ledger " + to_hex(mark.ledger) + "\n";
  text += "sequence " + std::to_string(mark.sequence) + "\n";
  text += "chain " + to_hex(mark.chain) + "\n";
  return text + "check " + to_hex(hash::tagged_sha256("prism budget mark v1").update(text).finish()) + "\n";
}

Result<Mark> mark_from_text(std::string_view text) {
  std::string_view rest = text;
  Mark mark;
  if (rest.substr(0, kTitle.size()) != kTitle) return damaged();
  rest.remove_prefix(kTitle.size());
  const auto ledger = take_line(rest, "ledger ");
  const auto sequence = take_line(rest, "sequence ");
  const auto chain = take_line(rest, "chain ");
  if (!ledger || !sequence || !chain || !from_hex(*ledger, mark.ledger) || !from_hex(*chain, mark.chain))
    return damaged();
  const auto [end, error] = std::from_chars(sequence->data(), sequence->data() + sequence->size(), mark.sequence);
  if (error != std::errc{} || end != sequence->data() + sequence->size()) return damaged();
  // Writing it again checks all that is left: the digest, spelling, and that nothing follows.
  if (to_text(mark) != text) return damaged();
  return mark;
}

std::string mark_path(const std::string& folder, const policy::LedgerId& ledger) {
  return folder + "/" + to_hex(ledger) + ".mark";
}

Result<std::optional<Mark>> read_mark(const std::string& path, const policy::LedgerId& ledger) {
  auto bytes = host::read_file(path, 4'096);
  if (!bytes && bytes.error().code == ErrorCode::not_found) return std::optional<Mark>{};
  if (!bytes && bytes.error().code == ErrorCode::exhausted) return damaged();
  if (!bytes) return std::move(bytes).error();
  PRISM_TRY(const Mark mark, mark_from_text(as_text(*bytes)));
  if (mark.ledger != ledger) return damaged();
  return std::optional<Mark>(mark);
}

Status write_mark(const std::string& path, const Mark& mark,
                  const std::function<Status(std::string_view step)>& on_step) {
  const auto step = [&](std::string_view name) { return on_step ? on_step(name) : Status{}; };
  // One name for the unfinished file: there is one writer at a time, and what a crash left is written over.
  PRISM_CHECKED(step("open"));
  PRISM_TRY(host::GrowingFile file, host::GrowingFile::open(path + ".new"));
  PRISM_CHECKED(step("write"));
  PRISM_CHECKED(file.cut(0));
  PRISM_CHECKED(file.append(as_bytes(to_text(mark))));
  PRISM_CHECKED(step("sync"));
  PRISM_CHECKED(file.sync());
  PRISM_CHECKED(step("rename"));
  PRISM_CHECKED(file.rename_to(path));
  return step("done");
}

}  // namespace prism::store::sqlite::internal
