#include "prism/host/file_trust.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace prism::host {
namespace {

namespace fs = std::filesystem;

class FileTrust : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "prism-trust-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = fs::canonical(name);
    std::ofstream(root_ / "file") << "x";
    ::chmod((root_ / "file").c_str(), 0644);
  }
  void TearDown() override { fs::remove_all(root_); }
  ErrorCode code(const fs::path& path) const {
    const Status status = check_own_file(path.string());
    EXPECT_FALSE(status) << path;
    return status ? ErrorCode::io : status.error().code;
  }
  fs::path root_;
};

TEST_F(FileTrust, FilesThatOthersMayChangeOrReplaceAreRefused) {
  const fs::path file = root_ / "file";
  EXPECT_TRUE(check_own_file(file.string()));
  for (const mode_t mode : {mode_t{0664}, mode_t{0646}}) {
    ::chmod(file.c_str(), mode);
    EXPECT_EQ(code(file), ErrorCode::insecure);
  }
  ::chmod(file.c_str(), 0600);
  ::chmod(root_.c_str(), 0777);
  EXPECT_EQ(code(file), ErrorCode::insecure);
  ::chmod(root_.c_str(), 01777);  // as /tmp: only its owner can replace a file
  EXPECT_TRUE(check_own_file(file.string()));
}

TEST_F(FileTrust, WhatIsNoFileIsRefused) {
  fs::create_symlink(root_ / "file", root_ / "link");
  EXPECT_EQ(code(root_ / "link"), ErrorCode::insecure);
  EXPECT_EQ(code(root_), ErrorCode::insecure);
  EXPECT_EQ(code("/dev/null"), ErrorCode::insecure);
  EXPECT_EQ(code(root_ / "none"), ErrorCode::not_found);
}

TEST_F(FileTrust, FoldersAreResolvedAndNamesAreNot) {
  fs::create_directory(root_ / "a");
  fs::create_directory_symlink(root_ / "a", root_ / "b");
  fs::create_symlink(root_ / "file", root_ / "a" / "link");
  EXPECT_EQ(resolve_folder((root_ / "b" / ".." / "b" / "link").string()).value(), (root_ / "a" / "link").string());
  EXPECT_EQ(resolve_folder((root_ / "b" / "new").string()).value(), (root_ / "a" / "new").string());
  EXPECT_EQ(resolve_folder("/x").value(), "/x");
  EXPECT_EQ(resolve_folder((root_ / "none" / "x").string()).error().code, ErrorCode::not_found);
  for (const char* bad : {"", "/", "a/", "..", "/tmp/."})
    EXPECT_EQ(resolve_folder(bad).error().code, ErrorCode::invalid_argument) << bad;
}

}  // namespace
}  // namespace prism::host
