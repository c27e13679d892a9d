#include "prism/client/known_servers.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <thread>

#include "prism/channel/identity.h"
#include "prism/host/atomic_file.h"
#include "prism/host/file.h"
#include "prism/host/system.h"
#include "tests/support/test_directory.h"

namespace prism::client {
namespace {

constexpr std::chrono::seconds kNow{1'800'000'000};

channel::IdentityBundle bundle() {
  host::SystemRandom random;
  auto key = crypto::SigningKey::generate(crypto::SignatureAlgorithm::ml_dsa_65, random);
  const auto identity = channel::Identity::create(*std::move(key), {}, {}, random);
  return identity->bundle(kNow, random).value();
}

TEST(KnownServers, NothingIsKnownBeforeAnythingWasRemembered) {
  const support::TestDirectory directory;
  const KnownServers known(directory / "config/prism/known_servers");
  const auto store = known.load();
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_TRUE(store->pins().empty());
}

TEST(KnownServers, WhatIsRememberedIsThereForTheNextProgram) {
  const support::TestDirectory directory;
  const auto one = bundle();
  const std::string path = directory / "config/prism/known_servers";
  const auto remember = [&](channel::PinStore& store) -> Result<bool> {
    PRISM_CHECKED(store.remember("host:1", one, kNow));
    return true;
  };
  const Status stored = KnownServers(path).change(remember);
  ASSERT_TRUE(stored) << stored.error().message;
  const auto store = KnownServers(path).load();
  ASSERT_TRUE(store) << store.error().message;
  ASSERT_NE(store->find("host:1"), nullptr);
  EXPECT_EQ(store->find("host:1")->fingerprint, one.fingerprint());
  EXPECT_TRUE(host::check_private(path)) << "others could decide whom this client trusts";
}

TEST(KnownServers, AnEditThatSaysNoOrFailsChangesNothing) {
  const support::TestDirectory directory;
  const auto one = bundle();
  const KnownServers known(directory / "known_servers");
  ASSERT_TRUE(known.change([&](channel::PinStore& store) -> Result<bool> {
    (void)store.remember("host:1", one, kNow);
    return false;
  }));
  EXPECT_FALSE(host::exists(known.path()));
  const Status refused = known.change([&](channel::PinStore& store) -> Result<bool> {
    (void)store.remember("host:1", one, kNow);
    return fail(ErrorCode::refused, "no");
  });
  ASSERT_FALSE(refused);
  EXPECT_FALSE(host::exists(known.path()));
}

TEST(KnownServers, AFileThatOthersMayTouchOrThatIsNoneIsRefused) {
  const support::TestDirectory directory;
  const KnownServers known(directory / "known_servers");
  ASSERT_TRUE(host::write_file(known.path(), as_bytes("prism pins 1\n"), host::AtomicFile::Access::owner_only));
  ASSERT_TRUE(known.load());
  ASSERT_EQ(::chmod(known.path().c_str(), 0666), 0);
  const auto open_to_all = known.load();
  ASSERT_FALSE(open_to_all);
  EXPECT_EQ(open_to_all.error().code, ErrorCode::insecure);
  ASSERT_TRUE(
      host::write_file(known.path(), as_bytes("prism pins 1\nnonsense\n"), host::AtomicFile::Access::owner_only));
  const auto damaged = known.load();
  ASSERT_FALSE(damaged);
  EXPECT_NE(damaged.error().message.find(known.path()), std::string::npos) << damaged.error().message;
}

TEST(KnownServers, ProgramsThatRememberAtOnceLoseNothing) {
  const support::TestDirectory directory;
  const auto one = bundle();
  const std::string path = directory / "known_servers";
  std::vector<std::thread> programs;
  for (int i = 0; i < 8; ++i)
    programs.emplace_back([&, i] {
      const auto remember = [&](channel::PinStore& store) -> Result<bool> {
        PRISM_CHECKED(store.remember("host:" + std::to_string(i + 1), one, kNow));
        return true;
      };
      EXPECT_TRUE(KnownServers(path).change(remember));
    });
  for (auto& program : programs) program.join();
  EXPECT_EQ(KnownServers(path).load()->pins().size(), 8U);
}

}  // namespace
}  // namespace prism::client
