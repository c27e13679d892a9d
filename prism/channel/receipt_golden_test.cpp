// The receipt of format version 1 that tests/golden keeps: it reads and verifies for ever.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "prism/channel/identity.h"
#include "prism/channel/internal/session_fixture.h"
#include "prism/channel/receipt.h"
#include "prism/crypto/key_file.h"
#include "prism/crypto/signature.h"
#include "prism/hash/sha256.h"

namespace prism::channel {
namespace {

using namespace testing_support;

constexpr const char* kFile = PRISM_SOURCE_DIR "/tests/golden/v1/receipt.cbor";
constexpr const char* kSigner = "SHA256:1fb3e357-ef9a2893-2b40e5bb-4e4c788b-f101e015-cca0dac6-1c018d80-468b1761";
constexpr const char* kEarlier = "SHA256:64226f61-7cb63fc2-ae722332-28fffe42-0e27c325-f6522c24-49bee420-aa3c5e95";

/// Its digests are of short texts, so that a shell can make the files.
ReceiptClaims golden_claims() {
  ReceiptClaims claims;
  claims.server = "compute.example";
  claims.request = hash::sha256(as_bytes("request\n"));
  claims.program = hash::sha256(as_bytes("program\n"));
  claims.context = hash::sha256(as_bytes("context\n"));
  claims.inputs = {hash::sha256(as_bytes("first\n")), hash::sha256(as_bytes("second\n"))};
  claims.result = hash::sha256(as_bytes("result\n"));
  claims.engine = "prism 0.1.0";
  claims.build = hash::sha256(as_bytes("build\n"));
  claims.time = kStart;
  claims.sequence = 7;
  claims.session = established().id;
  return claims;
}

TEST(ReceiptGolden, VersionOneStaysReadable) {
  std::ifstream file(kFile, std::ios::binary);
  const Bytes bytes{std::istreambuf_iterator<char>(file), {}};
  ASSERT_FALSE(bytes.empty()) << kFile;
  for (const char* pin : {kSigner, kEarlier}) {
    const auto claims = verify_receipt(bytes, crypto::fingerprint_from(pin).value());
    ASSERT_TRUE(claims) << claims.error().message;
    EXPECT_EQ(*claims, golden_claims());
  }
}

/// Makes the file anew: only while no version of Prism has been released. --gtest_also_run_disabled_tests
TEST(ReceiptGolden, DISABLED_Write) {
  StreamRandom random(2026);
  const auto key = [&] { return crypto::SigningKey::generate(crypto::SignatureAlgorithm::ml_dsa_65, random).value(); };
  IdentitySettings settings;
  settings.server_id = "compute.example";
  const Identity earlier = Identity::create(key(), settings, {}, random).value();
  const Identity now = earlier.rotate(key(), kStart, random).value();
  const Bytes receipt = sign_receipt(golden_claims(), now.key(), now.bundle(kStart, random)->bytes(), random).value();
  std::ofstream file(kFile, std::ios::binary);
  file.write(reinterpret_cast<const char*>(receipt.data()), static_cast<std::streamsize>(receipt.size()));
  std::puts(crypto::fingerprint_text(now.fingerprint()).c_str());
  std::puts(crypto::fingerprint_text(earlier.fingerprint()).c_str());
}

}  // namespace
}  // namespace prism::channel
