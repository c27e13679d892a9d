// prism/store/sqlite/internal/faulty_disk.h - for tests: a machine that dies at the n-th thing it does to a file.
//
// An SQLite VFS over the system's. It counts what changes files (opening a new one, write, truncate, sync, delete) and
// the steps of raising a mark. At number n the machine is dead: that operation does nothing, or half of itself when it
// is a write, and every later one fails; or that one alone fails and the machine goes on. Syncs are only noted, so that
// power_loss() can take away what was not synced: all of it, or an arbitrary part, as disks do.
//
// One at a time, on one thread.
#pragma once
#include <sqlite3.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "prism/base/bytes.h"
#include "prism/base/check.h"
#include "prism/base/result.h"

namespace prism::store::sqlite::internal {

class FaultyDisk {
 public:
  static constexpr const char* kName = "prism-faulty";
  enum class Fault {
    death,          ///< at an operation that does nothing
    death_halfway,  ///< the same, but a write does its first half
    error,          ///< the operation does nothing and says so
    false_error,    ///< it does what it should and says that it did not: a sync of a folder failed, say
  };
  enum class Loss { nothing, all_unsynced, some_unsynced };

  struct Change {
    bool is_write;  ///< else the file is cut to `offset` bytes
    std::uint64_t offset;
    Bytes bytes;
  };
  struct Tracked {
    std::optional<Bytes> durable;  ///< what surely survives; none: the file may not even have a name
    std::vector<Change> unsynced;
  };
  /// By path.
  using Files = std::map<std::string, Tracked>;

  static FaultyDisk& instance() {
    static FaultyDisk disk;
    return disk;
  }

  /// A new machine, with no file open: the fault is at operation `n` (0: never).
  void start(int n, Fault fault = Fault::death) {
    files_.clear();
    set_fault(n, fault);
  }
  /// Counts anew from here.
  void set_fault(int n, Fault fault = Fault::death) {
    fault_at_ = n;
    fault_ = fault;
    done_ = 0;
    dead_ = false;
  }
  int operations() const { return done_; }
  bool dead() const { return dead_; }
  /// What was attempted last: "sync t.csv.budget-journal".
  const std::string& last() const { return last_; }
  /// Since start().
  const Files& files() const { return files_; }

  Status mark_step(std::string_view step) {
    if (!act("mark " + std::string(step)).succeeds) return fail(ErrorCode::io, "the machine failed");
    return {};
  }

  /// After all connections are closed.
  static void power_loss(const Files& files, Loss loss, std::mt19937_64& random) {
    if (loss == Loss::nothing) return;
    for (const auto& [path, file] : files) {
      std::optional<Bytes> content = file.durable;
      for (const Change& change : file.unsynced) {
        if (loss == Loss::all_unsynced) break;
        apply_part(change, content, random);
      }
      if (!content) {
        std::filesystem::remove(path);
      } else {
        std::ofstream out(path, std::ios::binary | std::ios::trunc);
        out.write(reinterpret_cast<const char*>(content->data()), static_cast<std::streamsize>(content->size()));
      }
    }
  }

 private:
  struct File {
    sqlite3_file base;
    Tracked* tracked;
    const char* path;  ///< SQLite keeps it as long as the file is open
    sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  };

  FaultyDisk() : system_(sqlite3_vfs_find(nullptr)) {
    vfs_ = *system_;
    vfs_.iVersion = 1;
    vfs_.szOsFile = static_cast<int>(sizeof(File)) + system_->szOsFile;
    vfs_.pNext = nullptr;
    vfs_.zName = kName;
    vfs_.xOpen = &open;
    vfs_.xDelete = &remove;
    check(sqlite3_vfs_register(&vfs_, 0) == SQLITE_OK, "a VFS cannot be registered");
  }

  /// What becomes of an operation.
  struct Act {
    bool does;      ///< it is carried out
    bool succeeds;  ///< it says that it was
  };
  Act act(std::string what) {
    if (dead_) return {false, false};
    last_ = std::move(what);
    if (++done_ != fault_at_) return {true, true};
    dead_ = fault_ == Fault::death || fault_ == Fault::death_halfway;
    return {fault_ == Fault::false_error, false};
  }

  /// Through the descriptor that is open: closing another one would give back SQLite's locks.
  static Bytes content_of(File* file) {
    sqlite3_int64 size = 0;
    check(file->real()->pMethods->xFileSize(file->real(), &size) == SQLITE_OK, "a file has no size");
    Bytes content(static_cast<std::size_t>(size));
    if (!content.empty())
      check(file->real()->pMethods->xRead(file->real(), content.data(), static_cast<int>(size), 0) == SQLITE_OK,
            "a file does not read");
    return content;
  }
  static std::string name_of(const char* path) { return std::filesystem::path(path).filename().string(); }

  /// Any of the sectors of a write may have reached the disk, and any of the changes.
  static void apply_part(const Change& change, std::optional<Bytes>& content, std::mt19937_64& random) {
    constexpr std::uint64_t kSector = 512;
    if (!content) {
      if (random() % 2 == 0) return;
      content.emplace();
    }
    if (!change.is_write) {
      if (random() % 2 == 0) content->resize(change.offset);
      return;
    }
    for (std::uint64_t at = 0; at < change.bytes.size();) {
      const std::uint64_t position = change.offset + at;
      const std::uint64_t size = std::min(kSector - position % kSector, change.bytes.size() - at);
      if (random() % 2 == 0) {
        if (content->size() < position + size) content->resize(position + size);
        std::memcpy(content->data() + position, change.bytes.data() + at, size);
      }
      at += size;
    }
  }

  static int open(sqlite3_vfs*, const char* path, sqlite3_file* base, int flags, int* out_flags) {
    FaultyDisk& disk = instance();
    File* file = reinterpret_cast<File*>(base);
    file->base.pMethods = nullptr;
    if (disk.dead_) return SQLITE_CANTOPEN;
    const bool is_there = path != nullptr && std::filesystem::exists(path);
    if (!is_there && !disk.act("create " + (path == nullptr ? std::string("temporary") : name_of(path))).succeeds)
      return SQLITE_CANTOPEN;
    const int code = disk.system_->xOpen(disk.system_, path, file->real(), flags, out_flags);
    if (code != SQLITE_OK) return code;
    file->path = path;
    Tracked& tracked = disk.files_[path == nullptr ? "" : path];
    if (is_there && !tracked.durable && tracked.unsynced.empty()) tracked.durable = content_of(file);
    file->tracked = &tracked;
    file->base.pMethods = methods();
    return SQLITE_OK;
  }

  static int remove(sqlite3_vfs*, const char* path, int sync_folder) {
    FaultyDisk& disk = instance();
    if (!std::filesystem::exists(path)) return SQLITE_IOERR_DELETE_NOENT;
    const Act act = disk.act("delete " + name_of(path));
    if (!act.does) return SQLITE_IOERR_DELETE;
    const int code = disk.system_->xDelete(disk.system_, path, 0);
    if (!act.succeeds) return SQLITE_IOERR_DIR_FSYNC;
    // Without a sync of the folder the name may come back, with what was durable in it.
    if (code == SQLITE_OK && sync_folder != 0) disk.files_[path] = {};
    return code;
  }

  static int close(sqlite3_file* base) {
    File* file = reinterpret_cast<File*>(base);
    return file->real()->pMethods->xClose(file->real());
  }
  static int read(sqlite3_file* base, void* out, int size, sqlite3_int64 offset) {
    File* file = reinterpret_cast<File*>(base);
    if (instance().dead_) return SQLITE_IOERR_READ;
    return file->real()->pMethods->xRead(file->real(), out, size, offset);
  }
  static int write(sqlite3_file* base, const void* bytes, int size, sqlite3_int64 offset) {
    FaultyDisk& disk = instance();
    File* file = reinterpret_cast<File*>(base);
    if (disk.dead_) return SQLITE_IOERR_WRITE;
    const Act act = disk.act("write " + name_of(file->path));
    const bool half = !act.does && disk.fault_ == Fault::death_halfway;
    if (!act.does && !half) return SQLITE_IOERR_WRITE;
    if (half) size /= 2;
    const auto* first = static_cast<const std::uint8_t*>(bytes);
    file->tracked->unsynced.push_back({true, static_cast<std::uint64_t>(offset), Bytes(first, first + size)});
    const int code = file->real()->pMethods->xWrite(file->real(), bytes, size, offset);
    return act.succeeds ? code : SQLITE_IOERR_WRITE;
  }
  static int truncate(sqlite3_file* base, sqlite3_int64 size) {
    FaultyDisk& disk = instance();
    File* file = reinterpret_cast<File*>(base);
    const Act act = disk.act("truncate " + name_of(file->path));
    if (!act.does) return SQLITE_IOERR_TRUNCATE;
    file->tracked->unsynced.push_back({false, static_cast<std::uint64_t>(size), {}});
    const int code = file->real()->pMethods->xTruncate(file->real(), size);
    return act.succeeds ? code : SQLITE_IOERR_TRUNCATE;
  }
  static int sync(sqlite3_file* base, int) {
    FaultyDisk& disk = instance();
    File* file = reinterpret_cast<File*>(base);
    if (!disk.act("sync " + name_of(file->path)).succeeds) return SQLITE_IOERR_FSYNC;
    // The system's VFS syncs the folder of a new journal along with its first sync.
    file->tracked->durable = content_of(file);
    file->tracked->unsynced.clear();
    return SQLITE_OK;
  }
  static int file_size(sqlite3_file* base, sqlite3_int64* size) {
    File* file = reinterpret_cast<File*>(base);
    return file->real()->pMethods->xFileSize(file->real(), size);
  }
  static int lock(sqlite3_file* base, int level) {
    File* file = reinterpret_cast<File*>(base);
    return file->real()->pMethods->xLock(file->real(), level);
  }
  static int unlock(sqlite3_file* base, int level) {
    File* file = reinterpret_cast<File*>(base);
    return file->real()->pMethods->xUnlock(file->real(), level);
  }
  static int check_lock(sqlite3_file* base, int* locked) {
    File* file = reinterpret_cast<File*>(base);
    return file->real()->pMethods->xCheckReservedLock(file->real(), locked);
  }
  static int control(sqlite3_file* base, int what, void* argument) {
    File* file = reinterpret_cast<File*>(base);
    return file->real()->pMethods->xFileControl(file->real(), what, argument);
  }
  static int sector_size(sqlite3_file* base) {
    File* file = reinterpret_cast<File*>(base);
    return file->real()->pMethods->xSectorSize(file->real());
  }
  static int characteristics(sqlite3_file* base) {
    File* file = reinterpret_cast<File*>(base);
    return file->real()->pMethods->xDeviceCharacteristics(file->real());
  }
  static const sqlite3_io_methods* methods() {
    static const sqlite3_io_methods table = [] {
      sqlite3_io_methods m{};
      m.iVersion = 1;
      m.xClose = &close;
      m.xRead = &read;
      m.xWrite = &write;
      m.xTruncate = &truncate;
      m.xSync = &sync;
      m.xFileSize = &file_size;
      m.xLock = &lock;
      m.xUnlock = &unlock;
      m.xCheckReservedLock = &check_lock;
      m.xFileControl = &control;
      m.xSectorSize = &sector_size;
      m.xDeviceCharacteristics = &characteristics;
      return m;
    }();
    return &table;
  }

  sqlite3_vfs* system_;
  sqlite3_vfs vfs_{};
  int fault_at_ = 0;
  Fault fault_ = Fault::death;
  int done_ = 0;
  bool dead_ = false;
  std::string last_;
  Files files_;
};

}  // namespace prism::store::sqlite::internal
