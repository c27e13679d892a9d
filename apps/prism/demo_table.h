// apps/prism/demo_table.h - examples/patients.csv, inside the program.
#pragma once
#include <string_view>

namespace prism::app {

std::string_view demo_csv();

}  // namespace prism::app
