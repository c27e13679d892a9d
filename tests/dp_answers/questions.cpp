#include "tests/dp_answers/questions.h"

#include <array>

namespace prism::tests {

// German health survey, up to five yearly rows per person.
std::span<const char* const> questions_of_rwm5yr() {
  static constexpr std::array<const char*, 10> kQuestions = {
      "SELECT COUNT(*) FROM rwm5yr WHERE docvis > 0",
      "SELECT COUNT(DISTINCT id) AS people FROM rwm5yr WHERE hospvis >= 1",
      "SELECT AVG(docvis) AS visits FROM rwm5yr WHERE age BETWEEN 40 AND 49",
      "SELECT female, COUNT(*) AS n, AVG(hhninc) AS income FROM rwm5yr GROUP BY female ORDER BY female",
      "SELECT year, SUM(docvis) AS visits FROM rwm5yr GROUP BY year ORDER BY year",
      "SELECT edlevel, outwork, COUNT(*) AS n FROM rwm5yr GROUP BY edlevel, outwork HAVING COUNT(*) > 200",
      "SELECT MEDIAN(age) AS age, QUANTILE(hhninc, 0.9) AS rich FROM rwm5yr",
      "SELECT STDDEV(age) AS spread, VAR_POP(hhninc) AS v FROM rwm5yr WHERE NOT (married = 1 AND kids = 1)",
      "SELECT COUNT(*) AS people, AVG(visits) AS visits FROM (SELECT id, SUM(docvis) AS visits FROM rwm5yr GROUP BY "
      "id) "
      "AS people",
      "SELECT COUNT(*) AS both_years FROM rwm5yr a JOIN rwm5yr b ON a.id = b.id WHERE a.year = 1984 AND b.year = 1985",
  };
  return kQuestions;
}

// Hospital stays, one row per stay.
std::span<const char* const> questions_of_medpar() {
  static constexpr std::array<const char*, 10> kQuestions = {
      "SELECT COUNT(*) FROM medpar WHERE died = 1",
      "SELECT AVG(los) AS stay, STDDEV_SAMP(los) AS spread FROM medpar",
      "SELECT type, COUNT(*) AS n, AVG(los) AS stay FROM medpar GROUP BY type ORDER BY type",
      "SELECT hmo, white, COUNT(*) AS n FROM medpar GROUP BY hmo, white ORDER BY hmo, white",
      "SELECT provnum, COUNT(*) AS n FROM medpar GROUP BY provnum ORDER BY n DESC",
      "SELECT MEDIAN(los) AS middle, MIN(los) AS least, MAX(los) AS most FROM medpar",
      "SELECT 100.0 * SUM(died) / COUNT(*) AS percent FROM medpar WHERE age80 = 1",
      "SELECT COUNT(*) FROM medpar WHERE provnum LIKE '0300%' AND NOT (type IN (2, 3) OR los BETWEEN 1 AND 2)",
      "SELECT type, QUANTILE(los, 0.75) AS long FROM medpar GROUP BY type ORDER BY type",
      "SELECT VAR_POP(los) AS v, SUM(los) AS days FROM medpar WHERE white = 1 OR hmo = 0",
  };
  return kQuestions;
}

// Loans, one row per loan.
std::span<const char* const> questions_of_loans() {
  static constexpr std::array<const char*, 10> kQuestions = {
      "SELECT COUNT(*) AS n, AVG(loan_amount) AS amount FROM loans WHERE grade IN ('A', 'B')",
      "SELECT grade, AVG(interest_rate) AS rate FROM loans GROUP BY grade ORDER BY rate",
      "SELECT loan_purpose, COUNT(*) AS n FROM loans GROUP BY loan_purpose ORDER BY n DESC LIMIT 5",
      "SELECT homeownership, application_type, SUM(loan_amount) AS amount FROM loans GROUP BY homeownership, "
      "application_type",
      "SELECT MEDIAN(annual_income) AS middle, QUANTILE(annual_income, 0.25) AS quarter FROM loans",
      "SELECT STDDEV(interest_rate) AS spread, VAR(interest_rate) AS v FROM loans WHERE term = 60",
      "SELECT COUNT(debt_to_income) AS known, COUNT(*) AS n FROM loans WHERE months_since_last_delinq IS NULL",
      "SELECT COUNT(*) FROM loans WHERE emp_title LIKE 'registered%' OR (annual_income BETWEEN 100000 AND 200000 AND "
      "NOT "
      "state = 'CA')",
      "SELECT SUM(paid_total) / SUM(loan_amount) AS repaid FROM loans",
      "SELECT issue_month, grade, COUNT(*) AS n, MAX(interest_rate) AS most FROM loans GROUP BY issue_month, grade "
      "HAVING COUNT(*) >= 30",
  };
  return kQuestions;
}

}  // namespace prism::tests
