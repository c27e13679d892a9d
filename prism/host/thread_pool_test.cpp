#include "prism/host/thread_pool.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

namespace prism::host {
namespace {

TEST(ThreadPoolTest, RunsEveryPieceExactlyOnceOnAValidWorker) {
  for (const std::size_t workers : {1u, 2u, 5u}) {
    ThreadPool pool(workers);
    ASSERT_EQ(pool.workers(), workers);
    for (const std::size_t pieces : {0u, 1u, 2u, 7u, 1000u}) {
      std::vector<std::atomic<int>> runs(pieces);
      std::atomic<bool> valid{true};
      pool.for_each(pieces, [&](std::size_t piece, std::size_t worker) {
        ++runs[piece];
        if (worker >= workers) valid = false;
      });
      for (std::size_t i = 0; i < pieces; ++i) EXPECT_EQ(runs[i], 1) << workers << " workers, piece " << i;
      EXPECT_TRUE(valid);
    }
  }
}

TEST(ThreadPoolTest, NoTwoPiecesShareAWorkerAtOnce) {
  ThreadPool pool(4);
  std::array<std::atomic<int>, 4> inside{};
  std::atomic<bool> shared{false};
  pool.for_each(2000, [&](std::size_t, std::size_t worker) {
    if (++inside[worker] != 1) shared = true;
    --inside[worker];
  });
  EXPECT_FALSE(shared);
}

TEST(ThreadPoolTest, UsesSeveralThreads) {
  ThreadPool pool(2);
  std::atomic<int> arrived{0};
  // Each piece waits for the other: one thread alone would never finish either.
  pool.for_each(2, [&](std::size_t, std::size_t) {
    ++arrived;
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (arrived < 2 && std::chrono::steady_clock::now() < give_up) std::this_thread::yield();
    EXPECT_EQ(arrived, 2);
  });
}

TEST(ThreadPoolTest, NestedCallsRunOnTheirWorker) {
  ThreadPool pool(3);
  std::atomic<int> inner_runs{0};
  std::atomic<bool> moved{false};
  pool.for_each(20, [&](std::size_t, std::size_t outer) {
    pool.for_each(5, [&](std::size_t, std::size_t inner) {
      ++inner_runs;
      if (inner != outer) moved = true;
    });
  });
  EXPECT_EQ(inner_runs, 100);
  EXPECT_FALSE(moved);
}

TEST(ThreadPoolTest, CallsFromSeveralThreadsTakeTurns) {
  ThreadPool pool(3);
  std::array<std::atomic<int>, 2> inside{};
  std::atomic<int> runs{0};
  std::atomic<bool> overlapped{false};
  const auto caller = [&](std::size_t me) {
    for (int round = 0; round < 200; ++round) {
      pool.for_each(6, [&](std::size_t, std::size_t) {
        ++inside[me];
        std::this_thread::yield();
        if (inside[1 - me] != 0) overlapped = true;
        ++runs;
        --inside[me];
      });
    }
  };
  std::thread other(caller, 1);
  caller(0);
  other.join();
  EXPECT_EQ(runs, 2 * 200 * 6);
  EXPECT_FALSE(overlapped);
}

TEST(ThreadPoolTest, ZeroWorkersStandsForEveryCore) {
  EXPECT_GE(available_cores(), 1u);
  EXPECT_EQ(ThreadPool().workers(), available_cores());
}

TEST(ThreadPoolDeathTest, AnExceptionStopsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(ThreadPool(2).for_each(4, [](std::size_t, std::size_t) { throw std::runtime_error("no"); }),
               "an exception left a piece");
}

}  // namespace
}  // namespace prism::host
