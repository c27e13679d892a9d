#include "prism/host/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "prism/host/atomic_file.h"
#include "prism/host/mapped_file.h"
#include "tests/support/test_directory.h"

namespace prism::host {
namespace {

using Names = std::vector<std::string>;

class FileTest : public ::testing::Test {
 protected:
  std::string put(const std::string& name, std::string_view content) {
    const auto written = write_file(directory_ / name, as_bytes(content), AtomicFile::Access::owner_only);
    EXPECT_TRUE(written) << written.error().message;
    return directory_ / name;
  }
  support::TestDirectory directory_;
};

TEST_F(FileTest, ReadsUpToTheBoundAndNotPast) {
  const std::string path = put("a", "0123456789");
  EXPECT_EQ(as_text(*read_file(path, 10)), "0123456789");
  EXPECT_EQ(read_file(path, 9).error().code, ErrorCode::exhausted);
  EXPECT_EQ(read_file(put("empty", ""), 0)->size(), 0u);
}

TEST_F(FileTest, TheBoundHoldsForEndlessDevicesToo) {
  EXPECT_EQ(read_file("/dev/zero", 100'000).error().code, ErrorCode::exhausted);
}

TEST_F(FileTest, ReadsPipes) {
  const std::string path = directory_ / "pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const std::string content(200'000, 'x');
  std::thread writer([&] {
    const int fd = ::open(path.c_str(), O_WRONLY);
    for (std::size_t done = 0; done < content.size();) {
      const ssize_t put = ::write(fd, content.data() + done, content.size() - done);
      if (put <= 0) break;
      done += static_cast<std::size_t>(put);
    }
    ::close(fd);
  });
  const auto read = read_file(path, content.size());
  writer.join();
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(as_text(*read), content);
}

TEST_F(FileTest, WhatIsNotThereIsNotFound) {
  EXPECT_EQ(read_file(directory_ / "none", 10).error().code, ErrorCode::not_found);
  EXPECT_EQ(read_file(directory_ / "none", 10).error().message,
            "cannot read " + (directory_ / "none") + ": No such file or directory");
  EXPECT_EQ(read_file(directory_.path(), 10).error().code, ErrorCode::io);
  EXPECT_EQ(MappedFile::open(directory_ / "none", 10).error().code, ErrorCode::not_found);
  EXPECT_EQ(list_directory(directory_ / "none").error().code, ErrorCode::not_found);
  EXPECT_EQ(remove_file(directory_ / "none").error().code, ErrorCode::not_found);
}

TEST_F(FileTest, PassphrasesLoseOneLineEnd) {
  const auto passphrase = [&](std::string_view content) {
    const auto read = read_passphrase(put("p", content));
    EXPECT_TRUE(read) << read.error().message;
    return std::string(as_text(read->reveal(secret::RevealKey{})));
  };
  EXPECT_EQ(passphrase("correct horse"), "correct horse");
  EXPECT_EQ(passphrase("correct horse\n"), "correct horse");
  EXPECT_EQ(passphrase("correct horse\r\n"), "correct horse");
  EXPECT_EQ(passphrase("correct horse\n\n"), "correct horse\n");
  EXPECT_EQ(read_passphrase(put("p", "\n")).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(read_passphrase(put("p", std::string(4097, 'x'))).error().code, ErrorCode::exhausted);
}

TEST_F(FileTest, KeysThatOthersMayTouchAreInsecure) {
  const std::string path = put("key", "k");
  EXPECT_TRUE(check_private(path));
  for (const mode_t mode : {0640u, 0604u, 0610u, 0602u}) {
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
    EXPECT_EQ(check_private(path).error().code, ErrorCode::insecure) << mode;
  }
}

TEST_F(FileTest, PrivateDirectoriesAreOursAlone) {
  const std::string path = directory_ / "alice";
  ASSERT_TRUE(create_private_directory(path));
  struct stat info{};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777u, 0700u);
  EXPECT_TRUE(create_private_directory(path));
  ASSERT_EQ(::chmod(path.c_str(), 0755), 0);
  EXPECT_EQ(create_private_directory(path).error().code, ErrorCode::insecure);
  EXPECT_EQ(create_private_directory(put("file", "")).error().code, ErrorCode::io);
  EXPECT_EQ(create_private_directory(directory_ / "no/such/parent").error().code, ErrorCode::not_found);
}

TEST_F(FileTest, ListsNamesInOrder) {
  put("b", "");
  put("a", "");
  put(".c", "");
  EXPECT_EQ(*list_directory(directory_.path()), (Names{".c", "a", "b"}));
}

TEST_F(FileTest, MapsTheSameBytesAsReading) {
  std::string content(100'000, '\0');
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * 7 >> 3);
  const std::string path = put("m", content);
  auto mapped = MappedFile::open(path, content.size());
  ASSERT_TRUE(mapped) << mapped.error().message;
  mapped->will_need(0, content.size());
  EXPECT_EQ(as_text(mapped->bytes()), content);
  mapped->done_with(1, content.size());
  mapped->done_with(content.size() + 5, 10);
  EXPECT_EQ(as_text(mapped->bytes()), content);
  const MappedFile moved = *std::move(mapped);
  EXPECT_EQ(moved.bytes().size(), content.size());
  EXPECT_EQ(MappedFile::open(path, content.size() - 1).error().code, ErrorCode::exhausted);
  EXPECT_EQ(MappedFile::open(directory_.path(), 10).error().code, ErrorCode::invalid_argument);
  EXPECT_TRUE(MappedFile::open(put("empty", ""), 0)->bytes().empty());
}

TEST_F(FileTest, KnowsSizesAndSpace) {
  EXPECT_EQ(*file_size(put("s", "12345")), 5u);
  EXPECT_FALSE(file_size(directory_.path()));
  EXPECT_TRUE(free_disk_bytes(directory_.path()));
  EXPECT_TRUE(exists(directory_.path()));
  EXPECT_FALSE(exists(directory_ / "none"));
}

}  // namespace
}  // namespace prism::host
