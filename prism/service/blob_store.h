// prism/service/blob_store.h - what clients uploaded: bytes by their SHA-256, each account's own, resumable, bounded.
//
//   DIR/ACCOUNT/KIND-DIGEST             complete: the digest holds and the bytes are durable
//   DIR/ACCOUNT/KIND-DIGEST.SIZE.part   an upload that goes on: its length is the offset
//
// Accounts share nothing, not even equal bytes: whether somebody else has a blob cannot be learned from what an upload
// does. A crash leaves each upload where it was or a little before; a complete blob stays. Thread-safe.
#pragma once
#include <chrono>
#include <compare>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "prism/base/clock.h"
#include "prism/hash/sha256.h"
#include "prism/host/growing_file.h"
#include "prism/service/compute_service.h"

namespace prism::service {

struct BlobKey {
  Digest account{};
  BlobKind kind = BlobKind::data;
  Digest digest{};
  auto operator<=>(const BlobKey&) const = default;
};

class BlobStore {
 public:
  /// An announcement that no byte followed holds its room so long.
  static constexpr std::chrono::seconds kAnnouncedFor{300};
  /// So many of them one account may have at a time.
  static constexpr std::size_t kMostAnnounced = 64;

  /// Takes up what is in `directory`, which is made when absent. Files that it did not name are left alone.
  static Result<std::unique_ptr<BlobStore>> open(const std::string& directory, const Limits& limits,
                                                 const Clock& clock);

  /// Errors: too_large, quota_exceeded (bytes or number of this account), capacity (all accounts, or the disk),
  /// conflict (announced before with another size). To make room, uploads that nobody goes on with vanish, and the
  /// account's own blobs that it did not use for an hour; never what another account has complete.
  Result<UploadState> announce(const BlobKey& key, std::uint64_t size);
  /// not_found for what was never announced.
  Result<UploadState> state(const BlobKey& key) const;
  /// As ComputeService::upload.
  Result<UploadState> upload(const BlobKey& key, std::uint64_t offset, std::uint64_t size, Source& body);
  /// Whether there is a blob or an upload of this account.
  bool has(const Digest& account) const;
  /// conflict while it is being written or used.
  Status remove(const BlobKey& key);

  /// While it lives, the blob stays. Says that the blob is in use now.
  class Pin {
   public:
    Pin() = default;
    Pin(Pin&& other) noexcept;
    Pin& operator=(Pin&& other) noexcept;
    ~Pin();

   private:
    friend class BlobStore;
    Pin(BlobStore* store, const BlobKey& key) : store_(store), key_(key) {}
    BlobStore* store_ = nullptr;
    BlobKey key_;
  };
  /// not_found unless it is complete.
  Result<Pin> pin(const BlobKey& key);
  Result<Bytes> read(const BlobKey& key) const;

  /// Removes uploads that nobody went on with and blobs that nobody used.
  void sweep();
  struct Totals {
    std::uint64_t bytes = 0, blobs = 0, uploads = 0;
  };
  Totals totals() const;

 private:
  struct Entry {
    std::uint64_t size = 0;
    std::uint64_t offset = 0;
    bool complete = false;
    bool writing = false;
    int pins = 0;
    std::chrono::seconds used{};
    std::chrono::seconds touched{};      ///< what the file's own time says, about
    std::unique_ptr<hash::Sha256> hash;  ///< of the first `offset` bytes; none after a restart
  };
  struct Account {
    std::uint64_t bytes = 0;
    std::size_t blobs = 0;
    std::size_t announced = 0;  ///< of which no byte came
  };

  BlobStore(std::string directory, const Limits& limits, const Clock& clock)
      : directory_(std::move(directory)), limits_(limits), clock_(&clock) {}
  Status take_up();
  Status take_up_account(const std::string& name, const Digest& account);
  std::string path(const BlobKey& key) const;
  std::string part_path(const BlobKey& key, std::uint64_t size) const;
  Result<UploadState> announce_locked(const BlobKey& key, std::uint64_t size);
  Status make_room(const Digest& account, std::uint64_t size);
  void count_locked(const BlobKey& key, const Entry& entry);
  void move_offset_locked(const BlobKey& key, Entry& entry, std::uint64_t offset);
  Status keep_written(const BlobKey& key, Entry& entry, host::GrowingFile& file, std::uint64_t offset);
  Status erase_locked(const BlobKey& key);
  Status write(const BlobKey& key, Entry& entry, std::uint64_t size, Source& body);
  Status rehash(const BlobKey& key, Entry& entry) const;
  Status complete(const BlobKey& key, Entry& entry, host::GrowingFile& file);
  void unpin(const BlobKey& key);

  const std::string directory_;
  const Limits limits_;
  const Clock* clock_;
  mutable std::mutex mutex_;  ///< over all below; an entry that is `writing` belongs to its writer
  std::map<BlobKey, Entry> entries_;
  std::map<Digest, Account> accounts_;
  std::uint64_t bytes_ = 0;
  std::uint64_t unwritten_ = 0;  ///< of bytes_, what the disk does not hold yet
};

}  // namespace prism::service
