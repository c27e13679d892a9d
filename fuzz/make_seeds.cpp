// Writes the binary seeds of fuzz/corpus: make_seeds FOLDER. Run it again when a format changes; the seeds are
// committed, so that fuzzers start deep without building anything else. Keys in them are made of fixed bytes and guard
// nothing.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>

#include "prism/backend/he/query.h"
#include "prism/custody/backup.h"
#include "prism/dp/event.h"
#include "prism/host/atomic_file.h"
#include "prism/host/file.h"
#include "prism/sealed/writer.h"
#include "prism/table/read_csv.h"
#include "prism/wire/artefact.h"

namespace {

using namespace prism;

template <typename T>
T must(Result<T> result) {
  check(result.has_value(), result ? "" : result.error().message);
  return std::move(*result);
}
void must(const Status& status) { check(status.has_value(), status ? "" : status.error().message); }

class FixedRandom final : public Random {
 public:
  Status fill(MutableByteView out) override {
    for (auto& byte : out) {
      state_ = state_ * 1103515245u + 12345u;
      byte = static_cast<std::uint8_t>(state_ >> 24);
    }
    return {};
  }

 private:
  std::uint32_t state_ = 1;
};

class FixedClock final : public Clock {
 public:
  std::chrono::nanoseconds monotonic() const override { return {}; }
  std::chrono::seconds wall() const override { return {}; }
};

std::filesystem::path folder;

void seed(const std::string& fuzzer, const std::string& name, ByteView bytes, int first_byte = -1) {
  Bytes all;
  if (first_byte >= 0) all.push_back(static_cast<std::uint8_t>(first_byte));
  all.insert(all.end(), bytes.begin(), bytes.end());
  std::filesystem::create_directories(folder / fuzzer);
  std::FILE* const file = std::fopen((folder / fuzzer / name).c_str(), "wb");
  check(file != nullptr, "a seed cannot be written");
  check(std::fwrite(all.data(), 1, all.size(), file) == all.size() && std::fclose(file) == 0, "a seed is cut short");
}

constexpr const char* kPeople =
    "name,age,state,income,born\n"
    "ann,34,NJ,1200.50,1980-02-29\n"
    "bob,,CA,800.25,\n"
    "cyd,71,NJ,,1969-12-31\n"
    "dee,18,,99.99,2001-01-01\n"
    "eve,52,TX,-4300.00,1970-06-15\n";

/// Header, manifest and dictionary of a table, the start of its file, and what questions compile to over it.
void seal_table(const std::string& name, const sealed::SealOptions& options,
                const std::vector<std::string>& questions) {
  FixedRandom random;
  Serial serial;
  const auto table = must(table::read_csv_text("people", kPeople));
  auto proposal = must(sealed::propose(table, options));
  must(random.fill(proposal.header.id));
  const auto key = must(rlwe::SecretKey::generate(proposal.header.parameters->rlwe_ptr(), random));
  const std::string path = folder / "people.sealed";
  auto file = must(host::AtomicFile::create(path, host::AtomicFile::Access::everybody));
  const auto manifest = must(sealed::seal(table, proposal.header, key, file, random, serial));
  must(file.commit());
  const auto sealed = must(sealed::SealedTable::open(path));

  seed("sealed_fuzz", name + "-header", sealed::encode(sealed.header()), 0);
  seed("sealed_fuzz", name + "-manifest", sealed::encode(manifest), 1);
  seed("sealed_fuzz", name + "-dictionary",
       sealed::encode_dictionary({manifest.header.id, "state", {"CA", "NJ", "TX"}}), 2);
  seed("sealed_fuzz", name + "-file",
       sealed.bytes().first(wire::kHeaderBytes + sealed::kPrologueBytes + sealed.prologue().header_bytes), 3);
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const auto compiled = must(backend::he::compile(sealed, questions[i], {}));
    seed("program_fuzz", name + "-" + std::to_string(i), program::encode(compiled.lowered.program));
  }
  std::filesystem::remove(path);
}

void answers() {
  rlwe::ParameterSpec spec;  // those of answer_fuzz
  spec.log_n = 10;
  spec.security = rlwe::Security::none_for_tests;
  const auto primes = must(rlwe::choose_primes(50, 3));
  spec.special_primes = {primes.front()};
  spec.primes.assign(primes.begin() + 1, primes.end());
  const auto parameters = must(exact::Parameters::make(std::move(spec), 8588886017, exact::Scheme::bgv));
  backend::he::AnswerHead head;
  head.sql = "SELECT COUNT(*), SUM(age) FROM people";
  head.table = "people";
  const auto& rlwe = parameters->rlwe();
  const auto set = rlwe.primes(rlwe::Level{0});
  program::Outcome samples, packed;
  for (std::uint64_t i = 0; i < 2; ++i) {
    exact::LweSample sample{parameters, {}, {}, rlwe::Level{0}, 1, math::Bound::one()};
    for (std::size_t row = 0; row < ring::Evaluations(rlwe.ring(), set).rows(); ++row) {
      sample.a.emplace_back(parameters->degree());
      sample.b.push_back(i);
    }
    samples.samples.push_back(std::move(sample));
  }
  exact::Ciphertext ciphertext;
  ciphertext.parameters = parameters;
  for (int part = 0; part < 2; ++part) ciphertext.parts.emplace_back(rlwe.ring(), set);
  packed.packed.push_back(std::move(ciphertext));
  seed("answer_fuzz", "samples", backend::he::encode_answer(head, samples));
  head.delivery = program::Delivery::packed;
  seed("answer_fuzz", "packed", backend::he::encode_answer(head, packed));
}

void events() {
  const dp::Epsilon epsilon = must(dp::Epsilon::parse("0.5"));
  const dp::Delta delta = must(dp::Delta::parse("1e-6"));
  const dp::Event pure = dp::Event::pure(epsilon);
  const dp::Event gaussian = must(dp::Event::gaussian({1000, 3}, 7));
  const dp::Event zcdp = must(dp::Event::zcdp({1, 30}, delta));
  const auto write = [](const char* name, const std::vector<dp::Event>& list) {
    seed("event_fuzz", name, must(dp::encode_events(list)));
  };
  write("empty", {});
  write("pure", {pure});
  write("approximate", {dp::Event::approximate(epsilon, delta)});
  write("laplace", {must(dp::Event::laplace({10, 3}, 7))});
  write("gaussian", {must(gaussian.times(9))});
  write("zcdp", {zcdp});
  write("mixed", {pure, must(dp::Event::gaussian({99, 1}, 1)), must(dp::Event::zcdp({1, 1000}, delta))});
}

void keys() {
  FixedRandom random;
  const FixedClock clock;
  const std::string password = "correct horse";
  const crypto::ScryptCost cheap{.log2_n = 10, .r = 8, .p = 1};
  for (const bool locked : {false, true}) {
    const custody::Passphrase passphrase = locked ? custody::Passphrase(as_bytes(password)) : std::nullopt;
    const std::string name = locked ? "locked" : "open", dir = folder / "keys";
    const auto keyring = must(custody::Keyring::create(dir, random, clock, passphrase, cheap));
    must(keyring.store_manifest({1, 2, 3}, as_bytes("a manifest"), random));
    must(keyring.export_table_key({1, 2, 3}, folder / "table.key", random, clock, passphrase, cheap));
    must(custody::Backup::write(keyring, folder / "backup", random, clock, passphrase, cheap));
    seed("keyring_fuzz", name, must(host::read_file(dir + "/" + std::string(custody::kKeyringFile), 1 << 20)));
    seed("keyring_fuzz", name + "-table", must(host::read_file(folder / "table.key", 1 << 20)));
    seed("backup_fuzz", name, must(host::read_file(folder / "backup", 1 << 20)));
    for (const char* used : {"keys", "table.key", "backup"}) std::filesystem::remove_all(folder / used);
  }
}

}  // namespace

int main(int argc, char** argv) {
  check(argc == 2, "make_seeds FOLDER");
  folder = argv[1];
  std::filesystem::create_directories(folder);
  sealed::SealOptions small;
  small.roles = {{"age", sealed::Role::measure}, {"state", sealed::Role::group}};
  small.publish = {"state"};
  seal_table("small", small,
             {"SELECT COUNT(*), SUM(age) FROM people", "SELECT state, AVG(age) FROM people GROUP BY state"});
  sealed::SealOptions wide;
  for (const char* column : {"age", "income", "born"}) wide.roles.emplace_back(column, sealed::Role::filter);
  for (const char* column : {"age", "income"}) wide.roles.emplace_back(column, sealed::Role::measure);
  wide.roles.emplace_back("name", sealed::Role::filter);
  wide.products = {{"age", "income"}};
  wide.pad_rows_to = 10;
  seal_table("wide", wide,
             {"SELECT SUM(age * income) FROM people WHERE income BETWEEN -100 AND 900",
              "SELECT VAR_POP(age) FROM people WHERE born > DATE '1970-01-01' AND age <> 18"});
  answers();
  events();
  keys();
}
