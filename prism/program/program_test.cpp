#include <gtest/gtest.h>

#include <random>

#include "prism/exact/decryptor.h"
#include "prism/exact/encoder.h"
#include "prism/exact/encryptor.h"
#include "prism/host/system.h"
#include "prism/host/thread_pool.h"
#include "prism/math/modular.h"
#include "prism/program/analysis.h"
#include "prism/program/builder.h"
#include "prism/program/executor.h"

namespace prism::program {
namespace {

constexpr std::uint64_t kT = 8588886017;

std::shared_ptr<const exact::Parameters> small_parameters(int levels) {
  rlwe::ParameterSpec spec;
  spec.log_n = 10;
  spec.security = rlwe::Security::none_for_tests;
  const auto primes = rlwe::choose_primes(50, static_cast<std::size_t>(levels) + 2);
  spec.special_primes = {primes->front()};
  spec.primes.assign(primes->begin() + 1, primes->end());
  auto made = exact::Parameters::make(std::move(spec), kT, exact::Scheme::bgv);
  check(made.has_value(), "test parameters");
  return *made;
}

/// Plaintext cells, encrypted on demand: the same ciphertext for the same (cell, block).
class TestInputs final : public Inputs {
 public:
  TestInputs(std::shared_ptr<const exact::Parameters> parameters, const rlwe::SecretKey& key, std::uint64_t rows,
             std::uint32_t cells)
      : parameters_(std::move(parameters)), encryptor_(key, parameters_), rows_(rows) {
    std::mt19937_64 rng(7);
    for (std::uint32_t c = 0; c < cells; ++c) {
      values_.emplace_back();
      for (std::uint64_t r = 0; r < rows; ++r) values_.back().push_back(static_cast<std::int64_t>(rng() % 5) - 2);
    }
  }
  std::uint64_t blocks() const override { return (rows_ + parameters_->slots() - 1) / parameters_->slots(); }
  std::uint64_t rows_in_block(std::uint64_t block) const override {
    return std::min<std::uint64_t>(parameters_->slots(), rows_ - block * parameters_->slots());
  }
  Result<exact::Ciphertext> load(std::uint32_t cell, std::uint64_t block, rlwe::Level level) const override {
    const auto first = values_[cell].begin() + static_cast<std::ptrdiff_t>(block * parameters_->slots());
    const std::vector<std::int64_t> slots(first, first + static_cast<std::ptrdiff_t>(rows_in_block(block)));
    PRISM_TRY(const auto plain, exact::Encoder(parameters_).encode(slots));
    ring::Seed seed{};
    seed[0] = static_cast<std::uint8_t>(cell);
    std::array<std::uint8_t, 32> errors{};
    errors[1] = static_cast<std::uint8_t>(cell);
    PRISM_TRY(const auto c, encryptor_.encrypt(plain, level, seed, block, ring::SecretSeed(errors), block));
    return exact::expand(c);
  }
  std::int64_t at(std::uint32_t cell, std::uint64_t row) const { return values_[cell][row]; }
  std::uint64_t rows() const { return rows_; }

 private:
  std::shared_ptr<const exact::Parameters> parameters_;
  exact::SymmetricEncryptor encryptor_;
  std::uint64_t rows_;
  std::vector<std::vector<std::int64_t>> values_;
};

std::int64_t opened(const exact::Decryptor& decryptor, const exact::LweSample& sample, std::uint64_t slots) {
  const auto constant = decryptor.decrypt_lwe(sample);
  EXPECT_TRUE(constant) << (constant ? "" : constant.error().message);
  const std::uint64_t sum = math::multiply_mod(constant ? *constant : 0, slots % kT, kT);
  return sum > kT / 2 ? -static_cast<std::int64_t>(kT - sum) : static_cast<std::int64_t>(sum);
}

class ProgramTest : public testing::Test {
 protected:
  void SetUp() override {
    parameters_ = small_parameters(3);
    auto key = rlwe::SecretKey::generate(parameters_->rlwe_ptr(), random_);
    ASSERT_TRUE(key);
    key_ = std::make_unique<rlwe::SecretKey>(std::move(*key));
    keys_ = std::make_unique<rlwe::EvaluationKeys>(parameters_->rlwe_ptr());
    add_key({rlwe::KeyId::Kind::relinearise, 0, rlwe::Level{3}});
  }
  void add_key(rlwe::KeyId id) {
    auto key = rlwe::make_switch_key(*key_, id, parameters_->error_scale(), random_);
    ASSERT_TRUE(key) << key.error().message;
    keys_->add(std::move(*key));
  }
  /// sum over rows of (1 - x0 x1 + x2) * x3, and of x0 - x2: products, mixed levels, the row mask and a linear output.
  Program sample_program(Delivery delivery) {
    Builder b(parameters_);
    const Node x0 = b.input(0, 3), x1 = b.input(1, 3), x2 = b.input(2, 2), x3 = b.input(3, 1);
    const Node inner = *b.combine({{-1, x0, x1}}, {{1, b.drop_to(x0, 3)}}, 1);
    const Node plus = b.add(inner, x2);
    b.output(b.product(plus, x3));
    b.output(b.subtract(x0, x2));
    b.output(b.scale(x3, 7));
    return b.finish(delivery);
  }
  std::vector<std::int64_t> truth(const TestInputs& in) const {
    std::vector<std::int64_t> out(3, 0);
    for (std::uint64_t r = 0; r < in.rows(); ++r) {
      out[0] += (1 - in.at(0, r) * in.at(1, r) + in.at(0, r) + in.at(2, r)) * in.at(3, r);
      out[1] += in.at(0, r) - in.at(2, r);
      out[2] += 7 * in.at(3, r);
    }
    return out;
  }

  host::SystemRandom random_;
  std::shared_ptr<const exact::Parameters> parameters_;
  std::unique_ptr<rlwe::SecretKey> key_;
  std::unique_ptr<rlwe::EvaluationKeys> keys_;
};

TEST_F(ProgramTest, SumsOverBlocksAndPaddingEqualTheTruth) {
  const exact::Evaluator evaluator(parameters_);
  const exact::Decryptor decryptor(*key_, parameters_);
  for (const std::uint64_t rows : {1u, 1023u, 1024u, 1025u, 3000u}) {
    const TestInputs inputs(parameters_, *key_, rows, 4);
    Serial serial;
    const auto outcome = run(sample_program(Delivery::samples), evaluator, *keys_, inputs, serial);
    ASSERT_TRUE(outcome) << outcome.error().message;
    ASSERT_EQ(outcome->samples.size(), 3u);
    const auto want = truth(inputs);
    for (std::size_t i = 0; i < 3; ++i)
      EXPECT_EQ(opened(decryptor, outcome->samples[i], 1024), want[i]) << "rows " << rows << " output " << i;
  }
}

TEST_F(ProgramTest, ThreadsAndMemoryLimitsDoNotShowInTheBytes) {
  const exact::Evaluator evaluator(parameters_);
  const TestInputs inputs(parameters_, *key_, 5000, 4);
  const Program program = sample_program(Delivery::samples);
  Serial serial;
  host::ThreadPool pool(3);
  RunOptions tight;
  tight.most_sum_bytes = 1;  // one output at a time
  const auto a = run(program, evaluator, *keys_, inputs, serial);
  const auto b = run(program, evaluator, *keys_, inputs, pool);
  const auto c = run(program, evaluator, *keys_, inputs, pool, tight);
  ASSERT_TRUE(a && b && c);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(a->samples[i].a, b->samples[i].a);
    EXPECT_EQ(a->samples[i].b, b->samples[i].b);
    EXPECT_EQ(a->samples[i].a, c->samples[i].a);
    EXPECT_EQ(a->samples[i].b, c->samples[i].b);
  }
}

TEST_F(ProgramTest, PackedAnswersHoldThePlannedCoefficientsAndZeros) {
  for (const auto g : packing_elements(1024)) add_key({rlwe::KeyId::Kind::automorphism, g, rlwe::Level{kPackLevel}});
  const exact::Evaluator evaluator(parameters_);
  const exact::Decryptor decryptor(*key_, parameters_);
  const TestInputs inputs(parameters_, *key_, 2500, 4);
  Serial serial;
  const auto outcome = run(sample_program(Delivery::packed), evaluator, *keys_, inputs, serial);
  ASSERT_TRUE(outcome) << outcome.error().message;
  ASSERT_EQ(outcome->packed.size(), 1u);
  const auto plain = decryptor.decrypt(outcome->packed[0]);
  ASSERT_TRUE(plain) << plain.error().message;
  const std::size_t stride = evaluator.pack_stride(3);
  const auto want = truth(inputs);
  for (std::size_t i = 0; i < 1024; ++i) {
    const std::uint64_t sum = math::multiply_mod(plain->coefficients()[i], 1024, kT);
    const std::int64_t centred = sum > kT / 2 ? -static_cast<std::int64_t>(kT - sum) : static_cast<std::int64_t>(sum);
    EXPECT_EQ(centred, i % stride == 0 && i / stride < 3 ? want[i / stride] : 0) << "coefficient " << i;
  }
}

TEST_F(ProgramTest, ExtractionAgreesWithRotateAndSum) {
  // The sum of all slots by its definition, with log2 N rotations, against N times the extracted constant.
  const exact::Evaluator evaluator(parameters_);
  const exact::Decryptor decryptor(*key_, parameters_);
  for (const auto g : evaluator.sum_slots_elements()) add_key({rlwe::KeyId::Kind::automorphism, g, rlwe::Level{3}});
  const TestInputs inputs(parameters_, *key_, 1000, 2);
  const auto a = inputs.load(0, 0, rlwe::Level{3}), b = inputs.load(1, 0, rlwe::Level{3});
  ASSERT_TRUE(a && b);
  const auto product = evaluator.multiply_relinearise(*a, *b, *keys_);
  ASSERT_TRUE(product);
  const auto dropped = evaluator.drop_to(*product, rlwe::Level{2});
  ASSERT_TRUE(dropped);
  const auto rotated = evaluator.sum_slots(*dropped, *keys_);
  ASSERT_TRUE(rotated) << rotated.error().message;
  const auto plain = decryptor.decrypt(*rotated);
  ASSERT_TRUE(plain) << plain.error().message;
  const auto sample = evaluator.extract_constant(*dropped);
  ASSERT_TRUE(sample);
  const std::int64_t extracted = opened(decryptor, *sample, 1024);
  for (const std::int64_t slot : exact::Encoder(parameters_).decode(*plain)) ASSERT_EQ(slot, extracted);
}

TEST_F(ProgramTest, AnalysisBoundsWhatIsMeasured) {
  const Program program = sample_program(Delivery::samples);
  const TestInputs inputs(parameters_, *key_, 3000, 4);
  const auto analysis = analyse(program, *parameters_, inputs.blocks());
  ASSERT_TRUE(analysis) << analysis.error().message;
  EXPECT_EQ(analysis->depth, 2);
  EXPECT_EQ(analysis->inputs, 4u);
  EXPECT_GT(analysis->budget_bits, 0);
  ASSERT_FALSE(analysis->keys.empty());
  const exact::Evaluator evaluator(parameters_);
  Serial serial;
  const auto outcome = run(program, evaluator, *keys_, inputs, serial);
  ASSERT_TRUE(outcome);
  // What analysis says without ciphertexts is at least what the evaluator tracked on them.
  for (const auto& sample : outcome->samples) EXPECT_LE(sample.noise.log2(), analysis->final_noise.log2() + 1e-6);
}

TEST_F(ProgramTest, TooDeepOrTooNoisyIsRefusedBeforeAnythingRuns) {
  Builder b(parameters_);
  Node x = b.input(0, 3);
  for (std::uint32_t i = 1; i <= 3; ++i) x = *b.multiply(x, b.input(i, 3));
  EXPECT_EQ(b.level(x), 0);
  const auto deeper = b.multiply(x, b.input(9, 3));
  ASSERT_FALSE(deeper);
  EXPECT_EQ(deeper.error().code, ErrorCode::level_exhausted);
  b.output(b.product(x, b.input(9, 3)));  // a product at level 0 cannot decrypt with a 33-bit t
  const auto analysis = analyse(b.finish(Delivery::samples), *parameters_, 1);
  ASSERT_FALSE(analysis);
  EXPECT_EQ(analysis.error().code, ErrorCode::noise_exceeded);
}

TEST_F(ProgramTest, MissingKeysAreNamed) {
  const exact::Evaluator evaluator(parameters_);
  const TestInputs inputs(parameters_, *key_, 10, 4);
  Serial serial;
  const rlwe::EvaluationKeys none(parameters_->rlwe_ptr());
  const auto outcome = run(sample_program(Delivery::samples), evaluator, none, inputs, serial);
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::not_found) << outcome.error().message;
}

TEST_F(ProgramTest, TheSameComputationHasTheSameDigestHoweverItWasWritten) {
  const auto build = [&](bool other_order) {
    Builder b(parameters_);
    const Node unused = b.input(other_order ? 7 : 8, 3);
    (void)unused;
    const Node x = b.input(other_order ? 1 : 0, 3), y = b.input(other_order ? 0 : 1, 3);
    b.output(b.product(other_order ? y : x, other_order ? x : y));
    return b.finish(Delivery::samples);
  };
  // Sums and products commute, and what no output needs is not part of a program; the input order is the graph's.
  const Digest root{};
  const Program a = build(false);
  EXPECT_EQ(digest(a, *parameters_, root, {}), digest(build(false), *parameters_, root, {}));
  EXPECT_EQ(a.nodes.size(), 3u);
  EXPECT_EQ(build(true).nodes.size(), 3u);
  Digest other_root{};
  other_root[0] = 1;
  EXPECT_NE(digest(a, *parameters_, root, {}), digest(a, *parameters_, other_root, {}));
  EXPECT_NE(digest(a, *parameters_, root, {}),
            digest(a, *parameters_, root, {{rlwe::KeyId::Kind::relinearise, 0, rlwe::Level{1}}}));
}

TEST_F(ProgramTest, DecodingUndoesEncodingAndRefusesEverythingElse) {
  const Program program = sample_program(Delivery::packed);
  const Bytes bytes = encode(program);
  const auto back = decode(bytes);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, program);
  for (std::size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(decode(ByteView(bytes).first(n))) << n;
  std::mt19937_64 rng(3);
  for (int i = 0; i < 2000; ++i) {
    Bytes bent = bytes;
    bent[rng() % bent.size()] ^= static_cast<std::uint8_t>(1u << (rng() % 8));
    const auto parsed = decode(bent);
    // What still parses must type-check or be refused; it must not crash.
    if (parsed) (void)analyse(*parsed, *parameters_, 1);
  }
}

TEST(AnalysisTest, PackingWithoutSpecialPrimesIsRefused) {
  rlwe::ParameterSpec spec;
  spec.log_n = 10;
  spec.security = rlwe::Security::none_for_tests;
  spec.primes = *rlwe::choose_primes(50, 2);
  const auto parameters = exact::Parameters::make(std::move(spec), kT, exact::Scheme::bgv);
  ASSERT_TRUE(parameters);
  Builder b(*parameters);
  b.output(b.input(0, 1));
  const auto got = analyse(b.finish(Delivery::packed), **parameters, 1);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, ErrorCode::level_exhausted);
}

}  // namespace
}  // namespace prism::program
