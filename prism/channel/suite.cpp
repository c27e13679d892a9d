#include "prism/channel/suite.h"

#include <array>

#include "prism/base/check.h"

namespace prism::channel {
namespace {

using crypto::Kem;
using crypto::SignatureAlgorithm;

constexpr std::array<Suite, 3> kSuites{{
    {SuiteId::mlkem768_x25519, "MLKEM768-X25519/ML-DSA-65", Kem::mlkem768_x25519, SignatureAlgorithm::ml_dsa_65, false,
     1184 + 32, 1088 + 32, 1952, 3309},
    {SuiteId::mlkem1024_p384, "MLKEM1024-P384/ML-DSA-87", Kem::mlkem1024_p384, SignatureAlgorithm::ml_dsa_87, false,
     1568 + 97, 1568 + 97, 2592, 4627},
    {SuiteId::mlkem1024, "ML-KEM-1024/ML-DSA-87", Kem::ml_kem_1024, SignatureAlgorithm::ml_dsa_87, true, 1568, 1568,
     2592, 4627},
}};
constexpr std::array<SuiteId, 3> kIds{SuiteId::mlkem768_x25519, SuiteId::mlkem1024_p384, SuiteId::mlkem1024};

}  // namespace

const Suite& suite(SuiteId id) {
  const auto index = static_cast<std::size_t>(id) - 1;
  check(index < kSuites.size(), "a SuiteId that does not exist");
  return kSuites[index];
}

std::span<const SuiteId> all_suites() { return kIds; }

Result<SuiteId> suite_numbered(std::uint64_t number) {
  if (number < 1 || number > kIds.size())
    return fail(ErrorCode::unsupported, "suite ", number, " is unknown; 1 to ", kIds.size(), " are there");
  return kIds[static_cast<std::size_t>(number) - 1];
}

bool fits(SuiteId id, crypto::SignatureAlgorithm algorithm) { return suite(id).signature == algorithm; }

}  // namespace prism::channel
