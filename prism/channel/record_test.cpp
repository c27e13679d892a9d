#include "prism/channel/record.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>
#include <vector>

namespace prism::channel {
namespace {

RecordHeader some_header() {
  RecordHeader header;
  header.form = RecordForm::stream;
  header.direction = Direction::to_client;
  for (std::size_t i = 0; i < header.session.size(); ++i) header.session[i] = static_cast<std::uint8_t>(0xa0 + i);
  header.id = {Epoch{3, 9}, 0x12345};
  header.content_type = "application/json";
  return header;
}

TEST(Record, HeadersReadAsWritten) {
  const RecordHeader header = some_header();
  Bytes bytes = encode_record_header(header);
  ASSERT_EQ(bytes.size(), header.bytes());
  EXPECT_EQ(to_hex(bytes),
            "01020110"
            "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
            "00030009"
            "0000000000012345"
            "6170706c69636174696f6e2f6a736f6e");
  bytes.push_back(0);  // what follows is not the header's business
  const auto read = read_record_header(bytes);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->form, header.form);
  EXPECT_EQ(read->direction, header.direction);
  EXPECT_EQ(read->session, header.session);
  EXPECT_EQ(read->id, header.id);
  EXPECT_EQ(read->content_type, header.content_type);
  EXPECT_EQ(record_id(bytes), header.id);
}

TEST(Record, EveryCutHeaderIsRefused) {
  const Bytes bytes = encode_record_header(some_header());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const auto read = read_record_header(ByteView(bytes).first(size));
    ASSERT_FALSE(read) << size;
    EXPECT_EQ(read.error().code, ErrorCode::malformed);
  }
}

TEST(Record, WhatTheFormatDoesNotHaveIsRefused) {
  const auto with = [](std::size_t at, std::uint8_t value) {
    Bytes bytes = encode_record_header(some_header());
    bytes[at] = value;
    const auto read = read_record_header(bytes);
    return read ? std::string("accepted") : std::string(name_of(read.error().code));
  };
  EXPECT_EQ(with(0, 0), "unsupported");
  EXPECT_EQ(with(0, 2), "unsupported");
  EXPECT_EQ(with(1, 0), "malformed");
  EXPECT_EQ(with(1, 3), "malformed");
  EXPECT_EQ(with(2, 2), "malformed");
  EXPECT_EQ(with(3, 128), "malformed");
  EXPECT_EQ(with(24, 1), "malformed");     // a sequence of 2^56 and more
  EXPECT_EQ(with(29, 0x11), "malformed");  // and one of 2^20 + ...
  EXPECT_EQ(with(32, '\n'), "malformed");
  EXPECT_EQ(with(32, 0x7f), "malformed");
  EXPECT_EQ(with(32, 0xc3), "malformed");
  EXPECT_EQ(with(32, 'b'), "accepted");
}

TEST(Record, BindingsThatDifferHaveDifferentAdditionalData) {
  const Bytes header = encode_record_header(some_header());
  Binding base{"GET", "/a/b?c", "text/plain"};
  base.idempotency_key = "k";
  std::vector<Binding> all{base};
  const auto add = [&](auto change) { change(all.emplace_back(base)); };
  // Bytes that move from one field to its neighbour must not cancel out.
  add([](Binding& b) { b.method = "GET/", b.path = "a/b?c"; });
  add([](Binding& b) { b.method = "", b.path = "GET/a/b?c"; });
  add([](Binding& b) { b.path = "/a/b?ck", b.idempotency_key = ""; });
  add([](Binding& b) { b.idempotency_key = "kk"; });
  add([](Binding& b) { b.context[0] = 1; });
  add([](Binding& b) { b.context[31] = 1; });
  add([](Binding& b) { b.program[0] = 1; });
  add([](Binding& b) { b.answer = Answer{{Epoch{0, 0}, 0}, 200}; });
  add([](Binding& b) { b.answer = Answer{{Epoch{0, 0}, 0}, 201}; });
  add([](Binding& b) { b.answer = Answer{{Epoch{0, 0}, 1}, 200}; });
  add([](Binding& b) { b.answer = Answer{{Epoch{0, 1}, 0}, 200}; });
  add([](Binding& b) { b.answer = Answer{{Epoch{1, 0}, 0}, 200}; });
  std::set<Bytes> different;
  for (const Binding& binding : all) different.insert(record_aad(header, binding));
  EXPECT_EQ(different.size(), all.size());
}

TEST(Record, BindingsHaveBounds) {
  const std::string long_text(5000, 'x');
  const auto refused = [&](auto change, Direction direction = Direction::to_server) {
    Binding binding{"GET", "/", "text/plain"};
    change(binding);
    const Status status = check_binding(binding, direction);
    return !status && status.error().code == ErrorCode::invalid_argument;
  };
  const std::string_view text = long_text;
  EXPECT_FALSE(refused([](Binding&) {}));
  EXPECT_FALSE(refused([&](Binding& b) { b.path = text.substr(0, kMaxPathBytes); }));
  EXPECT_TRUE(refused([&](Binding& b) { b.path = text.substr(0, kMaxPathBytes + 1); }));
  EXPECT_TRUE(refused([&](Binding& b) { b.method = text.substr(0, kMaxMethodBytes + 1); }));
  EXPECT_TRUE(refused([&](Binding& b) { b.content_type = text.substr(0, kMaxContentTypeBytes + 1); }));
  EXPECT_TRUE(refused([&](Binding& b) { b.idempotency_key = text.substr(0, kMaxIdempotencyKeyBytes + 1); }));
  EXPECT_TRUE(refused([&](Binding& b) { b.content_type = "a\r\nb"; }));
  EXPECT_TRUE(refused([&](Binding& b) { b.answer = Answer{}; }));
  EXPECT_TRUE(refused([&](Binding&) {}, Direction::to_client));
  EXPECT_FALSE(refused([&](Binding& b) { b.answer = Answer{}; }, Direction::to_client));
}

TEST(Record, Base64UrlHasOneTextPerValue) {
  std::mt19937_64 random(7);
  for (std::size_t size = 0; size < 70; ++size) {
    Bytes bytes(size);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
    const std::string text = to_base64url(bytes);
    EXPECT_EQ(text.find_first_of("+/="), std::string::npos);
    const auto back = from_base64url(text, size);
    ASSERT_TRUE(back) << size;
    EXPECT_EQ(*back, bytes);
    if (size > 0) {
      EXPECT_FALSE(from_base64url(text, size - 1)) << "bounds hold";
    }
  }
  EXPECT_EQ(to_base64url(as_bytes("fo")), "Zm8");
  EXPECT_EQ(to_base64url(Bytes{0xfb, 0xff}), "-_8");
  for (const char* wrong : {"Z", "Zm9=", "Zm+", "Zm8 ", "Zm9", "ZmZvZ", "\xc3\xa4zz"})
    EXPECT_FALSE(from_base64url(wrong, 100)) << wrong;  // "Zm9" has bits behind its end
  // Of all texts of two characters, those that decode encode back to themselves.
  std::size_t accepted = 0;
  for (int a = 0; a < 256; ++a)
    for (int b = 0; b < 256; ++b) {
      const std::string text{static_cast<char>(a), static_cast<char>(b)};
      const auto bytes = from_base64url(text, 1);
      if (!bytes) continue;
      ++accepted;
      EXPECT_EQ(to_base64url(*bytes), text);
    }
  EXPECT_EQ(accepted, 256u);
}

}  // namespace
}  // namespace prism::channel
