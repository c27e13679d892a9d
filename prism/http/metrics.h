// prism/http/metrics.h - counters, gauges and histograms, given out as text that Prometheus reads.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace prism::http {

/// For several threads. A name means one kind of metric; labels must come from a small set.
class Metrics {
 public:
  using Labels = std::vector<std::pair<std::string_view, std::string_view>>;
  Metrics();
  ~Metrics();
  void count(std::string_view name, std::string_view help, const Labels& labels, double by = 1);
  void observe(std::string_view name, std::string_view help, const Labels& labels, double seconds);
  void set(std::string_view name, std::string_view help, const Labels& labels, double value);
  /// Raises a counter to a total that somebody else counts; a smaller one changes nothing.
  void count_to(std::string_view name, std::string_view help, const Labels& labels, double total);
  /// Called before each text(): for values that somebody else keeps.
  void collect(std::function<void(Metrics&)> from);
  /// `text/plain; version=0.0.4`.
  std::string text();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace prism::http
