#include "prism/channel/stream.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "prism/channel/internal/session_fixture.h"

namespace prism::channel {
namespace {

using namespace testing_support;

/// A sealed stream, cut where tests cut.
struct Sealed {
  Bytes head, chunks;
};
Sealed seal_stream(SessionKeys& keys, ByteView body) {
  StreamRandom random(5);
  auto sealer = keys.begin_seal(request_binding(), kStart, random).value();
  Sealed sealed{sealer.head(), Bytes(StreamSealer::update_bound(body.size()) + kSealedChunkBytes)};
  const std::size_t most = sealer.update(body, sealed.chunks).value();
  sealed.chunks.resize(most + sealer.finish(MutableByteView(sealed.chunks).subspan(most)).value());
  return sealed;
}

/// Everything that the opener gives, and whether it says that this was all.
struct Outcome {
  Bytes provisional;
  bool complete = false;
};
Outcome open_stream(SessionKeys& keys, ByteView head, ByteView chunks, std::size_t piece = SIZE_MAX) {
  Outcome outcome;
  auto opener = keys.begin_open(request_binding(), head, kStart);
  if (!opener) return outcome;
  for (std::size_t at = 0; at < chunks.size();) {
    const ByteView next = chunks.subspan(at, std::min(piece, chunks.size() - at));
    Bytes out(opener->update_bytes(next.size()));
    const auto got = opener->update(next, out);
    if (!got) {
      EXPECT_EQ(got.error().code, ErrorCode::integrity);
      EXPECT_EQ(out, Bytes(out.size(), 0)) << "nothing unverified is handed out";
      EXPECT_FALSE(opener->update({}, out)) << "once failed, always failed";
      EXPECT_FALSE(opener->finish(out));
      return outcome;
    }
    EXPECT_EQ(got->bytes, out.size());
    outcome.provisional.insert(outcome.provisional.end(), out.begin(), out.end());
    at += next.size();
  }
  Bytes out(kChunkBytes);
  const auto end = opener->finish(out);
  if (!end) {
    EXPECT_EQ(end.error().code, ErrorCode::integrity);
    return outcome;
  }
  outcome.complete = true;
  outcome.provisional.insert(outcome.provisional.end(), out.begin(),
                             out.begin() + static_cast<std::ptrdiff_t>(end->bytes));
  EXPECT_EQ(end->body_bytes, outcome.provisional.size());
  return outcome;
}

TEST(Stream, SizesAreWhatIsWritten) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, kChunkBytes - 1, kChunkBytes, kChunkBytes + 1,
                                 3 * kChunkBytes, 3 * kChunkBytes + 77}) {
    Pair pair;
    const Bytes body = body_of(size);
    const Sealed sealed = seal_stream(pair.client, body);
    const std::size_t header = sealed.head.size() - kStreamPrefixBytes;
    const std::uint64_t all = sealed.head.size() + sealed.chunks.size();
    EXPECT_EQ(sealed_stream_bytes(header, size), all);
    EXPECT_EQ(plain_stream_bytes(header, all).value(), size);
    const Outcome outcome = open_stream(pair.server, sealed.head, sealed.chunks);
    EXPECT_TRUE(outcome.complete);
    EXPECT_EQ(outcome.provisional, body);
  }
  EXPECT_FALSE(plain_stream_bytes(32, 32 + kStreamPrefixBytes));                      // no last chunk
  EXPECT_FALSE(plain_stream_bytes(32, 32 + kStreamPrefixBytes + kSealedChunkBytes));  // a full one is not the last
  EXPECT_FALSE(plain_stream_bytes(32, 32 + kStreamPrefixBytes + kSealedChunkBytes + 15));
  EXPECT_FALSE(plain_stream_bytes(32, 31));
}

TEST(Stream, PiecesOfAnySizeGiveTheSameBytes) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 30; ++round) {
    Pair pair;
    StreamRandom salt(5);
    const Bytes body = body_of(random() % (4 * kChunkBytes), seed);
    const Sealed whole = seal_stream(pair.client, body);
    Pair again;
    auto sealer = again.client.begin_seal(request_binding(), kStart, salt).value();
    EXPECT_EQ(sealer.head(), whole.head);
    Bytes pieces;
    for (std::size_t at = 0; at < body.size();) {
      const std::size_t size = std::min<std::size_t>(random() % (2 * kChunkBytes), body.size() - at);
      Bytes out(sealer.update_bytes(size));
      EXPECT_LE(out.size(), StreamSealer::update_bound(size));
      ASSERT_EQ(sealer.update(ByteView(body).subspan(at, size), out).value(), out.size());
      pieces.insert(pieces.end(), out.begin(), out.end());
      at += size;
    }
    Bytes out(kSealedChunkBytes);
    out.resize(sealer.finish(out).value());
    pieces.insert(pieces.end(), out.begin(), out.end());
    EXPECT_EQ(pieces, whole.chunks);
    const Outcome outcome = open_stream(pair.server, whole.head, whole.chunks, 1 + random() % (2 * kChunkBytes));
    EXPECT_TRUE(outcome.complete);
    EXPECT_EQ(outcome.provisional, body);
  }
}

TEST(Stream, ACutStreamIsNeverComplete) {
  const Bytes body = body_of(3 * kChunkBytes + 1000);
  Pair maker;
  const Sealed sealed = seal_stream(maker.client, body);
  std::mt19937_64 random(11);
  std::vector<std::size_t> cuts{0, 1, 15, 16, 17};
  for (std::size_t i = 1; i <= 3; ++i)
    for (const int around : {-17, -16, -1, 0, 1, 15, 16, 17})
      cuts.push_back(static_cast<std::size_t>(static_cast<std::ptrdiff_t>(i * kSealedChunkBytes) + around));
  for (int i = 0; i < 40; ++i) cuts.push_back(random() % sealed.chunks.size());
  cuts.push_back(sealed.chunks.size() - 1);
  for (const std::size_t cut : cuts) {
    Pair pair;
    const Outcome outcome = open_stream(pair.server, sealed.head, ByteView(sealed.chunks).first(cut), 5000);
    EXPECT_FALSE(outcome.complete) << cut;
    ASSERT_LE(outcome.provisional.size(), body.size());
    EXPECT_TRUE(std::equal(outcome.provisional.begin(), outcome.provisional.end(), body.begin())) << "a prefix only";
  }
}

TEST(Stream, ChunksStayInTheirPlaceAndStream) {
  const Bytes body = body_of(3 * kChunkBytes + 1000);
  Pair maker;
  const Sealed sealed = seal_stream(maker.client, body), other = seal_stream(maker.client, body);
  const auto chunk = [](const Sealed& s, std::size_t i) {
    const std::size_t at = i * kSealedChunkBytes;
    return ByteView(s.chunks).subspan(at, std::min(kSealedChunkBytes, s.chunks.size() - at));
  };
  const auto joined = [](std::initializer_list<ByteView> parts) {
    Bytes all;
    for (const ByteView part : parts) all.insert(all.end(), part.begin(), part.end());
    return all;
  };
  const ByteView a = chunk(sealed, 0), b = chunk(sealed, 1), c = chunk(sealed, 2), d = chunk(sealed, 3);
  const auto complete = [&](const Bytes& chunks) {
    Pair pair;
    return open_stream(pair.server, sealed.head, chunks).complete;
  };
  EXPECT_TRUE(complete(joined({a, b, c, d})));
  EXPECT_FALSE(complete(joined({b, a, c, d}))) << "swapped";
  EXPECT_FALSE(complete(joined({a, a, b, c, d}))) << "doubled";
  EXPECT_FALSE(complete(joined({a, c, d}))) << "left out";
  EXPECT_FALSE(complete(joined({a, b, d}))) << "left out before the end";
  EXPECT_FALSE(complete(joined({a, b, c, d, d}))) << "added";
  EXPECT_FALSE(complete(joined({a, b, c, d, a}))) << "a whole chunk added";
  EXPECT_FALSE(complete(joined({a, b, c, d, {}, ByteView(sealed.head).first(1)}))) << "a byte added";
  EXPECT_FALSE(complete(joined({a, chunk(other, 1), c, d}))) << "of another stream";
  EXPECT_FALSE(complete(joined({d}))) << "the last alone";
}

TEST(Stream, HeadsAreProofOfTheirOwn) {
  Pair pair;
  const Sealed sealed = seal_stream(pair.client, body_of(10));
  for (std::size_t size = 0; size < sealed.head.size(); ++size)
    EXPECT_FALSE(pair.server.begin_open(request_binding(), ByteView(sealed.head).first(size), kStart)) << size;
  const std::size_t salt = sealed.head.size() - kStreamPrefixBytes;
  Pair calm(patient());
  for (std::size_t at = salt; at < sealed.head.size(); ++at) {
    Bytes changed = sealed.head;
    changed[at] ^= 0x10;
    const auto opened = calm.server.begin_open(request_binding(), changed, kStart);
    ASSERT_FALSE(opened) << at;
    EXPECT_EQ(opened.error().code, ErrorCode::integrity);
  }
  ASSERT_TRUE(calm.server.begin_open(request_binding(), sealed.head, kStart));
  EXPECT_EQ(calm.server.begin_open(request_binding(), sealed.head, kStart).error().code, ErrorCode::refused);
}

TEST(Stream, SurvivesTheSessionAndItsEpoch) {
  auto pair = std::make_unique<Pair>();
  const Bytes body = body_of(2 * kChunkBytes);
  StreamRandom random(1);
  auto sealer = pair->client.begin_seal(request_binding(), kStart, random).value();
  auto opener = pair->server.begin_open(request_binding(), sealer.head(), kStart).value();
  pair.reset();
  Bytes sealed(StreamSealer::update_bound(body.size()) + kSealedChunkBytes),
      out(StreamOpener::update_bound(sealed.size()));
  const std::size_t most = sealer.update(body, sealed).value();
  sealed.resize(most + sealer.finish(MutableByteView(sealed).subspan(most)).value());
  out.resize(opener.update(sealed, out).value().bytes);
  Bytes last(kChunkBytes);
  EXPECT_EQ(opener.finish(last).value().body_bytes, body.size());
  EXPECT_EQ(out, body);
}

}  // namespace
}  // namespace prism::channel
