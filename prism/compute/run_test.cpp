#include "prism/compute/run.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "prism/compute/plan.h"
#include "prism/compute/result.h"
#include "prism/fhe/context.h"

namespace prism::compute {
namespace {

class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : engine_(seed) {}
  Status fill(MutableByteView out) override {
    for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(engine_());
    return {};
  }

 private:
  std::mt19937_64 engine_;
};

template <class T>
T must(Result<T> result) {
  if (!result) {
    ADD_FAILURE() << result.error().message << "; " << result.error().detail;
    std::abort();
  }
  return *std::move(result);
}

/// A client: a key holder, and the artefacts it would send.
template <class Family>
struct Client {
  SeededRandom random{11};
  std::shared_ptr<const typename Family::Parameters> parameters;
  fhe::KeyHolder<Family> keys;

  explicit Client(std::shared_ptr<const typename Family::Parameters> p, double magnitude)
      : parameters(std::move(p)),
        keys(must(
            fhe::KeyHolder<Family>::create(parameters, magnitude, must(ring::fresh_secret_seed(random)), random))) {}
  Plan plan(const Request& request, const std::map<std::string, std::uint64_t>& sizes) const {
    const Bytes declared = must(fhe::encode_parameters<Family>({parameters, keys.public_part().largest_magnitude()}));
    const Plan answered = must(answer_plan(plan_question(request.to_json(), sizes, declared), {}));
    EXPECT_EQ(must(Plan::parse(answered.to_json())), answered);
    return answered;
  }
  std::shared_ptr<const Context> context(const Plan& plan) const {
    return must(Context::decode(must(must(keys.context_with(plan.key_ids())).encode())));
  }
};

Request statistics() {
  return must(Request::parse(R"({"operation":"statistics","compute":["mean","variance","sum"],"inputs":["x"]})"));
}

Client<fhe::Approximate>& approximate() {
  // Of 4,096 values up to 500.
  static Client<fhe::Approximate> one(
      must(program::approximate_parameters_for(must(statistics().lower(program::Family::approximate, {{"x", 4096}})),
                                               500, 10, rlwe::Security::bits128)),
      500);
  return one;
}
Client<fhe::Exact>& exact() {
  static Client<fhe::Exact> one(must(fhe::parameters_for(fhe::ExactIntent{
                                    .depth = 1, .largest_value = 1'000'000'000, .movement = {.sums = true}})),
                                0);
  return one;
}

TEST(Run, StatisticsComeBackToTheKeyHolder) {
  auto& client = approximate();
  const std::vector<double> values{100, 200, 300, 400, 500};
  const Bytes data = must(client.keys.encrypt_to_bytes(values));
  const Plan plan = client.plan(statistics(), {{"x", values.size()}});
  EXPECT_EQ(plan.depth_needed, 1);
  const auto context = client.context(plan);
  const NamedBytes inputs[] = {{"x", data}};
  const Ran ran = must(run(statistics(), *context, inputs));
  EXPECT_EQ(ran.program, plan.program);
  EXPECT_LE(ran.result.size(), plan.answer_bytes + 4096);
  const Opened opened = must(open_result(ran.result, client.keys, {.expected_program = plan.program}));
  ASSERT_EQ(opened.outputs.size(), 3u);
  EXPECT_TRUE(opened.bounds_recomputed);
  const double wanted[] = {300, 20'000, 1500};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(opened.outputs[i].name, statistics().compute[i]);
    EXPECT_NEAR(opened.outputs[i].values[0], wanted[i], opened.outputs[i].error);
    EXPECT_NEAR(opened.outputs[i].error / plan.outputs[i].error, 1, 0.01) << "what was planned is what came";
    EXPECT_LT(opened.outputs[i].error, 1e-2 * wanted[i]);
  }
  EXPECT_EQ(must(run(statistics(), *context, inputs)).result, ran.result);
}

// With precise parameters decoding is much of the error; what was planned is not less than what is said later.
TEST(Run, PlannedErrorsHoldDecoding) {
  const Request request = must(Request::parse(R"({"operation":"mean","inputs":["x"]})"));
  Client<fhe::Approximate> client(
      must(program::approximate_parameters_for(must(request.lower(program::Family::approximate, {{"x", 4}})), 1, 30,
                                               rlwe::Security::bits128)),
      1);
  const Bytes data = must(client.keys.encrypt_to_bytes(std::vector<double>{0.25, -1, 1, 0.125}));
  const Plan plan = client.plan(request, {{"x", 4}});
  const NamedBytes inputs[] = {{"x", data}};
  const Opened opened = must(open_result(must(run(request, *client.context(plan), inputs)).result, client.keys));
  EXPECT_LE(opened.outputs[0].error, plan.outputs[0].error * (1 + 1e-5)) << "the wire rounds a little";
  EXPECT_NEAR(opened.outputs[0].error / plan.outputs[0].error, 1, 1e-3);
}

TEST(Run, ExactStatisticsAreExact) {
  auto& client = exact();
  const std::vector<std::int64_t> values{7, -3, 12, 90, 55, 1, 0};
  const Bytes data = must(client.keys.encrypt_to_bytes(values));
  const auto context = client.context(client.plan(statistics(), {{"x", values.size()}}));
  const NamedBytes inputs[] = {{"x", data}};
  const Opened opened = must(open_result(must(run(statistics(), *context, inputs)).result, client.keys));
  EXPECT_DOUBLE_EQ(opened.outputs[0].values[0], 162.0 / 7);
  EXPECT_DOUBLE_EQ(opened.outputs[1].values[0], (7 * 11'328.0 - 162 * 162) / 49);
  EXPECT_EQ(opened.outputs[2].whole, std::vector<std::int64_t>{162});
}

TEST(Run, WholeNumbersThatCouldWrapAreRefusedOrSaidToBeModuloT) {
  SeededRandom random(3);
  const auto request = [](int weight) {
    Request made;
    made.operation = "weighted_sum";
    made.inputs = {"x"};
    made.weights.assign(5, weight);
    return made;
  };
  const auto computation = must(request(1).lower(program::Family::exact, {{"x", 5}}));
  const auto parameters = must(program::exact_parameters_for(computation, 8, rlwe::Security::bits128));
  const auto t = static_cast<std::int64_t>(parameters->plain_modulus());
  const std::vector<std::int64_t> values{1, 2, 3, 4, 5};

  Client<fhe::Exact> declared(parameters, 8);
  const Bytes data = must(declared.keys.encrypt_to_bytes(values));
  const NamedBytes inputs[] = {{"x", data}};
  const Bytes bytes = must(fhe::encode_parameters<fhe::Exact>({parameters, 8}));
  const auto refused = answer_plan(plan_question(request(10'000).to_json(), {{"x", 5}}, bytes), {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unsupported);
  EXPECT_NE(refused.error().message.find("400000"), std::string::npos) << refused.error().message;
  const Plan plan = declared.plan(request(1), {{"x", 5}});
  EXPECT_EQ(plan.modulus, 0u);
  const auto context = declared.context(plan);
  EXPECT_EQ(run(request(10'000), *context, inputs).error().code, ErrorCode::unsupported) << "planned or not";
  const Opened fits = must(open_result(must(run(request(1), *context, inputs)).result, declared.keys));
  EXPECT_EQ(fits.outputs[0].whole, std::vector<std::int64_t>{15});
  EXPECT_EQ(fits.modulus, 0u);

  // Nothing declared, as in older files: computed modulo t, and said so in plan and answer.
  Client<fhe::Exact> silent(parameters, 0);
  const Bytes other = must(silent.keys.encrypt_to_bytes(values));
  const NamedBytes others[] = {{"x", other}};
  const Plan modular = silent.plan(request(10'000), {{"x", 5}});
  EXPECT_EQ(modular.modulus, parameters->plain_modulus());
  const Opened wrapped =
      must(open_result(must(run(request(10'000), *silent.context(modular), others)).result, silent.keys));
  EXPECT_EQ(((wrapped.outputs[0].whole[0] - 150'000) % t + t) % t, 0);
  EXPECT_NE(wrapped.outputs[0].whole[0], 150'000);
  EXPECT_EQ(wrapped.modulus, parameters->plain_modulus());

  // A result that no honest server gives is opened with the same word.
  const Ran honest = must(run(request(1), *context, inputs));
  std::vector<Bytes> carriers;
  const ResultView parts = must(decode_result(honest.result));
  for (const ByteView carrier : parts.carriers) carriers.emplace_back(carrier.begin(), carrier.end());
  const Bytes forged = encode_result(declared.keys.public_part().identity(),
                                     must(request(10'000).lower(program::Family::exact, {{"x", 5}})), carriers);
  EXPECT_EQ(must(open_result(forged, declared.keys)).modulus, parameters->plain_modulus());
}

TEST(Run, AMeanOverNothingIsNoNumberWithoutABound) {
  auto& client = exact();
  const Request request = must(Request::parse(R"({"operation":"mean","inputs":["x"],"count":"c"})"));
  const auto context = client.context(client.plan(request, {{"x", 2}, {"c", 2}}));
  const std::vector<std::int64_t> none{0, 0};
  const Bytes x = must(client.keys.encrypt_to_bytes(none)), c = must(client.keys.encrypt_to_bytes(none));
  const NamedBytes inputs[] = {{"c", c}, {"x", x}};
  const Opened opened = must(open_result(must(run(request, *context, inputs)).result, client.keys));
  EXPECT_TRUE(std::isnan(opened.outputs[0].values[0]));
  EXPECT_EQ(opened.outputs[0].error, HUGE_VAL);
}

TEST(Run, EncryptedCountsAreDividedByTheReader) {
  auto& client = approximate();
  const std::vector<double> values{3, 0, 9, 0}, chosen{1, 0, 1, 0};
  const Request request = must(Request::parse(R"({"operation":"mean","inputs":["x"],"count":"c"})"));
  const auto context = client.context(client.plan(request, {{"x", 4}, {"c", 4}}));
  const Bytes x = must(client.keys.encrypt_to_bytes(values)), c = must(client.keys.encrypt_to_bytes(chosen));
  const NamedBytes inputs[] = {{"c", c}, {"x", x}};
  const Opened opened = must(open_result(must(run(request, *context, inputs)).result, client.keys));
  EXPECT_NEAR(opened.outputs[0].values[0], 6, opened.outputs[0].error);
  EXPECT_LT(opened.outputs[0].error, 0.1);
}

TEST(Run, WhatIsNotOursOrTooLargeIsRefused) {
  auto& client = approximate();
  const Bytes data = must(client.keys.encrypt_to_bytes(std::vector<double>{1, 2, 3}));
  const Plan plan = client.plan(statistics(), {{"x", 3}});
  const auto context = client.context(plan);
  const NamedBytes inputs[] = {{"x", data}};
  const auto refused = [&](ErrorCode code, auto change) {
    RunOptions options;
    change(options.limits);
    const auto outcome = run(statistics(), *context, inputs, options);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, code) << outcome.error().message;
  };
  refused(ErrorCode::exhausted, [](Limits& l) { l.input_bytes = 1000; });
  refused(ErrorCode::exhausted, [](Limits& l) { l.answer_bytes = 1000; });
  refused(ErrorCode::exhausted, [](Limits& l) { l.memory_bytes = 1000; });
  refused(ErrorCode::exhausted, [](Limits& l) { l.cpu_seconds = 1e-6; });
  const Bytes artefact = must(client.keys.public_part().encode());
  EXPECT_EQ(Context::decode(artefact, {.largest_ring_log2 = 11}).error().code, ErrorCode::exhausted);
  EXPECT_EQ(Context::decode(artefact, {.context_bytes = 100}).error().code, ErrorCode::exhausted);
  EXPECT_EQ(Context::decode(data).error().code, ErrorCode::mismatch);

  const Bytes foreign = must(exact().keys.encrypt_to_bytes(std::vector<std::int64_t>{1, 2, 3}));
  const NamedBytes others[] = {{"x", foreign}};
  EXPECT_EQ(run(statistics(), *context, others).error().code, ErrorCode::mismatch);
  const NamedBytes none[] = {{"y", data}};
  EXPECT_EQ(run(statistics(), *context, none).error().detail, "/inputs/0");
  const NamedBytes twice[] = {{"x", data}, {"x", data}};
  EXPECT_FALSE(run(statistics(), *context, twice));

  const Ran ran = must(run(statistics(), *context, inputs));
  EXPECT_EQ(open_result(ran.result, exact().keys).error().code, ErrorCode::mismatch);
  EXPECT_EQ(open_result(ran.result, client.keys, {.expected_program = Digest{}}).error().code, ErrorCode::mismatch);
}

TEST(Run, AResultThatNamesAnEndlessComputationIsRefusedBeforeItIsRehearsed) {
  auto& client = approximate();
  program::ComputationBuilder b(program::Family::approximate);
  ASSERT_TRUE(b.output("sum", must(b.sum(must(b.input("x", program::kMostValues))))));
  const Bytes carrier = must(must(client.keys.encrypt({1.0})).encode());
  const Bytes result =
      encode_result(client.keys.public_part().identity(), must(b.finish()), std::vector<Bytes>{carrier});
  const auto refused = open_result(result, client.keys);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::exhausted) << refused.error().message;
}

TEST(Run, CutAndChangedBytesAreRefusedOrGiveAResult) {
  auto& client = approximate();
  const Bytes data = must(client.keys.encrypt_to_bytes(std::vector<double>{1, 2, 3}));
  const auto context = client.context(client.plan(statistics(), {{"x", 3}}));
  const NamedBytes inputs[] = {{"x", data}};
  const Bytes result = must(run(statistics(), *context, inputs)).result;
  std::mt19937_64 engine(5);
  for (int i = 0; i < 200; ++i) {
    const std::size_t cut = engine() % result.size();
    EXPECT_FALSE(decode_result(ByteView(result).first(cut)));
    Bytes changed = result;
    changed[i < 150 ? static_cast<std::size_t>(i) : engine() % result.size()] ^=
        static_cast<std::uint8_t>(1 + engine() % 255);
    (void)decode_result(changed);
    Bytes input = data;
    input[i < 150 ? static_cast<std::size_t>(i) : engine() % data.size()] ^=
        static_cast<std::uint8_t>(1 + engine() % 255);
    const NamedBytes bad[] = {{"x", input}};
    if (i % 10 == 0) (void)run(statistics(), *context, bad);
  }
}

TEST(Plan, SaysWhatIsNeededBeforeThereAreKeys) {
  auto& client = approximate();
  const Plan plan = client.plan(statistics(), {{"x", 4096}});
  std::size_t relinearisations = 0;
  std::uint64_t bytes = 0;
  for (const PlannedKey& key : plan.keys) {
    relinearisations += key.name == "relinearisation" ? 1 : 0;
    bytes += key.bytes;
    EXPECT_EQ(key.name.find("automorphism"), std::string::npos) << "keys of sums have names for people";
  }
  EXPECT_EQ(relinearisations, 1u);
  EXPECT_EQ(bytes, plan.key_bytes);
  const Bytes keys = must(must(client.keys.context_with(plan.key_ids())).encode_keys());
  EXPECT_GE(keys.size(), plan.key_bytes);
  EXPECT_LE(keys.size(), plan.key_bytes + 64 + 100 * plan.keys.size());
  EXPECT_GT(plan.cpu_seconds, 0);
  // A depth that is not there.
  const Request deep =
      must(Request::parse(R"({"operation":"polynomial","inputs":["x"],"coefficients":[0,0,0,0,0,0,1]})"));
  const Bytes declared = must(fhe::encode_parameters<fhe::Approximate>({client.parameters, 500}));
  const auto refused = answer_plan(plan_question(deep.to_json(), {{"x", 9}}, declared), {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::level_exhausted);
  EXPECT_NE(refused.error().message.find("depth of 3"), std::string::npos) << refused.error().message;
}

TEST(Plan, ManyHighDegreesAreTooDearBeforeTheyArePlanned) {
  program::ComputationBuilder b(program::Family::approximate);
  const program::Node x = must(b.input("x", 4));
  for (int i = 0; i < 200; ++i) {
    std::vector<double> coefficients(4096, 0.5);
    coefficients[0] = i;
    ASSERT_TRUE(b.output("p" + std::to_string(i), must(b.polynomial(x, std::move(coefficients)))));
  }
  const auto refused =
      make_plan(must(b.finish()), program::ApproximateParameters{approximate().parameters, 500}, {.cpu_seconds = 60});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::exhausted) << refused.error().message;
}

TEST(Plan, QuestionsAreBoundedAndRefusedByPointer) {
  const Bytes declared = must(fhe::encode_parameters<fhe::Approximate>({approximate().parameters, 500}));
  const std::string good = plan_question(statistics().to_json(), {{"x", 9}}, declared);
  EXPECT_TRUE(answer_plan(good, {}));
  const auto pointer = [&](const std::string& from, const std::string& to) {
    std::string bad = good;
    const auto at = bad.find(from);
    EXPECT_NE(at, std::string::npos);
    bad.replace(at, from.size(), to);
    const auto outcome = answer_plan(bad, {});
    return outcome ? std::string("accepted") : outcome.error().detail;
  };
  EXPECT_EQ(pointer("\"x\":9", "\"x\":-9"), "/inputs/x");
  EXPECT_EQ(pointer("\"x\":9", "\"y\":9"), "/inputs/0");
  EXPECT_EQ(pointer("\"statistics\"", "\"no\""), "/request/operation");
  EXPECT_EQ(pointer("\"parameters\":\"", "\"parameters\":\"zz"), "/parameters");
  EXPECT_EQ(answer_plan(good, {.largest_ring_log2 = 10}).error().code, ErrorCode::exhausted);
  EXPECT_EQ(answer_plan(good, {.cpu_seconds = 1e-9}).error().code, ErrorCode::exhausted);
  EXPECT_FALSE(Plan::parse("{}"));
  EXPECT_FALSE(Plan::parse("[]"));
}

}  // namespace
}  // namespace prism::compute
