// apps/prism/demo_table.h - examples/patients.csv and its schema, inside the program.
#pragma once
#include <string_view>

namespace prism::app {

std::string_view demo_csv();
/// What `prism budget grant --schema` would read.
std::string_view demo_schema();

}  // namespace prism::app
