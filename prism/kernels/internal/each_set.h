// prism/kernels/internal/each_set.h - runs a test once per compiled-in kernel set; sets this processor lacks are
// skipped.
#pragma once
#include <gtest/gtest.h>

#include <string>

#include "prism/kernels/kernels.h"

namespace prism::kernels::testing {

class EachSet : public ::testing::TestWithParam<const Kernels*> {
 protected:
  void SetUp() override {
    if (!GetParam()->runs_here()) GTEST_SKIP() << GetParam()->name << " does not run on this processor";
  }
  const Kernels& set() const { return *GetParam(); }
};

inline std::string set_name(const ::testing::TestParamInfo<const Kernels*>& info) {
  return std::string(info.param->name);
}

}  // namespace prism::kernels::testing

#define PRISM_EACH_SET(Suite) \
  INSTANTIATE_TEST_SUITE_P(Sets, Suite, ::testing::ValuesIn(all().begin(), all().end()), testing::set_name)
