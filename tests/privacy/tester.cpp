#include "tests/privacy/tester.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <span>
#include <unordered_map>

namespace prism::privacy {
namespace {

/// The regularised incomplete beta function I_x(a, b), by its continued fraction (modified Lentz).
double incomplete_beta(double a, double b, double x) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incomplete_beta(b, a, 1 - x);
  const double front =
      std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) + a * std::log(x) + b * std::log1p(-x)) / a;
  constexpr double kTiny = 1e-300;
  double f = 1, c = 1, d = 0;
  for (int i = 0; i <= 5000; ++i) {
    const double m = i / 2;
    double term = 1;
    if (i > 0) {
      term = i % 2 == 0 ? m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
                        : -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    }
    d = 1 + term * d;
    d = 1 / (std::abs(d) < kTiny ? kTiny : d);
    c = 1 + term / c;
    if (std::abs(c) < kTiny) c = kTiny;
    f *= c * d;
    if (i > 0 && std::abs(1 - c * d) < 1e-14) break;
  }
  return front * (f - 1);
}

/// Where a falling or rising condition turns, in [0, 1].
template <class Condition>
double bisect(Condition is_low) {
  double low = 0, high = 1;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (is_low(middle) ? low : high) = middle;
  }
  return low;
}

/// One way to read an answer: equal keys are one reading.
struct Reading {
  std::string name;
  std::function<std::uint64_t(const Outcome&)> key;
};

std::int64_t at(const Outcome& outcome, std::size_t i) { return i < outcome.size() ? outcome[i] : 0; }

std::int64_t wrapping_difference(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}

/// Which of about `bins` equally frequent bins of the sample a number lies in.
std::function<std::uint64_t(std::int64_t)> quantile_bins(std::vector<std::int64_t> sample, std::size_t bins) {
  std::ranges::sort(sample);
  std::vector<std::int64_t> edges;
  for (std::size_t i = 1; i < bins; ++i) edges.push_back(sample[sample.size() * i / bins]);
  return [edges](std::int64_t x) {
    return static_cast<std::uint64_t>(std::ranges::upper_bound(edges, x) - edges.begin());
  };
}

/// The power of two of a double's lowest set bit: what its last digit is worth.
std::uint64_t last_bit(std::int64_t bits) {
  const auto word = static_cast<std::uint64_t>(bits);
  const std::uint64_t fraction = word & ((1ULL << 52) - 1), exponent = word >> 52 & 0x7FF;
  return exponent + (fraction == 0 ? 52 : static_cast<std::uint64_t>(std::countr_zero(fraction)));
}

std::vector<Reading> readings(const Mechanism& mechanism, std::span<const Outcome> sample) {
  std::vector<Reading> out;
  out.push_back({"the whole answer", [](const Outcome& o) {
                   std::uint64_t hash = o.size();
                   for (const std::int64_t x : o)
                     hash = (hash ^ static_cast<std::uint64_t>(x)) * 0x9E3779B97F4A7C15ULL + (hash >> 29);
                   return hash;
                 }});
  std::size_t width = 0;
  for (const Outcome& o : sample) width = std::max(width, o.size());
  width = std::min<std::size_t>(width, 6);
  const auto column = [&](auto number_of) {
    std::vector<std::int64_t> values;
    for (const Outcome& o : sample) values.push_back(number_of(o));
    return values;
  };
  const auto add_number = [&](const std::string& name, auto number_of) {
    out.push_back({name, [=](const Outcome& o) { return static_cast<std::uint64_t>(number_of(o)); }});
    const auto few = quantile_bins(column(number_of), 12), many = quantile_bins(column(number_of), 48);
    out.push_back({name + " in 12 bins", [=](const Outcome& o) { return few(number_of(o)); }});
    out.push_back({name + " in 48 bins", [=](const Outcome& o) { return many(number_of(o)); }});
  };
  for (std::size_t i = 0; i < width; ++i) {
    const std::string name = "number " + std::to_string(i + 1);
    add_number(name, [i](const Outcome& o) { return at(o, i); });
    if (mechanism.doubles) {
      out.push_back({"the last bit of " + name, [i](const Outcome& o) { return last_bit(at(o, i)); }});
    } else {
      out.push_back({name + " modulo 10", [i](const Outcome& o) { return static_cast<std::uint64_t>(at(o, i) % 10); }});
    }
    for (std::size_t j = 0; j < i && i < 4; ++j) {
      const std::string other = "number " + std::to_string(j + 1);
      add_number(name + " - " + other, [i, j](const Outcome& o) { return wrapping_difference(at(o, i), at(o, j)); });
      const auto bins_i = quantile_bins(column([i](const Outcome& o) { return at(o, i); }), 8);
      const auto bins_j = quantile_bins(column([j](const Outcome& o) { return at(o, j); }), 8);
      out.push_back({name + " and " + other + " in 8 bins each",
                     [=](const Outcome& o) { return bins_i(at(o, i)) * 8 + bins_j(at(o, j)); }});
    }
  }
  return out;
}

/// P(event | first) - ratio * P(event | second) must not be above `most`.
struct Bound {
  std::string name;
  double ratio, most;
};

struct Counts {
  std::uint64_t first = 0, second = 0;
};

/// The keys that make up the event, as learnt from counts.
using Event = std::unordered_map<std::uint64_t, bool>;

struct Sides {
  std::span<const Outcome> first, second;
};

Counts hits(const Reading& reading, const Event& event, const Sides& sides) {
  Counts out;
  const auto in = [&](const Outcome& o) {
    const auto found = event.find(reading.key(o));
    return found != event.end() && found->second ? 1U : 0U;
  };
  for (const Outcome& o : sides.first) out.first += in(o);
  for (const Outcome& o : sides.second) out.second += in(o);
  return out;
}

std::optional<Violation> test_direction(std::span<const Reading> all, const Bound& bound, const Sides& learn,
                                        const Sides& choose, const Sides& judge, const std::string& direction) {
  double best_score = 0;
  const Reading* best = nullptr;
  Event best_event;
  for (const Reading& reading : all) {
    std::unordered_map<std::uint64_t, Counts> counts;
    for (const Outcome& o : learn.first) ++counts[reading.key(o)].first;
    for (const Outcome& o : learn.second) ++counts[reading.key(o)].second;
    Event event;
    for (const auto& [key, count] : counts) {
      event[key] = static_cast<double>(count.first) > bound.ratio * (static_cast<double>(count.second) + 0.25);
    }
    const Counts seen = hits(reading, event, choose);
    const auto n = static_cast<double>(choose.first.size());
    const double p = static_cast<double>(seen.first) / n, q = static_cast<double>(seen.second) / n;
    const double deviation = std::sqrt((p * (1 - p) + bound.ratio * bound.ratio * q * (1 - q) + bound.ratio / n) / n);
    const double score = (p - bound.ratio * q - bound.most) / deviation;
    if (best == nullptr || score > best_score) {
      best_score = score;
      best = &reading;
      best_event = std::move(event);
    }
  }
  const Counts seen = hits(*best, best_event, judge);
  // Four bounds of probabilities for each of the two directions of each of two inequalities.
  const double p = clopper_pearson_low(seen.first, judge.first.size(), kError / 8);
  const double q = clopper_pearson_high(seen.second, judge.second.size(), kError / 8);
  if (p <= bound.ratio * q + bound.most) return std::nullopt;
  char text[256];
  std::snprintf(text, sizeof(text), "%s, %s: %llu of %zu against %llu, so at least %.4g where %.4g is the most (%s)",
                best->name.c_str(), direction.c_str(), static_cast<unsigned long long>(seen.first), judge.first.size(),
                static_cast<unsigned long long>(seen.second), p, bound.ratio * q + bound.most, bound.name.c_str());
  return Violation{text};
}

dp::NoiseSeed seed_of(std::uint64_t number, std::uint64_t sample, bool first) {
  dp::NoiseSeed::Key key = {};
  for (unsigned i = 0; i < 8; ++i) {
    key[i] = static_cast<std::uint8_t>(number >> 8 * i);
    key[8 + i] = static_cast<std::uint8_t>(sample >> 8 * i);
  }
  key[16] = first ? 1 : 2;
  return dp::NoiseSeed::from_bytes(key);
}

}  // namespace

double clopper_pearson_low(std::uint64_t hits, std::uint64_t trials, double error) {
  if (hits == 0) return 0;
  const auto k = static_cast<double>(hits), n = static_cast<double>(trials);
  // P(at least k hits | p) = I_p(k, n - k + 1) rises with p.
  return bisect([&](double p) { return incomplete_beta(k, n - k + 1, p) < error; });
}

double clopper_pearson_high(std::uint64_t hits, std::uint64_t trials, double error) {
  if (hits == trials) return 1;
  return 1 - clopper_pearson_low(trials - hits, trials, error);
}

std::optional<Violation> test_pair(const Mechanism& mechanism, const Neighbours& pair, std::size_t samples,
                                   std::uint64_t number) {
  std::vector<Outcome> with, without;
  for (std::size_t i = 0; i < samples; ++i) {
    with.push_back(mechanism.run(pair.with, seed_of(number, i, true)));
    without.push_back(mechanism.run(pair.without, seed_of(number, i, false)));
  }
  const std::size_t quarter = samples / 4;
  const auto part = [&](const std::vector<Outcome>& all, std::size_t from, std::size_t to) {
    return std::span(all).subspan(from, to - from);
  };
  std::vector<Outcome> some(with.begin(), with.begin() + static_cast<std::ptrdiff_t>(quarter));
  some.insert(some.end(), without.begin(), without.begin() + static_cast<std::ptrdiff_t>(quarter));
  const std::vector<Reading> all = readings(mechanism, some);
  const double e = std::exp(mechanism.epsilon);
  for (const Bound& bound : {Bound{"exp(epsilon) and delta", e, mechanism.delta},
                             Bound{"the advantage of a guess", 1, (e - 1 + 2 * mechanism.delta) / (e + 1)}}) {
    for (const bool forwards : {true, false}) {
      const auto& first = forwards ? with : without;
      const auto& second = forwards ? without : with;
      auto violation = test_direction(all, bound, {part(first, 0, quarter), part(second, 0, quarter)},
                                      {part(first, quarter, 2 * quarter), part(second, quarter, 2 * quarter)},
                                      {part(first, 2 * quarter, samples), part(second, 2 * quarter, samples)},
                                      forwards ? "with the unit" : "without the unit");
      if (violation) return violation;
    }
  }
  return std::nullopt;
}

std::optional<Violation> test_mechanism(const Mechanism& mechanism, const Effort& effort) {
  std::vector<Neighbours> pairs = mechanism.pairs;
  for (auto& pair : neighbours(mechanism.domain, effort.datasets, effort.pairs)) pairs.push_back(std::move(pair));
  std::uint64_t number = 0;
  for (const Neighbours& pair : pairs) {
    const std::size_t samples = std::max(effort.samples, mechanism.samples);
    if (auto violation = test_pair(mechanism, pair, samples, number++)) return violation;
  }
  return std::nullopt;
}

}  // namespace prism::privacy
