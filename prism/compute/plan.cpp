#include "prism/compute/plan.h"

#include <algorithm>
#include <cmath>

#include "prism/ckks/noise.h"
#include "prism/compute/internal/checks.h"
#include "prism/compute/internal/json.h"
#include "prism/compute/request.h"
#include "prism/fhe/context.h"
#include "prism/rlwe/files.h"

namespace prism::compute {
namespace {

constexpr std::size_t kMostPlanBytes = std::size_t{4} << 20;
constexpr std::size_t kMostParameterBytes = 4096;

const rlwe::Parameters& ring_of(const program::AnyParameters& parameters) {
  if (const auto* approximate = std::get_if<program::ApproximateParameters>(&parameters))
    return approximate->parameters->rlwe();
  return std::get<program::ExactParameters>(parameters).parameters->rlwe();
}

/// For people: by how many slots a key moves.
std::string key_name(const rlwe::KeyId& id, std::size_t degree) {
  if (id.kind == rlwe::KeyId::Kind::relinearise) return "relinearisation";
  if (id.g == rlwe::galois_element_for_conjugation(degree)) return "row swap";
  std::uint64_t g = 1;
  for (std::size_t steps = 0; steps < degree / 2; ++steps) {
    if (g == id.g) return "rotation by " + std::to_string(steps);
    g = g * 5 % (2 * degree);
  }
  return "automorphism " + std::to_string(id.g);
}

std::optional<Bytes> bytes_from_hex(std::string_view text) {
  const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
  if (text.size() % 2 != 0) return std::nullopt;
  Bytes out;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = digit(text[i]), low = digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<std::uint8_t>(16 * high + low));
  }
  return out;
}

Result<Digest> digest_member(Members& m, std::string_view name) {
  PRISM_TRY(const std::string text, m.text(name, 64));
  const auto bytes = bytes_from_hex(text);
  if (!bytes || bytes->size() != 32)
    return at_pointer(ErrorCode::malformed, "64 hexadecimal digits are wanted here", m.pointer(name));
  Digest out;
  std::copy(bytes->begin(), bytes->end(), out.begin());
  return out;
}

Result<std::uint64_t> count_member(Members& m, std::string_view name) {
  PRISM_TRY(const std::int64_t value, m.whole(name, 0, INT64_MAX));
  return static_cast<std::uint64_t>(value);
}

}  // namespace

Status check_ring(const rlwe::ParameterSpec& spec, const Limits& limits) {
  const std::size_t primes = spec.primes.size() + spec.special_primes.size();
  if (spec.log_n <= limits.largest_ring_log2 && primes <= limits.most_primes) return {};
  return fail(ErrorCode::exhausted, "a ring of degree 2^", spec.log_n, " with ", primes, " primes; here are at most 2^",
              limits.largest_ring_log2, " and ", limits.most_primes, " allowed");
}

Status check_work(const program::Computation& computation, const program::AnyParameters& parameters,
                  const Limits& limits) {
  const std::uint64_t memory = program::memory_of(computation, parameters);
  if (memory > limits.memory_bytes)
    return fail(ErrorCode::exhausted, "this computation takes about ", memory, " bytes of memory; here are at most ",
                limits.memory_bytes, " allowed");
  const double seconds = seconds_of(program::work_of(computation, parameters), ring_of(parameters).degree());
  if (seconds > limits.cpu_seconds)
    return fail(ErrorCode::exhausted, "this computation takes about ", std::lround(std::min(seconds, 1e15)),
                " CPU-seconds; here are at most ", std::lround(limits.cpu_seconds), " allowed");
  return {};
}

double seconds_of(const program::Work& work, std::uint64_t degree) {
  // Measured with AVX-512 and AVX2 at N = 2^13 .. 2^15 (compute_bench), rounded up to the slower of them.
  constexpr double kButterfly = 0.35e-9, kProduct = 0.6e-9, kLight = 0.35e-9;
  const double n = static_cast<double>(degree);
  return n * (static_cast<double>(work.transforms()) * std::log2(n) / 2 * kButterfly +
              static_cast<double>(work.products) * kProduct + static_cast<double>(work.light) * kLight);
}

std::vector<rlwe::KeyId> Plan::key_ids() const {
  std::vector<rlwe::KeyId> out;
  for (const PlannedKey& key : keys) out.push_back(key.id);
  return out;
}

Result<Plan> make_plan(const program::Computation& computation, const program::AnyParameters& parameters,
                       const Limits& limits, const std::function<bool()>& stop) {
  const rlwe::Parameters& ring = ring_of(parameters);
  PRISM_CHECKED(check_ring(ring.spec(), limits));
  PRISM_CHECKED(check_work(computation, parameters, limits));
  PRISM_TRY(const program::Requirements needs, program::requirements(computation, parameters, {{}, stop}));
  if (needs.answer_bytes > limits.answer_bytes)
    return fail(ErrorCode::exhausted, "an answer of ", needs.answer_bytes, " bytes; here are at most ",
                limits.answer_bytes, " allowed");
  Plan out;
  out.program = computation.digest();
  out.family = computation.family();
  out.parameters = std::visit([](const auto& p) -> Digest { return p.parameters->digest(); }, parameters);
  if (const auto* exact = std::get_if<program::ExactParameters>(&parameters))
    if (exact->largest_magnitude == 0) out.modulus = exact->parameters->plain_modulus();
  out.depth_needed = needs.depth;
  out.depth_available = needs.available;
  for (const rlwe::KeyId& id : needs.keys)
    out.keys.push_back({key_name(id, ring.degree()), id, rlwe::switch_key_bytes(ring, id)});
  const auto carriers = computation.carriers();
  const auto delivered = [&](program::Node node) {
    return needs
        .carriers[static_cast<std::size_t>(std::find(carriers.begin(), carriers.end(), node) - carriers.begin())];
  };
  for (const program::Output& output : computation.outputs()) {
    PlannedOutput planned{output.name, computation.form(output.value).size, delivered(output.value).bytes, 0};
    if (output.over) {
      planned.bytes += delivered(*output.over).bytes;
    } else if (computation.family() == program::Family::approximate) {
      // As open_result says it: what computing adds, what decoding adds, and the rounding of the factor.
      const program::Delivered& carrier = delivered(output.value);
      const auto magnitude = math::Bound::from_log2(carrier.magnitude_log2);
      double error =
          std::exp2(carrier.error_log2) + ckks::NoiseModel::transform_error(ring.degree(), magnitude).to_double();
      if (output.factor != 1 || output.divisor != 1) error += (magnitude.to_double() + error) * 0x1p-51;
      planned.error = error * std::fabs(output.factor) / output.divisor;
    }
    out.outputs.push_back(std::move(planned));
  }
  out.key_bytes = needs.key_bytes;
  out.answer_bytes = needs.answer_bytes;
  out.memory_bytes = program::memory_of(computation, parameters);
  out.cpu_seconds = seconds_of(needs.work, ring.degree());
  return out;
}

std::string Plan::to_json() const {
  Json listed = Json::array(), results = Json::array();
  for (const PlannedKey& key : keys) {
    listed.push_back({{"name", key.name},
                      {"kind", key.id.kind == rlwe::KeyId::Kind::relinearise ? "relinearise" : "automorphism"},
                      {"element", key.id.g},
                      {"level", key.id.level.value},
                      {"bytes", key.bytes}});
  }
  for (const PlannedOutput& output : outputs)
    results.push_back(
        {{"name", output.name}, {"values", output.values}, {"bytes", output.bytes}, {"error", output.error}});
  Json out = {{"version", 1},
              {"program", to_hex(program)},
              {"parameters", to_hex(parameters)},
              {"family", std::string(name_of(family))},
              {"depth", {{"needed", depth_needed}, {"available", depth_available}}},
              {"keys", listed},
              {"outputs", results},
              {"totals",
               {{"key_bytes", key_bytes},
                {"answer_bytes", answer_bytes},
                {"memory_bytes", memory_bytes},
                {"cpu_seconds", cpu_seconds}}}};
  if (modulus != 0) out["modulus"] = modulus;
  return out.dump();
}

Result<Plan> Plan::parse(std::string_view json) {
  PRISM_TRY(const Json document, parse_json(json, kMostPlanBytes, "the plan"));
  PRISM_TRY(Members m, Members::of(document, ""));
  PRISM_TRY(const std::int64_t version, m.whole("version", 0, INT64_MAX));
  if (version != 1) return at_pointer(ErrorCode::unsupported, "plans of another version than 1", m.pointer("version"));
  Plan out;
  PRISM_TRY(out.program, digest_member(m, "program"));
  PRISM_TRY(out.parameters, digest_member(m, "parameters"));
  PRISM_TRY(const std::string family, m.text("family", 16));
  if (family != "approximate" && family != "exact")
    return at_pointer(ErrorCode::malformed, "\"approximate\" or \"exact\" is wanted here", m.pointer("family"));
  out.family = family == "exact" ? program::Family::exact : program::Family::approximate;
  PRISM_TRY(const Json* const depth, m.any("depth"));
  PRISM_TRY(Members depths, Members::of(*depth, m.pointer("depth")));
  PRISM_TRY(const std::int64_t needed, depths.whole("needed", 0, 1 << 20));
  PRISM_TRY(const std::int64_t available, depths.whole("available", 0, 1 << 20));
  PRISM_CHECKED(depths.finish());
  out.depth_needed = static_cast<int>(needed);
  out.depth_available = static_cast<int>(available);
  PRISM_TRY(const Json* const keys, m.list("keys", 4096));
  for (std::size_t i = 0; i < keys->size(); ++i) {
    PRISM_TRY(Members one, Members::of((*keys)[i], m.pointer("keys", i)));
    PlannedKey key;
    PRISM_TRY(key.name, one.text("name", 64));
    PRISM_TRY(const std::string kind, one.text("kind", 16));
    if (kind != "relinearise" && kind != "automorphism")
      return at_pointer(ErrorCode::malformed, "\"relinearise\" or \"automorphism\" is wanted here",
                        one.pointer("kind"));
    key.id.kind = kind == "relinearise" ? rlwe::KeyId::Kind::relinearise : rlwe::KeyId::Kind::automorphism;
    PRISM_TRY(const std::int64_t element, one.whole("element", 0, UINT32_MAX));
    PRISM_TRY(const std::int64_t level, one.whole("level", 0, 1 << 20));
    key.id.g = static_cast<std::uint32_t>(element);
    key.id.level = rlwe::Level{static_cast<int>(level)};
    PRISM_TRY(key.bytes, count_member(one, "bytes"));
    PRISM_CHECKED(one.finish());
    out.keys.push_back(std::move(key));
  }
  PRISM_TRY(const Json* const outputs, m.list("outputs", program::kMostResults));
  for (std::size_t i = 0; i < outputs->size(); ++i) {
    PRISM_TRY(Members one, Members::of((*outputs)[i], m.pointer("outputs", i)));
    PlannedOutput output;
    PRISM_TRY(output.name, one.text("name", program::kMostNameBytes));
    PRISM_TRY(output.values, count_member(one, "values"));
    PRISM_TRY(output.bytes, count_member(one, "bytes"));
    PRISM_TRY(output.error, one.number("error"));
    PRISM_CHECKED(one.finish());
    out.outputs.push_back(std::move(output));
  }
  PRISM_TRY(const Json* const totals, m.any("totals"));
  PRISM_TRY(Members sums, Members::of(*totals, m.pointer("totals")));
  PRISM_TRY(out.key_bytes, count_member(sums, "key_bytes"));
  PRISM_TRY(out.answer_bytes, count_member(sums, "answer_bytes"));
  PRISM_TRY(out.memory_bytes, count_member(sums, "memory_bytes"));
  PRISM_TRY(out.cpu_seconds, sums.number("cpu_seconds"));
  PRISM_CHECKED(sums.finish());
  if (m.has("modulus")) {
    PRISM_TRY(out.modulus, count_member(m, "modulus"));
  }
  PRISM_CHECKED(m.finish());
  return out;
}

std::string plan_question(std::string_view request_json, const std::map<std::string, std::uint64_t>& sizes,
                          ByteView parameters_artefact) {
  Json out = Json::object();
  out["request"] = Json::parse(request_json, nullptr, false);
  out["inputs"] = Json::object();
  for (const auto& [name, size] : sizes) out["inputs"][name] = size;
  out["parameters"] = to_hex(parameters_artefact);
  return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Plan> answer_plan(std::string_view json, const Limits& limits, const std::function<bool()>& stop) {
  PRISM_TRY(const Json document, parse_json(json, kMostRequestBytes, "the question"));
  PRISM_TRY(Members m, Members::of(document, ""));
  PRISM_TRY(const Json* const asked, m.any("request"));
  auto request = Request::parse(asked->dump());
  if (!request) {
    Error error = std::move(request).error();
    if (error.detail.empty() || error.detail[0] == '/') error.detail = "/request" + error.detail;
    return error;
  }
  PRISM_TRY(const Json* const inputs, m.any("inputs"));
  if (!inputs->is_object() || inputs->size() > program::kMostInputs)
    return at_pointer(ErrorCode::malformed, "an object of names and sizes is wanted here", m.pointer("inputs"));
  PRISM_TRY(Members listed, Members::of(*inputs, m.pointer("inputs")));
  std::map<std::string, std::uint64_t> sizes;
  for (const auto& [name, value] : inputs->items()) {
    PRISM_TRY(sizes[name], count_member(listed, name));
  }
  PRISM_TRY(const std::string hex, m.text("parameters", 2 * kMostParameterBytes));
  const auto bytes = bytes_from_hex(hex);
  if (!bytes)
    return at_pointer(ErrorCode::malformed, "an artefact in hexadecimal digits is wanted here",
                      m.pointer("parameters"));
  PRISM_CHECKED(m.finish());
  // The size of the ring before the ring.
  PRISM_TRY(const rlwe::ParameterSpec spec, fhe::named_ring(*bytes));
  PRISM_CHECKED(check_ring(spec, limits));
  PRISM_TRY(const bool approximate, fhe::is_approximate(*bytes));
  program::AnyParameters parameters;
  if (approximate) {
    PRISM_TRY(auto declared, fhe::decode_parameters<fhe::Approximate>(*bytes));
    parameters = program::ApproximateParameters{std::move(declared.parameters), declared.largest_magnitude};
  } else {
    PRISM_TRY(auto declared, fhe::decode_parameters<fhe::Exact>(*bytes));
    parameters = program::ExactParameters{std::move(declared.parameters), declared.largest_magnitude};
  }
  PRISM_TRY(const program::Computation computation,
            request->lower(approximate ? program::Family::approximate : program::Family::exact, sizes));
  return make_plan(computation, parameters, limits, stop);
}

}  // namespace prism::compute
