// Questions under differential privacy, for bench/private.py, which alternates this program with others and compares.
//
//   prism_private answers SCHEMA.json UNIT ROWS_PER_UNIT DATA.csv   each input line: SEEDS EPSILON DELTA SQL; each
//   output line: the tables of
//                                                                   as many answers, as a JSON array of arrays of rows
//   prism_private speed ROWS THREADS                                each input line: "private N" or "plain N", N a
//   number of the
//                                                                   list below; each output line: milliseconds
// Noise comes from a fixed seed, budgets are as large as they get, and nobody waits for the end of a time bucket:
// errors and times are those of the mechanisms. Never a way to answer real questions.
#include <charconv>
#include <chrono>
#include <fstream>
#include <iostream>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "prism/backend/dp/dp.h"
#include "prism/duck/database.h"
#include "prism/table/read_csv.h"

namespace {

using namespace prism;
namespace privately = backend::dp;

class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : words_(seed) {}
  Status fill(MutableByteView out) override {
    for (auto& byte : out) byte = static_cast<std::uint8_t>(words_());
    return {};
  }

 private:
  std::mt19937_64 words_;
};

class SteadyClock final : public Clock {
 public:
  std::chrono::nanoseconds monotonic() const override { return std::chrono::steady_clock::now().time_since_epoch(); }
  std::chrono::seconds wall() const override { return std::chrono::seconds{0}; }
};

class NoWait final : public privately::Sleeper {
 public:
  void sleep_until(std::chrono::nanoseconds) override {}
};

class OneTable final : public privately::DataSource {
 public:
  explicit OneTable(const table::Table& table) : table_(table) {}
  Result<table::Table> read(const policy::TableRule&) override { return table_; }

 private:
  const table::Table& table_;
};

/// Stops the program with the message: a measurement without its answer is none.
template <class T>
T must(Result<T> result) {
  if (!result) {
    std::cerr << result.error().message << " " << result.error().detail << "\n";
    std::exit(1);
  }
  return std::move(result).value();
}

policy::Grant largest_budget(std::vector<policy::TableRule> tables) {
  policy::Grant grant;
  grant.tables = std::move(tables);
  grant.epsilon = dp::Epsilon::from_nano(dp::Epsilon::kMostParsed);
  grant.query_most = grant.epsilon;
  grant.query_least = dp::Epsilon::from_nano(1'000'000);
  grant.delta = must(dp::Delta::parse("0.01"));
  grant.time_limit = std::chrono::minutes(30);
  grant.memory_bytes = std::uint64_t{16} << 30;
  return grant;
}

/// One engine; a new budget whenever the old one is spent.
class Asker {
 public:
  Asker(policy::Grant grant, const table::Table& table, std::size_t threads)
      : grant_(grant), source_(table), engine_(std::move(grant), source_, threads), random_(20) {}

  privately::Answer ask(const std::string& sql, dp::Epsilon epsilon, std::optional<dp::Delta> delta) {
    privately::Options options{epsilon, delta, {}, {}};
    auto book = must(policy::MemoryBook::make(grant_));
    const privately::Prepared prepared = must(privately::prepare(grant_, sql, options, &source_));
    return must(privately::run(prepared, engine_, {book, random_, clock_, sleeper_, {}}));
  }

 private:
  policy::Grant grant_;
  OneTable source_;
  privately::Engine engine_;
  SeededRandom random_;
  SteadyClock clock_;
  NoWait sleeper_;
};

std::string cell_text(const table::Cell& cell) {
  if (const auto* number = std::get_if<table::Number>(&cell)) return number->text;
  if (const auto* text = std::get_if<std::string>(&cell)) {
    std::string quoted = "\"";
    for (const char c : *text) {
      if (c == '"' || c == '\\') quoted += '\\';
      quoted += c;
    }
    return quoted + "\"";
  }
  return "null";
}

void print(const std::vector<table::ResultTable>& answers) {
  std::string out = "[";
  for (std::size_t a = 0; a < answers.size(); ++a) {
    out += a == 0 ? "[" : ",[";
    for (std::size_t r = 0; r < answers[a].rows.size(); ++r) {
      out += r == 0 ? "[" : ",[";
      for (std::size_t c = 0; c < answers[a].rows[r].size(); ++c) {
        if (c > 0) out += ",";
        out += cell_text(answers[a].rows[r][c]);
      }
      out += "]";
    }
    out += "]";
  }
  std::cout << out << "]" << std::endl;
}

int answers(const std::string& schema_path, const std::string& unit, std::uint64_t rows_per_unit,
            const std::string& csv) {
  std::ifstream file(schema_path);
  std::stringstream text;
  text << file.rdbuf();
  auto tables = must(policy::schema_from_json(text.str()));
  tables[0].name = "data";
  tables[0].path = csv;
  tables[0].unit = unit;
  tables[0].rows_per_unit = rows_per_unit;
  table::CsvOptions options;
  for (const auto& column : tables[0].columns) {
    table::ColumnOverride& as = options.overrides[column.schema.name];
    as.type = column.schema.type;
    if (column.schema.type == table::ColumnType::decimal) as.scale = column.schema.scale;
  }
  std::ifstream data_file(csv);
  std::stringstream data_text;
  data_text << data_file.rdbuf();
  const std::string data = data_text.str();
  const table::Table table = must(table::read_csv_text("data", data, options));
  Asker asker(largest_budget(std::move(tables)), table, 1);
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    int seeds = 0;
    std::string epsilon, delta, sql;
    words >> seeds >> epsilon >> delta;
    std::getline(words, sql);
    std::vector<table::ResultTable> results;
    for (int i = 0; i < seeds; ++i) {
      results.push_back(asker.ask(sql, must(dp::Epsilon::parse(epsilon)), must(dp::Delta::parse(delta))).table);
    }
    print(results);
  }
  return 0;
}

/// One row per unit, a key of 100 public values, amounts of 0 to 10,000: the same rows as bench/private.py makes.
table::Table synthetic(std::size_t rows) {
  table::Table out;
  out.name = "data";
  out.rows = rows;
  const auto column = [&](const char* name, auto&& value) {
    table::Column made;
    made.schema = {name, table::ColumnType::integer, 0, false};
    made.values.resize(rows);
    made.valid.assign(rows, 1);
    for (std::size_t i = 0; i < rows; ++i) made.values[i] = static_cast<std::int64_t>(value(i));
    table::summarise(made);
    out.columns.push_back(std::move(made));
  };
  column("id", [](std::size_t i) { return i; });
  column("grp", [](std::size_t i) { return i * 2654435761U % 4294967296U / 7 % 100; });
  column("amount", [](std::size_t i) { return i * 2246822519U % 4294967296U / 11 % 10001; });
  return out;
}

struct Question {
  const char* sql;    ///< for us
  const char* plain;  ///< the same over the plain table: c0 unit, c1 key, c2 amount
};
constexpr Question kQuestions[] = {
    {"SELECT COUNT(*) FROM data WHERE amount > 5000", "SELECT count(*) FROM plain WHERE c2 > 5000"},
    {"SELECT SUM(amount) FROM data", "SELECT sum(c2) FROM plain"},
    {"SELECT AVG(amount) FROM data", "SELECT count(c2), sum(c2) FROM plain"},
    {"SELECT grp, COUNT(*), SUM(amount) FROM data GROUP BY grp", "SELECT c1, count(*), sum(c2) FROM plain GROUP BY c1"},
};

double milliseconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

int speed(std::size_t rows, int threads) {
  const table::Table table = synthetic(rows);
  policy::TableRule rule;
  rule.name = "data";
  rule.path = "data.csv";
  rule.unit = "id";
  rule.columns.push_back({table.columns[0].schema, {}, {}, false});
  rule.columns.push_back({table.columns[1].schema, policy::Bounds{0, 99}, {}, true});
  rule.columns.push_back({table.columns[2].schema, policy::Bounds{0, 10'000}, {}, false});
  Asker asker(largest_budget({rule}), table, static_cast<std::size_t>(threads));
  duck::Limits limits;
  limits.memory_bytes = std::uint64_t{16} << 30;
  limits.threads = threads;
  duck::Database plain = must(duck::Database::open(limits));
  const std::vector<duck::Kind> kinds(3, duck::Kind::number);
  const std::vector<duck::Source> sources = {{0}, {1}, {2}};
  if (!plain.create("plain", kinds) || !plain.append("plain", table, sources)) return 1;
  const dp::Epsilon epsilon = must(dp::Epsilon::parse("1"));
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string which;
    std::size_t number = 0;
    words >> which >> number;
    const Question& question = kQuestions[number % std::size(kQuestions)];
    std::cout << milliseconds([&] {
      if (which == "private") {
        asker.ask(question.sql, epsilon, must(dp::Delta::parse("0.00001")));
      } else {
        must(plain.query({question.plain, {}}));
      }
    }) << std::endl;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() == 5 && words[0] == "answers") return answers(words[1], words[2], std::stoull(words[3]), words[4]);
  if (words.size() == 3 && words[0] == "speed") return speed(std::stoull(words[1]), std::stoi(words[2]));
  std::cerr << "prism_private answers SCHEMA.json UNIT ROWS_PER_UNIT DATA.csv | prism_private speed ROWS THREADS\n";
  return 2;
}
