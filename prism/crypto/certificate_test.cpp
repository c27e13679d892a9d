#include "prism/crypto/certificate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "prism/crypto/tls.h"

namespace prism::crypto {
namespace {

class Seeded final : public Random {
 public:
  explicit Seeded(std::uint64_t seed) : engine_(seed) {}
  Status fill(MutableByteView out) override {
    for (auto& byte : out) byte = static_cast<std::uint8_t>(engine_());
    return {};
  }

 private:
  std::mt19937_64 engine_;
};

class NoRandom final : public Random {
 public:
  Status fill(MutableByteView) override { return fail(ErrorCode::io, "no randomness"); }
};

constexpr std::chrono::seconds kNow{1'800'000'000};

Result<CertifiedKey> make(CertificateKey kind, std::uint64_t seed,
                          const std::vector<std::string>& names = {"a.example"}) {
  Seeded random(seed);
  return CertifiedKey::make_self_signed(kind, names, kNow, std::chrono::hours(24 * 365), random);
}

constexpr std::array kKinds{CertificateKey::ml_dsa_65, CertificateKey::ml_dsa_87, CertificateKey::ecdsa_p256,
                            CertificateKey::ecdsa_p384};

TEST(Certificate, SaysWhatItWasMadeFor) {
  for (const CertificateKey kind : kKinds) {
    const auto made = make(kind, 1, {"a.example", "*.b.example", "127.0.0.1", "2001:db8::7"});
    ASSERT_TRUE(made) << made.error().message;
    const CertificateInfo& info = made->info();
    EXPECT_EQ(info.key, kind);
    EXPECT_EQ(info.names, (std::vector<std::string>{"a.example", "*.b.example", "127.0.0.1",
                                                    "2001:0db8:0000:0000:0000:0000:0000:0007"}));
    EXPECT_EQ(info.not_before, kNow - std::chrono::hours(1));
    EXPECT_EQ(info.not_after, kNow + std::chrono::hours(24 * 365));
    EXPECT_EQ(inspect_certificate(as_bytes(made->chain_pem())).value().fingerprints, info.fingerprints);
  }
}

TEST(Certificate, AllItsRandomnessIsTheCallers) {
  for (const CertificateKey kind : kKinds) {
    EXPECT_EQ(make(kind, 5).value().chain_pem(), make(kind, 5).value().chain_pem()) << name_of(kind);
    EXPECT_NE(make(kind, 5).value().info().fingerprints.spki, make(kind, 6).value().info().fingerprints.spki);
    NoRandom none;
    EXPECT_EQ(CertifiedKey::make_self_signed(kind, {"a"}, kNow, std::chrono::hours(1), none).error().code,
              ErrorCode::io);
  }
}

TEST(Certificate, SurvivesItsFiles) {
  for (const CertificateKey kind : kKinds) {
    const CertifiedKey made = make(kind, 2).value();
    const auto read = CertifiedKey::from_pem(as_bytes(made.chain_pem()), made.key_pem());
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->info().fingerprints, made.info().fingerprints);
    TlsServerOptions options;
    options.certificates = {*read};
    EXPECT_TRUE(make_server_tls(options));
  }
}

TEST(Certificate, RenewalKeepsTheKeyAndNothingElse) {
  for (const CertificateKey kind : kKinds) {
    const CertifiedKey made = make(kind, 2).value();
    Seeded random(3);
    const auto later = made.renewed({"b.example"}, kNow + std::chrono::hours(9), std::chrono::hours(1), random);
    ASSERT_TRUE(later) << later.error().message;
    EXPECT_EQ(later->info().fingerprints.spki, made.info().fingerprints.spki);
    EXPECT_NE(later->info().fingerprints.certificate, made.info().fingerprints.certificate);
    EXPECT_EQ(later->info().not_after, kNow + std::chrono::hours(10));
    EXPECT_EQ(later->info().names, std::vector<std::string>{"b.example"});
    EXPECT_TRUE(CertifiedKey::from_pem(as_bytes(later->chain_pem()), made.key_pem()));
  }
}

TEST(Certificate, RefusesNamesKeysAndFilesThatAreNone) {
  for (const std::vector<std::string>& names :
       {std::vector<std::string>{}, {""}, {"a b"}, {"a,DNS:b"}, {"a\n"}, {"http://a"}})
    EXPECT_EQ(make(CertificateKey::ecdsa_p256, 1, names).error().code, ErrorCode::invalid_argument);
  const CertifiedKey one = make(CertificateKey::ecdsa_p256, 1).value();
  const CertifiedKey other = make(CertificateKey::ecdsa_p256, 2).value();
  EXPECT_EQ(CertifiedKey::from_pem(as_bytes(one.chain_pem()), other.key_pem()).error().code, ErrorCode::mismatch);
  EXPECT_EQ(CertifiedKey::from_pem(as_bytes(""), one.key_pem()).error().code, ErrorCode::malformed);
  EXPECT_EQ(CertifiedKey::from_pem(as_bytes(one.chain_pem()), {}).error().code, ErrorCode::malformed);
  const std::string broken = one.chain_pem() + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  EXPECT_EQ(inspect_certificate(as_bytes(broken)).error().code, ErrorCode::malformed);
}

TEST(Certificate, ServersNeedOneOfEachFamilyAtMost) {
  TlsServerOptions options;
  EXPECT_EQ(make_server_tls(options).error().code, ErrorCode::invalid_argument);
  options.certificates = {make(CertificateKey::ecdsa_p256, 1).value(), make(CertificateKey::ecdsa_p384, 2).value()};
  EXPECT_EQ(make_server_tls(options).error().code, ErrorCode::invalid_argument);
  options.certificates.pop_back();
  options.clients = TlsClientRule{};
  EXPECT_EQ(make_server_tls(options).error().code, ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace prism::crypto
