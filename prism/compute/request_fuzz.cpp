#include "prism/base/check.h"
#include "prism/compute/plan.h"
#include "prism/compute/request.h"
#include "prism/compute/result.h"

// Requests, plans and results from anybody: a value or an error; what is read is written so that it reads the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace prism;
  if (size == 0) return 0;
  const ByteView bytes{data + 1, size - 1};
  switch (data[0] % 4) {
    case 0: {
      const auto request = compute::Request::parse(as_text(bytes));
      if (!request) return 0;
      const auto again = compute::Request::parse(request->to_json());
      check(again.has_value() && *again == *request, "a request is not what it was written from");
      const std::map<std::string, std::uint64_t> sizes{{"x", 4}, {"y", 4}, {"n", 1}};
      for (const auto family : {program::Family::approximate, program::Family::exact}) {
        const auto computation = request->lower(family, sizes);
        if (!computation) continue;
        const auto decoded = program::Computation::decode(computation->encode());
        check(decoded.has_value() && *decoded == *computation, "a lowered computation is not canonical");
      }
      return 0;
    }
    case 1: {
      const auto plan = compute::Plan::parse(as_text(bytes));
      if (plan) check(compute::Plan::parse(plan->to_json()).has_value(), "a plan does not read back");
      return 0;
    }
    case 2:
      (void)compute::decode_result(bytes);
      return 0;
    default: {
      compute::Limits little;
      little.largest_ring_log2 = 11;
      little.cpu_seconds = 0.01;
      little.memory_bytes = 1 << 20;
      (void)compute::answer_plan(as_text(bytes), little);
      return 0;
    }
  }
}
