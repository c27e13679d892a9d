#include "prism/service/session_table.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>
#include <vector>

#include "prism/crypto/key_file.h"
#include "prism/host/atomic_file.h"
#include "prism/host/file.h"
#include "tests/support/service_client.h"

namespace prism::service {
namespace {

using test::MemorySource;
using namespace std::chrono_literals;

/// SessionTable with the defaults of ComputeService.
struct Table {
  SessionTable& table;
  Result<Initiated> initiate(ByteView first, std::string_view peer) { return table.initiate(first, peer, {}); }
  Result<Bytes> finish(const SessionId& id, ByteView third, std::string_view peer) {
    return table.finish(id, third, peer);
  }
};
using Client = test::TestClient<Table>;

class SessionTableTest : public ::testing::Test {
 protected:
  void make() {
    Options options;
    options.limits = limits_;
    audit_ = *Audit::open(directory_ / "audit.log", clock_);
    auto identities = Identities::open(directory_ / "identity", options, clock_.wall(), random_);
    ASSERT_TRUE(identities) << identities.error().message;
    identities_ = *std::move(identities);
    auto clients = Clients::open(directory_ / "accounts", admission_, list_);
    ASSERT_TRUE(clients) << clients.error().message;
    clients_ = *std::move(clients);
    table_ = *SessionTable::create(limits_, *identities_, *clients_, *audit_, clock_, random_);
    server_.emplace(Table{*table_});
  }
  Client client(const crypto::SigningKey& key, channel::ClientPolicy policy = {}) {
    return {*server_, identities_->current()->fingerprint(), key, clock_, random_, std::move(policy)};
  }
  Result<std::unique_ptr<SessionRequest>> open(ByteView record, std::string_view path = "/p") {
    MemorySource source(record, 1000);
    auto request = table_->open_request({"POST", path, {}, {}, {}}, source);
    // The stream's bytes come from `source`, so it is read here.
    if (request) {
      read_.clear();
      Bytes piece(1 << 16);
      for (;;) {
        auto got = (*request)->body().read(piece);
        if (!got) return std::move(got).error();
        if (*got == 0) break;
        read_.insert(read_.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(*got));
      }
    }
    return request;
  }
  std::string log() {
    EXPECT_TRUE(audit_->flush());
    const auto bytes = host::read_file(directory_ / "audit.log", 1 << 24);
    return std::string(as_text(*bytes));
  }

  support::TestDirectory directory_;
  test::ManualClock clock_;
  host::SystemRandom random_;
  Limits limits_;
  Admission admission_ = Admission::open;
  std::string list_;
  std::unique_ptr<Audit> audit_;
  std::unique_ptr<Identities> identities_;
  std::unique_ptr<Clients> clients_;
  std::unique_ptr<SessionTable> table_;
  std::optional<Table> server_;
  Bytes read_;
};

TEST_F(SessionTableTest, RequestsAndAnswersTravelInRecords) {
  make();
  const auto key = test::client_key(random_);
  Client me = client(key);
  ASSERT_TRUE(me.connect());
  std::mt19937_64 random(test::test_seed());
  for (const std::size_t size : {0UL, 1UL, 65'536UL, 65'537UL, 300'000UL}) {
    const Bytes body = test::random_bytes(random, size);
    const Bytes record = me.seal("POST", "/p", "a/b", body);
    auto request = open(record);
    ASSERT_TRUE(request) << size << ": " << request.error().message;
    EXPECT_EQ(read_, body);
    EXPECT_EQ((*request)->content_type(), "a/b");
    EXPECT_EQ((*request)->caller().fingerprint, key.verify_key().fingerprint());
    const auto answer = (*request)->seal(201, "c/d", body);
    ASSERT_TRUE(answer);
    EXPECT_FALSE(me.open_answer("POST", "/p", record, 200, *answer)) << "another status";
    EXPECT_EQ(*me.open_answer("POST", "/p", record, 201, *answer), body);
  }
  EXPECT_EQ(log().find("\"refused\""), std::string::npos);
}

TEST_F(SessionTableTest, RecordsOfOtherPathsReplaysAndChangedOnesAreRefused) {
  make();
  const auto key = test::client_key(random_);
  Client me = client(key);
  ASSERT_TRUE(me.connect());
  const Bytes record = me.seal("POST", "/p", "a/b", Bytes(100, 1));
  EXPECT_EQ(problem_of(open(record, "/q").error()), Problem::record_rejected);
  Bytes changed = record;
  changed.back() ^= 1;
  EXPECT_EQ(problem_of(open(changed).error()), Problem::record_rejected);
  EXPECT_TRUE(open(record)) << "the window has not moved";
  EXPECT_EQ(problem_of(open(record).error()), Problem::record_replayed);
  for (std::size_t size = 0; size < record.size(); ++size) {
    const auto cut = open(ByteView(record).first(size));
    ASSERT_FALSE(cut) << size;
    if (size > 60) break;  // the rest are failures that count
  }
  EXPECT_NE(log().find("\"event\":\"record\",\"outcome\":\"refused\""), std::string::npos);
}

TEST_F(SessionTableTest, ManyForgedRecordsEndTheSession) {
  make();
  const auto key = test::client_key(random_);
  Client me = client(key);
  ASSERT_TRUE(me.connect());
  for (int i = 0; i < 16; ++i) {
    Bytes record = me.seal("POST", "/p", "a/b", Bytes(100, 1));
    record.back() ^= 1;
    EXPECT_FALSE(open(record));
  }
  EXPECT_EQ(problem_of(open(me.seal("POST", "/p", "a/b", {})).error()), Problem::session_expired);
  EXPECT_EQ(table_->counters().sessions, 0U);
}

TEST_F(SessionTableTest, SessionsEndByTimeAndByRequest) {
  limits_.session_for = 1h;
  make();
  const auto key = test::client_key(random_);
  Client a = client(key), b = client(key);
  ASSERT_TRUE(a.connect() && b.connect());
  const Bytes early = a.seal("POST", "/p", "a/b", {});
  const Bytes first = b.seal("POST", "/p", "a/b", {}), second = b.seal("POST", "/p", "a/b", {});
  EXPECT_TRUE(open(first));
  table_->close(b.keys().id());
  EXPECT_EQ(problem_of(open(second).error()), Problem::session_expired);
  clock_.advance(1h);
  EXPECT_EQ(problem_of(open(early).error()), Problem::session_expired);
  table_->sweep();
  EXPECT_EQ(table_->counters().sessions, 0U);
}

TEST_F(SessionTableTest, FailedHandshakesLookAlike) {
  admission_ = Admission::allow_list;
  list_ = directory_ / "clients";
  ASSERT_TRUE(host::write_file(list_, as_bytes("# nobody\n"), host::AtomicFile::Access::owner_only));
  make();
  const auto key = test::client_key(random_);
  const auto unknown = client(key).connect();
  ASSERT_FALSE(unknown);
  EXPECT_EQ(problem_of(unknown.error()), Problem::session_rejected);
  // A second M3, an M3 of garbage, an M3 for a session that never was.
  auto machine =
      channel::ClientHandshake::start({}, key, identities_->current()->fingerprint(), clock_.wall(), random_);
  ASSERT_TRUE(machine);
  const auto begun = table_->initiate(machine->first(), "peer", {});
  ASSERT_TRUE(begun) << begun.error().message;
  const Bytes third = *machine->on_second(begun->second, clock_.wall(), random_);
  Bytes bad = third;
  bad[bad.size() / 2] ^= 1;
  for (const Error& error :
       {table_->finish(begun->id, bad, "peer").error(), table_->finish(begun->id, third, "peer").error(),
        table_->finish(SessionId{9}, third, "peer").error()}) {
    EXPECT_EQ(error.message, unknown.error().message);
    EXPECT_EQ(error.detail, unknown.error().detail);
  }
  const std::string lines = log();
  EXPECT_NE(lines.find("unknown"), std::string::npos) << "the true reason is in the log";
  // Let in by the file, which is read again.
  ASSERT_TRUE(host::write_file(list_, as_bytes(crypto::fingerprint_text(key.verify_key().fingerprint()) + " # me\n"),
                               host::AtomicFile::Access::owner_only));
  ASSERT_TRUE(clients_->reload());
  EXPECT_TRUE(client(key).connect());
  ASSERT_TRUE(host::write_file(list_, as_bytes("nonsense\n"), host::AtomicFile::Access::owner_only));
  EXPECT_FALSE(clients_->reload());
  EXPECT_TRUE(client(key).connect()) << "the old list stays";
}

TEST_F(SessionTableTest, FirstMessagesForAnotherServerOrClockAreRejectedLikeAllOthers) {
  make();
  const auto key = test::client_key(random_);
  const auto knock = [&](const Digest& server, std::chrono::seconds now) {
    auto machine = channel::ClientHandshake::start({}, key, server, now, random_);
    return table_->initiate(machine->first(), "peer", {}).error();
  };
  const Error stranger = knock(Digest{7}, clock_.wall());
  const Error late = knock(identities_->current()->fingerprint(), clock_.wall() + std::chrono::seconds(1000));
  EXPECT_EQ(problem_of(stranger), Problem::session_rejected);
  EXPECT_EQ(problem_of(late), Problem::session_rejected);
  EXPECT_EQ(stranger.message, late.message);
  EXPECT_EQ(stranger.detail, late.detail);
  EXPECT_EQ(problem_of(table_->initiate(Bytes(100, 1), "peer", {}).error()), Problem::invalid_request);
}

TEST_F(SessionTableTest, HalfOpenHandshakesAreBounded) {
  limits_.half_open = 6;
  limits_.half_open_per_peer = 3;
  limits_.busy_from = 5;
  make();
  const auto key = test::client_key(random_);
  const auto knock = [&](std::string_view peer) -> std::string {
    auto machine =
        channel::ClientHandshake::start({}, key, identities_->current()->fingerprint(), clock_.wall(), random_);
    const auto begun = table_->initiate(machine->first(), peer, {});
    if (!begun) return std::string(name_of(problem_of(begun.error())));
    return begun->retry ? "retry" : "ok";
  };
  EXPECT_EQ(knock("a"), "ok");
  EXPECT_EQ(knock("a"), "ok");
  EXPECT_EQ(knock("a"), "ok");
  EXPECT_EQ(knock("a"), "quota-exceeded");
  EXPECT_EQ(knock("b"), "ok");
  EXPECT_EQ(knock("b"), "ok");
  EXPECT_EQ(knock("c"), "retry");
  EXPECT_EQ(table_->counters().half_open, 5U) << "a retry keeps nothing";
  Client honest = client(key);
  EXPECT_TRUE(honest.connect());
  EXPECT_EQ(honest.retries, 1);
  clock_.advance(limits_.half_open_for + 1s);
  table_->sweep();
  EXPECT_EQ(table_->counters().half_open, 0U);
  EXPECT_EQ(knock("a"), "ok");
}

TEST_F(SessionTableTest, FinishedHandshakesFreeTheirPlace) {
  limits_.half_open_per_peer = 1;
  make();
  const auto key = test::client_key(random_);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(client(key).connect()) << i;
  // Those that failed at the third message do as well.
  for (int i = 0; i < 3; ++i) {
    auto machine =
        channel::ClientHandshake::start({}, key, identities_->current()->fingerprint(), clock_.wall(), random_);
    const auto begun = table_->initiate(machine->first(), "127.0.0.1", {});
    ASSERT_TRUE(begun) << i << ": " << begun.error().message;
    EXPECT_FALSE(table_->finish(begun->id, Bytes(100, 1), "127.0.0.1"));
  }
}

TEST_F(SessionTableTest, SessionsAreBoundedPerClientAndInAll) {
  limits_.sessions = 4;
  limits_.sessions_per_client = 2;
  make();
  const auto one = test::client_key(random_), two = test::client_key(random_), three = test::client_key(random_);
  Client first = client(one);
  ASSERT_TRUE(first.connect());
  clock_.advance(1s);
  ASSERT_TRUE(client(one).connect());
  ASSERT_TRUE(client(one).connect()) << "takes the place of this client's least used session";
  EXPECT_EQ(table_->counters().sessions, 2U);
  EXPECT_EQ(problem_of(open(first.seal("POST", "/p", "a/b", {})).error()), Problem::session_expired);
  ASSERT_TRUE(client(two).connect());
  ASSERT_TRUE(client(two).connect());
  EXPECT_EQ(problem_of(client(three).connect().error()), Problem::capacity);
  clock_.advance(3600s);
  EXPECT_TRUE(client(three).connect()) << "idle ones make room";
  EXPECT_EQ(table_->counters().sessions, 4U);
}

TEST_F(SessionTableTest, ARotatedServerFinishesWhatItBeganAndServesThoseWhoKnowTheOldKey) {
  make();
  const auto key = test::client_key(random_);
  Client before = client(key);
  ASSERT_TRUE(before.connect());
  const Digest old = identities_->current()->fingerprint();
  auto machine = channel::ClientHandshake::start({}, key, old, clock_.wall(), random_);
  const auto begun = table_->initiate(machine->first(), "peer", {});
  ASSERT_TRUE(begun);

  const auto next = Identities::rotate(directory_ / "identity", clock_.wall(), random_);
  ASSERT_TRUE(next) << next.error().message;
  EXPECT_EQ(identities_->current()->fingerprint(), old);
  EXPECT_TRUE(*identities_->reload(clock_.wall(), random_));
  EXPECT_FALSE(*identities_->reload(clock_.wall(), random_));
  EXPECT_EQ(identities_->current()->fingerprint(), *next);

  const auto third = machine->on_second(begun->second, clock_.wall(), random_);
  ASSERT_TRUE(third);
  EXPECT_TRUE(table_->finish(begun->id, *third, "peer")) << "half open when it happened";
  EXPECT_TRUE(open(before.seal("POST", "/p", "a/b", {}))) << "sessions go on";
  Client late(*server_, old, key, clock_, random_);
  EXPECT_TRUE(late.connect()) << "knows the old key alone";
  EXPECT_TRUE(client(key).connect());
  const auto bundle = channel::IdentityBundle::open(*identities_->signed_bundle(clock_.wall(), random_)->bundle);
  ASSERT_TRUE(bundle) << bundle.error().message;
  ASSERT_EQ(bundle->previous().size(), 1U);
  EXPECT_EQ(bundle->previous()[0], old);
  clock_.advance(Identities::kPreviousFor);
  EXPECT_FALSE(Client(*server_, old, key, clock_, random_).connect()) << "not for ever";
}

TEST_F(SessionTableTest, WhoIsTakenOffTheListHasNoSessionAnyMore) {
  admission_ = Admission::allow_list;
  list_ = directory_ / "clients";
  const auto stays = test::client_key(random_), goes = test::client_key(random_);
  const auto line = [](const crypto::SigningKey& key) {
    return crypto::fingerprint_text(key.verify_key().fingerprint()) + "\n";
  };
  const auto write = [&](const std::string& text) {
    ASSERT_TRUE(host::write_file(list_, as_bytes(text), host::AtomicFile::Access::owner_only));
  };
  write(line(stays) + line(goes));
  make();
  Client one = client(stays), two = client(goes);
  ASSERT_TRUE(one.connect());
  ASSERT_TRUE(two.connect());
  write(line(stays));
  ASSERT_TRUE(clients_->reload());
  table_->end_unlisted();
  EXPECT_TRUE(open(one.seal("POST", "/p", "a/b", {})));
  EXPECT_EQ(problem_of(open(two.seal("POST", "/p", "a/b", {})).error()), Problem::session_expired);
  EXPECT_EQ(table_->counters().sessions, 1U);
  EXPECT_NE(log().find("\"session-ended\",\"reason\":\"unlisted\""), std::string::npos);
}

TEST_F(SessionTableTest, ARotatedClientKeepsItsAccount) {
  make();
  const auto first = test::client_key(random_), second = test::client_key(random_), third = test::client_key(random_);
  const auto account_of = [&](const crypto::SigningKey& key, std::vector<channel::RotationLink> links) -> Digest {
    channel::ClientPolicy policy;
    policy.rotations = std::move(links);
    Client one = client(key, policy);
    const auto connected = one.connect();
    EXPECT_TRUE(connected) << connected.error().message;
    auto request = open(one.seal("POST", "/p", "a/b", {}));
    return request ? (*request)->caller().account : Digest{};
  };
  const auto link = [&](const crypto::SigningKey& from, const crypto::SigningKey& to) {
    return *channel::sign_rotation(channel::KeyOwner::client, from, to.verify_key(), clock_.wall(), random_);
  };
  const Digest account = account_of(first, {});
  EXPECT_EQ(account, first.verify_key().fingerprint());
  EXPECT_EQ(account_of(second, {link(first, second)}), account);
  EXPECT_EQ(account_of(third, {link(second, third)}), account) << "without the oldest link";
  make();  // and after a start
  EXPECT_EQ(account_of(third, {}), account);
  EXPECT_NE(log().find("client-rotation"), std::string::npos);
}

TEST_F(SessionTableTest, ThrowAwayKeysLeaveNothingBehind) {
  make();
  std::set<Digest> owners;
  clients_->set_owns([&](const Digest& account) { return owners.contains(account); });
  const auto digest = [](int i) { return test::digest_of(static_cast<std::uint8_t>(i)); };
  const auto account_of = [&](int key, std::vector<Digest> previous) {
    return *clients_->account_of(digest(key), previous);
  };
  const auto kept = [&] { return *host::file_size(directory_ / "accounts"); };
  for (int key = 10; key < 40; ++key) EXPECT_EQ(account_of(key, {digest(key - 1)}), digest(key - 1));
  EXPECT_EQ(kept(), 0U);
  // Whoever has something keeps it, also when keys without anything lie between.
  owners.insert(digest(1));
  EXPECT_EQ(account_of(3, {digest(1), digest(2)}), digest(1));
  EXPECT_EQ(account_of(4, {digest(3)}), digest(1));
  const auto two = kept();
  EXPECT_GT(two, 0U);
  // One account cannot take the whole table.
  for (std::size_t i = 0; i < 2 * Clients::kMostRotatedOfOne; ++i) {
    Digest key = digest(200);
    key[0] = static_cast<std::uint8_t>(i);
    key[1] = static_cast<std::uint8_t>(i >> 8);
    EXPECT_EQ(*clients_->account_of(key, std::vector<Digest>{digest(1)}), digest(1));
  }
  EXPECT_EQ(kept(), two / 2 * Clients::kMostRotatedOfOne);
}

TEST_F(SessionTableTest, NobodyComesInUnaudited) {
  make();
  const auto key = test::client_key(random_);
  {
    const test::FileSizeLimit limit(10);
    audit_->line("event", {{"long", std::string(100, 'a')}});
    EXPECT_FALSE(audit_->flush());
    EXPECT_EQ(problem_of(client(key).connect().error()), Problem::capacity);
  }
  ASSERT_TRUE(audit_->flush());
  EXPECT_TRUE(client(key).connect());
}

TEST_F(SessionTableTest, RekeyedSessionsGoOn) {
  make();
  const auto key = test::client_key(random_);
  Client me = client(key);
  ASSERT_TRUE(me.connect());
  const auto message = me.keys().begin_rekey(random_);
  ASSERT_TRUE(message);
  const auto answer = table_->rekey(me.keys().id(), *message);
  ASSERT_TRUE(answer) << answer.error().message;
  ASSERT_TRUE(me.keys().finish_rekey(*answer, clock_.wall()));
  EXPECT_TRUE(open(me.seal("POST", "/p", "a/b", Bytes(5, 5))));
  EXPECT_EQ(problem_of(table_->rekey(me.keys().id(), Bytes(10, 1)).error()), Problem::invalid_request);
  EXPECT_EQ(problem_of(table_->rekey(SessionId{7}, *message).error()), Problem::session_expired);
}

TEST_F(SessionTableTest, ConcurrentRequestsOfOneSessionAllOpenOnce) {
  make();
  const auto key = test::client_key(random_);
  Client me = client(key);
  ASSERT_TRUE(me.connect());
  std::vector<Bytes> records;
  for (int i = 0; i < 200; ++i) records.push_back(me.seal("POST", "/p", "a/b", Bytes(static_cast<std::size_t>(i), 3)));
  std::atomic<int> opened{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      // Every record is tried by two threads: one of them wins.
      for (std::size_t i = 0; i < records.size(); ++i) {
        const std::size_t which = (i + static_cast<std::size_t>(t % 2) * 100) % records.size();
        if (t / 2 != static_cast<int>(which % 2)) continue;
        MemorySource source(records[which]);
        auto request = table_->open_request({"POST", "/p", {}, {}, {}}, source);
        if (request && (*request)->seal(200, "c/d", Bytes(10, 1))) ++opened;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(opened, 200);
}

}  // namespace
}  // namespace prism::service
