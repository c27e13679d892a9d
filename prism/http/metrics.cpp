#include "prism/http/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <map>
#include <mutex>

namespace prism::http {
namespace {

/// From a health check to a minute of computation, three for each factor of ten.
const prometheus::Histogram::BucketBoundaries& latency_bounds() {
  static const prometheus::Histogram::BucketBoundaries kBounds{
      0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60};
  return kBounds;
}

template <class T>
struct Table {
  prometheus::Family<T>* family = nullptr;
  std::map<std::string, T*, std::less<>> children;
};

std::string key_of(const Metrics::Labels& labels) {
  std::string key;
  for (const auto& [name, value] : labels) (key += value) += '\0';
  return key;
}

prometheus::Labels owned(const Metrics::Labels& labels) {
  prometheus::Labels out;
  for (const auto& [name, value] : labels) out.emplace(std::string(name), std::string(value));
  return out;
}

}  // namespace

struct Metrics::State {
  mutable std::mutex mutex;
  prometheus::Registry registry;
  std::map<std::string, Table<prometheus::Counter>, std::less<>> counters;
  std::map<std::string, Table<prometheus::Gauge>, std::less<>> gauges;
  std::map<std::string, Table<prometheus::Histogram>, std::less<>> histograms;
  std::vector<std::function<void(Metrics&)>> collectors;

  /// The metric of that name and those labels, made when it is new. The mutex is held.
  template <class T, class Build, class... Arguments>
  T& find(std::map<std::string, Table<T>, std::less<>>& tables, Build build, std::string_view name,
          std::string_view help, const Labels& labels, const Arguments&... arguments) {
    auto table = tables.find(name);
    if (table == tables.end()) {
      table = tables.emplace(std::string(name), Table<T>{}).first;
      table->second.family = &build().Name(std::string(name)).Help(std::string(help)).Register(registry);
    }
    const std::string key = key_of(labels);
    auto child = table->second.children.find(key);
    if (child == table->second.children.end())
      child = table->second.children.emplace(key, &table->second.family->Add(owned(labels), arguments...)).first;
    return *child->second;
  }
};

Metrics::Metrics() : state_(std::make_unique<State>()) {}
Metrics::~Metrics() = default;

void Metrics::count(std::string_view name, std::string_view help, const Labels& labels, double by) {
  const std::lock_guard lock(state_->mutex);
  state_->find(state_->counters, prometheus::BuildCounter, name, help, labels).Increment(by);
}

void Metrics::observe(std::string_view name, std::string_view help, const Labels& labels, double seconds) {
  const std::lock_guard lock(state_->mutex);
  state_->find(state_->histograms, prometheus::BuildHistogram, name, help, labels, latency_bounds()).Observe(seconds);
}

void Metrics::set(std::string_view name, std::string_view help, const Labels& labels, double value) {
  const std::lock_guard lock(state_->mutex);
  state_->find(state_->gauges, prometheus::BuildGauge, name, help, labels).Set(value);
}

void Metrics::count_to(std::string_view name, std::string_view help, const Labels& labels, double total) {
  const std::lock_guard lock(state_->mutex);
  prometheus::Counter& counter = state_->find(state_->counters, prometheus::BuildCounter, name, help, labels);
  if (total > counter.Value()) counter.Increment(total - counter.Value());
}

void Metrics::collect(std::function<void(Metrics&)> from) {
  const std::lock_guard lock(state_->mutex);
  state_->collectors.push_back(std::move(from));
}

std::string Metrics::text() {
  std::vector<std::function<void(Metrics&)>> collectors;
  {
    const std::lock_guard lock(state_->mutex);
    collectors = state_->collectors;
  }
  for (const auto& one : collectors) one(*this);
  return prometheus::TextSerializer().Serialize(state_->registry.Collect());
}

}  // namespace prism::http
