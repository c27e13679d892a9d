// prism/base/parallel.h - work that may be spread over cores, without naming threads.
#pragma once
#include <cstddef>
#include <functional>

namespace prism {

/// Runs independent pieces. Results must not depend on which worker ran what or in which order.
class Parallel {
 public:
  virtual ~Parallel() = default;
  virtual std::size_t workers() const = 0;
  /// Calls body(piece, worker) for every piece in [0, pieces), worker < workers(); returns when all are done.
  virtual void for_each(std::size_t pieces, const std::function<void(std::size_t piece, std::size_t worker)>& body) = 0;
};

/// One worker, in order, on the caller's thread. The thread pool lives in host/.
class Serial final : public Parallel {
 public:
  std::size_t workers() const override { return 1; }
  void for_each(std::size_t pieces, const std::function<void(std::size_t, std::size_t)>& body) override {
    for (std::size_t i = 0; i < pieces; ++i) body(i, 0);
  }
};

}  // namespace prism
