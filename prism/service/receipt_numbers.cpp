#include "prism/service/receipt_numbers.h"

#include <utility>

#include "prism/host/atomic_file.h"
#include "prism/host/file.h"
#include "prism/service/names.h"

namespace prism::service {

Result<std::unique_ptr<ReceiptNumbers>> ReceiptNumbers::open(const std::string& file) {
  std::uint64_t start = 0;
  if (host::exists(file)) {
    PRISM_TRY(const Bytes bytes, host::read_file(file, 32));
    std::string_view text = as_text(bytes);
    if (text.ends_with('\n')) text.remove_suffix(1);
    const auto found = number_from(text);
    if (!found) return fail(ErrorCode::malformed, file, " does not hold a number");
    start = *found;
  }
  return std::unique_ptr<ReceiptNumbers>(new ReceiptNumbers(file, start));
}

Result<std::uint64_t> ReceiptNumbers::next() {
  const std::lock_guard lock(mutex_);
  if (next_ == end_) {
    const std::string text = std::to_string(end_ + kBlock) + "\n";
    PRISM_CHECKED(host::write_file(file_, as_bytes(text), host::AtomicFile::Access::owner_only));
    end_ += kBlock;
  }
  return next_++;
}

}  // namespace prism::service
