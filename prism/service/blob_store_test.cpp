#include "prism/service/blob_store.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "prism/hash/sha256.h"
#include "prism/host/file.h"
#include "tests/support/service.h"

namespace prism::service {
namespace {

using test::MemorySource;
using namespace std::chrono_literals;

class BlobStoreTest : public ::testing::Test {
 protected:
  BlobStoreTest() { limits_.free_disk_bytes = 0; }
  std::unique_ptr<BlobStore> open() {
    auto store = BlobStore::open(directory_ / "blobs", limits_, clock_);
    if (!store) ADD_FAILURE() << store.error().message;
    return store ? std::move(*store) : nullptr;
  }
  BlobKey key(const Bytes& bytes, std::uint8_t account = 1) const {
    return {test::digest_of(account), BlobKind::data, hash::sha256(bytes)};
  }
  static Result<UploadState> put(BlobStore& store, const BlobKey& key, const Bytes& bytes, std::size_t from,
                                 std::size_t to, bool breaks = false) {
    MemorySource source(ByteView(bytes).subspan(from, to - from), 1000, breaks);
    return store.upload(key, from, bytes.size(), source);
  }
  std::size_t files() const {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_ / "blobs"))
      count += entry.is_regular_file() ? 1 : 0;
    return count;
  }

  support::TestDirectory directory_;
  test::ManualClock clock_;
  Limits limits_;
  const Bytes bytes_ = Bytes(10'000, 7);
};

TEST_F(BlobStoreTest, PartsInOrderMakeTheBlob) {
  const auto store = open();
  ASSERT_TRUE(store->announce(key(bytes_), bytes_.size()));
  EXPECT_FALSE(store->pin(key(bytes_)));
  auto state = put(*store, key(bytes_), bytes_, 0, 4000);
  ASSERT_TRUE(state);
  EXPECT_EQ(state->offset, 4000U);
  EXPECT_FALSE(state->complete);
  state = put(*store, key(bytes_), bytes_, 4000, bytes_.size());
  ASSERT_TRUE(state);
  EXPECT_TRUE(state->complete);
  EXPECT_EQ(*store->read(key(bytes_)), bytes_);
}

TEST_F(BlobStoreTest, AnUploadGoesOnWhereTheConnectionBroke) {
  auto store = open();
  EXPECT_EQ(put(*store, key(bytes_), bytes_, 0, 5000, true).error().code, ErrorCode::network);
  EXPECT_EQ(store->state(key(bytes_))->offset, 5000U);
  store = open();  // and where the server was started again
  EXPECT_EQ(store->state(key(bytes_))->offset, 5000U);
  EXPECT_EQ(problem_of(put(*store, key(bytes_), bytes_, 0, 10).error()), Problem::offset_mismatch);
  const auto state = put(*store, key(bytes_), bytes_, 5000, bytes_.size());
  ASSERT_TRUE(state);
  EXPECT_TRUE(state->complete);
}

TEST_F(BlobStoreTest, OtherBytesThanAnnouncedVanish) {
  const auto store = open();
  Bytes wrong = bytes_;
  wrong[9999] ^= 1;
  MemorySource source(wrong);
  const auto state = store->upload(key(bytes_), 0, wrong.size(), source);
  EXPECT_EQ(problem_of(state.error()), Problem::digest_mismatch);
  EXPECT_EQ(problem_of(store->state(key(bytes_)).error()), Problem::not_found);
  EXPECT_EQ(files(), 0U);
  EXPECT_EQ(store->totals().bytes, 0U);
  EXPECT_TRUE(put(*store, key(bytes_), bytes_, 0, bytes_.size())->complete);
}

TEST_F(BlobStoreTest, AccountsDoNotSeeEachOther) {
  const auto store = open();
  ASSERT_TRUE(put(*store, key(bytes_), bytes_, 0, bytes_.size())->complete);
  const BlobKey theirs = key(bytes_, 2);
  const Error absent = store->state(key(Bytes(1, 1), 2)).error();
  for (const Error& error : {store->state(theirs).error(), store->remove(theirs).error()}) {
    EXPECT_EQ(error.message, absent.message);
    EXPECT_EQ(error.detail, absent.detail);
  }
  // That somebody has these bytes does not shorten another's upload.
  EXPECT_EQ(store->announce(theirs, bytes_.size())->offset, 0U);
}

TEST_F(BlobStoreTest, QuotasBoundBytesAndNumber) {
  limits_.data_bytes = 5000;
  limits_.bytes_per_client = 8000;
  limits_.blobs_per_client = 3;
  limits_.bytes = 10'000;
  const auto store = open();
  const auto announce = [&](std::uint8_t account, std::uint8_t digest, std::uint64_t size) -> std::string {
    const auto state = store->announce({test::digest_of(account), BlobKind::data, test::digest_of(digest)}, size);
    return state ? "ok" : std::string(name_of(problem_of(state.error())));
  };
  EXPECT_EQ(announce(1, 1, 5001), "too-large");
  EXPECT_EQ(announce(1, 1, 0), "invalid-request");
  EXPECT_EQ(announce(1, 1, 5000), "ok");
  EXPECT_EQ(announce(1, 1, 4999), "conflict");
  EXPECT_EQ(announce(1, 2, 3001), "quota-exceeded");
  EXPECT_EQ(announce(1, 2, 10), "ok");
  EXPECT_EQ(announce(1, 3, 10), "ok");
  EXPECT_EQ(announce(1, 4, 10), "quota-exceeded");
  EXPECT_EQ(announce(2, 1, 4981), "temporary-reduced-capacity");
  EXPECT_EQ(announce(2, 1, 4980), "ok");
  // What nobody touched for long makes room for others.
  clock_.advance(2h);
  EXPECT_EQ(announce(2, 2, 3000), "ok");
}

TEST_F(BlobStoreTest, AnAnnouncementCostsNoOtherAccountWhatItHas) {
  limits_.bytes = 25'000;
  const auto store = open();
  const Bytes own(10'000, 8);
  ASSERT_TRUE(put(*store, key(bytes_, 1), bytes_, 0, bytes_.size())->complete);
  ASSERT_TRUE(put(*store, key(own, 2), own, 0, own.size())->complete);
  clock_.advance(2h);
  const BlobKey wanted{test::digest_of(2), BlobKind::data, test::digest_of(9)};
  EXPECT_EQ(problem_of(store->announce(wanted, 20'000).error()), Problem::capacity);
  EXPECT_TRUE(store->state(key(own, 2))) << "what would not be enough is not removed";
  EXPECT_TRUE(store->announce(wanted, 15'000)) << "in the place of its own";
  EXPECT_FALSE(store->state(key(own, 2)));
  EXPECT_TRUE(store->state(key(bytes_, 1))->complete);
}

TEST_F(BlobStoreTest, AnnouncementsThatNothingFollowsLapseAndAreFew) {
  const auto store = open();
  const auto announce = [&](std::size_t i) {
    const Bytes bytes(10, static_cast<std::uint8_t>(i));
    return store->announce(key(bytes), bytes.size());
  };
  for (std::size_t i = 0; i < BlobStore::kMostAnnounced; ++i) ASSERT_TRUE(announce(i)) << i;
  EXPECT_EQ(problem_of(announce(200).error()), Problem::quota_exceeded);
  ASSERT_TRUE(put(*store, key(Bytes(10, 0)), Bytes(10, 0), 0, 5));
  EXPECT_TRUE(announce(200)) << "one is begun, and counts no longer";
  clock_.advance(BlobStore::kAnnouncedFor + 1s);
  store->sweep();
  EXPECT_EQ(store->totals().uploads, 1U) << "the one that is begun";
  EXPECT_EQ(store->totals().bytes, 10U);
}

TEST_F(BlobStoreTest, AnnouncementsTogetherAreBoundByTheDisk) {
  const auto free = host::free_disk_bytes(directory_ / ".");
  ASSERT_TRUE(free);
  limits_.free_disk_bytes = *free / 2;
  limits_.data_bytes = limits_.bytes_per_client = limits_.bytes = *free;
  const auto store = open();
  EXPECT_TRUE(store->announce(key(Bytes(1, 1)), *free / 3));
  EXPECT_EQ(problem_of(store->announce(key(Bytes(1, 2)), *free / 3).error()), Problem::capacity);
  ASSERT_TRUE(store->remove(key(Bytes(1, 1))));
  EXPECT_TRUE(store->announce(key(Bytes(1, 2)), *free / 3));
}

TEST_F(BlobStoreTest, WhatCouldNotBeMadeDurableIsSentAgain) {
  const auto store = open();
  ASSERT_EQ(put(*store, key(bytes_), bytes_, 0, 5000)->offset, 5000U);
  const auto account = *std::filesystem::directory_iterator(directory_ / "blobs");
  const auto part = *std::filesystem::directory_iterator(account);
  ASSERT_TRUE(host::GrowingFile::open(part.path().string())->append(Bytes(300, 9)));
  EXPECT_TRUE(put(*store, key(bytes_), bytes_, 5000, bytes_.size())->complete);
  EXPECT_EQ(*store->read(key(bytes_)), bytes_);
}

TEST_F(BlobStoreTest, AccountsWithoutBlobsLeaveNoDirectory) {
  auto store = open();
  const auto directories = [&] {
    const std::filesystem::directory_iterator all(directory_ / "blobs");
    return std::distance(begin(all), end(all));
  };
  ASSERT_TRUE(put(*store, key(bytes_), bytes_, 0, 5000));
  EXPECT_EQ(directories(), 1);
  ASSERT_TRUE(store->remove(key(bytes_)));
  EXPECT_EQ(directories(), 0);
  ASSERT_TRUE(put(*store, key(bytes_), bytes_, 0, bytes_.size())->complete) << "it is made again";
  ASSERT_TRUE(store->remove(key(bytes_)));
  ASSERT_TRUE(store->announce(key(bytes_), bytes_.size()));
  store = open();  // an announcement alone does not outlive the process, nor does its directory
  EXPECT_EQ(directories(), 0);
}

TEST_F(BlobStoreTest, TooManyBytesAreRefusedWhereTheUploadEnds) {
  const auto store = open();
  const Bytes longer(10'001, 7);
  MemorySource source(longer);
  EXPECT_EQ(problem_of(store->upload(key(bytes_), 0, bytes_.size(), source).error()), Problem::too_large);
}

TEST_F(BlobStoreTest, WhatIsInUseStays) {
  const auto store = open();
  ASSERT_TRUE(put(*store, key(bytes_), bytes_, 0, bytes_.size())->complete);
  {
    const auto pin = store->pin(key(bytes_));
    ASSERT_TRUE(pin);
    EXPECT_EQ(problem_of(store->remove(key(bytes_)).error()), Problem::conflict);
    clock_.advance(limits_.kept_for + 1s);
    store->sweep();
    EXPECT_TRUE(store->state(key(bytes_)));
  }
  store->sweep();
  EXPECT_TRUE(store->state(key(bytes_))) << "used lately";
  clock_.advance(limits_.kept_for + 1s);
  store->sweep();
  EXPECT_FALSE(store->state(key(bytes_)));
  EXPECT_EQ(files(), 0U);
}

TEST_F(BlobStoreTest, UploadsThatNobodyGoesOnWithVanish) {
  const auto store = open();
  EXPECT_FALSE(put(*store, key(bytes_), bytes_, 0, 5000, true));
  clock_.advance(limits_.upload_for + 1s);
  store->sweep();
  EXPECT_FALSE(store->state(key(bytes_)));
  EXPECT_EQ(files(), 0U);
}

TEST_F(BlobStoreTest, OneWriterAtATime) {
  const auto store = open();
  class Slow final : public Source {
   public:
    explicit Slow(BlobStore& store, const BlobKey& key) : store_(store), key_(key) {}
    Result<std::size_t> read(MutableByteView out) override {
      if (done_) return std::size_t{0};
      done_ = true;
      const Bytes other(10, 7);
      MemorySource inner(other);
      EXPECT_EQ(problem_of(store_.upload(key_, 0, 10'000, inner).error()), Problem::conflict);
      EXPECT_EQ(problem_of(store_.remove(key_).error()), Problem::conflict);
      std::fill(out.begin(), out.begin() + 10, std::uint8_t{7});
      return std::size_t{10};
    }

   private:
    BlobStore& store_;
    BlobKey key_;
    bool done_ = false;
  } slow(*store, key(bytes_));
  const auto state = store->upload(key(bytes_), 0, 10'000, slow);
  ASSERT_TRUE(state);
  EXPECT_EQ(state->offset, 10U);
}

TEST_F(BlobStoreTest, AFullDiskCostsNothingThatWasThere) {
  const auto store = open();
  {
    const test::FileSizeLimit limit(5500);
    EXPECT_EQ(problem_of(put(*store, key(bytes_), bytes_, 0, bytes_.size()).error()), Problem::capacity);
    EXPECT_EQ(store->state(key(bytes_))->offset, 5000U) << "pieces of a thousand, whole ones stay";
  }
  EXPECT_TRUE(put(*store, key(bytes_), bytes_, 5000, bytes_.size())->complete);
  EXPECT_EQ(*store->read(key(bytes_)), bytes_);
}

/// A process that uploads is killed at a random moment, many times. Whatever it was told is there for good is there.
TEST_F(BlobStoreTest, NothingAcknowledgedIsLostWhenTheProcessIsKilled) {
  std::mt19937_64 random(test::test_seed());
  const Bytes bytes = test::random_bytes(random, 600'000);
  const BlobKey key{test::digest_of(1), BlobKind::context, hash::sha256(bytes)};
  std::uint64_t acknowledged = 0;
  bool complete = false;
  int kills = 0;
  for (int round = 0; round < 200 && !complete; ++round) {
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      auto store = BlobStore::open(directory_ / "blobs", limits_, clock_);
      if (!store) ::_exit(2);
      for (;;) {
        const auto state = (*store)->announce(key, bytes.size());
        if (!state || state->complete) ::_exit(state ? 0 : 3);
        MemorySource part(ByteView(bytes).subspan(
            static_cast<std::size_t>(state->offset),
            std::min<std::size_t>(9001, bytes.size() - static_cast<std::size_t>(state->offset))));
        const auto after = (*store)->upload(key, state->offset, bytes.size(), part);
        if (!after) ::_exit(4);
        const std::uint64_t told[2] = {after->offset, after->complete ? 1U : 0U};
        if (::write(pipe[1], told, sizeof told) != sizeof told) ::_exit(5);
      }
    }
    ::close(pipe[1]);
    ::usleep(static_cast<useconds_t>(random() % 20'000));
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    if (WIFEXITED(status)) {
      EXPECT_EQ(WEXITSTATUS(status), 0);
    }
    kills += WIFSIGNALED(status) ? 1 : 0;
    std::uint64_t told[2];
    while (::read(pipe[0], told, sizeof told) == sizeof told) {
      acknowledged = told[0];
      complete = told[1] != 0;
    }
    ::close(pipe[0]);
    const auto store = open();
    ASSERT_TRUE(store);
    const auto state = store->announce(key, bytes.size());
    ASSERT_TRUE(state);
    EXPECT_GE(state->offset, acknowledged);
    EXPECT_TRUE(state->complete || !complete);
    complete = state->complete;
  }
  ASSERT_TRUE(complete);
  EXPECT_GT(kills, 0) << "nothing was ever interrupted";
  EXPECT_EQ(*open()->read(key), bytes);
}

}  // namespace
}  // namespace prism::service
