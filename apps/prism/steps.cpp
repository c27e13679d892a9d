#include "apps/prism/steps.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "apps/prism/output_guard.h"
#include "apps/prism/terminal.h"
#include "prism/custody/table_key.h"
#include "prism/host/atomic_file.h"
#include "prism/host/file.h"
#include "prism/host/interrupt.h"
#include "prism/host/mapped_file.h"
#include "prism/host/system.h"
#include "prism/host/thread_pool.h"
#include "prism/sealed/writer.h"
#include "prism/sql/sql.h"
#include "prism/wire/artefact.h"

namespace prism::app {
namespace {

constexpr std::size_t kMostWorkers = 1024;

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Result<std::size_t> worker_count(std::string_view text, std::string_view what) {
  std::size_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{} || end != text.data() + text.size() || count < 1 || count > kMostWorkers)
    return fail(ErrorCode::insecure, what, " is \"", printable(text), "\"; it takes a number from 1 to ", kMostWorkers);
  return count;
}

/// An open file to be closed.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

Status check_space(const std::string& output, std::uint64_t bytes) {
  struct stat info{};
  if (::stat(output.c_str(), &info) == 0 && !S_ISREG(info.st_mode)) return {};  // a device or a pipe
  PRISM_TRY(const std::uint64_t free, host::free_disk_bytes(directory_of(output)));
  if (bytes > free)
    return fail(ErrorCode::exhausted, "the sealed table takes ", bytes_text(bytes), " and the disk of ", output,
                " has ", bytes_text(free), " left; choose another place, or fewer columns");
  return {};
}

}  // namespace

Result<PassphraseSource> PassphraseSource::from_file(const std::string& path) {
  PassphraseSource source;
  PRISM_TRY(source.bytes_, host::read_passphrase(path));
  return source;
}

Result<PassphraseSource> PassphraseSource::ask(std::string_view prompt) {
  PassphraseSource source;
  PRISM_TRY(source.bytes_, ask_passphrase(prompt));
  return source;
}

Result<PassphraseSource> PassphraseSource::find(const std::string& file, bool needed, std::string_view prompt) {
  if (!file.empty()) return from_file(file);
  if (needed) return ask(prompt);
  return PassphraseSource{};
}

custody::Passphrase PassphraseSource::view() const {
  if (!bytes_) return std::nullopt;
  return ByteView(bytes_->reveal(secret::RevealKey{}));
}

Result<custody::Keyring> open_keyring(const std::string& dir, const std::string& passphrase_file) {
  bool needed = false;
  const std::string file = dir + "/" + std::string(custody::kKeyringFile);
  if (host::exists(file)) {
    // Mapped, because a description copies nothing secret.
    PRISM_TRY(const auto mapped, host::MappedFile::open(file, kMostKeyFileBytes));
    PRISM_TRY(const auto description, custody::describe_keyring(mapped.bytes()));
    needed = description.protection == custody::Protection::passphrase;
  }
  PRISM_TRY(const PassphraseSource passphrase, PassphraseSource::find(passphrase_file, needed, "passphrase of " + dir));
  return custody::Keyring::open(dir, passphrase.view());
}

Result<std::unique_ptr<custody::KeySource>> open_keys(const std::string& path, const std::string& passphrase_file) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0 || S_ISDIR(info.st_mode)) {
    PRISM_TRY(custody::Keyring keyring, open_keyring(path, passphrase_file));
    return std::unique_ptr<custody::KeySource>(std::make_unique<custody::Keyring>(std::move(keyring)));
  }
  PRISM_TRY(const auto mapped, host::MappedFile::open(path, kMostKeyFileBytes));
  PRISM_TRY(const auto description, custody::describe_table_key(mapped.bytes()));
  PRISM_TRY(const PassphraseSource passphrase,
            PassphraseSource::find(passphrase_file, description.protection == custody::Protection::passphrase,
                                   "passphrase of " + path));
  PRISM_TRY(custody::TableKey key, custody::TableKey::open(path, passphrase.view()));
  return std::unique_ptr<custody::KeySource>(std::make_unique<custody::TableKey>(std::move(key)));
}

Result<std::size_t> workers_from(std::optional<std::size_t> flag) {
  if (flag) {
    if (*flag < 1 || *flag > kMostWorkers)
      return fail(ErrorCode::invalid_argument, "--threads takes a number from 1 to ", kMostWorkers);
    return *flag;
  }
  const char* const wanted = std::getenv("PRISM_THREADS");
  if (wanted != nullptr && *wanted != '\0') return worker_count(wanted, "PRISM_THREADS");
  return host::available_cores();
}

Result<table::Table> read_csv_file(const std::string& path, const table::CsvOptions& options) {
  struct stat info{};
  if (::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode))
    return fail(ErrorCode::invalid_argument, path,
                " is not a regular file; a table is read twice, so put it into a file first");
  const table::OpenSource open = [&path]() -> Result<table::ByteSource> {
    const auto file = std::make_shared<Descriptor>(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file->get() < 0)
      return fail(errno == ENOENT ? ErrorCode::not_found : ErrorCode::io, "cannot read ", path, ": ",
                  std::strerror(errno));
    return table::ByteSource([file, &path](std::span<char> into) -> Result<std::size_t> {
      for (;;) {
        PRISM_CHECKED(host::check_interrupted());
        const ssize_t got = ::read(file->get(), into.data(), into.size());
        if (got >= 0) return static_cast<std::size_t>(got);
        if (errno != EINTR) return fail(ErrorCode::io, "cannot read ", path, ": ", std::strerror(errno));
      }
    });
  };
  auto table = table::read_csv(stem_of(path), open, options);
  if (!table && table.error().code == ErrorCode::malformed)
    return fail(ErrorCode::malformed, path, ": ", table.error().message);
  return table;
}

std::string stem_of(const std::string& path) {
  std::string name = path.substr(path.rfind('/') == std::string::npos ? 0 : path.rfind('/') + 1);
  const std::size_t dot = name.rfind('.');
  if (dot != std::string::npos && dot > 0) name.resize(dot);
  return name;
}

std::string sql_name(const std::string& name) {
  sql::Catalog catalog;
  catalog.table = name;
  // Only the grammar knows which words it keeps for itself.
  if (sql::plan_query("SELECT COUNT(*) FROM " + name, catalog)) return name;
  std::string quoted = "\"";
  for (const char c : name) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

Status not_the_same(const std::string& input, const std::string& output) {
  return check_output(output, std::span(&input, 1));
}

Result<sealed::Manifest> seal_table(const table::Table& table, sealed::Header header, const custody::Keyring& keyring,
                                    const std::string& output, Parallel& parallel,
                                    const std::function<bool(std::uint64_t, std::uint64_t)>& progress) {
  host::SystemRandom random;
  PRISM_TRY(const custody::TableId id, custody::TableId::random(random));
  header.id = id.bytes;
  header.key = keyring.id().bytes;
  PRISM_CHECKED(check_space(output, sealed::sealed_file_bytes(header)));
  PRISM_TRY(host::AtomicFile file, host::AtomicFile::create(output, host::AtomicFile::Access::everybody));
  PRISM_TRY(const ring::SecretSeed seed, keyring.table_secret(id));
  PRISM_TRY(const rlwe::SecretKey key, rlwe::SecretKey::from_seed(header.parameters->rlwe_ptr(), seed));
  PRISM_TRY(sealed::Manifest manifest,
            sealed::seal(table, std::move(header), key, file, random, parallel, [&](sealed::SealProgress at) {
              return !host::interrupted() && (!progress || progress(at.done, at.all));
            }));
  PRISM_CHECKED(host::check_interrupted());
  // In this order a sealed table never exists whose owner could not open its answers.
  PRISM_CHECKED(keyring.store_manifest(id, sealed::encode(manifest), random));
  if (auto committed = file.commit(); !committed) {
    (void)keyring.remove_manifest(id);
    return std::move(committed).error();
  }
  return manifest;
}

Result<sealed::Manifest> load_manifest(const custody::KeySource& keys, const sealed::TableId& id,
                                       const std::string& where) {
  custody::TableId wanted;
  wanted.bytes = id;
  auto bytes = keys.load_manifest(wanted);
  if (!bytes) {
    if (bytes.error().code == ErrorCode::not_found || bytes.error().code == ErrorCode::mismatch)
      return fail(ErrorCode::unauthorised, "the keys in ", where, " do not know table ", wanted.hex(),
                  ": it was sealed with other keys (prism inspect shows which)");
    return std::move(bytes).error();
  }
  PRISM_TRY(sealed::Manifest manifest, sealed::decode_manifest(*bytes));
  if (manifest.header.id != id || manifest.header.key != keys.id().bytes)
    return fail(ErrorCode::integrity, "the manifest kept in ", where, " for table ", wanted.hex(),
                " is about another table");
  return manifest;
}

Result<backend::he::Opened> open_with(ByteView answer, const custody::KeySource& keys, const std::string& where) {
  PRISM_TRY(const auto parsed, backend::he::parse_answer(answer));
  PRISM_TRY(const sealed::Manifest manifest, load_manifest(keys, parsed.head.id, where));
  custody::TableId id;
  id.bytes = manifest.header.id;
  PRISM_TRY(const ring::SecretSeed seed, keys.table_secret(id));
  PRISM_TRY(const rlwe::SecretKey key, rlwe::SecretKey::from_seed(manifest.header.parameters->rlwe_ptr(), seed));
  return backend::he::open_answer(answer, manifest, key);
}

Result<backend::he::Dictionaries> read_dictionaries(const std::vector<std::string>& paths,
                                                    const sealed::Header& header) {
  backend::he::Dictionaries dictionaries;
  for (const std::string& path : paths) {
    PRISM_TRY(const Bytes file, host::read_file(path, kMostDictionaryFileBytes));
    PRISM_TRY(sealed::DictionaryExport dictionary, sealed::decode_dictionary(file));
    if (dictionary.table != header.id)
      return fail(ErrorCode::mismatch, path, " belongs to another sealed table (", to_hex(dictionary.table),
                  ", wanted ", to_hex(header.id), "); sealing again makes a new table");
    const sealed::Column* const column = header.find(dictionary.column);
    if (column == nullptr || !column->code || column->code->size != std::max<std::uint64_t>(1, dictionary.words.size()))
      return fail(ErrorCode::mismatch, path, " does not fit column ", printable(dictionary.column), " of this table");
    dictionaries[static_cast<std::size_t>(column - header.columns.data())] = std::move(dictionary.words);
  }
  return dictionaries;
}

}  // namespace prism::app
