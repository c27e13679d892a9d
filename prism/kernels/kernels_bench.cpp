// Rows such as `forward_ntt/avx512ifma/65536`. Pointwise kernels run on rows of 2^14 residues, modulo a prime just
// below 2^50.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>
#include <vector>

#include "prism/kernels/internal/testing.h"

namespace prism::kernels {
namespace {

constexpr std::size_t kRow = std::size_t{1} << 14;
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
    for (auto& w : words) w = random();
    for (auto& x : narrow) x = random() >> 31;
  }
  std::vector<Residues> rows;
  std::vector<const std::uint64_t*> pointers;
  std::vector<Modulus> moduli;
  Residues out = Residues(kRow), out1 = Residues(kRow), out2 = Residues(kRow), words = Residues(kRow),
           narrow = Residues(kRow);
  std::vector<std::uint32_t> index = std::vector<std::uint32_t>(kRow);
  std::vector<std::uint8_t> bytes = std::vector<std::uint8_t>(kRow * 8);
};

Rows& rows() {
  static Rows r;
  return r;
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
    for (auto _ : state) {
      body(set, r);
      benchmark::ClobberMemory();
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kRow));
  });
}

void register_transforms(const Kernels& set) {
  for (unsigned log_n = 10; log_n <= 17; ++log_n) {
    const std::size_t n = std::size_t{1} << log_n;
    const auto run = [&set, log_n, n](benchmark::State& state, bool forward) {
      std::mt19937_64 random(5);
      const NttTables t = make_ntt_tables(modulus(), log_n, testing::find_psi(modulus().q, n));
      Residues row = testing::mixed_row(n, modulus().q, random);
      for (auto _ : state) {
        (forward ? set.forward_ntt : set.inverse_ntt)(row.data(), t);
        benchmark::ClobberMemory();
      }
    };
    const std::string where = "/" + std::string(set.name) + "/" + std::to_string(n);
    add_row("forward_ntt" + where, [run](benchmark::State& state) { run(state, true); });
    add_row("inverse_ntt" + where, [run](benchmark::State& state) { run(state, false); });
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
  const auto bytes_per_row = [&set](const std::string& name, auto body) {
    add_row(name + "/" + std::string(set.name), [&set, body](benchmark::State& state) {
      Rows& r = rows();
      for (auto _ : state) {
        body(set, r);
        benchmark::ClobberMemory();
      }
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
