// prism/store/sqlite/internal/ledger_test_support.h - for tests: a folder that goes away, a grant, charges under it.
#pragma once
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include "prism/host/system.h"
#include "prism/policy/book.h"
#include "prism/store/sqlite/ledger_file.h"

namespace prism::store::sqlite::internal {

inline constexpr std::chrono::seconds kTestTime{1'700'000'000};

/// A dataset's folder and, beside it, one for marks.
class TestFolder {
 public:
  /// In memory where there is such a place: hundreds of syncs of a disk would be most of the tests' time.
  enum class Where { memory, disk };
  explicit TestFolder(Where where = Where::memory) {
    std::string name = "/dev/shm/prism-ledger-XXXXXX";
    if (where == Where::disk || ::mkdtemp(name.data()) == nullptr) {
      name = (std::filesystem::temp_directory_path() / "prism-ledger-XXXXXX").string();
      check(::mkdtemp(name.data()) != nullptr, "no temporary folder");
    }
    root_ = name;
    std::filesystem::create_directory(root_ / "data");
  }
  TestFolder(const TestFolder&) = delete;
  ~TestFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  std::filesystem::path root() const { return root_; }
  std::string ledger() const { return (root_ / "data" / "t.csv.budget").string(); }
  std::string marks() const { return (root_ / "marks").string(); }
  LedgerOptions options() const { return {.marks = marks()}; }

 private:
  std::filesystem::path root_;
};

inline policy::Grant test_grant(std::string_view epsilon = "1") {
  policy::Grant grant;
  policy::TableRule table{.name = "t", .path = "t.csv", .unit = "id"};
  table.columns.push_back({.schema = {"id", table::ColumnType::integer}});
  grant.tables = {table};
  grant.epsilon = dp::Epsilon::parse(epsilon).value();
  return grant;
}

inline policy::Charge test_charge(const policy::Grant& grant, std::string_view epsilon = "0.1") {
  policy::Charge charge;
  charge.grant = policy::digest_of(grant);
  charge.epsilon = dp::Epsilon::parse(epsilon).value();
  charge.delta = policy::default_delta(grant, charge.epsilon);
  charge.events = {dp::Event::approximate(charge.epsilon, charge.delta)};
  return charge;
}

inline LedgerFile test_ledger(const TestFolder& folder, const policy::Grant& grant) {
  host::SystemRandom random;
  return LedgerFile::create(folder.ledger(), grant, folder.options(), random, kTestTime).value();
}

}  // namespace prism::store::sqlite::internal
