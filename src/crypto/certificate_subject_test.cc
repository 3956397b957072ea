#include "crypto/certificate_subject.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "crypto/certificate.h"

namespace slipway::crypto {
namespace {

Bytes certificate() {
  SystemRandom random;
  return make_authority("Grüße, \"Müller\"", Time{}, Time{} + seconds(86400), random)->certificate.der();
}

TEST(SubjectOfCertificate, IsWhatTheWholeCertificateSays) {
  const Bytes der = certificate();
  const auto subject = subject_of_certificate(der);
  ASSERT_TRUE(subject) << subject.error().message;
  EXPECT_EQ(*subject, Certificate::from_der(der)->subject());
}

TEST(SubjectOfCertificate, RefusesWhatIsNoCertificate) {
  const Bytes der = certificate();
  EXPECT_FALSE(subject_of_certificate({}));
  EXPECT_FALSE(subject_of_certificate(as_bytes("not a certificate")));
  EXPECT_FALSE(subject_of_certificate(ByteView(der).first(60)));
  for (const std::size_t at : {0u, 1u, 4u, 8u, 13u}) {
    Bytes forged = der;
    forged[at] ^= 0x21;
    EXPECT_FALSE(subject_of_certificate(forged)) << at;
  }
}

}  // namespace
}  // namespace slipway::crypto
