// apps/prism/steps.h - what several commands do: finding keys, sealing, opening. Commands add arguments and words.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "prism/backend/he/answer.h"
#include "prism/backend/he/lower.h"
#include "prism/backend/he/open.h"
#include "prism/base/parallel.h"
#include "prism/custody/keyring.h"
#include "prism/sealed/manifest.h"
#include "prism/sealed/propose.h"
#include "prism/table/read_csv.h"

namespace prism::app {

inline constexpr std::uint64_t kMostAnswerBytes = std::uint64_t{4} << 30;
inline constexpr std::uint64_t kMostDictionaryFileBytes = std::uint64_t{1} << 30;
inline constexpr std::uint64_t kMostKeyFileBytes = std::uint64_t{512} << 20;

/// A passphrase from a file, from a prompt, or none.
class PassphraseSource {
 public:
  static Result<PassphraseSource> from_file(const std::string& path);
  static Result<PassphraseSource> ask(std::string_view prompt);
  /// From the file when one is named; else from a prompt if `needed`; else none.
  static Result<PassphraseSource> find(const std::string& file, bool needed, std::string_view prompt);
  custody::Passphrase view() const;

 private:
  std::optional<secret::SecretVector<std::uint8_t>> bytes_;
};

/// A key directory, for sealing.
Result<custody::Keyring> open_keyring(const std::string& dir, const std::string& passphrase_file);
/// A key directory or the key of a single table, for opening.
Result<std::unique_ptr<custody::KeySource>> open_keys(const std::string& path, const std::string& passphrase_file);

/// How many workers: the flag, else PRISM_THREADS, else every core. insecure never; errors as configuration or usage.
Result<std::size_t> workers_from(std::optional<std::size_t> flag);

/// A CSV file, read twice; Ctrl-C stops it.
Result<table::Table> read_csv_file(const std::string& path, const table::CsvOptions& options);

/// "patients" for "dir/patients.csv": the table's name in SQL.
std::string stem_of(const std::string& path);
/// The name as SQL wants it, in quotes where it must be.
std::string sql_name(const std::string& name);
/// refused when both paths are the same file, or the output is a budget: an output must not destroy its input.
Status not_the_same(const std::string& input, const std::string& output);

/// Encrypts into `output`. The owner's manifest is kept before the file appears, and forgotten when it does not.
Result<sealed::Manifest> seal_table(const table::Table& table, sealed::Header header, const custody::Keyring& keyring,
                                    const std::string& output, Parallel& parallel,
                                    const std::function<bool(std::uint64_t, std::uint64_t)>& progress);

/// What the owner remembers of a table. unauthorised when these keys do not know it.
Result<sealed::Manifest> load_manifest(const custody::KeySource& keys, const sealed::TableId& id,
                                       const std::string& where);
/// Decrypts an answer.
Result<backend::he::Opened> open_with(ByteView answer, const custody::KeySource& keys, const std::string& where);

/// Exported dictionaries for a table. mismatch for a dictionary of another table.
Result<backend::he::Dictionaries> read_dictionaries(const std::vector<std::string>& paths,
                                                    const sealed::Header& header);

}  // namespace prism::app
