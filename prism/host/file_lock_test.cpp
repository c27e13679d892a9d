#include "prism/host/file_lock.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "tests/support/test_directory.h"

namespace prism::host {
namespace {

TEST(FileLock, OneHolderAtATime) {
  const support::TestDirectory directory;
  auto held = FileLock::acquire(directory / "lock");
  ASSERT_TRUE(held) << held.error().message;
  const auto second = FileLock::acquire(directory / "lock", std::chrono::milliseconds(20));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::exhausted);
  EXPECT_TRUE(FileLock::acquire(directory / "other"));
  {
    const FileLock gone = *std::move(held);
  }
  EXPECT_TRUE(FileLock::acquire(directory / "lock"));
}

TEST(FileLock, GoesWithAHolderThatIsKilled) {
  const support::TestDirectory directory;
  const std::string path = directory / "lock";
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto held = FileLock::acquire(path);
    const char answer = held ? 'y' : 'n';
    if (::write(ready[1], &answer, 1) != 1) ::_exit(2);
    ::pause();
    ::_exit(0);
  }
  char answer = 0;
  ASSERT_EQ(::read(ready[0], &answer, 1), 1);
  ASSERT_EQ(answer, 'y');
  EXPECT_FALSE(FileLock::acquire(path));
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(FileLock::acquire(path));
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST(FileLock, SaysWhereItCannotLock) {
  const support::TestDirectory directory;
  const auto missing = FileLock::acquire(directory / "no/such/lock");
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("no/such/lock"), std::string::npos);
}

}  // namespace
}  // namespace prism::host
