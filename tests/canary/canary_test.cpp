// A client computes on a server that is another process. Its numbers and its secret keys, raw and in every encoding
// that a careless program would use, are then looked for in the server's files, its log and its whole memory.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "prism/client/evaluate.h"
#include "prism/client/hybrid_crypto.h"
#include "prism/compute/result.h"
#include "prism/host/file.h"
#include "prism/host/system.h"
#include "prism/http/handler.h"
#include "prism/http/server.h"
#include "prism/server/rest/handler.h"
#include "tests/support/test_directory.h"

namespace prism {
namespace {

constexpr std::size_t kShortest = 8;  ///< shorter patterns would be found by chance

std::string base64(std::string_view bytes) {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : bytes) {
    bits = bits << 8 | static_cast<std::uint8_t>(c);
    for (held += 8; held >= 6;) out.push_back(letters[bits >> (held -= 6) & 63U]);
  }
  return out;  // only whole letters: the rest depends on what follows
}

/// What is looked for, each with its name.
class Patterns {
 public:
  void add(const std::string& name, const std::string& text) {
    ASSERT_GE(text.size(), kShortest) << name;
    patterns_.emplace_back(name, text);
    first_[static_cast<std::uint8_t>(text[0]) << 8 | static_cast<std::uint8_t>(text[1])].push_back(patterns_.size() -
                                                                                                   1);
  }
  /// Raw bytes and their usual encodings.
  void add_bytes(const std::string& name, std::string_view bytes) {
    add(name + " raw", std::string(bytes));
    std::string reversed(bytes.rbegin(), bytes.rend());
    add(name + " reversed", reversed);
    const std::string hex = to_hex(as_bytes(bytes));
    std::string upper = hex;
    for (char& c : upper) c = static_cast<char>(std::toupper(c));
    add(name + " hex", hex);
    if (upper != hex) add(name + " HEX", upper);
    add(name + " reversed hex", to_hex(as_bytes(reversed)));
    // Base64 at each of its three phases; letters that also depend on neighbours are left out.
    for (std::size_t skip = 0; skip < 3; ++skip) {
      std::string text = base64(bytes.substr(skip));
      add(name + " base64 " + std::to_string(skip), text);
      for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
      if (text.find_first_of("-_") != std::string::npos) add(name + " base64url " + std::to_string(skip), text);
    }
  }
  void add_number(double value) {
    const std::string name = "value " + std::to_string(value);
    const auto bits = std::bit_cast<std::uint64_t>(value);
    std::string little(8, '\0');
    std::memcpy(little.data(), &bits, 8);
    add(name + " double", little);
    add(name + " double, big-endian", std::string(little.rbegin(), little.rend()));
    add(name + " hex", to_hex(as_bytes(little)));
    add(name + " hex, big-endian", to_hex(as_bytes(std::string(little.rbegin(), little.rend()))));
    for (std::size_t skip = 0; skip < 3; ++skip)
      if (std::string text = base64(std::string_view(little).substr(skip)); text.size() >= kShortest)
        add(name + " base64 " + std::to_string(skip), text);
    char text[64];
    std::snprintf(text, sizeof text, "%.8g", value);
    add(name + " decimal", text);
    std::string digits;
    for (const char* c = text; *c != '\0'; ++c)
      if (*c != '.') digits.push_back(*c);
    if (digits.size() >= kShortest) add(name + " digits", digits);
  }
  std::size_t size() const { return patterns_.size(); }

  std::set<std::string> search(std::string_view where) const {
    std::set<std::string> found;
    for (std::size_t i = 0; i + 1 < where.size(); ++i) {
      const auto& candidates =
          first_[static_cast<std::uint8_t>(where[i]) << 8 | static_cast<std::uint8_t>(where[i + 1])];
      for (const std::size_t index : candidates)
        if (where.substr(i, patterns_[index].second.size()) == patterns_[index].second)
          found.insert(patterns_[index].first);
    }
    return found;
  }

 private:
  std::vector<std::pair<std::string, std::string>> patterns_;
  std::vector<std::vector<std::size_t>> first_ = std::vector<std::vector<std::size_t>>(65'536);
};

/// Everything that a core dump would hold: all memory that the process can read and write.
std::set<std::string> search_memory(pid_t process, const Patterns& patterns, std::uint64_t& bytes) {
  std::set<std::string> found;
  const std::string root = "/proc/" + std::to_string(process);
  const int memory = ::open((root + "/mem").c_str(), O_RDONLY);
  if (memory < 0) return {"the memory cannot be read"};
  std::ifstream maps(root + "/maps");
  std::string line;
  while (std::getline(maps, line)) {
    unsigned long long begin = 0, end = 0;
    char mode[5] = {};
    if (std::sscanf(line.c_str(), "%llx-%llx %4s", &begin, &end, mode) != 3 || mode[0] != 'r' || mode[1] != 'w')
      continue;
    constexpr std::uint64_t kPiece = 64 << 20, kOverlap = 4096;
    for (std::uint64_t at = begin; at < end; at += kPiece) {
      std::string piece(static_cast<std::size_t>(std::min<std::uint64_t>(end - at, kPiece + kOverlap)), '\0');
      const ssize_t got = ::pread(memory, piece.data(), piece.size(), static_cast<off_t>(at));
      if (got <= 0) continue;
      piece.resize(static_cast<std::size_t>(got));
      bytes += std::min<std::uint64_t>(piece.size(), kPiece);
      found.merge(patterns.search(piece));
    }
  }
  ::close(memory);
  return found;
}

std::set<std::string> search_files(const std::string& directory, const Patterns& patterns, std::size_t& files) {
  std::set<std::string> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    found.merge(patterns.search(entry.path().string()));
    if (!entry.is_regular_file()) continue;
    const auto content = host::read_file(entry.path().string(), std::uint64_t{1} << 30);
    EXPECT_TRUE(content);
    ++files;
    found.merge(patterns.search(as_text(*content)));
  }
  return found;
}

/// Serves until the pipe closes. Its log is a file of the directory.
[[noreturn]] void serve(const std::string& directory, int tell, int wait) {
  const int log = ::open((directory + "/server.log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::dup2(log, 1);
  ::dup2(log, 2);
  host::SystemClock clock;
  host::SystemRandom random;
  service::Options options;
  options.data_dir = directory + "/data";
  options.workers = 1;
  options.limits.quick_answer = std::chrono::milliseconds(0);
  auto service = service::ComputeService::open(options, clock, random);
  if (!service) ::_exit(2);
  const auto handler = server::rest::make_handler(**service);
  auto listener = http::Server::start({}, *handler);
  if (!listener) ::_exit(3);
  struct {
    Digest fingerprint;
    std::uint16_t port;
  } told{(*service)->fingerprint(), (*listener)->port()};
  if (::write(tell, &told, sizeof told) != sizeof told) ::_exit(4);
  char byte = 0;
  while (::read(wait, &byte, 1) > 0) {
  }
  (*listener)->drain(std::chrono::seconds(2));
  service->reset();
  ::_exit(0);
}

TEST(Canary, TheServerNeverHoldsNumbersOrSecretKeysOfItsClients) {
  const support::TestDirectory directory;
  int tell[2], wait[2];
  ASSERT_EQ(::pipe(tell), 0);
  ASSERT_EQ(::pipe(wait), 0);
  // The fork comes first: what it copies holds no secret yet.
  const pid_t server = ::fork();
  ASSERT_GE(server, 0);
  if (server == 0) {
    ::close(tell[0]);
    ::close(wait[1]);
    serve(directory.path(), tell[1], wait[0]);
  }
  ::close(tell[1]);
  ::close(wait[0]);
  struct {
    Digest fingerprint;
    std::uint16_t port;
  } told{};
  ASSERT_EQ(::read(tell[0], &told, sizeof told), static_cast<ssize_t>(sizeof told));

  host::SystemRandom random;
  host::SystemClock clock;
  // Numbers that nothing else is likely to hold.
  const std::vector<double> values{12.345671, 27.182819, 31.415927, 14.142137,
                                   17.320509, 22.360681, 16.180341, 12.349877};
  const auto request =
      compute::Request::parse(R"({"operation":"statistics","compute":["mean","variance","sum"],"inputs":["x"]})")
          .value();
  const auto alice = client::HybridCrypto::create_for(request, {{"x", values.size()}}, 64, 10, random).value();
  {
    client::ConnectionOptions options;
    options.server.tls = false;
    options.server.host = "127.0.0.1";
    options.server.port = told.port;
    options.trust.pin = told.fingerprint;
    auto connection = client::Connection::open(options, alice.identity(), clock, random);
    ASSERT_TRUE(connection) << connection.error().message;
    const Bytes data = alice.numbers().encrypt_to_bytes(values).value();
    const auto done = client::evaluate(*connection, alice.numbers(), {request, {{"x", data}}});
    ASSERT_TRUE(done) << done.error().message;
    const auto opened = compute::open_result(done->result, alice.numbers());
    ASSERT_TRUE(opened) << opened.error().message;
    double sum = 0;
    for (const double value : values) sum += value;
    for (const auto& output : opened->outputs) {
      if (output.name == "sum") {
        EXPECT_NEAR(output.values.at(0), sum, 0.01);
      }
    }

    Patterns secret, control;
    for (const double value : values) secret.add_number(value);
    secret.add_number(sum);
    const auto& seed = alice.numbers().seed(secret::RevealKey{});
    secret.add_bytes("seed of the FHE key", as_text(seed.reveal(secret::RevealKey{})));
    secret.add_bytes("seed of the identity", as_text(alice.identity().reveal_seed(secret::RevealKey{})));
    const auto expanded = alice.identity().reveal_expanded(secret::RevealKey{}).value();
    // Of FIPS 204's sk: K, which is secret, stands behind rho, which is public; s1 begins after tr.
    secret.add_bytes("K of the identity", as_text(expanded.reveal(secret::RevealKey{}).subspan(32, 32)));
    secret.add_bytes("s1 of the identity", as_text(expanded.reveal(secret::RevealKey{}).subspan(128, 32)));
    // What must be there shows that the search finds things: the client's fingerprint and its ciphertext.
    control.add("ciphertext", std::string(as_text(ByteView(data).subspan(200, 32))));
    control.add("fingerprint", std::string(as_text(alice.identity().verify_key().fingerprint())));
    control.add("account folder", to_hex(alice.identity().verify_key().fingerprint()));

    ASSERT_EQ(::kill(server, SIGSTOP), 0);
    std::uint64_t memory = 0;
    const auto in_memory = search_memory(server, secret, memory);
    const auto controls = search_memory(server, control, memory);
    ASSERT_EQ(::kill(server, SIGCONT), 0);
    if (in_memory.contains("the memory cannot be read")) {
      ADD_FAILURE() << "a parent may not read its child's memory here";
    }
    EXPECT_EQ(in_memory, std::set<std::string>{});
    EXPECT_TRUE(controls.contains("fingerprint")) << "the search of memory finds nothing at all";
    EXPECT_GT(memory, std::uint64_t{1} << 20);
    ::close(wait[1]);
    int status = 0;
    ASSERT_EQ(::waitpid(server, &status, 0), server);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
    std::size_t files = 0;
    EXPECT_EQ(search_files(directory.path(), secret, files), std::set<std::string>{});
    const auto file_controls = search_files(directory.path(), control, files);
    EXPECT_TRUE(file_controls.contains("ciphertext") && file_controls.contains("account folder"));
    std::printf("%zu patterns in %llu bytes of memory and %zu files\n", secret.size(),
                static_cast<unsigned long long>(memory / 2), files / 2);
  }
}

/// A search that cannot find is no search.
TEST(Canary, EveryEncodingIsFound) {
  Patterns patterns;
  std::string bytes;
  for (int i = 0; i < 32; ++i) bytes.push_back(static_cast<char>(7 * i + 3));
  patterns.add_bytes("key", bytes);
  patterns.add_number(12.345671);
  for (std::size_t before = 0; before < 3; ++before) {
    const auto found = patterns.search("xx" + base64(std::string(before, 'a') + bytes + "zzz"));
    EXPECT_FALSE(found.empty()) << before;
  }
  EXPECT_TRUE(patterns.search("..." + to_hex(as_bytes(bytes))).contains("key hex"));
  EXPECT_TRUE(
      patterns.search("the value is 12.345671 or so").contains("value " + std::to_string(12.345671) + " decimal"));
  EXPECT_TRUE(patterns.search("nothing here").empty());
}

}  // namespace
}  // namespace prism
