// The input is a budget as a person or a file may write it. What is read as epsilon or delta is written in a form that
// reads back as the same; small parameters make noise, whose numbers stay in their ranges.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "prism/dp/noise.h"
#include "prism/dp/parameters.h"

namespace {

using namespace prism;

void require(bool holds) {
  if (!holds) std::abort();
}

void draw(const Result<dp::Noise>& noise) {
  if (!noise) return;
  dp::DrawStream stream = dp::NoiseSeed::from_bytes({1}).stream(0);
  const Int128 x = noise->draw(stream);
  require(x <= noise->largest() && -x <= noise->largest());
  const double tail = noise->tail_up(x);
  require(tail >= 0 && tail <= 1);
  require(noise->truncation().value_up() <= 0x1p-100);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text({data, size});
  if (const auto epsilon = dp::Epsilon::parse(text)) {
    require(epsilon->nano() > 0);
    require(dp::Epsilon::parse(epsilon->text()).value() == *epsilon);
    draw(dp::Noise::laplace({dp::Epsilon::kNanos, epsilon->nano()}));
    draw(dp::Noise::gaussian({epsilon->nano(), dp::Epsilon::kNanos}));
  }
  if (const auto delta = dp::Delta::parse(text)) {
    require(dp::Delta::parse(delta->text()).value() == *delta);
    require(delta->value_down() <= delta->value_up() && delta->value_up() <= 1);
    if (delta->units() > 0 && delta->units() < Uint128{1} << 100) {
      const auto units = static_cast<Int128>(delta->units());
      draw(dp::Noise::laplace({units, 3}));
      draw(dp::Noise::gaussian({Int128{1} << 100, units}));
    }
  }
  return 0;
}
