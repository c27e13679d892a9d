// Any bytes: the reader refuses them or reads a table that survives being written and read again.
#include <cstdint>

#include "prism/base/check.h"
#include "prism/table/read_csv.h"
#include "prism/table/result_table.h"

using namespace prism;
using namespace prism::table;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  CsvOptions options;
  options.limits.columns = 64;
  options.limits.field_bytes = 256;
  options.limits.row_bytes = 1024;
  options.limits.chunk_bytes = 4 + data[0] % 60;  // where chunks are cut must not matter
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto table = read_csv_text("t", text, options);
  CsvOptions plain = options;
  plain.limits.chunk_bytes = 1 << 16;
  const auto whole = read_csv_text("t", text, plain);
  check(whole.has_value() == table.has_value(), "chunk size changed the outcome");
  if (!table) return 0;
  check(to_result(*whole) == to_result(*table), "chunk size changed the table");
  (void)describe(*table);

  // Inference may choose a smaller scale for what was rounded, so the types are given the second time.
  CsvOptions again;
  for (const Column& column : table->columns) {
    ColumnOverride& wanted = again.overrides[column.schema.name];
    wanted.type = column.schema.type;
    if (column.schema.type == ColumnType::decimal) wanted.scale = column.schema.scale;
  }
  const ResultTable result = to_result(*table);
  const auto back = read_csv_text("t", to_csv(result), again);
  check(back.has_value(), "written CSV does not read");
  check(to_result(*back) == result, "written CSV reads differently");
  check(to_json(result).has_value(), "distinct names, yet no JSON");
  (void)to_text_table(result);
  return 0;
}
