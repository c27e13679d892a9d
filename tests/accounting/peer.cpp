// The accountant for another program: each line of the input is METHOD DELTA EVENT..., each line of the output the
// epsilon. EVENT is pure:EPSILON:COUNT, approximate:EPSILON:DELTA:COUNT, laplace:SCALE:SENSITIVITY:COUNT or
// gaussian:VARIANCE:SQUARED_SENSITIVITY:COUNT, with whole scales and variances.
#include <cstdint>
#include <iomanip>
#include <iostream>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "prism/dp/accountant.h"

namespace {

using namespace prism;

std::vector<std::string> split(const std::string& text, char by) {
  std::vector<std::string> out;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, by);) out.push_back(part);
  return out;
}

dp::Event event_of(const std::string& text) {
  const std::vector<std::string> parts = split(text, ':');
  const auto number = [&](std::size_t i) { return static_cast<Int128>(std::stoll(parts.at(i))); };
  const std::uint64_t count = std::stoull(parts.back());
  const auto once = [&] {
    if (parts[0] == "pure") return dp::Event::pure(dp::Epsilon::parse(parts.at(1)).value());
    if (parts[0] == "approximate") {
      return dp::Event::approximate(dp::Epsilon::parse(parts.at(1)).value(), dp::Delta::parse(parts.at(2)).value());
    }
    if (parts[0] == "laplace") return dp::Event::laplace({number(1), 1}, number(2)).value();
    return dp::Event::gaussian({number(1), 1}, number(2)).value();
  };
  return once().times(count).value();
}

}  // namespace

int main() {
  std::cout << std::setprecision(std::numeric_limits<double>::max_digits10);
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string method, delta, event;
    words >> method >> delta;
    dp::Accountant accountant(dp::parse_method(method).value());
    while (words >> event) accountant.compose(event_of(event));
    std::cout << accountant.epsilon(dp::Delta::parse(delta).value()) << std::endl;
  }
}
