// prism/dp/rational.h - exact fractions: scales and variances as the ratio of two integers.
#pragma once

namespace prism::dp {}
