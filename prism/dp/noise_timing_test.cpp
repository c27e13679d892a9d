// How long a draw takes must not tell what was drawn. Only in long runs: these measure.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "prism/dp/noise.h"
#include "tests/support/welch.h"

#if defined(__x86_64__)
#include <unistd.h>
#include <x86intrin.h>

namespace prism::dp {
namespace {

NoiseSeed seed_of(std::uint32_t number) {
  NoiseSeed::Key key = {};
  for (unsigned i = 0; i < 4; ++i) key[i] = static_cast<std::uint8_t>(number >> 8 * i);
  return NoiseSeed::from_bytes(key);
}

Noise noise_of(bool gaussian) {
  return (gaussian ? Noise::gaussian({1'000'000, 1}) : Noise::laplace({1000, 1})).value();
}

using test::Measured;

std::vector<Measured> measure(const Noise& noise, std::uint32_t seed, std::size_t count) {
  DrawStream stream = seed_of(seed).stream(0);
  std::vector<Measured> out(count);
  for (Measured& one : out) {
    unsigned core = 0;
    const std::uint64_t start = __rdtscp(&core);
    const Int128 x = noise.draw(stream);
    one.time = static_cast<double>(__rdtscp(&core) - start);
    one.size = static_cast<double>(x < 0 ? -x : x);
  }
  return out;
}

TEST(NoiseTiming, DoesNotTellSmallDrawsFromLargeOnes) {
  if (std::getenv("PRISM_LONG") == nullptr) GTEST_SKIP() << "measures times: only with PRISM_LONG";
  for (const bool gaussian : {false, true}) {
    const Noise noise = noise_of(gaussian);
    static_cast<void>(measure(noise, 999, 100'000));
    // A leak shows in every run; a busy machine only in some. The middle of five runs decides.
    std::vector<double> runs;
    for (std::uint32_t run = 0; run < 5; ++run) runs.push_back(test::largest_t(measure(noise, run, 500'000)));
    std::ranges::sort(runs);
    std::printf("%s: |t| of five runs from %.2f to %.2f, median %.2f\n", gaussian ? "gaussian" : "laplace",
                runs.front(), runs.back(), runs[2]);
    EXPECT_LT(runs[2], 4.5);
  }
}

TEST(NoiseTiming, TheTestSeesASamplerThatLoopsAsLongAsItsValue) {
  if (std::getenv("PRISM_LONG") == nullptr) GTEST_SKIP() << "measures times: only with PRISM_LONG";
  // A geometric by coin flips, as a rejection sampler's: what the test above would say of it.
  DrawStream stream = seed_of(4).stream(0);
  std::vector<Measured> all(100'000);
  for (Measured& one : all) {
    unsigned core = 0;
    const std::uint64_t start = __rdtscp(&core);
    Int128 x = 0;
    while (stream.next_word() % 8 != 0) ++x;
    one.time = static_cast<double>(__rdtscp(&core) - start);
    one.size = static_cast<double>(x);
  }
  EXPECT_GT(test::largest_t(all), 100);
}

/// What callgrind counts the instructions of.
extern "C" __attribute__((noinline)) void prism_counted_draws(const Noise* noise, DrawStream* stream, Int128* out) {
  *out = noise->draw(*stream);
}

/// Run by the test below under callgrind: the first draw of one stream.
TEST(NoiseTiming, CountedDraw) {
  const char* const which = std::getenv("PRISM_COUNTED_DRAW");
  if (which == nullptr) GTEST_SKIP() << "run by NoiseTiming.EveryDrawTakesTheSameInstructions";
  const int number = std::atoi(which);
  const Noise noise = noise_of(number % 2 == 1);
  DrawStream stream = seed_of(static_cast<std::uint32_t>(number / 2)).stream(0);
  Int128 out = 0;
  prism_counted_draws(&noise, &stream, &out);
  EXPECT_LE(out < 0 ? -out : out, noise.largest());
}

/// Instructions of CountedDraw by callgrind; nothing when it cannot be run.
std::string instructions(int number) {
  // Callgrind knows no AVX-512.
  const std::string command = "PRISM_COUNTED_DRAW=" + std::to_string(number) +
                              " PRISM_KERNELS=portable valgrind --tool=callgrind --callgrind-out-file=/dev/null "
                              "--toggle-collect=prism_counted_draws /proc/" +
                              std::to_string(getpid()) + "/exe --gtest_filter=NoiseTiming.CountedDraw 2>&1";
  FILE* const pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return "";
  std::string text;
  std::array<char, 4096> buffer;
  for (std::size_t n = 0; (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;) text.append(buffer.data(), n);
  pclose(pipe);
  const std::string mark = "Collected : ";
  const std::size_t at = text.find(mark);
  return at == std::string::npos ? "" : text.substr(at + mark.size(), text.find('\n', at) - at - mark.size());
}

TEST(NoiseTiming, EveryDrawTakesTheSameInstructions) {
  if (std::getenv("PRISM_LONG") == nullptr) GTEST_SKIP() << "runs valgrind: only with PRISM_LONG";
  if (instructions(0).empty()) GTEST_SKIP() << "valgrind's callgrind does not run here";
  for (const int kind : {0, 1}) {
    const std::string first = instructions(kind);
    EXPECT_GT(std::atol(first.c_str()), 100);
    for (int seed = 1; seed < 8; ++seed) EXPECT_EQ(instructions(2 * seed + kind), first) << seed;
  }
}

}  // namespace
}  // namespace prism::dp
#endif
