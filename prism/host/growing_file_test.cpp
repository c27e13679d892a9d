#include "prism/host/growing_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "prism/host/file.h"
#include "tests/support/test_directory.h"

namespace prism::host {
namespace {

TEST(GrowingFile, GoesOnWhereItEnded) {
  const support::TestDirectory directory;
  const std::string path = directory / "log";
  {
    auto file = GrowingFile::open(path);
    ASSERT_TRUE(file);
    ASSERT_TRUE(file->append(as_bytes("one ")));
    ASSERT_TRUE(file->sync());
  }
  auto file = GrowingFile::open(path);
  ASSERT_TRUE(file);
  EXPECT_EQ(file->size(), 4U);
  ASSERT_TRUE(file->append(as_bytes("two")));
  EXPECT_EQ(as_text(*read_file(path, 100)), "one two");
  struct stat info{};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST(GrowingFile, RenamedFilesKeepWhatTheyHold) {
  const support::TestDirectory directory;
  auto file = GrowingFile::open(directory / "part");
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->append(as_bytes("whole")));
  ASSERT_TRUE(file->rename_to(directory / "blob"));
  EXPECT_FALSE(exists(directory / "part"));
  EXPECT_EQ(as_text(*read_file(directory / "blob", 100)), "whole");
}

TEST(GrowingFile, LinksAndDirectoriesAreRefused) {
  const support::TestDirectory directory;
  ASSERT_EQ(::symlink("/dev/null", (directory / "link").c_str()), 0);
  EXPECT_FALSE(GrowingFile::open(directory / "link"));
  EXPECT_FALSE(GrowingFile::open(directory.path()));
}

TEST(GrowingFile, TouchedFilesAreNew) {
  const support::TestDirectory directory;
  const std::string path = directory / "file";
  ASSERT_TRUE(GrowingFile::open(path));
  const timespec old[2] = {{1000, 0}, {1000, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), old, 0), 0);
  EXPECT_EQ(*changed_at(path), 1000);
  ASSERT_TRUE(touch(path));
  EXPECT_GT(*changed_at(path), 1'000'000'000);
  EXPECT_EQ(changed_at(directory / "none").error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace prism::host
