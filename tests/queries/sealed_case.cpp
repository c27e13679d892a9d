#include "tests/queries/sealed_case.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "prism/host/atomic_file.h"
#include "prism/host/system.h"
#include "prism/sealed/writer.h"
#include "prism/table/read_csv.h"

namespace prism::queries {

Result<SealedCase> seal_case(table::Table table, const sealed::SealOptions& options, const std::string& path,
                             Parallel& parallel, const sealed::Header* layout) {
  PRISM_TRY(sealed::Proposal proposal, sealed::propose(table, options));
  if (layout != nullptr) {
    proposal.header = *layout;
    proposal.header.rows = table.rows;
  }
  host::SystemRandom random;
  PRISM_CHECKED(random.fill(proposal.header.id));
  PRISM_TRY(rlwe::SecretKey key, rlwe::SecretKey::generate(proposal.header.parameters->rlwe_ptr(), random));
  PRISM_TRY(host::AtomicFile file, host::AtomicFile::create(path, host::AtomicFile::Access::everybody));
  PRISM_TRY(sealed::Manifest manifest, sealed::seal(table, proposal.header, key, file, random, parallel));
  PRISM_CHECKED(file.commit());
  PRISM_TRY(sealed::SealedTable sealed, sealed::SealedTable::open(path));
  backend::he::Dictionaries dictionaries;
  for (std::size_t c = 0; c < manifest.header.columns.size(); ++c) {
    const sealed::Column& column = manifest.header.columns[c];
    if (column.schema.type == table::ColumnType::text && column.code && !column.published)
      dictionaries[c] = manifest.dictionaries[c];
  }
  return SealedCase{std::make_unique<const table::Table>(std::move(table)), std::move(manifest), std::move(key),
                    std::move(sealed), std::move(dictionaries)};
}

Result<table::Table> read_table(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(ErrorCode::not_found, "no file ", path);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  return table::read_csv_text(std::filesystem::path(path).stem().string(), bytes);
}

}  // namespace prism::queries
