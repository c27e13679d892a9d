// tests/dp_answers/questions.h - ten varied questions to each of the tables in the shared data.
#pragma once
#include <span>

namespace prism::tests {

/// Each uses something that the others of its table do not: a mechanism, a kind of condition, a kind of group.
std::span<const char* const> questions_of_rwm5yr();
std::span<const char* const> questions_of_medpar();
std::span<const char* const> questions_of_loans();

}  // namespace prism::tests
