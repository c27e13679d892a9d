// prism/policy/grant.h - what a data owner fixed once: tables, privacy unit, bounds, budget.
#pragma once

namespace prism::policy {}
