#include "prism/program/computation.h"

#include <gtest/gtest.h>

#include <limits>

#include "prism/program/internal/testing.h"

namespace prism::program {
namespace {

using testing::must;

Computation statistics(bool backwards) {
  ComputationBuilder b(Family::approximate);
  const Node x = must(b.input("x", 100));
  if (backwards) {
    // The same subterms, made in another order and partly twice.
    (void)must(b.square(must(b.sum(x))));
    (void)must(b.multiply(must(b.dot(x, x)), 100.0));
  }
  must(b.mean("mean", x));
  must(b.variance("variance", x, Divisor::sample));
  must(b.output("sum", must(b.sum(x))));
  return must(b.finish());
}

TEST(Computation, TheSameComputationHasTheSameBytesHoweverItWasBuilt) {
  EXPECT_EQ(statistics(false), statistics(true));
  EXPECT_EQ(statistics(false).encode(), statistics(true).encode());
  EXPECT_EQ(statistics(false).digest(), statistics(true).digest());

  const auto sum_of = [](bool swapped) {
    ComputationBuilder b(Family::exact);
    const Node x = must(b.input(swapped ? "y" : "x", 3)), y = must(b.input(swapped ? "x" : "y", 3));
    const Node product = swapped ? must(b.multiply(y, x)) : must(b.multiply(x, y));
    must(b.output("z", must(b.add(must(b.negate(product)), swapped ? y : x))));
    return must(b.finish());
  };
  EXPECT_EQ(sum_of(false).encode(), sum_of(true).encode());
}

TEST(Computation, StatisticsShareTheirSumAndTakeOneProductEach) {
  const Computation c = statistics(false);
  std::size_t sums = 0, products = 0;
  for (const Operation& op : c.operations()) {
    sums += op.step == Step::sum ? 1 : 0;
    products += op.step == Step::multiply ? 1 : 0;
  }
  EXPECT_EQ(sums, 2u);      // of x and of x^2
  EXPECT_EQ(products, 2u);  // x^2 and sum(x)^2
  EXPECT_EQ(c.carriers().size(), 2u) << "sum and mean are one ciphertext";
}

TEST(Computation, DifferentComputationsDiffer) {
  std::vector<Digest> digests;
  const auto add = [&](auto f) {
    ComputationBuilder b(Family::approximate);
    const Node x = must(b.input("x", 8)), y = must(b.input("y", 8));
    must(b.output("z", f(b, x, y)));
    digests.push_back(must(b.finish()).digest());
  };
  add([](auto& b, Node x, Node y) { return must(b.subtract(x, y)); });
  add([](auto& b, Node x, Node y) { return must(b.subtract(y, x)); });
  add([](auto& b, Node x, Node y) { return must(b.add(x, y)); });
  add([](auto& b, Node x, Node y) { return must(b.multiply(x, y)); });
  add([](auto& b, Node x, Node y) { return must(b.dot(x, y)); });
  add([](auto& b, Node x, Node y) { return must(b.add(must(b.rotate(x, 1)), y)); });
  add([](auto& b, Node x, Node y) { return must(b.add(must(b.rotate(x, 2)), y)); });
  add([](auto& b, Node x, Node y) { return must(b.add(must(b.add(x, 1.5)), y)); });
  add([](auto& b, Node x, Node y) { return must(b.add(must(b.multiply(x, 1.5)), y)); });
  add([](auto& b, Node x, Node y) { return must(b.add(must(b.polynomial(x, {0, 1, 2})), y)); });
  add([](auto& b, Node x, Node y) { return must(b.add(must(b.chebyshev(x, {0, 1, 2}, {-1, 1})), y)); });
  add([](auto& b, Node x, Node y) { return must(b.add(must(b.chebyshev(x, {0, 1, 2}, {-1, 2})), y)); });
  for (std::size_t i = 0; i < digests.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) EXPECT_NE(digests[i], digests[j]) << i << " and " << j;
}

TEST(Computation, BytesComeBackAsTheyWere) {
  for (const Computation& c :
       {statistics(false), [] {
          ComputationBuilder b(Family::exact);
          const Node x = must(b.input("x", 5)), n = must(b.input("n", 5));
          must(b.quotient("mean", must(b.dot(x, n)), must(b.sum(n)), 2));
          must(b.output("poly", must(b.polynomial(x, {1, -2, 0, 3}))));
          must(b.output("turned", must(b.rotate(must(b.multiply(x, std::vector<double>{1, 2, 3, 4, 5})), -1))));
          return must(b.finish());
        }()}) {
    const Bytes bytes = c.encode();
    const Computation again = must(Computation::decode(bytes));
    EXPECT_EQ(again, c);
    EXPECT_EQ(again.encode(), bytes);
    for (std::size_t cut = 0; cut < bytes.size(); ++cut)
      EXPECT_FALSE(Computation::decode(ByteView(bytes).first(cut))) << "cut at " << cut;
    // Whatever a changed byte makes of it, what is accepted is canonical.
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      for (const int change : {1, 0x80, 0xff}) {
        Bytes other = bytes;
        other[i] = static_cast<std::uint8_t>(other[i] ^ change);
        const auto read = Computation::decode(other);
        if (read) {
          EXPECT_EQ(read->encode(), other) << "byte " << i;
        } else {
          EXPECT_TRUE(read.error().code == ErrorCode::malformed || read.error().code == ErrorCode::unsupported);
        }
      }
    }
  }
}

TEST(Computation, WhatTheBuilderWouldNotMakeIsRefusedInBytes) {
  ComputationBuilder b(Family::approximate);
  const Node x = must(b.input("x", 4)), y = must(b.input("y", 4));
  must(b.output("z", must(b.add(x, y))));
  const Computation c = must(b.finish());
  const Bytes good = c.encode();
  // The operands of the sum, the other way round: the same computation, other bytes.
  Bytes swapped = good;
  const std::size_t inputs = 2 + 1 + 8 + 2 * (8 + 1 + 8), operands = inputs + 8 + 2 * (1 + 4) + 1;
  std::swap(swapped[operands], swapped[operands + 4]);
  const auto refused = Computation::decode(swapped);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("canonical"), std::string::npos) << refused.error().message;
}

TEST(Computation, FractionsOnTopOfAResultAreTheReaders) {
  ComputationBuilder b(Family::approximate);
  const Node x = must(b.input("x", 4));
  must(b.output("half", must(b.multiply(must(b.multiply(x, 0.5)), 0.25)), 3));
  must(b.output("double", must(b.multiply(x, 2.0))));
  const Computation c = must(b.finish());
  EXPECT_EQ(c.outputs()[0].factor, 3 * 0.125);
  EXPECT_EQ(c.operations()[c.outputs()[0].value].step, Step::input);
  EXPECT_EQ(c.operations()[c.outputs()[1].value].step, Step::multiply_number) << "whole numbers take no level";
}

TEST(Computation, MistakesAreNamed) {
  ComputationBuilder b(Family::exact);
  const Node x = must(b.input("x", 4)), y = must(b.input("y", 5));
  EXPECT_EQ(b.add(x, y).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(b.add(x, Node{77}).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(b.add(x, 0.5).error().code, ErrorCode::invalid_argument) << "a fraction beside whole numbers";
  EXPECT_EQ(b.add(x, 0x1p49).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(b.multiply(x, 0.0).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(b.multiply(x, std::vector<double>{1, 2, 3}).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(b.polynomial(x, {1, 0, 0}).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(b.chebyshev(x, {1, 2}, {}).error().code, ErrorCode::unsupported);
  EXPECT_EQ(b.input("x", 5).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(b.input("", 5).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(b.input("a\nb", 5).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(b.input("none", 0).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(b.finish().error().code, ErrorCode::invalid_argument) << "no results";
  must(b.output("z", x));
  EXPECT_EQ(b.output("z", y).error().code, ErrorCode::invalid_argument) << "the same name twice";
  EXPECT_EQ(b.finish().error().code, ErrorCode::invalid_argument) << "y is not needed";
  ComputationBuilder a(Family::approximate);
  const Node one = must(a.input("x", 1));
  EXPECT_FALSE(a.variance("v", one, Divisor::sample));
  EXPECT_FALSE(a.add(one, std::numeric_limits<double>::quiet_NaN()));
  EXPECT_FALSE(a.multiply(one, std::numeric_limits<double>::infinity()));
  EXPECT_FALSE(a.output("z", one, 0));
}

TEST(Computation, MoreThanTheBoundsIsRefused) {
  ComputationBuilder b(Family::approximate);
  Node x = must(b.input("x", 2));
  auto made = b.add(x, 1.0);
  for (std::size_t i = 0; made && i <= kMostOperations; ++i) made = b.add(*made, 1.0 + static_cast<double>(i));
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ErrorCode::exhausted);
}

}  // namespace
}  // namespace prism::program
