// prism/sql/sql.h - from the text of a query to its plan, or to a refusal that says where and why.
//
// The text is read by PostgreSQL's own grammar (libpg_query 15). The dialect and the limits stand in README.md.
#pragma once
#include <span>
#include <string>
#include <string_view>

#include "prism/base/result.h"
#include "prism/sql/plan.h"

namespace prism::sql {

/// Reads one SELECT over tables of the database (one to 64, of different names). Works on hostile text: memory and time
/// are bounded by the limits in README.md. Errors: malformed (syntax, encoding, too long), unsupported (outside the
/// dialect), not_found (table, column; the nearest name is suggested), invalid_argument (types, impossible literals).
/// The message starts with line:column (1-based, in characters) and names the place, the reason, the rule in brackets
/// and, where there is one, a rewrite. The detail is `rule=sql/joins position=27` (byte offset from 0). Safe to call
/// from several threads; calls run one after another, because libpg_query redirects the process's stderr.
Result<Plan> plan_query(std::string_view sql, std::span<const Catalog> database);
/// The same over a database of one table.
Result<Plan> plan_query(std::string_view sql, const Catalog& catalog);

/// The line of the query that holds `position`, and below it a caret under that place; both end in a newline.
/// Empty when the position is not inside the text (its end counts as inside).
std::string explain_position(std::string_view sql, Position position);

/// A backend's refusal of a query that was read: "1:27: <message> [dp/bounds]", with `rule=dp/bounds position=26` as
/// detail. A position outside the text, such as -1, leaves the place out of the message.
Error refusal(ErrorCode code, std::string_view sql, Position position, std::string_view rule, std::string_view message);

/// The `position=` of an error's detail, -1 when there is none.
Position position_of(const Error& error);

/// The plan for people: one fact per line. Stable, but not a format to parse; encode() is.
std::string describe(const Plan& plan);
/// Parts of it, for whoever explains a plan piece by piece.
std::string describe(const Predicate& predicate, const Catalog& catalog);
std::string describe(const Primitive& primitive, const Catalog& catalog);
std::string describe(const Expression& expression, const Plan& plan);
std::string describe(const Relation& relation);

}  // namespace prism::sql
