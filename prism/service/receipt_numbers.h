// prism/service/receipt_numbers.h - numbers of receipts: they rise for ever, also over crashes.
#pragma once
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "prism/base/result.h"

namespace prism::service {

/// Takes blocks of kBlock numbers from FILE, durably, and gives them out one by one: a disk write per block. After a
/// crash the rest of a block is never used. Thread-safe.
class ReceiptNumbers {
 public:
  static constexpr std::uint64_t kBlock = 65'536;
  static Result<std::unique_ptr<ReceiptNumbers>> open(const std::string& file);
  Result<std::uint64_t> next();

 private:
  ReceiptNumbers(std::string file, std::uint64_t start) : file_(std::move(file)), next_(start), end_(start) {}
  const std::string file_;
  std::mutex mutex_;
  std::uint64_t next_, end_;
};

}  // namespace prism::service
