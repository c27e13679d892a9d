// The main function of tests whose rooms use kernels: PRISM_KERNELS=portable runs them on another kernel set.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "prism/kernels/kernels.h"

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  const char* const wanted = std::getenv("PRISM_KERNELS");
  if (wanted != nullptr && *wanted != '\0' && !prism::kernels::choose(wanted)) {
    std::printf("skipped: the kernel set %s does not run here\n", wanted);
    return 77;  // ctest counts it as skipped
  }
  return RUN_ALL_TESTS();
}
