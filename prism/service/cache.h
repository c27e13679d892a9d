// prism/service/cache.h - decoded things that are wanted again: least recently used ones go when bytes run out.
#pragma once
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "prism/service/blob_store.h"
#include "prism/service/clients.h"

namespace prism::service {

struct BlobKeyHash {
  std::size_t operator()(const BlobKey& key) const { return DigestHash{}(key.digest); }
};

/// Thread-safe. Each thing is made once however many ask for it at the same time; values are shared by the cache and by
/// those who use them, so dropping one frees nothing that is in use.
template <class Value>
class Cache {
 public:
  using Pointer = std::shared_ptr<const Value>;
  struct Loaded {
    Pointer value;
    std::uint64_t bytes = 0;
  };
  explicit Cache(std::uint64_t most_bytes) : most_bytes_(most_bytes) {}

  /// `load()` returns Result<Loaded>; it runs outside the cache's lock.
  template <class Load>
  Result<Pointer> get(const BlobKey& key, const Load& load) {
    const std::shared_ptr<Slot> slot = slot_of(key);
    const std::lock_guard loading(slot->mutex);
    if (slot->value) return slot->value;
    Result<Loaded> loaded = load();
    if (!loaded) return std::move(loaded).error();
    slot->value = loaded->value;
    keep(key, slot, loaded->bytes);
    return slot->value;
  }
  void forget(const BlobKey& key) {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(key);
    if (found != entries_.end()) drop(found);
  }
  std::pair<std::uint64_t, std::uint64_t> totals() const {
    const std::lock_guard lock(mutex_);
    return {entries_.size(), bytes_};
  }

 private:
  struct Slot {
    std::mutex mutex;
    Pointer value;
  };
  struct Entry {
    std::shared_ptr<Slot> slot;
    std::uint64_t bytes = 0;
    typename std::list<BlobKey>::iterator place;
  };
  using Entries = std::unordered_map<BlobKey, Entry, BlobKeyHash>;

  std::shared_ptr<Slot> slot_of(const BlobKey& key) {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(key);
    if (found != entries_.end()) {
      order_.splice(order_.begin(), order_, found->second.place);
      return found->second.slot;
    }
    order_.push_front(key);
    auto slot = std::make_shared<Slot>();
    entries_.emplace(key, Entry{slot, 0, order_.begin()});
    // Slots that never get a value - keys of things that do not load - are bounded as well.
    while (entries_.size() > kMostEntries) drop(entries_.find(order_.back()));
    return slot;
  }
  void keep(const BlobKey& key, const std::shared_ptr<Slot>& slot, std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(key);
    if (found == entries_.end() || found->second.slot != slot) return;  // forgotten meanwhile
    found->second.bytes = bytes;
    bytes_ += bytes;
    while (bytes_ > most_bytes_ && !order_.empty()) drop(entries_.find(order_.back()));
  }
  void drop(typename Entries::iterator entry) {
    bytes_ -= entry->second.bytes;
    order_.erase(entry->second.place);
    entries_.erase(entry);
  }

  static constexpr std::size_t kMostEntries = 65'536;
  const std::uint64_t most_bytes_;
  mutable std::mutex mutex_;
  std::list<BlobKey> order_;  ///< most recently used first
  Entries entries_;
  std::uint64_t bytes_ = 0;
};

}  // namespace prism::service
