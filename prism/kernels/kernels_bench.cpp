// Rows such as `forward_ntt/avx512ifma/65536`. Pointwise kernels run on rows of 2^14 residues, modulo a prime just
// below 2^50; those named `near_` on 512 residues, which stay in the first cache. Beside the mean each row has the
// least time of all iterations (`min_ns`), and that in cycles per eight residues (for the transforms per eight
// butterflies), by a clock measured at the start: what an idle core does, whatever else the machine is busy with.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <numeric>
#include <string>
#include <vector>

#include "prism/kernels/internal/testing.h"

namespace prism::kernels {
namespace {

constexpr std::size_t kRow = std::size_t{1} << 14;
constexpr std::size_t kNear = 512;
constexpr std::size_t kCount = 16;  ///< pairs in inner products

const Modulus& modulus() {
  static const Modulus m = make_modulus(testing::transform_primes()[0]);
  return m;
}

struct Rows {
  Rows() {
    std::mt19937_64 random(5);
    for (std::size_t j = 0; j < kCount; ++j) {
      rows.push_back(testing::mixed_row(kRow, modulus().q, random));
      moduli.push_back(modulus());
    }
    for (const Residues& row : rows) pointers.push_back(row.data());
    for (auto& i : index) i = static_cast<std::uint32_t>(random() % kRow);
    std::iota(eights.begin(), eights.end(), 0U);
    for (std::size_t i = 0; i < kRow; i += 8) {
      std::shuffle(eights.begin() + static_cast<std::ptrdiff_t>(i), eights.begin() + static_cast<std::ptrdiff_t>(i + 8),
                   random);
    }
    for (auto& t : thresholds) t = {random() >> 1, random() >> 1};
    for (auto& w : words) w = random();
    for (auto& x : narrow) x = random() >> 31;
  }
  std::vector<Residues> rows;
  std::vector<const std::uint64_t*> pointers;
  std::vector<Modulus> moduli;
  Residues out = Residues(kRow), out1 = Residues(kRow), out2 = Residues(kRow), words = Residues(kRow),
           narrow = Residues(kRow);
  std::vector<std::uint32_t> index = std::vector<std::uint32_t>(kRow), eights = std::vector<std::uint32_t>(kRow);
  std::array<std::array<std::uint64_t, 2>, 41> thresholds;
  std::vector<std::int32_t> draws = std::vector<std::int32_t>(kRow / 2);
  std::vector<std::uint8_t> bytes = std::vector<std::uint8_t>(kRow * 8);
};

Rows& rows() {
  static Rows r;
  return r;
}

/// Cycles per nanosecond, from a chain of additions, which take one cycle each.
double clock_ghz() {
  static const double ghz = [] {
    double best = 1e9;
    for (int trial = 0; trial < 200; ++trial) {
      std::uint64_t x = 1;
      const auto start = std::chrono::steady_clock::now();
      for (int i = 0; i < 2000; ++i) {
        for (int j = 0; j < 10; ++j) {  // unrolled: a loop's branch takes a cycle, too
          ++x;
          benchmark::DoNotOptimize(x);
        }
      }
      const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
      best = std::min(best, took.count());
    }
    return 20000 / best;
  }();
  return ghz;
}

/// Runs `body` for every iteration and reports the least time; `eights`: of what, see above.
void measure(benchmark::State& state, double eights, auto body) {
  double best = 1e18;
  for (auto _ : state) {
    const auto start = std::chrono::steady_clock::now();
    body();
    benchmark::ClobberMemory();
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - start;
    best = std::min(best, took.count());
  }
  state.counters["min_ns"] = best;
  state.counters["cycles_per_8"] = best * clock_ghz() / eights;
}

/// The calmest of the repetitions: with --benchmark_repetitions the row `..._min` is the one to quote.
benchmark::internal::Benchmark* add_row(const std::string& name, auto run) {
  return benchmark::RegisterBenchmark(name.c_str(), run)
      ->ComputeStatistics(
          "min", [](const std::vector<double>& times) { return *std::min_element(times.begin(), times.end()); });
}

template <class Body>
void per_row(const std::string& name, const Kernels& set, Body body) {
  add_row(name + "/" + std::string(set.name), [&set, body](benchmark::State& state) {
    Rows& r = rows();
    measure(state, kRow / 8.0, [&] { body(set, r); });
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kRow));
  });
}

template <class Body>
void near(const std::string& name, const Kernels& set, Body body) {
  add_row(name + "/" + std::string(set.name),
          [&set, body](benchmark::State& state) { measure(state, kNear / 8.0, [&] { body(set, rows()); }); });
}

void register_transforms(const Kernels& set) {
  for (unsigned log_n = 10; log_n <= 17; ++log_n) {
    const std::size_t n = std::size_t{1} << log_n;
    const auto add = [&set, log_n, n](const std::string& name, auto body) {
      add_row(name + "/" + std::string(set.name) + "/" + std::to_string(n), [&set, log_n, n, body](auto& state) {
        std::mt19937_64 random(5);
        const NttTables t = make_ntt_tables(modulus(), log_n, testing::find_psi(modulus().q, n));
        const Residues in = testing::mixed_row(n, modulus().q, random);
        Residues row = in;
        measure(state, static_cast<double>(n) / 16 * log_n, [&] { body(set, row.data(), in.data(), t); });
      });
    };
    using Word = std::uint64_t;
    add("forward_ntt", [](const Kernels& k, Word* row, const Word*, const NttTables& t) { k.forward_ntt(row, t); });
    add("inverse_ntt", [](const Kernels& k, Word* row, const Word*, const NttTables& t) { k.inverse_ntt(row, t); });
    add("forward_ntt_from",
        [](const Kernels& k, Word* row, const Word* in, const NttTables& t) { k.forward_ntt_from(row, in, t); });
    add("recentre_forward_ntt", [](const Kernels& k, Word* row, const Word* in, const NttTables& t) {
      k.recentre_forward_ntt(row, in, t.modulus, t);
    });
  }
}

void register_pointwise(const Kernels& set) {
  static const Multiplier s = make_multiplier(modulus().q / 3, modulus());
  const auto data = [](Rows& r, std::size_t j) { return r.rows[j].data(); };
  per_row("add", set,
          [data](const Kernels& k, Rows& r) { k.add(r.out.data(), data(r, 0), data(r, 1), kRow, modulus()); });
  per_row("subtract", set,
          [data](const Kernels& k, Rows& r) { k.subtract(r.out.data(), data(r, 0), data(r, 1), kRow, modulus()); });
  per_row("multiply", set,
          [data](const Kernels& k, Rows& r) { k.multiply(r.out.data(), data(r, 0), data(r, 1), kRow, modulus()); });
  per_row("multiply_add", set,
          [data](const Kernels& k, Rows& r) { k.multiply_add(r.out.data(), data(r, 0), data(r, 1), kRow, modulus()); });
  per_row("multiply_scalar", set,
          [data](const Kernels& k, Rows& r) { k.multiply_scalar(r.out.data(), data(r, 0), s, kRow, modulus()); });
  per_row("subtract_multiply_scalar", set, [data](const Kernels& k, Rows& r) {
    k.subtract_multiply_scalar(r.out.data(), data(r, 0), data(r, 1), s, kRow, modulus());
  });
  per_row("tensor_add", set, [data](const Kernels& k, Rows& r) {
    k.tensor_add(r.out.data(), r.out1.data(), r.out2.data(), data(r, 0), data(r, 1), data(r, 2), data(r, 3), kRow,
                 modulus());
  });
  per_row("tensor", set, [data](const Kernels& k, Rows& r) {
    k.tensor(r.out.data(), r.out1.data(), r.out2.data(), data(r, 0), data(r, 1), data(r, 2), data(r, 3), kRow,
             modulus());
  });
  per_row("tensor_square", set, [data](const Kernels& k, Rows& r) {
    k.tensor_square(r.out.data(), r.out1.data(), r.out2.data(), data(r, 0), data(r, 1), kRow, modulus());
  });
  for (const bool permuted : {false, true}) {
    const std::string of = permuted ? "_permuted" : "";
    const auto pair = [permuted](const Kernels& k, Rows& r, std::size_t n) {
      const std::uint64_t* const* const rows = r.pointers.data();
      k.inner_product_pair(r.out.data(), r.out1.data(), rows, rows + 4, rows + 8, 4,
                           permuted ? r.eights.data() : nullptr, n, modulus());
    };
    per_row("inner_product_pair_4" + of, set, [pair](const Kernels& k, Rows& r) { pair(k, r, kRow); });
    near("near_inner_product_pair_4" + of, set, [pair](const Kernels& k, Rows& r) { pair(k, r, kNear); });
  }
  near("near_inner_product_4", set, [](const Kernels& k, Rows& r) {
    k.inner_product(r.out.data(), r.pointers.data(), r.pointers.data() + 4, 4, kNear, modulus());
  });
  near("near_inner_product_scalar_4", set, [data](const Kernels& k, Rows& r) {
    k.inner_product_scalar(r.out.data(), r.pointers.data(), data(r, 3), 4, kNear, modulus());
  });
  near("near_multiply", set,
       [data](const Kernels& k, Rows& r) { k.multiply(r.out.data(), data(r, 0), data(r, 1), kNear, modulus()); });
  near("near_tensor", set, [data](const Kernels& k, Rows& r) {
    k.tensor(r.out.data(), r.out1.data(), r.out2.data(), data(r, 0), data(r, 1), data(r, 2), data(r, 3), kNear,
             modulus());
  });
  per_row("inner_product_16", set, [](const Kernels& k, Rows& r) {
    k.inner_product(r.out.data(), r.pointers.data(), r.pointers.data(), kCount, kRow, modulus());
  });
  per_row("inner_product_scalar_16", set, [data](const Kernels& k, Rows& r) {
    k.inner_product_scalar(r.out.data(), r.pointers.data(), data(r, 3), kCount, kRow, modulus());
  });
  per_row("reduce", set, [data](const Kernels& k, Rows& r) { k.reduce(r.out.data(), data(r, 0), kRow, modulus()); });
  per_row("recentre", set,
          [data](const Kernels& k, Rows& r) { k.recentre(r.out.data(), data(r, 0), modulus(), kRow, modulus()); });
  per_row("fraction_round_16", set, [](const Kernels& k, Rows& r) {
    k.fraction_round(r.out.data(), r.pointers.data(), r.moduli.data(), kCount, kRow);
  });
  for (const std::size_t count : {2U, 4U}) {
    std::vector<Multiplier> factors(count, make_multiplier(modulus().q / 3, modulus()));
    factors[0] = make_multiplier(1, modulus());
    per_row("combine_" + std::to_string(count), set, [factors](const Kernels& k, Rows& r) {
      k.combine(r.out.data(), r.pointers.data(), factors.data(), factors.size(), modulus().q, 5, kRow, modulus());
    });
  }
  per_row("permute", set,
          [data](const Kernels& k, Rows& r) { k.permute(r.out.data(), data(r, 0), r.index.data(), kRow); });
  per_row("permute_eights", set,
          [data](const Kernels& k, Rows& r) { k.permute_eights(r.out.data(), data(r, 0), r.eights.data(), kRow); });
}

void register_bytes(const Kernels& set) {
  for (const unsigned bits : {33U, 50U, 64U}) {
    const std::string at = "_" + std::to_string(bits);
    per_row("pack" + at, set, [bits](const Kernels& k, Rows& r) {
      k.pack_bits(r.bytes.data(), bits < 50 ? r.narrow.data() : r.rows[0].data(), kRow, bits);
    });
    per_row("unpack" + at, set,
            [bits](const Kernels& k, Rows& r) { k.unpack_bits(r.out.data(), r.bytes.data(), kRow, bits); });
  }
  per_row("all_below", set, [](const Kernels& k, Rows& r) {
    benchmark::DoNotOptimize(k.all_below(r.rows[0].data(), kRow, modulus().q));
  });
  per_row("take_uniform", set, [](const Kernels& k, Rows& r) {
    benchmark::DoNotOptimize(k.take_uniform(r.out.data(), kRow, r.words.data(), kRow, modulus()));
  });
  per_row("draw_by_table_41", set, [](const Kernels& k, Rows& r) {  // two words per draw
    k.draw_by_table(r.draws.data(), r.words.data(), kRow / 2, r.thresholds.data(), r.thresholds.size());
  });
  const auto bytes_per_row = [&set](const std::string& name, auto body) {
    add_row(name + "/" + std::string(set.name), [&set, body](benchmark::State& state) {
      Rows& r = rows();
      measure(state, kRow / 8.0, [&] { body(set, r); });
      state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(kRow * 8));
    });
  };
  bytes_per_row("chacha20", [](const Kernels& k, Rows& r) {
    const std::uint32_t key[8] = {1, 2, 3, 4, 5, 6, 7, 8}, nonce[3] = {};
    k.chacha20(r.bytes.data(), kRow * 8 / 64, key, 0, nonce);
  });
  bytes_per_row("sha256", [](const Kernels& k, Rows& r) {
    std::uint32_t state[8] = {};
    k.sha256(state, r.bytes.data(), kRow * 8 / 64);
    benchmark::DoNotOptimize(state);
  });
}

}  // namespace
}  // namespace prism::kernels

int main(int argc, char** argv) {
  for (const prism::kernels::Kernels* set : prism::kernels::all()) {
    if (!set->runs_here()) continue;
    prism::kernels::register_transforms(*set);
    prism::kernels::register_pointwise(*set);
    prism::kernels::register_bytes(*set);
  }
  benchmark::RegisterBenchmark("make_ntt_tables/16384", [](benchmark::State& state) {
    const std::uint64_t q = prism::kernels::testing::transform_primes()[0];
    const auto m = prism::kernels::make_modulus(q);
    const std::uint64_t psi = prism::kernels::testing::find_psi(q, 16384);
    for (auto _ : state) benchmark::DoNotOptimize(prism::kernels::make_ntt_tables(m, 14, psi));
  });
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
