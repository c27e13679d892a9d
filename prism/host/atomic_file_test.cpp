#include "prism/host/atomic_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "prism/host/file.h"
#include "prism/host/interrupt.h"
#include "tests/support/test_directory.h"

namespace prism::host {
namespace {

using Access = AtomicFile::Access;
using IfExists = AtomicFile::IfExists;
using Names = std::vector<std::string>;

class AtomicFileTest : public ::testing::Test {
 protected:
  Names names() { return *list_directory(directory_.path()); }
  std::string content(const std::string& name) { return std::string(as_text(*read_file(directory_ / name, 1 << 20))); }
  AtomicFile create(const std::string& name, Access access = Access::owner_only) {
    auto file = AtomicFile::create(directory_ / name, access);
    EXPECT_TRUE(file) << file.error().message;
    return *std::move(file);
  }
  support::TestDirectory directory_;
};

TEST_F(AtomicFileTest, AppearsOnlyAtCommit) {
  {
    AtomicFile file = create("out");
    ASSERT_TRUE(file.append(as_bytes("hello ")));
    ASSERT_TRUE(file.append(as_bytes("world")));
    EXPECT_FALSE(exists(directory_ / "out"));
    EXPECT_EQ(file.size(), 11u);
    ASSERT_TRUE(file.commit());
  }
  EXPECT_EQ(names(), Names{"out"});
  EXPECT_EQ(content("out"), "hello world");
}

TEST_F(AtomicFileTest, WithoutCommitNothingChanges) {
  ASSERT_TRUE(write_file(directory_ / "out", as_bytes("old"), Access::everybody));
  {
    AtomicFile file = create("out");
    ASSERT_TRUE(file.append(as_bytes("new and unfinished")));
    AtomicFile moved = std::move(file);
    EXPECT_EQ(names().size(), 2u);
  }
  EXPECT_EQ(names(), Names{"out"});
  EXPECT_EQ(content("out"), "old");
}

TEST_F(AtomicFileTest, WritesAnywhere) {
  AtomicFile file = create("out");
  ASSERT_TRUE(file.append(as_bytes("....tail")));
  ASSERT_TRUE(file.write_at(0, as_bytes("head")));
  ASSERT_TRUE(file.write_at(10, as_bytes("x")));
  EXPECT_EQ(file.size(), 11u);
  ASSERT_TRUE(file.append(as_bytes("!")));
  ASSERT_TRUE(file.commit());
  EXPECT_EQ(content("out"), std::string("headtail\0\0x!", 12));
}

TEST_F(AtomicFileTest, ModesAreAsAsked) {
  const mode_t before = ::umask(022);
  ASSERT_TRUE(create("secret", Access::owner_only).commit());
  ASSERT_TRUE(create("public", Access::everybody).commit());
  ::umask(before);
  struct stat info{};
  ASSERT_EQ(::stat((directory_ / "secret").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777u, 0600u);
  ASSERT_EQ(::stat((directory_ / "public").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777u, 0644u);
}

TEST_F(AtomicFileTest, RefusesToReplaceWhenAsked) {
  ASSERT_TRUE(write_file(directory_ / "key", as_bytes("old"), Access::owner_only, IfExists::refuse));
  const auto again = write_file(directory_ / "key", as_bytes("new"), Access::owner_only, IfExists::refuse);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::refused);
  EXPECT_EQ(content("key"), "old");
  EXPECT_EQ(names(), Names{"key"});
  ASSERT_TRUE(write_file(directory_ / "key", as_bytes("new"), Access::owner_only));
  EXPECT_EQ(content("key"), "new");
}

TEST_F(AtomicFileTest, AFullDiskIsOneErrorWithThePath) {
  if (::access("/dev/full", W_OK) != 0) GTEST_SKIP() << "no /dev/full here";
  auto file = AtomicFile::create("/dev/full", Access::everybody);
  ASSERT_TRUE(file) << file.error().message;
  const auto written = file->append(as_bytes("x"));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::io);
  EXPECT_EQ(written.error().message, "cannot write /dev/full: No space left on device");
}

TEST_F(AtomicFileTest, ALimitHalfwayLeavesTheOldFile) {
  ASSERT_TRUE(write_file(directory_ / "out", as_bytes("old"), Access::everybody));
  // A limit on file size fails in the middle of a write, as a full disk does.
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 1000;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto written = write_file(directory_ / "out", Bytes(5000), Access::everybody);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::io);
  EXPECT_EQ(names(), Names{"out"});
  EXPECT_EQ(content("out"), "old");
}

TEST_F(AtomicFileTest, PlacesThatCannotBeWrittenAreRefusedAtOnce) {
  EXPECT_EQ(AtomicFile::create(directory_ / "no/such/out", Access::everybody).error().code, ErrorCode::not_found);
  EXPECT_EQ(AtomicFile::create(directory_.path(), Access::everybody).error().code, ErrorCode::io);
  EXPECT_EQ(AtomicFile::create("", Access::everybody).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(AtomicFile::create(directory_ / "", Access::everybody).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(AtomicFile::create("/proc/out", Access::everybody).error().message.substr(0, 23),
            "cannot write /proc/out:");
  EXPECT_TRUE(names().empty());
}

TEST_F(AtomicFileTest, AnUnwritableDirectoryIsRefused) {
  GTEST_FLAG_SET(death_test_style, "fast");
  ASSERT_EQ(::chmod(directory_.path().c_str(), 0500), 0);
  EXPECT_EXIT(
      {
        // Root may write everywhere, so a root run becomes nobody first.
        if (::geteuid() == 0 && ::seteuid(65534) != 0) std::_Exit(90);
        const auto file = AtomicFile::create(directory_ / "out", Access::everybody);
        std::_Exit(!file && file.error().code == ErrorCode::io ? 0 : 91);
      },
      ::testing::ExitedWithCode(0), "");
  ASSERT_EQ(::chmod(directory_.path().c_str(), 0700), 0);
}

TEST_F(AtomicFileTest, TheFirstSignalSetsAFlagAndTheSecondRemovesTemporaries) {
  GTEST_FLAG_SET(death_test_style, "fast");
  const std::string place = directory_ / "out";
  EXPECT_EXIT(
      {
        install_interrupt_handler();
        auto file = AtomicFile::create(place, Access::owner_only);
        if (!file || !file->append(as_bytes("half"))) std::_Exit(90);
        if (interrupted() || !check_interrupted()) std::_Exit(91);
        std::raise(SIGINT);
        if (!interrupted() || check_interrupted().error().code != ErrorCode::interrupted) std::_Exit(92);
        if (list_directory(directory_.path())->size() != 1) std::_Exit(93);
        std::raise(SIGTERM);
        std::_Exit(94);
      },
      ::testing::ExitedWithCode(130), "");
  EXPECT_TRUE(names().empty());
}

TEST_F(AtomicFileTest, ASecondSignalSparesWhatIsCommitted) {
  GTEST_FLAG_SET(death_test_style, "fast");
  const std::string place = directory_ / "out";
  EXPECT_EXIT(
      {
        install_interrupt_handler();
        if (!write_file(place, as_bytes("whole"), Access::owner_only)) std::_Exit(90);
        std::raise(SIGINT);
        std::raise(SIGINT);
      },
      ::testing::ExitedWithCode(130), "");
  EXPECT_EQ(content("out"), "whole");
}

TEST_F(AtomicFileTest, MoreTemporariesThanTheRegistryHolds) {
  std::vector<AtomicFile> files;
  for (int i = 0; i < 100; ++i) files.push_back(create("out" + std::to_string(i)));
  for (auto& file : files) ASSERT_TRUE(file.commit());
  EXPECT_EQ(names().size(), 100u);
}

}  // namespace
}  // namespace prism::host
