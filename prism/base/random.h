// prism/base/random.h - where randomness comes from. Passed in, so that tests choose it and nothing else can.
#pragma once
#include "prism/base/bytes.h"
#include "prism/base/result.h"

namespace prism {

/// A source of bytes fit for keys. The operating system's lives in host/; a seeded one lives in tests only.
class Random {
 public:
  virtual ~Random() = default;
  /// Fills `out` completely or says why it could not; a partial fill never happens.
  virtual Status fill(MutableByteView out) = 0;
};

}  // namespace prism
