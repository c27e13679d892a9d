// prism/store/sqlite/internal/mark.h - the high-water mark of a ledger: how far it had come when data was last touched.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "prism/base/bytes.h"
#include "prism/base/result.h"
#include "prism/policy/ledger_event.h"

namespace prism::store::sqlite::internal {

struct Mark {
  policy::LedgerId ledger{};
  std::uint64_t sequence = 0;  ///< of the ledger's event that the mark stands at
  Digest chain{};              ///< the chain digest there
  bool operator==(const Mark&) const = default;
};

/// Five lines of text with a digest of the other four at the end.
std::string to_text(const Mark& mark);
/// Errors: integrity for anything that to_text would not write.
Result<Mark> mark_from_text(std::string_view text);

/// `folder`/<ledger id>.mark
std::string mark_path(const std::string& folder, const policy::LedgerId& ledger);

/// None when there is no mark. Errors: integrity, also for the mark of another ledger; insecure; io.
Result<std::optional<Mark>> read_mark(const std::string& path, const policy::LedgerId& ledger);

/// Replaces the mark; durable when it returns a value, and the old one or the new one whatever happens before. Call it
/// under the lock of the mark. `on_step` as in LedgerOptions.
Status write_mark(const std::string& path, const Mark& mark,
                  const std::function<Status(std::string_view step)>& on_step);

}  // namespace prism::store::sqlite::internal
