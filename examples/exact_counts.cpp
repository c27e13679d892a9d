// Counting and adding up without an error, on whole numbers: which answers were given by whom stays encrypted.
#include <cstdio>
#include <vector>

#include "prism/fhe/fhe.h"
#include "prism/host/system.h"

int main() {
  using prism::fhe::Exact;
  prism::host::SystemRandom random;

  // 10,000 people: more than one ciphertext holds, and nothing below cares.
  std::vector<std::int64_t> smokes, coughs, age;
  for (int i = 0; i < 10'000; ++i) {
    smokes.push_back(i % 4 == 0 ? 1 : 0);
    coughs.push_back(i % 6 < 2 ? 1 : 0);
    age.push_back(20 + i % 61);
  }
  const Exact::Intent intent{.depth = 1, .largest_value = 1'000'000, .movement = {.sums = true}};
  const auto holder = Exact::KeyHolder::create(intent, random).value();
  const auto s = holder.encrypt(smokes).value(), c = holder.encrypt(coughs).value(), a = holder.encrypt(age).value();

  const auto count = sum(s).value();    // how many smoke
  const auto both = dot(s, c).value();  // how many of those cough
  const auto neither = sum((1 - s) * (1 - c)).value();
  const auto years = dot(s, a).value();  // ages of those who smoke, added up

  const auto open = [&](const Exact::Vector& v) { return holder.decrypt_private(v).value().front(); };
  std::printf("smoke %lld, both %lld, neither %lld, mean age of smokers %.3f\n", static_cast<long long>(open(count)),
              static_cast<long long>(open(both)), static_cast<long long>(open(neither)),
              static_cast<double>(open(years)) / static_cast<double>(open(count)));
}
