// Somebody with numbers, for tests/protocol: holds the key of the homomorphic encryption, which the Python client has
// no library for. Standard input and output, one request a line; artefacts go through files.
//   question        the body of POST /plan        request         the computation, as JSON
//   data FILE       writes the encrypted numbers  context PLAN FILE   writes the evaluation keys that PLAN names
//   open FILE       decrypts a result: "name value name value ..."
#include <iostream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "prism/compute/plan.h"
#include "prism/compute/request.h"
#include "prism/compute/result.h"
#include "prism/fhe/context.h"
#include "prism/fhe/key_holder.h"
#include "prism/host/atomic_file.h"
#include "prism/host/file.h"
#include "prism/host/system.h"
#include "prism/program/requirements.h"

namespace {

using namespace prism;

constexpr double kLargest = 500;
const std::vector<double> kValues{100, 200, 300, 400, 500};

class Holder {
 public:
  Holder()
      : request_(
            compute::Request::parse(R"({"operation":"statistics","compute":["mean","variance","sum"],"inputs":["x"]})")
                .value()),
        parameters_(program::approximate_parameters_for(
                        request_.lower(program::Family::approximate, {{"x", kValues.size()}}).value(), kLargest, 10,
                        rlwe::Security::bits128)
                        .value()),
        keys_(fhe::Approximate::KeyHolder::create(parameters_, kLargest, ring::fresh_secret_seed(random_).value(),
                                                  random_)
                  .value()) {}

  Result<std::string> answer(const std::vector<std::string>& words) {
    const std::string& what = words.at(0);
    if (what == "request") return request_.to_json();
    if (what == "question") {
      PRISM_TRY(const Bytes declared, fhe::encode_parameters<fhe::Approximate>({parameters_, kLargest}));
      return compute::plan_question(request_.to_json(), {{"x", kValues.size()}}, declared);
    }
    if (what == "data") {
      PRISM_TRY(const Bytes data, keys_.encrypt_to_bytes(kValues));
      return write(words.at(1), data);
    }
    if (what == "context") {
      PRISM_TRY(const Bytes text, host::read_file(words.at(1), std::size_t{1} << 24));
      PRISM_TRY(const auto plan, compute::Plan::parse(as_text(text)));
      PRISM_TRY(const auto context, keys_.context_with(plan.key_ids()));
      PRISM_TRY(const Bytes bytes, context.encode());
      return write(words.at(2), bytes);
    }
    if (what == "open") {
      PRISM_TRY(const Bytes result, host::read_file(words.at(1), std::size_t{1} << 28));
      PRISM_TRY(const auto opened, compute::open_result(result, keys_));
      std::ostringstream out;
      for (const auto& output : opened.outputs) out << output.name << " " << output.values.at(0) << " ";
      return out.str();
    }
    return fail(ErrorCode::invalid_argument, "no such request");
  }

 private:
  static Result<std::string> write(const std::string& file, ByteView bytes) {
    PRISM_CHECKED(host::write_file(file, bytes, host::AtomicFile::Access::owner_only));
    return std::string("written");
  }

  host::SystemRandom random_;
  compute::Request request_;
  std::shared_ptr<const ckks::Parameters> parameters_;
  fhe::Approximate::KeyHolder keys_;
};

}  // namespace

int main() {
  Holder holder;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream in(line);
    const std::vector<std::string> words(std::istream_iterator<std::string>{in}, std::istream_iterator<std::string>{});
    if (words.empty()) continue;
    const auto answer = holder.answer(words);
    std::cout << (answer ? "ok " + answer.value() : "error " + answer.error().message) << std::endl;
  }
}
