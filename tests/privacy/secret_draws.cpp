// The seed of noise, and the private counts that decisions are made of, are marked undefined, and memcheck reports
// every branch and every address that depends on them (Langley's ctgrind). What a draw takes in time can then say
// nothing about what was drawn. Run under valgrind, one part and one kernel set at a time: valgrind secret_draws
// portable laplace
#include <valgrind/memcheck.h>

#include <array>
#include <cstdio>
#include <string_view>

#include "prism/dp/noise.h"
#include "prism/dp/partition.h"
#include "prism/kernels/kernels.h"

namespace prism::privacy {
namespace {

constexpr int kSkipped = 77;

template <class T>
void poison(T& value) {
  (void)VALGRIND_MAKE_MEM_UNDEFINED(&value, sizeof(value));
}
template <class T>
bool is_secret(const T& value) {
  std::array<unsigned char, sizeof(T)> undefined = {};
  (void)VALGRIND_GET_VBITS(&value, undefined.data(), sizeof(value));
  for (const unsigned char bits : undefined) {
    if (bits != 0) return true;
  }
  return false;
}

dp::NoiseSeed secret_seed() {
  dp::NoiseSeed::Key key = {1, 2, 3};
  poison(key);
  return dp::NoiseSeed::from_bytes(key);
}

/// Whether the results came out secret, as they must: else nothing was watched.
bool draw(const dp::Noise& noise) {
  const dp::NoiseSeed seed = secret_seed();
  const std::uint8_t group[] = {7, 7};
  dp::DrawStream plain = seed.stream(1), grouped = seed.stream(1, group);
  Int128 one = noise.draw(plain);
  std::array<Int128, 100> many;
  noise.draw(grouped, many);
  return is_secret(one) && is_secret(many);
}

bool laplace() {
  return draw(dp::Noise::laplace({1000, 7}).value()) && draw(dp::Noise::laplace({Int128{1} << 70, 3}).value());
}
bool gaussian() {
  return draw(dp::Noise::gaussian({30, 1}).value()) && draw(dp::Noise::gaussian({Int128{1} << 50, 3}).value());
}

bool partition() {
  const auto selection =
      dp::PartitionSelection::make(dp::Epsilon::parse("1").value(), dp::Delta::parse("1e-5").value(), 3).value();
  dp::DrawStream stream = secret_seed().stream(1);
  bool all_secret = true;
  for (std::uint64_t units : {0ULL, 1ULL, 20ULL, ~0ULL}) {
    poison(units);
    bool kept = selection.keep(units, stream);
    all_secret = all_secret && is_secret(kept);
  }
  return all_secret;
}

/// What memcheck must report: a table looked up by the draw.
bool canary() {
  const dp::Noise noise = dp::Noise::laplace({2, 1}).value();
  dp::DrawStream stream = secret_seed().stream(1);
  const Int128 x = noise.draw(stream);
  if (x > 2) std::puts("a branch on noise");
  return true;
}

int run(std::string_view kernels, std::string_view part) {
  if (!kernels::choose(kernels)) return kSkipped;
  bool watched = false;
  if (part == "laplace") watched = laplace();
  if (part == "gaussian") watched = gaussian();
  if (part == "partition") watched = partition();
  if (part == "canary") watched = canary();
  if (!watched) std::puts("results that are not secret, or a part that does not exist");
  return watched && VALGRIND_COUNT_ERRORS == 0 ? 0 : 1;
}

}  // namespace
}  // namespace prism::privacy

int main(int argc, char** argv) { return argc == 3 && RUNNING_ON_VALGRIND ? prism::privacy::run(argv[1], argv[2]) : 2; }
