// bench/peers/driver.h - what every measured program speaks: cases are set up and timed on request, so that
// bench/engine.py can alternate between programs. It includes nothing of Prism, because drivers of other libraries use
// it too.
//
// One request a line on standard input, one JSON object a line on standard output; words are separated by spaces.
// - `setup KEY=VALUE ...` makes keys and operands; answers facts, the operations and the figures it has.
// - `time OPERATION MS` repeats it for about MS milliseconds; answers the runs, nearly their minimum (the 20-quantile)
//   and their median, in nanoseconds.
// - `figure NAME` measures something that is no time of one thread; answers a number.
// - `quit`.
//
// Times are processor time of the whole process, so that others on the machine disturb less. Short operations are timed
// in groups: a reading of the clock costs a fraction of a microsecond.
#pragma once
#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <functional>
#include <iostream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace bench {

/// The words of a setup request.
class Spec {
 public:
  explicit Spec(std::istream& words) {
    for (std::string word; words >> word;) {
      const auto equals = word.find('=');
      if (equals == std::string::npos) throw std::invalid_argument("'" + word + "' is not KEY=VALUE");
      values_[word.substr(0, equals)] = word.substr(equals + 1);
    }
  }
  std::string text(const std::string& key) const {
    const auto found = values_.find(key);
    if (found == values_.end()) throw std::invalid_argument("the case does not say " + key);
    return found->second;
  }
  std::uint64_t number(const std::string& key) const { return std::stoull(text(key)); }
  std::uint64_t number(const std::string& key, std::uint64_t otherwise) const {
    return values_.count(key) != 0 ? number(key) : otherwise;
  }
  /// "60,40x2,60" is 60, 40, 40, 60.
  std::vector<int> list(const std::string& key) const {
    std::vector<int> out;
    std::istringstream items(text(key));
    for (std::string item; std::getline(items, item, ',');) {
      const auto cross = item.find('x');
      const int count = cross == std::string::npos ? 1 : std::stoi(item.substr(cross + 1));
      out.insert(out.end(), static_cast<std::size_t>(count), std::stoi(item));
    }
    return out;
  }

 private:
  std::map<std::string, std::string> values_;
};

/// What a driver can do once a case is set up. The functions own what they need.
struct Case {
  std::map<std::string, double> facts;
  std::map<std::string, std::function<void()>> operations;
  std::map<std::string, std::function<double()>> figures;
};

inline double processor_ns() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}
inline double wall_ns() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}
/// Resident bytes of this process.
inline double resident_bytes() {
  long pages = 0, resident = 0;
  if (std::FILE* const file = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(file, "%ld %ld", &pages, &resident) != 2) resident = 0;
    std::fclose(file);
  }
  return static_cast<double>(resident) * 4096.0;
}

struct Timing {
  std::size_t runs = 0;
  double minimum = 0, median = 0;
};
/// Repeats f for about `budget_ns`, at least three groups after one run that warms up; what takes longer than that runs
/// once.
inline Timing measure(const std::function<void()>& f, double budget_ns) {
  constexpr double kGroup = 50e3;  // a group long enough that the clock's own cost is below a percent
  double start = processor_ns();
  f();
  const double once = std::max(1.0, processor_ns() - start);
  if (once > budget_ns) return {1, once, once};
  const auto group = static_cast<std::size_t>(std::max(1.0, std::ceil(kGroup / once)));
  std::vector<double> samples;
  start = processor_ns();
  for (double now = start; samples.size() < 3 || now - start < budget_ns;) {
    for (std::size_t i = 0; i < group; ++i) f();
    const double after = processor_ns();
    samples.push_back((after - now) / static_cast<double>(group));
    now = after;
  }
  std::sort(samples.begin(), samples.end());
  // On virtual machines the clock now and then loses time, so the very least sample is not to be trusted.
  return {samples.size() * group, samples[samples.size() / 20], samples[samples.size() / 2]};
}

inline std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < 32 ? ' ' : c;
  }
  return out + '"';
}
template <class Map>
std::string names(const Map& map) {
  std::string out = "[";
  for (const auto& [name, value] : map) out += (out.size() > 1 ? "," : "") + quoted(name);
  return out + "]";
}

/// Answers requests until quit or the end of input. `make` throws what a case cannot have.
inline int serve(const std::string& name, const std::function<Case(const Spec&)>& make) {
  Case current;
  std::cout.precision(12);
  std::cout << "{\"name\":" << quoted(name) << "}" << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string request, what;
    words >> request;
    try {
      if (request == "quit") break;
      if (request == "setup") {
        current = Case{};  // the old case's memory goes first
        current = make(Spec(words));
        std::cout << "{\"facts\":{";
        const char* comma = "";
        for (const auto& [key, value] : current.facts) {
          std::cout << comma << quoted(key) << ":" << value;
          comma = ",";
        }
        std::cout << "},\"operations\":" << names(current.operations) << ",\"figures\":" << names(current.figures)
                  << "}";
      } else if (request == "time") {
        double ms = 0;
        words >> what >> ms;
        const Timing t = measure(current.operations.at(what), ms * 1e6);
        std::cout << "{\"runs\":" << t.runs << ",\"min\":" << t.minimum << ",\"median\":" << t.median << "}";
      } else if (request == "figure") {
        words >> what;
        const double value = current.figures.at(what)();
        std::cout << "{\"value\":";
        if (std::isfinite(value)) {
          std::cout << value;
        } else {
          std::cout << "null";
        }
        std::cout << "}";
      } else {
        throw std::invalid_argument("no request '" + request + "'");
      }
    } catch (const std::exception& error) {
      std::cout << "{\"error\":" << quoted(error.what()) << "}";
    }
    std::cout << std::endl;
  }
  return 0;
}

/// Reproducible values in [0, bound).
class Values {
 public:
  explicit Values(std::uint64_t seed) : state_(seed) {}
  std::uint64_t below(std::uint64_t bound) {  // splitmix64; its bias does not matter here
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return (z ^ (z >> 31)) % bound;
  }
  double unit() { return static_cast<double>(below(std::uint64_t{1} << 53)) * 0x1p-53; }

 private:
  std::uint64_t state_;
};

}  // namespace bench
