// The path of small requests: `sum` of one ciphertext at N = 2^13, keys and data uploaded already.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <memory>
#include <string>

#include "prism/channel/receipt.h"
#include "prism/compute/plan.h"
#include "prism/compute/request.h"
#include "prism/compute/run.h"
#include "prism/fhe/context.h"
#include "prism/fhe/key_holder.h"
#include "prism/hash/sha256.h"
#include "prism/host/system.h"
#include "prism/program/requirements.h"
#include "prism/service/compute_service.h"
#include "prism/wire/cbor.h"

namespace prism::service {
namespace {

template <class T>
T must(Result<T> result) {
  check(result.has_value(), result ? "" : result.error().message);
  return *std::move(result);
}

class MemorySource final : public Source {
 public:
  explicit MemorySource(ByteView bytes) : rest_(bytes) {}
  Result<std::size_t> read(MutableByteView out) override {
    const std::size_t size = std::min(out.size(), rest_.size());
    std::copy_n(rest_.begin(), size, out.begin());
    rest_ = rest_.subspan(size);
    return size;
  }

 private:
  ByteView rest_;
};

/// A service with one client's context and data in it; made once.
struct Setting {
  host::SystemClock clock;
  host::SystemRandom random;
  std::string directory;
  std::unique_ptr<ComputeService> service;
  Caller caller;
  compute::Request request = must(compute::Request::parse(R"({"operation":"sum","inputs":["x"]})"));
  Bytes context, data;
  std::string body;
  Bytes inline_body;
  std::shared_ptr<const compute::Context> decoded;

  Setting() {
    std::string pattern = (std::filesystem::temp_directory_path() / "prism-bench-XXXXXX").string();
    check(::mkdtemp(pattern.data()) != nullptr, "no temporary directory");
    directory = pattern;
    Options options;
    options.data_dir = directory + "/data";
    options.limits.cpu_seconds_per_window = 1e9;
    service = must(ComputeService::open(options, clock, random));
    caller.session = SessionId{};
    const std::vector<double> values(4096, 0.5);
    const auto parameters = must(program::approximate_parameters_for(
        must(request.lower(program::Family::approximate, {{"x", values.size()}})), 1, 24, rlwe::Security::bits128));
    check(parameters->degree() == 8192, "the benchmark is for N = 2^13, not " + std::to_string(parameters->degree()));
    const auto keys =
        must(fhe::Approximate::KeyHolder::create(parameters, 1, must(ring::fresh_secret_seed(random)), random));
    const Bytes declared = must(fhe::encode_parameters<fhe::Approximate>({parameters, 1}));
    const auto plan = must(compute::Plan::parse(
        must(service->plan(caller, compute::plan_question(request.to_json(), {{"x", values.size()}}, declared)))));
    context = must(must(keys.context_with(plan.key_ids())).encode());
    data = must(keys.encrypt_to_bytes(values));
    put(BlobKind::context, context);
    put(BlobKind::data, data);
    body = R"({"context":")" + to_hex(hash::sha256(context)) + R"(","inputs":{"x":")" + to_hex(hash::sha256(data)) +
           R"("},"request":)" + request.to_json() + "}";
    wire::CborWriter out;
    out.map(3);
    out.text("inputs");
    out.map(1);
    out.text("x");
    out.bytes(data);
    out.text("context");
    out.bytes(hash::sha256(context));
    out.text("request");
    out.text(request.to_json());
    inline_body = std::move(out).take();
    decoded = must(compute::Context::decode(context));
  }
  ~Setting() {
    service.reset();
    std::error_code ignored;
    std::filesystem::remove_all(directory, ignored);
  }
  void put(BlobKind kind, const Bytes& bytes) {
    MemorySource source(bytes);
    must(service->upload(caller, kind, hash::sha256(bytes), 0, bytes.size(), source));
  }
};

Setting& setting() {
  static Setting one;
  return one;
}

void BM_SumOfUploadedData(benchmark::State& state) {
  Setting& s = setting();
  for (auto _ : state) benchmark::DoNotOptimize(must(s.service->compute(s.caller, {as_bytes(s.body)})));
  state.counters["data_bytes"] = static_cast<double>(s.data.size());
}
BENCHMARK(BM_SumOfUploadedData)->Name("sum/uploaded")->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK(BM_SumOfUploadedData)->Name("sum/uploaded/threads")->Unit(benchmark::kMicrosecond)->Threads(2)->UseRealTime();

void BM_SumOfInlineData(benchmark::State& state) {
  Setting& s = setting();
  for (auto _ : state) benchmark::DoNotOptimize(must(s.service->compute_inline(s.caller, {s.inline_body})));
}
BENCHMARK(BM_SumOfInlineData)->Name("sum/inline")->Unit(benchmark::kMicrosecond);

/// What of it is computing.
void BM_ComputeAlone(benchmark::State& state) {
  Setting& s = setting();
  const compute::NamedBytes inputs[] = {{"x", s.data}};
  for (auto _ : state) benchmark::DoNotOptimize(must(compute::run(s.request, *s.decoded, inputs)));
}
BENCHMARK(BM_ComputeAlone)->Name("part/compute")->Unit(benchmark::kMicrosecond);

/// And what signing.
void BM_ReceiptAlone(benchmark::State& state) {
  Setting& s = setting();
  static const auto key = must(crypto::SigningKey::generate(crypto::SignatureAlgorithm::ml_dsa_65, s.random));
  channel::ReceiptClaims claims;
  claims.server = "prism";
  claims.engine = "prism";
  claims.inputs.emplace_back();
  claims.session = SessionId{};
  for (auto _ : state) benchmark::DoNotOptimize(must(channel::sign_receipt(claims, key, {}, s.random)));
}
BENCHMARK(BM_ReceiptAlone)->Name("part/receipt")->Unit(benchmark::kMicrosecond);

void BM_DigestAlone(benchmark::State& state) {
  Setting& s = setting();
  for (auto _ : state) benchmark::DoNotOptimize(hash::sha256(s.inline_body));
}
BENCHMARK(BM_DigestAlone)->Name("part/digest")->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace prism::service

BENCHMARK_MAIN();
