#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <random>
#include <set>

#include "prism/exact/decryptor.h"
#include "prism/exact/encoder.h"
#include "prism/host/file.h"
#include "prism/host/system.h"
#include "prism/host/thread_pool.h"
#include "prism/sealed/encode_rows.h"
#include "prism/sealed/parameters.h"
#include "prism/sealed/reader.h"
#include "prism/sealed/tree.h"
#include "prism/sealed/writer.h"
#include "prism/table/read_csv.h"
#include "prism/wire/artefact.h"
#include "tests/support/test_directory.h"

namespace prism::sealed {
namespace {

constexpr const char* kCsv =
    "id,age,state,income,word\n"
    "1,34,NJ,1200.50,alpha\n"
    "2,,CA,800.25,beta\n"
    "3,71,NJ,,gamma\n"
    "4,18,,99.99,beta\n"
    "5,52,TX,-4300.00,delta\n";

table::Table people() {
  auto table = table::read_csv_text("people", kCsv);
  check(table.has_value(), "the test table parses");
  return std::move(*table);
}

SealOptions roles(std::initializer_list<std::pair<const char*, Role>> wanted) {
  SealOptions options;
  for (const auto& [name, role] : wanted) options.roles.emplace_back(name, role);
  return options;
}

SealOptions usual() {
  SealOptions o = roles({{"age", Role::filter},
                         {"age", Role::measure},
                         {"state", Role::group},
                         {"income", Role::measure},
                         {"income", Role::filter},
                         {"word", Role::filter}});
  o.publish = {"state"};
  o.products = {{"age", "income"}};
  return o;
}

struct Made {
  Manifest manifest;
  rlwe::SecretKey key;
  std::string path;
};

Result<Made> make(const table::Table& table, const SealOptions& options, const std::string& path, Parallel& parallel) {
  PRISM_TRY(Proposal proposal, propose(table, options));
  host::SystemRandom random;
  PRISM_CHECKED(random.fill(proposal.header.id));
  PRISM_TRY(rlwe::SecretKey key,
            rlwe::SecretKey::from_seed(proposal.header.parameters->rlwe_ptr(), ring::SecretSeed({1, 2, 3})));
  PRISM_TRY(host::AtomicFile file, host::AtomicFile::create(path, host::AtomicFile::Access::everybody));
  PRISM_TRY(Manifest manifest, seal(table, proposal.header, key, file, random, parallel));
  PRISM_CHECKED(file.commit());
  return Made{std::move(manifest), std::move(key), path};
}

Result<Made> make(const table::Table& table, const SealOptions& options, const std::string& path) {
  Serial serial;
  return make(table, options, path, serial);
}

TEST(BoundsTest, AreRoundedOutwardsAndNeverInwards) {
  EXPECT_EQ(rounded_outwards(100, 5000), (std::pair<std::int64_t, std::int64_t>{0, 5000}));
  EXPECT_EQ(rounded_outwards(18, 97), (std::pair<std::int64_t, std::int64_t>{10, 100}));
  EXPECT_EQ(rounded_outwards(0, 1), (std::pair<std::int64_t, std::int64_t>{0, 1}));
  EXPECT_EQ(rounded_outwards(7, 7), (std::pair<std::int64_t, std::int64_t>{7, 7}));
  EXPECT_EQ(rounded_outwards(INT64_MIN, INT64_MAX), (std::pair<std::int64_t, std::int64_t>{INT64_MIN, INT64_MAX}));
  std::mt19937_64 rng(5);
  for (int i = 0; i < 10000; ++i) {
    const unsigned shift = static_cast<unsigned>(rng() % 60);
    auto a = static_cast<std::int64_t>(rng()) >> shift, b = static_cast<std::int64_t>(rng()) >> shift;
    if (a > b) std::swap(a, b);
    const auto [low, high] = rounded_outwards(a, b);
    EXPECT_LE(low, a) << a << " " << b;
    EXPECT_GE(high, b) << a << " " << b;
  }
}

TEST(DigitsTest, CoverTheirRangeWithFewCells) {
  EXPECT_EQ(balanced_bases(65536, 8), (std::vector<std::uint32_t>(8, 4)));   // 24 cells
  EXPECT_EQ(balanced_bases(65536, 4), (std::vector<std::uint32_t>(4, 16)));  // 60 cells
  for (const std::uint64_t size : {65ull, 100ull, 1000ull, 65537ull, 1'000'000ull, 1ull << 40}) {
    for (const std::size_t digits : {2u, 4u, 8u, 16u}) {
      const auto bases = balanced_bases(size, digits);
      if (bases.empty()) continue;
      double product = 1;
      for (const auto base : bases) product *= base;
      EXPECT_GE(product, static_cast<double>(size));
      EXPECT_LE(bases.size(), digits);
    }
  }
  EXPECT_EQ(leaf_depth(1), 0);
  EXPECT_EQ(leaf_depth(5), 3);
  EXPECT_EQ(leaf_depth(8), 3);
}

TEST(DigitsTest, CompactAndFastAreTheSuggestedCodes) {
  std::string csv = "x\n";
  for (int i = 0; i < 40; ++i) csv += std::to_string(i * 1677) + "\n";  // 0 .. 65403, bounds 0 .. 70000
  const auto table = table::read_csv_text("t", csv);
  ASSERT_TRUE(table);
  SealOptions o = roles({{"x", Role::filter}});
  o.bounds["x"] = {0, 65535};
  const auto compact = propose(*table, o);
  ASSERT_TRUE(compact) << compact.error().message;
  EXPECT_EQ(compact->header.columns[0].code->bases, std::vector<std::uint32_t>(8, 4));
  o.style = SealOptions::Style::fast;
  const auto fast = propose(*table, o);
  ASSERT_TRUE(fast) << fast.error().message;
  EXPECT_EQ(fast->header.columns[0].code->bases, std::vector<std::uint32_t>(4, 16));
}

TEST(LimbsTest, AreBalancedAndAddUpToTheValue) {
  std::mt19937_64 rng(6);
  for (const Limbs limbs : {Limbs{13, 1}, Limbs{13, 3}, Limbs{1, 4}, Limbs{22, 6}}) {
    const int bits = limbs.limb_bits * limbs.count - 1;
    for (int i = 0; i < 2000; ++i) {
      const Int128 wide =
          (static_cast<Int128>(static_cast<std::int64_t>(rng())) << 60) ^ static_cast<Int128>(rng() >> 4);
      Int128 value = wide % (Int128{1} << std::min(bits, 120));
      if (i == 0) value = Int128{1} << std::min(bits, 120);
      if (i == 1) value = -(Int128{1} << std::min(bits, 120));
      Int128 sum = 0;
      for (int j = limbs.count; j-- > 0;) {
        const std::int64_t digit = limb_of(value, limbs, static_cast<std::uint32_t>(j));
        EXPECT_LE(std::abs(digit), std::int64_t{1} << (limbs.limb_bits - 1));
        sum = sum * (Int128{1} << limbs.limb_bits) + digit;
      }
      EXPECT_TRUE(sum == value) << limbs.limb_bits << "x" << limbs.count << " " << to_string(value);
    }
  }
}

TEST(ParametersTest, SumsNeverWrapAndKeysAreInsideTheTable) {
  for (const std::uint64_t rows : {1ull, 1000ull, 20'000ull, 1'000'000ull}) {
    for (const int leaf : {0, 2, 3}) {
      for (const bool groups : {false, true}) {
        Demand d;
        d.rows = rows;
        d.filters = true;
        d.groups = groups;
        d.leaf_depth = leaf;
        d.measure_level = groups ? 2 : 1;
        d.group_level = 1;
        d.predicate_level = groups ? 2 : 1;
        d.filter_level = d.predicate_level + leaf + 1;
        const auto p = choose_parameters(d);
        ASSERT_TRUE(p) << p.error().message;
        const std::uint64_t t = (*p)->plain_modulus();
        const int bits = widest_limb_bits(rows, t);
        EXPECT_LT(static_cast<double>(rows) * std::exp2(bits - 1), static_cast<double>(t) / 2);
        EXPECT_GE(bits, 6);
        EXPECT_LE((*p)->rlwe().log2_key_modulus((*p)->max_level()),
                  rlwe::max_log2_modulus((*p)->rlwe().ring().log_n(), rlwe::Security::bits128));
      }
    }
  }
}

TEST(ParametersTest, TheSuggestedDefaultsComeOut) {
  Demand sums;
  sums.rows = 1000;
  const auto a = choose_parameters(sums);
  ASSERT_TRUE(a);
  EXPECT_EQ((*a)->rlwe().ring().log_n(), 11u);
  EXPECT_EQ((*a)->plain_modulus(), 8588886017u);
  EXPECT_TRUE((*a)->rlwe().spec().special_primes.empty()) << "nothing multiplies, so nothing needs keys";
  Demand range;
  range.rows = 1'000'000;
  range.filters = true;
  range.leaf_depth = 3;
  range.measure_level = range.predicate_level = 1;
  range.filter_level = 4;
  const auto b = choose_parameters(range);
  ASSERT_TRUE(b) << b.error().message;
  EXPECT_EQ((*b)->rlwe().ring().log_n(), 14u);
  EXPECT_GT((*b)->plain_modulus(), std::uint64_t{1} << 29);
  EXPECT_EQ((*b)->max_level().value, 4);
}

TEST(ParametersTest, HigherSecurityTakesALargerRing) {
  Demand d;
  d.rows = 1000;
  d.filters = true;
  d.measure_level = d.predicate_level = d.filter_level = 1;
  unsigned last = 0;
  for (const auto security : {rlwe::Security::bits128, rlwe::Security::bits192, rlwe::Security::bits256}) {
    d.security = security;
    const auto p = choose_parameters(d);
    ASSERT_TRUE(p);
    EXPECT_GE((*p)->rlwe().ring().log_n(), last);
    EXPECT_LE((*p)->rlwe().log2_key_modulus((*p)->max_level()),
              rlwe::max_log2_modulus((*p)->rlwe().ring().log_n(), security));
    last = (*p)->rlwe().ring().log_n();
  }
}

TEST(ProposeTest, ListsWhatBecomesPublicAndWhatIsLeftOut) {
  const auto p = propose(people(), {});
  ASSERT_TRUE(p) << p.error().message;
  ASSERT_EQ(p->left_out.size(), 1u);
  EXPECT_NE(p->left_out[0].find("id"), std::string::npos);
  std::string all;
  for (const auto& line : p->becomes_public) all += line + "\n";
  EXPECT_NE(all.find("row count: 5"), std::string::npos);
  EXPECT_NE(all.find("income"), std::string::npos);
  EXPECT_NE(all.find("values it has: 3"), std::string::npos);
  EXPECT_EQ(all.find("alpha"), std::string::npos) << "a private dictionary is not listed";
  EXPECT_EQ(all.find("NJ"), std::string::npos);
}

TEST(ProposeTest, RefusesWhatCannotBeWithoutShowingValues) {
  const auto code = [](const SealOptions& o) {
    const auto p = propose(people(), o);
    EXPECT_FALSE(p);
    if (!p) {
      EXPECT_EQ(p.error().message.find("4300"), std::string::npos) << p.error().message;
    }
    return p ? ErrorCode::io : p.error().code;
  };
  EXPECT_EQ(code(roles({{"nobody", Role::measure}})), ErrorCode::not_found);
  EXPECT_EQ(code(roles({{"word", Role::measure}})), ErrorCode::invalid_argument);
  EXPECT_EQ(code(roles({{"income", Role::group}})), ErrorCode::invalid_argument);
  SealOptions o = usual();
  o.bounds["income"] = {0, 1000};
  EXPECT_EQ(code(o), ErrorCode::invalid_argument);
  o = usual();
  o.publish = {"age"};
  EXPECT_EQ(code(o), ErrorCode::invalid_argument);
  o = usual();
  o.products = {{"age", "word"}};
  EXPECT_EQ(code(o), ErrorCode::invalid_argument);
  o = usual();
  o.pad_rows_to = 3;
  EXPECT_EQ(code(o), ErrorCode::invalid_argument);
}

TEST(HeaderTest, DecodingUndoesEncoding) {
  SealOptions o = usual();
  o.pad_rows_to = 100;
  auto p = propose(people(), o);
  ASSERT_TRUE(p) << p.error().message;
  const Bytes bytes = encode(p->header);
  const auto back = decode_header(bytes);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(encode(*back), bytes);
  EXPECT_EQ(cells_of(*back).size(), cells_of(p->header).size());
  for (std::size_t n = 0; n < bytes.size(); n += 7) EXPECT_FALSE(decode_header(ByteView(bytes).first(n))) << n;
}

TEST(SealedTableTest, EveryCellDecryptsToWhatTheTableSays) {
  const support::TestDirectory directory;
  const table::Table table = people();
  SealOptions o = usual();
  o.pad_rows_to = 9;
  host::ThreadPool pool(2);
  const auto made = make(table, o, directory / "people.sealed", pool);
  ASSERT_TRUE(made) << made.error().message;
  const auto sealed = SealedTable::open(made->path);
  ASSERT_TRUE(sealed) << sealed.error().message;
  EXPECT_EQ(sealed->root(), made->manifest.root);
  EXPECT_EQ(sealed->file_bytes(), sealed_file_bytes(made->manifest.header));
  ASSERT_TRUE(sealed->verify());
  const auto source = match_columns(table, sealed->header());
  ASSERT_TRUE(source);
  const auto key = rlwe::SecretKey::from_seed(sealed->header().parameters->rlwe_ptr(), ring::SecretSeed({1, 2, 3}));
  ASSERT_TRUE(key);
  const exact::Decryptor decryptor(*key, sealed->header().parameters);
  const exact::Encoder encoder(sealed->header().parameters);
  std::vector<std::int64_t> want(sealed->header().parameters->slots());
  for (std::uint32_t c = 0; c < sealed->cells().size(); ++c) {
    const auto ciphertext = sealed->load(c, 0);
    ASSERT_TRUE(ciphertext) << ciphertext.error().message;
    EXPECT_EQ(ciphertext->level, sealed->cells()[c].level);
    const auto plain = decryptor.decrypt(*ciphertext);
    ASSERT_TRUE(plain) << plain.error().message;
    encode_rows(want, table, sealed->header(), *source, sealed->cells()[c], 0);
    EXPECT_EQ(encoder.decode(*plain), want) << describe(sealed->header(), sealed->cells()[c]);
  }
}

TEST(SealedTableTest, EveryRunUsesFreshSeeds) {
  const support::TestDirectory directory;
  const auto a = make(people(), usual(), directory / "a");
  const auto b = make(people(), usual(), directory / "b");
  ASSERT_TRUE(a && b);
  EXPECT_NE(a->manifest.header.run_seed, b->manifest.header.run_seed);
  std::set<ring::Seed> seeds;
  const std::size_t cells = cells_of(a->manifest.header).size();
  for (std::uint32_t c = 0; c < cells; ++c) {
    seeds.insert(cell_seed(a->manifest.header, c));
    seeds.insert(cell_seed(b->manifest.header, c));
  }
  Header other = a->manifest.header;
  other.id[0] ^= 1;
  seeds.insert(cell_seed(other, 0));
  EXPECT_EQ(seeds.size(), 2 * cells + 1) << "seeds are bound to run, table and cell";
}

TEST(SealedTableTest, DamageIsNoticedWhereverItIs) {
  const support::TestDirectory directory;
  const auto made = make(people(), usual(), directory / "t");
  ASSERT_TRUE(made);
  const auto bytes = host::read_file(made->path, 1 << 30);
  ASSERT_TRUE(bytes);
  const std::string bent = directory / "bent";
  std::mt19937_64 rng(8);
  const auto opens_and_verifies = [&](ByteView content) {
    EXPECT_TRUE(host::write_file(bent, content, host::AtomicFile::Access::everybody));
    const auto table = SealedTable::open(bent);
    return table && table->verify();
  };
  ASSERT_TRUE(opens_and_verifies(*bytes));
  // Every region: the header of all files, the prologue, the table's header, keys, blocks, leaves.
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < 400; i += 5) places.push_back(i);
  for (int i = 0; i < 40; ++i) places.push_back(rng() % bytes->size());
  places.push_back(bytes->size() - 1);
  for (const std::size_t at : places) {
    Bytes changed = *bytes;
    changed[at] ^= 0x10;
    EXPECT_FALSE(opens_and_verifies(changed)) << "byte " << at << " of " << bytes->size();
  }
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{10}, std::size_t{60}, bytes->size() / 2, bytes->size() - 1})
    EXPECT_FALSE(opens_and_verifies(ByteView(*bytes).first(size))) << size;
  Bytes longer = *bytes;
  longer.push_back(0);
  EXPECT_FALSE(opens_and_verifies(longer));
}

TEST(SealedTableTest, KeysAreAddedWithoutSealingAgain) {
  const support::TestDirectory directory;
  const auto made = make(people(), usual(), directory / "t");
  ASSERT_TRUE(made) << made.error().message;
  const auto table = SealedTable::open(made->path);
  ASSERT_TRUE(table);
  const rlwe::KeyId rotation{rlwe::KeyId::Kind::automorphism,
                             rlwe::galois_element_for_rotation(7, table->header().parameters->degree()),
                             rlwe::Level{1}};
  EXPECT_FALSE(table->keys({rotation}));
  const auto key = rlwe::SecretKey::from_seed(table->header().parameters->rlwe_ptr(), ring::SecretSeed({1, 2, 3}));
  ASSERT_TRUE(key);
  host::SystemRandom random;
  std::vector<rlwe::SwitchKey> more;
  more.push_back(std::move(*rlwe::make_switch_key(*key, rotation, table->header().parameters->error_scale(), random)));
  auto file = host::AtomicFile::create(directory / "more", host::AtomicFile::Access::everybody);
  ASSERT_TRUE(file && extend_keys(*table, more, *file) && file->commit());
  const auto extended = SealedTable::open(directory / "more");
  ASSERT_TRUE(extended) << extended.error().message;
  EXPECT_EQ(extended->root(), table->root());
  EXPECT_TRUE(extended->keys({rotation}));
  EXPECT_TRUE(extended->verify());
  auto again = host::AtomicFile::create(directory / "again", host::AtomicFile::Access::everybody);
  const Status twice = extend_keys(*extended, more, *again);
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().code, ErrorCode::mismatch);
}

TEST(SealedTableTest, StoppingLeavesNothing) {
  const support::TestDirectory directory;
  const table::Table table = people();
  auto proposal = propose(table, usual());
  ASSERT_TRUE(proposal);
  host::SystemRandom random;
  auto key = rlwe::SecretKey::generate(proposal->header.parameters->rlwe_ptr(), random);
  ASSERT_TRUE(key);
  {
    auto file = host::AtomicFile::create(directory / "stopped", host::AtomicFile::Access::everybody);
    ASSERT_TRUE(file);
    Serial serial;
    const auto stopped =
        seal(table, proposal->header, *key, *file, random, serial, [](SealProgress p) { return p.done < 3; });
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().code, ErrorCode::interrupted);
  }
  const auto names = host::list_directory(directory.path());
  ASSERT_TRUE(names);
  EXPECT_TRUE(names->empty());
}

TEST(ManifestTest, DecodingUndoesEncodingAndRefusesDamage) {
  const support::TestDirectory directory;
  const auto made = make(people(), usual(), directory / "t");
  ASSERT_TRUE(made);
  const Bytes bytes = encode(made->manifest);
  const auto back = decode_manifest(bytes);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(encode(*back), bytes);
  EXPECT_EQ(back->dictionaries, made->manifest.dictionaries);
  for (std::size_t n = 0; n < bytes.size(); n += 11) EXPECT_FALSE(decode_manifest(ByteView(bytes).first(n)));
  DictionaryExport d{made->manifest.header.id, "word", {"a", "b"}};
  const auto again = decode_dictionary(encode_dictionary(d));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->words, d.words);
  d.words = {"b", "a"};
  EXPECT_FALSE(decode_dictionary(encode_dictionary(d)));
}

}  // namespace
}  // namespace prism::sealed
