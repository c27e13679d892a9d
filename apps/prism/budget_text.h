// apps/prism/budget_text.h - grants and balances as people read them.
#pragma once
#include <string>

#include "prism/policy/grant.h"
#include "prism/policy/ledger.h"

namespace prism::app {

/// What a grant fixes: one line each, indented by two.
std::string grant_text(const policy::Grant& grant);
/// A ledger for people and for programs (version 1 of the JSON form; docs/guide/dp.md describes it).
std::string ledger_text(const policy::Ledger& ledger, const std::string& csv, const std::string& mark);
std::string ledger_json(const policy::Ledger& ledger, const std::string& csv, const std::string& mark);
std::string ledger_csv(const policy::Ledger& ledger);

}  // namespace prism::app
