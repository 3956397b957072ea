#include "crypto/certificate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crypto/key_at_infinity_for_tests.h"
#include "crypto/openssl.h"

namespace slipway::crypto {
namespace {

using testing::HasSubstr;

const Time kStart = from_rfc3339("2026-11-23T14:05:09Z").value();
const Time kEnd = kStart + std::chrono::hours(1);

CertificateTemplate node_client() {
  CertificateTemplate content;
  content.common_name = "system:node:np1-000001";
  content.organizations = {"system:nodes", "second"};
  content.not_before = kStart;
  content.not_after = kEnd;
  return content;
}

std::string text(const Certificate& certificate) {
  const OwnedBio out(BIO_new(BIO_s_mem()));
  X509_print(out.get(), certificate.get());
  return text_of(out.get());
}

class CertificateTest : public testing::Test {
 protected:
  SystemRandom random_;
  Identity authority_ = make_authority("cluster client CA", kStart, kStart + std::chrono::hours(24), random_).value();
};

TEST_F(CertificateTest, AnAuthoritySignsItselfAndSaysWhatItIs) {
  const Certificate& certificate = authority_.certificate;
  EXPECT_TRUE(certificate.signed_by(authority_.key.public_key()));
  EXPECT_TRUE(certificate.self_signed());
  EXPECT_EQ(certificate.subject(), "CN=cluster client CA");
  EXPECT_EQ(certificate.issuer(), "CN=cluster client CA");
  const std::string printed = text(certificate);
  EXPECT_THAT(printed, HasSubstr("X509v3 Basic Constraints: critical\n                CA:TRUE, pathlen:0"));
  EXPECT_THAT(printed, HasSubstr("X509v3 Key Usage: critical\n                Certificate Sign, CRL Sign"));
  EXPECT_THAT(printed, HasSubstr("X509v3 Subject Key Identifier"));
}

TEST_F(CertificateTest, SaysWhatItsTemplateSays) {
  CertificateTemplate content = node_client();
  content.use = CertificateUse::kClientAndServer;
  content.dns_names = {"np1-000001", "localhost"};
  content.ip_addresses = {"10.1.2.3", "fd00::1"};
  const Identity identity = issue_identity(authority_, content, random_).value();
  const Certificate& certificate = identity.certificate;
  EXPECT_EQ(certificate.common_name(), "system:node:np1-000001");
  EXPECT_THAT(certificate.organizations(), testing::ElementsAre("system:nodes", "second"));
  EXPECT_EQ(certificate.not_before(), kStart);
  EXPECT_EQ(certificate.not_after(), kEnd);
  EXPECT_EQ(certificate.issuer(), "CN=cluster client CA");
  EXPECT_EQ(certificate.public_key().value().fingerprint(), identity.key.public_key().fingerprint());
  const std::string printed = text(certificate);
  EXPECT_THAT(printed, HasSubstr("X509v3 Basic Constraints: critical\n                CA:FALSE"));
  EXPECT_THAT(printed, HasSubstr("X509v3 Key Usage: critical\n                Digital Signature\n"));
  EXPECT_THAT(printed, HasSubstr("TLS Web Server Authentication, TLS Web Client Authentication"));
  EXPECT_THAT(printed, HasSubstr("DNS:np1-000001, DNS:localhost, IP Address:10.1.2.3, IP Address:FD00:0:0:0:0:0:0:1"));
  EXPECT_THAT(printed, HasSubstr("X509v3 Authority Key Identifier"));
}

TEST_F(CertificateTest, OpenSslBuildsTheChain) {
  const Certificate leaf =
      issue_certificate(authority_, node_client(), PrivateKey::generate_rsa2048().public_key(), random_).value();
  const Owned<X509_STORE, X509_STORE_free> store(X509_STORE_new());
  ASSERT_EQ(X509_STORE_add_cert(store.get(), authority_.certificate.get()), 1);
  const Owned<X509_STORE_CTX, X509_STORE_CTX_free> check(X509_STORE_CTX_new());
  ASSERT_EQ(X509_STORE_CTX_init(check.get(), store.get(), leaf.get(), nullptr), 1);
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(check.get());
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_X509_STRICT);
  X509_VERIFY_PARAM_set_time(parameters, std::chrono::duration_cast<seconds>(kStart.time_since_epoch()).count() + 60);
  X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_SSL_CLIENT);
  EXPECT_EQ(X509_verify_cert(check.get()), 1) << X509_verify_cert_error_string(X509_STORE_CTX_get_error(check.get()));
}

TEST_F(CertificateTest, TheUseIsTheTemplatesAlone) {
  CertificateTemplate content = node_client();
  const PublicKey key = PrivateKey::generate_p256().public_key();
  const auto client = issue_certificate(authority_, content, key, random_).value();
  EXPECT_THAT(text(client), HasSubstr("TLS Web Client Authentication"));
  EXPECT_THAT(text(client), testing::Not(HasSubstr("TLS Web Server Authentication")));
  content.use = CertificateUse::kServer;
  const auto server = issue_certificate(authority_, content, key, random_).value();
  EXPECT_THAT(text(server), testing::Not(HasSubstr("TLS Web Client Authentication")));
  content.use = CertificateUse::kAuthority;
  EXPECT_EQ(issue_certificate(authority_, content, key, random_).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(CertificateTest, AnotherAuthorityOfTheSameNameDidNotSignIt) {
  const Identity other = make_authority("cluster client CA", kStart, kEnd, random_).value();
  const Certificate leaf =
      issue_certificate(authority_, node_client(), PrivateKey::generate_p256().public_key(), random_).value();
  EXPECT_TRUE(leaf.signed_by(authority_.key.public_key()));
  EXPECT_FALSE(leaf.signed_by(other.key.public_key()));
  EXPECT_FALSE(leaf.self_signed());
  EXPECT_FALSE(leaf.signed_by(PrivateKey::generate_rsa2048().public_key()));
}

TEST_F(CertificateTest, IsSelfSignedByAKeyThatIsTakenNowhereElse) {
  const OwnedKey key(EVP_EC_gen("P-384"));
  const OwnedKey other(EVP_EC_gen("P-384"));
  const OwnedCertificate made(X509_dup(authority_.certificate.get()));
  ASSERT_EQ(X509_set_pubkey(made.get(), key.get()), 1);
  const auto signed_by = [&](EVP_PKEY* signer) {
    EXPECT_GT(X509_sign(made.get(), signer, EVP_sha384()), 0);
    return Certificate(std::shared_ptr<X509>(X509_dup(made.get()), X509_free));
  };
  EXPECT_FALSE(signed_by(key.get()).public_key());
  EXPECT_TRUE(signed_by(key.get()).self_signed());
  EXPECT_FALSE(signed_by(other.get()).self_signed());
}

TEST_F(CertificateTest, ReadsBackAndTakesNothingMore) {
  const Certificate leaf =
      issue_certificate(authority_, node_client(), PrivateKey::generate_p256().public_key(), random_).value();
  EXPECT_EQ(Certificate::from_der(leaf.der()).value().der(), leaf.der());
  EXPECT_EQ(Certificate::from_pem(leaf.pem()).value().der(), leaf.der());
  Bytes trailing = leaf.der();
  trailing.push_back(0);
  EXPECT_EQ(Certificate::from_der(trailing).error().code, ErrorCode::kMalformed);
  EXPECT_EQ(Certificate::from_pem(leaf.pem() + leaf.pem()).error().code, ErrorCode::kMalformed);
  const Bytes der = leaf.der();
  EXPECT_EQ(Certificate::from_der(ByteView(der).first(der.size() - 1)).error().code, ErrorCode::kMalformed);
  EXPECT_EQ(Certificate::from_der(Bytes(65537)).error().code, ErrorCode::kMalformed);
  EXPECT_EQ(Certificate::from_pem("").error().code, ErrorCode::kMalformed);
}

TEST_F(CertificateTest, RefusesNamesThatItCannotCarry) {
  const PublicKey key = PrivateKey::generate_p256().public_key();
  const auto refused = [&](auto change) {
    CertificateTemplate content = node_client();
    change(content);
    const auto result = issue_certificate(authority_, content, key, random_);
    return !result && result.error().code == ErrorCode::kInvalidArgument;
  };
  EXPECT_TRUE(refused([](auto& content) { content.common_name = ""; }));
  EXPECT_TRUE(refused([](auto& content) { content.common_name = std::string(65, 'a'); }));
  EXPECT_TRUE(refused([](auto& content) { content.common_name = std::string("a\0b", 3); }));
  EXPECT_TRUE(refused([](auto& content) { content.organizations = {"\xff"}; }));
  EXPECT_TRUE(refused([](auto& content) { content.dns_names = {"a b"}; }));
  EXPECT_TRUE(refused([](auto& content) { content.dns_names = {"a,IP:1.2.3.4"}; }));
  EXPECT_TRUE(refused([](auto& content) { content.ip_addresses = {"10.0.0.256"}; }));
  EXPECT_TRUE(refused([](auto& content) { content.not_after = content.not_before; }));
}

TEST_F(CertificateTest, SerialNumbersArePositiveAndDiffer) {
  const PublicKey key = PrivateKey::generate_p256().public_key();
  const auto first = issue_certificate(authority_, node_client(), key, random_).value();
  const auto second = issue_certificate(authority_, node_client(), key, random_).value();
  EXPECT_NE(ASN1_INTEGER_cmp(X509_get0_serialNumber(first.get()), X509_get0_serialNumber(second.get())), 0);
  EXPECT_EQ(ASN1_STRING_length(X509_get0_serialNumber(first.get())), 16);
}

TEST(CertificateRequest, GivesTheKeyThatSignedIt) {
  for (const PrivateKey& key : {PrivateKey::generate_p256(), PrivateKey::generate_rsa2048()}) {
    const Bytes request = make_certificate_request(key, "np1-000001").value();
    EXPECT_EQ(verify_certificate_request(request).value().fingerprint(), key.public_key().fingerprint());
  }
}

TEST(CertificateRequest, RefusesASwappedKey) {
  const Bytes honest = make_certificate_request(PrivateKey::generate_p256(), "n").value();
  const Bytes mine = PrivateKey::generate_p256().public_key().spki_der();
  const Bytes theirs = verify_certificate_request(honest).value().spki_der();
  Bytes swapped = honest;
  const auto at = std::search(swapped.begin(), swapped.end(), theirs.begin(), theirs.end());
  ASSERT_NE(at, swapped.end());
  std::copy(mine.begin(), mine.end(), at);
  const auto result = verify_certificate_request(swapped);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kUnauthenticated);
}

TEST(CertificateRequest, RefusesABrokenSignatureAndOtherForms) {
  const Bytes request = make_certificate_request(PrivateKey::generate_rsa2048(), "n").value();
  Bytes broken = request;
  broken.back() ^= 1;
  EXPECT_EQ(verify_certificate_request(broken).error().code, ErrorCode::kUnauthenticated);
  Bytes trailing = request;
  trailing.push_back(0);
  EXPECT_EQ(verify_certificate_request(trailing).error().code, ErrorCode::kMalformed);
  EXPECT_EQ(verify_certificate_request({}).error().code, ErrorCode::kMalformed);
  EXPECT_EQ(verify_certificate_request(request_with_key_at_infinity()).error().code, ErrorCode::kMalformed);
  EXPECT_EQ(verify_certificate_request(Bytes(16 * 1024 + 1)).error().code, ErrorCode::kMalformed);
}

TEST(CertificateRequest, RefusesAWeakKey) {
  const OwnedKey weak(EVP_RSA_gen(1024));
  const PrivateKey key(std::shared_ptr<EVP_PKEY>(weak.get(), [](EVP_PKEY*) {}));
  const Bytes request = make_certificate_request(key, "n").value();
  EXPECT_EQ(verify_certificate_request(request).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace slipway::crypto
