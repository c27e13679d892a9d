// One process, one thread: new keys, seal 1,000 integers in 100..5000, SUM, open. The rooms are used as the program
// uses them, the file and the answer included, without the key directory.
//
//   prism_job [DIR]     DIR: where the sealed table is written (default /dev/shm)
//
// Prints one JSON object: milliseconds of each phase, and of all since main began. Exits 1 when the sum is wrong.
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>

#include "prism/backend/he/open.h"
#include "prism/backend/he/query.h"
#include "prism/host/atomic_file.h"
#include "prism/host/system.h"
#include "prism/host/thread_pool.h"
#include "prism/kernels/kernels.h"
#include "prism/sealed/propose.h"
#include "prism/sealed/reader.h"
#include "prism/sealed/writer.h"

namespace prism {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::size_t kRows = 1000;
constexpr std::uint64_t kSeed = 42;

/// Milliseconds between calls.
class Phases {
 public:
  void end(const char* name) {
    const auto now = Steady::now();
    std::printf("\"%s\": %.3f, ", name, milliseconds(last_, now));
    last_ = now;
  }
  double total() const { return milliseconds(start_, Steady::now()); }

 private:
  static double milliseconds(Steady::time_point from, Steady::time_point to) {
    return std::chrono::duration<double, std::milli>(to - from).count();
  }
  Steady::time_point start_ = Steady::now(), last_ = start_;
};

struct Job {
  table::Table table;
  std::int64_t sum = 0;
};

Job make_job() {
  Job job;
  std::mt19937_64 random(kSeed);
  table::Column v;
  v.schema.name = "v";
  v.schema.type = table::ColumnType::integer;
  for (std::size_t i = 0; i < kRows; ++i) {
    v.values.push_back(100 + static_cast<std::int64_t>(random() % 4901));
    job.sum += v.values.back();
  }
  v.valid.assign(kRows, 1);
  table::summarise(v);
  job.table.name = "job";
  job.table.rows = kRows;
  job.table.columns.push_back(std::move(v));
  return job;
}

Status run(const std::string& directory) {
  Phases phases;
  std::printf("{");
  const Job job = make_job();
  host::SystemRandom random;
  host::ThreadPool pool(1);
  sealed::SealOptions options;
  options.roles = {{"v", sealed::Role::measure}};
  options.squares = false;
  PRISM_TRY(sealed::Proposal proposal, sealed::propose(job.table, options));
  phases.end("propose_ms");

  std::array<std::uint8_t, 32> seed{};
  PRISM_CHECKED(random.fill(seed));
  PRISM_TRY(const rlwe::SecretKey key,
            rlwe::SecretKey::from_seed(proposal.header.parameters->rlwe_ptr(), ring::SecretSeed(seed)));
  PRISM_CHECKED(random.fill(proposal.header.id));
  PRISM_CHECKED(random.fill(proposal.header.key));
  phases.end("keys_ms");

  const std::string path = directory + "/prism-job-" + to_hex(proposal.header.id) + ".sealed";
  PRISM_TRY(host::AtomicFile file, host::AtomicFile::create(path, host::AtomicFile::Access::owner_only));
  PRISM_TRY(const sealed::Manifest manifest, sealed::seal(job.table, proposal.header, key, file, random, pool));
  PRISM_CHECKED(file.commit());
  const std::unique_ptr<const std::string, void (*)(const std::string*)> remove(
      &path, [](const std::string* p) { std::remove(p->c_str()); });
  phases.end("seal_ms");

  PRISM_TRY(const sealed::SealedTable table, sealed::SealedTable::open(path));
  PRISM_TRY(const backend::he::Compiled question, backend::he::compile(table, "SELECT SUM(v) FROM job", {}));
  PRISM_TRY(const Bytes answer, backend::he::answer_query(table, question, pool));
  phases.end("query_ms");

  PRISM_TRY(const backend::he::Opened opened, backend::he::open_answer(answer, manifest, key));
  const std::string text = table::to_csv(opened.table);
  phases.end("open_ms");

  const bool right = text.find('\n' + std::to_string(job.sum)) != std::string::npos;
  std::printf("\"total_ms\": %.3f, \"file_bytes\": %llu, \"answer_bytes\": %zu, \"degree\": %zu, \"right\": %s}\n",
              phases.total(), static_cast<unsigned long long>(table.file_bytes()), answer.size(),
              manifest.header.parameters->degree(), right ? "true" : "false");
  if (!right) return fail(ErrorCode::integrity, "the opened sum is not ", job.sum, ":\n", text);
  return {};
}

}  // namespace
}  // namespace prism

int main(int argc, char** argv) {
  // As the program does: PRISM_KERNELS chooses the kernels.
  const char* const kernels = std::getenv("PRISM_KERNELS");
  if (kernels != nullptr && *kernels != '\0' && !prism::kernels::choose(kernels)) {
    std::fprintf(stderr, "prism_job: PRISM_KERNELS is \"%s\", which does not run here\n", kernels);
    return 3;
  }
  if (const auto status = prism::run(argc > 1 ? argv[1] : "/dev/shm"); !status) {
    std::fprintf(stderr, "prism_job: %s\n", status.error().message.c_str());
    return 1;
  }
  return 0;
}
