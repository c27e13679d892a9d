#include "prism/service/blob_store.h"

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

#include "prism/host/file.h"
#include "prism/host/mapped_file.h"
#include "prism/service/names.h"

namespace prism::service {
namespace {

using std::chrono::seconds;

constexpr std::size_t kPiece = std::size_t{256} << 10;
constexpr std::string_view kPart = ".part";
/// A file's own time is renewed no more often than this: reading must not mean writing.
constexpr seconds kTouchEvery{3600};
/// What was used within this time is not removed to make room.
constexpr seconds kSafeFor{3600};
/// An upload is made durable, and the disk looked at, whenever so much more came.
constexpr std::uint64_t kCheckEvery = std::uint64_t{64} << 20;

std::string_view prefix_of(BlobKind kind) { return kind == BlobKind::context ? "context-" : "data-"; }

struct FileName {
  BlobKind kind;
  Digest digest;
  std::optional<std::uint64_t> part_of;  ///< the announced size of an upload
};

std::optional<FileName> parse_name(std::string_view name) {
  FileName out{};
  if (name.starts_with("context-"))
    out.kind = BlobKind::context;
  else if (name.starts_with("data-"))
    out.kind = BlobKind::data;
  else
    return std::nullopt;
  name.remove_prefix(prefix_of(out.kind).size());
  const auto digest = digest_from_hex(name.substr(0, 64));
  if (!digest) return std::nullopt;
  out.digest = *digest;
  name.remove_prefix(64);
  if (name.empty()) return out;
  if (!name.starts_with('.') || !name.ends_with(kPart) || name.size() < kPart.size() + 2) return std::nullopt;
  out.part_of = number_from(name.substr(1, name.size() - 1 - kPart.size()));
  if (!out.part_of || *out.part_of == 0) return std::nullopt;
  return out;
}

}  // namespace

Result<std::unique_ptr<BlobStore>> BlobStore::open(const std::string& directory, const Limits& limits,
                                                   const Clock& clock) {
  PRISM_CHECKED(host::create_private_directory(directory));
  std::unique_ptr<BlobStore> store(new BlobStore(directory, limits, clock));
  PRISM_CHECKED(store->take_up());
  return store;
}

Status BlobStore::take_up() {
  PRISM_TRY(const auto names, host::list_directory(directory_));
  for (const std::string& name : names)
    if (const auto account = digest_from_hex(name)) PRISM_CHECKED(take_up_account(name, *account));
  return {};
}

Status BlobStore::take_up_account(const std::string& name, const Digest& account) {
  const std::string folder = directory_ + "/" + name;
  PRISM_TRY(const auto files, host::list_directory(folder));
  for (const std::string& file : files) {
    const auto parsed = parse_name(file);
    if (!parsed) continue;
    const std::string path = folder + "/" + file;
    PRISM_TRY(const std::uint64_t length, host::file_size(path));
    PRISM_TRY(const std::int64_t changed, host::changed_at(path));
    const BlobKey key{account, parsed->kind, parsed->digest};
    // A crash between the rename and the end of an upload leaves the blob alone; one between two announcements of other
    // sizes cannot leave two parts, because a second size is refused.
    if (entries_.contains(key) || (parsed->part_of && length > *parsed->part_of)) {
      PRISM_CHECKED(host::remove_file(path));
      continue;
    }
    Entry entry;
    entry.size = parsed->part_of.value_or(length);
    entry.offset = length;
    entry.complete = !parsed->part_of;
    entry.used = entry.touched = seconds(changed);
    count_locked(key, entry);
    entries_.emplace(key, std::move(entry));
  }
  // A crash may have left a directory that lost its last file; one with files of others stays.
  if (!accounts_.contains(account)) (void)host::remove_directory(folder);
  return {};
}

void BlobStore::count_locked(const BlobKey& key, const Entry& entry) {
  bytes_ += entry.size;
  unwritten_ += entry.size - entry.offset;
  Account& account = accounts_[key.account];
  account.bytes += entry.size;
  ++account.blobs;
  if (entry.offset == 0) ++account.announced;
}

void BlobStore::move_offset_locked(const BlobKey& key, Entry& entry, std::uint64_t offset) {
  if (entry.offset == 0 && offset > 0) --accounts_.find(key.account)->second.announced;
  unwritten_ -= offset - entry.offset;
  entry.offset = offset;
}

std::string BlobStore::path(const BlobKey& key) const {
  return directory_ + "/" + to_hex(key.account) + "/" + std::string(prefix_of(key.kind)) + to_hex(key.digest);
}

std::string BlobStore::part_path(const BlobKey& key, std::uint64_t size) const {
  return path(key) + "." + std::to_string(size) + std::string(kPart);
}

Result<UploadState> BlobStore::announce(const BlobKey& key, std::uint64_t size) {
  const std::lock_guard lock(mutex_);
  return announce_locked(key, size);
}

Result<UploadState> BlobStore::announce_locked(const BlobKey& key, std::uint64_t size) {
  if (const auto found = entries_.find(key); found != entries_.end()) {
    Entry& entry = found->second;
    if (entry.size != size)
      return refuse(Problem::conflict, "an upload of this digest was announced with ", entry.size, " bytes, not ", size,
                    "; remove it first");
    return UploadState{entry.offset, entry.size, entry.complete};
  }
  const std::uint64_t most = key.kind == BlobKind::context ? limits_.context_bytes : limits_.data_bytes;
  if (size == 0) return refuse(Problem::invalid_request, "an upload of no bytes");
  if (size > most)
    return refuse(Problem::too_large, size, " bytes where this server takes ", most,
                  "; use fewer keys or smaller parameters");
  const auto account = accounts_.find(key.account);
  if (account != accounts_.end()) {
    const Account& has = account->second;
    if (has.blobs >= limits_.blobs_per_client)
      return refuse(Problem::quota_exceeded, has.blobs,
                    " uploads are kept for this client, the most there may be; remove some");
    if (has.announced >= kMostAnnounced)
      return refuse(Problem::quota_exceeded, has.announced,
                    " uploads of this client are announced and not begun; send or remove some");
    if (size > limits_.bytes_per_client - std::min(limits_.bytes_per_client, has.bytes))
      return refuse(Problem::quota_exceeded, has.bytes, " bytes are kept for this client, and ", size,
                    " more pass the ", limits_.bytes_per_client, " it may have; remove some");
  } else if (size > limits_.bytes_per_client) {
    return refuse(Problem::quota_exceeded, size, " bytes, and a client may have ", limits_.bytes_per_client);
  }
  PRISM_CHECKED(make_room(key.account, size));
  if (!accounts_.contains(key.account)) {  // making room may have taken its last one
    PRISM_CHECKED(host::create_private_directory(directory_ + "/" + to_hex(key.account)));
    PRISM_CHECKED(host::sync_directory(directory_));
  }
  Entry entry;
  entry.size = size;
  entry.used = entry.touched = clock_->wall();
  entry.hash = std::make_unique<hash::Sha256>();
  count_locked(key, entry);
  entries_.emplace(key, std::move(entry));
  return UploadState{0, size, false};
}

Status BlobStore::make_room(const Digest& account, std::uint64_t size) {
  PRISM_TRY(const std::uint64_t free, host::free_disk_bytes(directory_));
  // What was promised to others and is still to come is as good as taken.
  const std::uint64_t taken = limits_.free_disk_bytes + unwritten_;
  if (free < taken || free - taken < size)
    return refuse(Problem::capacity, "the server's disk is too full for an upload of ", size, " bytes");
  const std::uint64_t room = limits_.bytes - std::min(limits_.bytes, bytes_);
  if (size <= room) return {};
  // An announcement costs nothing, so it must not cost anybody a blob: only what is not begun, then what nobody goes on
  // with, then the announcing account's own go.
  const seconds now = clock_->wall();
  struct Candidate {
    int rank;
    seconds used;
    BlobKey key;
    std::uint64_t size;
  };
  std::vector<Candidate> candidates;
  std::uint64_t found = 0;
  for (const auto& [key, entry] : entries_) {
    if (entry.pins > 0 || entry.writing || (entry.complete && key.account != account)) continue;
    const bool begun = entry.offset > 0;
    if (now - entry.used < (begun ? kSafeFor : kAnnouncedFor)) continue;
    candidates.push_back({entry.complete ? 2 : begun ? 1 : 0, entry.used, key, entry.size});
    found += entry.size;
  }
  if (found < size - room) return refuse(Problem::capacity, "the server keeps as many bytes as it may; try later");
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    return std::tie(a.rank, a.used, a.key) < std::tie(b.rank, b.used, b.key);
  });
  for (const Candidate& candidate : candidates) {
    if (size <= limits_.bytes - std::min(limits_.bytes, bytes_)) break;
    PRISM_CHECKED(erase_locked(candidate.key));
  }
  return {};
}

Status BlobStore::erase_locked(const BlobKey& key) {
  const auto found = entries_.find(key);
  const Entry& entry = found->second;
  const std::string file = entry.complete ? path(key) : part_path(key, entry.size);
  if (host::exists(file)) PRISM_CHECKED(host::remove_file(file));
  bytes_ -= entry.size;
  unwritten_ -= entry.size - entry.offset;
  const auto account = accounts_.find(key.account);
  account->second.bytes -= entry.size;
  if (entry.offset == 0) --account->second.announced;
  if (--account->second.blobs == 0) {
    accounts_.erase(account);
    (void)host::remove_directory(directory_ + "/" +
                                 to_hex(key.account));  // stays when there is something not ours in it
  }
  entries_.erase(found);
  return {};
}

Result<UploadState> BlobStore::state(const BlobKey& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end()) return refuse(Problem::not_found, "nothing of this digest was uploaded");
  return UploadState{found->second.offset, found->second.size, found->second.complete};
}

bool BlobStore::has(const Digest& account) const {
  const std::lock_guard lock(mutex_);
  return accounts_.contains(account);
}

Result<UploadState> BlobStore::upload(const BlobKey& key, std::uint64_t offset, std::uint64_t size, Source& body) {
  Entry* entry = nullptr;
  {
    const std::lock_guard lock(mutex_);
    PRISM_TRY(const UploadState state, announce_locked(key, size));
    if (state.complete) return state;
    entry = &entries_.find(key)->second;
    if (entry->writing)
      return refuse(Problem::conflict, "another request is uploading this; wait, then ask how far it came");
    if (offset != entry->offset)
      return refuse(Problem::offset_mismatch, "the upload goes on at byte ", entry->offset, ", not at ", offset);
    entry->writing = true;  // map nodes stay where they are, and nobody erases one that is being written
  }
  const Status written = write(key, *entry, size, body);
  const std::lock_guard lock(mutex_);
  entry->writing = false;
  entry->used = entry->touched = clock_->wall();
  const UploadState state{entry->offset, entry->size, entry->complete};
  if (!written) {
    if (problem_of(written.error()) == Problem::digest_mismatch) PRISM_CHECKED(erase_locked(key));
    return written.error();
  }
  return state;
}

Status BlobStore::write(const BlobKey& key, Entry& entry, std::uint64_t size, Source& body) {
  PRISM_TRY(host::GrowingFile file, host::GrowingFile::open(part_path(key, size)));
  // What could not be made durable, and then not be cut off either.
  if (file.size() > entry.offset) {
    PRISM_CHECKED(file.cut(entry.offset));
    entry.hash.reset();
  }
  if (file.size() != entry.offset)
    return refuse(Problem::internal, "the upload's file holds ", file.size(), " bytes, not ", entry.offset);
  if (!entry.hash) PRISM_CHECKED(rehash(key, entry));
  Bytes buffer(static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, size - entry.offset + 1)));
  std::uint64_t offset = entry.offset;
  Status end;
  for (;;) {
    auto got = body.read(buffer);
    if (!got) {
      end = std::move(got).error();
      break;
    }
    if (*got == 0) break;
    const ByteView piece = ByteView(buffer).first(*got);
    if (piece.size() > size - offset) {
      end = refuse(Problem::too_large, "the body goes on after byte ", size, ", where the upload ends");
      break;
    }
    if (Status appended = file.append(piece); !appended) {
      end = refuse(Problem::capacity, "the server cannot store more now");
      break;
    }
    entry.hash->update(piece);
    offset += piece.size();
    if (offset - entry.offset < kCheckEvery) continue;
    PRISM_CHECKED(keep_written(key, entry, file, offset));
    PRISM_TRY(const std::uint64_t free, host::free_disk_bytes(directory_));
    if (free < limits_.free_disk_bytes) {
      end = refuse(Problem::capacity, "the server's disk is too full; go on with the upload later");
      break;
    }
  }
  // What came stays, also when the rest did not: it is what the client sent, and the digest at the end decides.
  PRISM_CHECKED(keep_written(key, entry, file, offset));
  PRISM_CHECKED(end);
  return offset == size ? complete(key, entry, file) : Status{};
}

Status BlobStore::keep_written(const BlobKey& key, Entry& entry, host::GrowingFile& file, std::uint64_t offset) {
  if (Status synced = file.sync(); !synced) {
    // The upload goes on from what is surely there; should this fail, too, the next attempt does it.
    entry.hash.reset();
    (void)file.cut(entry.offset);
    return synced;
  }
  const std::lock_guard lock(mutex_);
  move_offset_locked(key, entry, offset);
  return {};
}

Status BlobStore::rehash(const BlobKey& key, Entry& entry) const {
  auto hash = std::make_unique<hash::Sha256>();
  if (entry.offset > 0) {
    PRISM_TRY(const auto start, host::MappedFile::open(part_path(key, entry.size), entry.size));
    if (start.bytes().size() != entry.offset) return refuse(Problem::internal, "the upload's file changed");
    hash->update(start.bytes());
  }
  entry.hash = std::move(hash);
  return {};
}

Status BlobStore::complete(const BlobKey& key, Entry& entry, host::GrowingFile& file) {
  const Digest found = entry.hash->finish();
  entry.hash.reset();  // should what follows fail, the next attempt reads the file again
  if (found != key.digest)
    return refuse(Problem::digest_mismatch,
                  "the bytes are not those of the digest; the upload was removed, send it again");
  PRISM_CHECKED(file.rename_to(path(key)));
  const std::lock_guard lock(mutex_);
  entry.complete = true;
  return {};
}

Status BlobStore::remove(const BlobKey& key) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end()) return refuse(Problem::not_found, "nothing of this digest was uploaded");
  if (found->second.writing) return refuse(Problem::conflict, "it is being uploaded");
  if (found->second.pins > 0) return refuse(Problem::conflict, "a job that was accepted needs it");
  return erase_locked(key);
}

Result<BlobStore::Pin> BlobStore::pin(const BlobKey& key) {
  bool touch = false;
  {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(key);
    if (found == entries_.end() || !found->second.complete)
      return refuse(Problem::not_found, key.kind == BlobKind::context ? "no context" : "no data", " of the digest ",
                    to_hex(key.digest), " was uploaded");
    Entry& entry = found->second;
    ++entry.pins;
    entry.used = clock_->wall();
    touch = entry.used - entry.touched >= kTouchEvery;
    if (touch) entry.touched = entry.used;
  }
  Pin pin(this, key);
  // Only how long it is kept after a restart depends on this.
  if (touch) (void)host::touch(path(key));
  return pin;
}

void BlobStore::unpin(const BlobKey& key) {
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_.find(key)->second;
  --entry.pins;
  entry.used = clock_->wall();
}

BlobStore::Pin::Pin(Pin&& other) noexcept : store_(std::exchange(other.store_, nullptr)), key_(other.key_) {}
BlobStore::Pin& BlobStore::Pin::operator=(Pin&& other) noexcept {
  std::swap(store_, other.store_);
  std::swap(key_, other.key_);
  return *this;
}
BlobStore::Pin::~Pin() {
  if (store_ != nullptr) store_->unpin(key_);
}

Result<Bytes> BlobStore::read(const BlobKey& key) const {
  return host::read_file(path(key), key.kind == BlobKind::context ? limits_.context_bytes : limits_.data_bytes);
}

void BlobStore::sweep() {
  const std::lock_guard lock(mutex_);
  const seconds now = clock_->wall();
  std::vector<BlobKey> past;
  for (const auto& [key, entry] : entries_) {
    const seconds keep = entry.complete     ? limits_.kept_for
                         : entry.offset > 0 ? limits_.upload_for
                                            : std::min(kAnnouncedFor, limits_.upload_for);
    if (!entry.writing && entry.pins == 0 && now - entry.used > keep) past.push_back(key);
  }
  for (const BlobKey& key : past) (void)erase_locked(key);  // what cannot be removed is tried again next time
}

BlobStore::Totals BlobStore::totals() const {
  const std::lock_guard lock(mutex_);
  Totals out;
  out.bytes = bytes_;
  for (const auto& [key, entry] : entries_) ++(entry.complete ? out.blobs : out.uploads);
  return out;
}

}  // namespace prism::service
