// The transforms of Intel HEXL, for bench/engine.py (requests: driver.h). A case names scheme=ntt log_n=
#include <hexl/hexl.hpp>
#include <memory>

#include "driver.h"

namespace {

bench::Case make(const bench::Spec& spec) {
  if (spec.text("scheme") != "ntt") throw std::invalid_argument("HEXL has transforms only");
  struct Setting {
    intel::hexl::NTT ntt;
    intel::hexl::AlignedVector64<std::uint64_t> row;
  };
  const std::uint64_t n = std::uint64_t{1} << spec.number("log_n");
  const std::uint64_t q = intel::hexl::GeneratePrimes(1, 49, true, n)[0];  // below 2^50: its fastest code
  const auto s = std::make_shared<Setting>(Setting{{n, q}, intel::hexl::AlignedVector64<std::uint64_t>(n)});
  bench::Values values(3);
  for (std::uint64_t& x : s->row) x = values.below(q);
  bench::Case out;
  out.facts["log_q"] = std::log2(static_cast<double>(q));
  out.operations = {
      {"forward", [s] { s->ntt.ComputeForward(s->row.data(), s->row.data(), 1, 1); }},
      {"inverse", [s] { s->ntt.ComputeInverse(s->row.data(), s->row.data(), 1, 1); }},
  };
  return out;
}

}  // namespace

int main() { return bench::serve("HEXL", make); }
