// prism/dp/accountant.h - how much privacy a sequence of events costs in all: epsilon for a delta, delta for an
// epsilon.
//
// The accountant knows every event in advance or only looks back; for queries chosen one after the other under a
// budget, ask Filter (filter.h). All results are rounded up: the truth is never above them. Doubles are fine here, as
// nothing but public parameters comes in.
//
//   basic     adds epsilons and deltas (Dwork and Roth 2014, theorem 3.16). Gaussian and zCDP events are added up as
//             zCDP and converted once with the delta that is left over.
//   advanced  the least of basic, the bound of Kairouz, Oh and Viswanath 2015, theorem 3.5, and their optimal
//             composition (theorem 3.3) where all events are equal.
//   zcdp      adds rho (Bun and Steinke 2016); converts with Canonne, Kamath and Steinke 2020, proposition 12.
//   rdp       adds Renyi divergences on a grid of orders (Mironov 2017), exact for the discrete Laplace mechanism and
//   for
//             randomised response; the same conversion.
//   pld       the least of the others and of privacy loss distributions, convolved and made discrete by connecting the
//             dots (Doroshenko, Ghazi, Kamath, Kumar and Manurangsi 2022), so that they stay pessimistic; beyond a
//             million releases the others alone. The tightest; costs up to a few tenths of a second. Adds a margin of
//             10^-4, so that it stays above other pessimistic accountants whatever their grids.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "prism/dp/event.h"

namespace prism::dp {

enum class Method : std::uint8_t { basic = 1, advanced = 2, zcdp = 3, rdp = 4, pld = 5 };
/// "basic", "advanced", "zcdp", "rdp", "pld": stable names, used in JSON.
std::string_view name_of(Method method);
Result<Method> parse_method(std::string_view name);

class Accountant {
 public:
  explicit Accountant(Method method) : method_(method) {}

  Method method() const { return method_; }
  /// Adds one event (all its repetitions).
  void compose(const Event& event);
  void compose(std::span<const Event> events);

  /// An epsilon at which everything composed so far is (epsilon, delta)-DP: the least one this method can prove,
  /// rounded up. Infinity when it can prove none, as for events whose own delta is past `delta`.
  double epsilon(Delta delta) const;
  double epsilon(double delta) const;
  /// A delta at which everything composed so far is (epsilon, delta)-DP, rounded up; at most 1.
  double delta(double epsilon) const;

  /// Events composed so far, equal ones merged.
  std::span<const Event> events() const { return events_; }

 private:
  /// For a delta from which the events' own deltas are taken away.
  double epsilon_beyond_own(double delta) const;

  Method method_;
  std::vector<Event> events_;
};

}  // namespace prism::dp
