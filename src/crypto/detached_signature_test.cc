#include "crypto/detached_signature.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/refusals_for_tests.h"
#include "crypto/signing_for_tests.h"

namespace slipway::crypto {
namespace {

using namespace slipway::crypto::testing;

const Bytes kContent = to_bytes("a kernel module");

TEST(DetachedSignature, IsVerifiedByTheCertificateThatItNames) {
  CertificateShape shape = authority_shape("Modules");
  shape.serial = 0xbeef;
  const Identity signer = make_identity(shape);
  for (const HashAlgorithm algorithm : {HashAlgorithm::kSha256, HashAlgorithm::kSha512}) {
    const auto signature = DetachedSignature::from_der(make_detached_signature(kContent, signer, 0, algorithm));
    ASSERT_TRUE(signature) << signature.error().message;
    EXPECT_EQ(signature->issuer(), "CN=Modules");
    EXPECT_EQ(signature->serial(), "beef");
    EXPECT_TRUE(signature->key_id().empty());
    EXPECT_EQ(signature->digest_algorithm(), algorithm);
    EXPECT_TRUE(signature->verified_by(signer.certificate, kContent));
    EXPECT_FALSE(signature->verified_by(signer.certificate, to_bytes("another module")));
    EXPECT_FALSE(signature->verified_by(signer.certificate, {}));
  }
}

TEST(DetachedSignature, MayNameItsSignerByTheKey) {
  const Identity signer = make_identity({"Modules", {{"subjectKeyIdentifier", "hash"}}, {}});
  const Identity other = make_identity({"Modules", {{"subjectKeyIdentifier", "hash"}}, {}});
  const auto signature = DetachedSignature::from_der(make_detached_signature(kContent, signer, CMS_USE_KEYID)).value();
  EXPECT_EQ(signature.key_id().size(), 20u);
  EXPECT_TRUE(signature.issuer().empty() && signature.serial().empty());
  EXPECT_TRUE(signature.verified_by(signer.certificate, kContent));
  EXPECT_FALSE(signature.names(other.certificate));
  EXPECT_FALSE(signature.verified_by(other.certificate, kContent));
}

TEST(DetachedSignature, AnotherCertificateOfTheSameNameIsNotTheSigner) {
  const Identity signer = make_identity(authority_shape("Modules"));
  const Identity other = make_identity(authority_shape("Modules"));
  CertificateShape shape = authority_shape("Modules");
  shape.serial = 2;
  const Identity renewed = make_identity(shape, nullptr, signer.key);
  const auto signature = DetachedSignature::from_der(make_detached_signature(kContent, signer)).value();
  EXPECT_TRUE(signature.names(other.certificate));
  EXPECT_FALSE(signature.verified_by(other.certificate, kContent)) << "its key is another";
  EXPECT_FALSE(signature.verified_by(renewed.certificate, kContent)) << "its number is another";
}

TEST(DetachedSignature, RefusesWhatIsNone) {
  EXPECT_FALSE(DetachedSignature::from_der({}));
  EXPECT_EQ(refusal_of(DetachedSignature::from_der(Bytes((64U << 10) + 1, 0x30))),
            "a signature is 65537 bytes long, over 64 KiB");
  Bytes der = make_detached_signature(kContent, make_identity(authority_shape("Modules")));
  for (std::size_t size = 0; size < der.size(); ++size)
    EXPECT_FALSE(DetachedSignature::from_der(ByteView(der).first(size))) << size;
  der.push_back(0);
  EXPECT_EQ(refusal_of(DetachedSignature::from_der(der)), "bytes follow the signature");
}

TEST(DetachedSignature, HasOneSigner) {
  const Identity signer = make_identity(authority_shape("Modules"));
  SignatureShape shape;
  shape.content_type = "1.2.840.113549.1.7.1";
  shape.content = kContent;
  EXPECT_TRUE(DetachedSignature::from_der(make_signed_data(shape, {signer})));
  EXPECT_FALSE(DetachedSignature::from_der(make_signed_data(shape, {})));
  EXPECT_FALSE(DetachedSignature::from_der(make_signed_data(shape, {signer, signer})));
}

TEST(DetachedSignature, NamesFourDigestAlgorithmsAtMost) {
  const Identity signer = make_identity(authority_shape("Modules"));
  SignatureShape shape;
  shape.content_type = "1.2.840.113549.1.7.1";
  shape.content = kContent;
  EXPECT_TRUE(DetachedSignature::from_der(with_more_digest_algorithms(make_pkcs7(shape, {signer}), 3)));
  EXPECT_FALSE(DetachedSignature::from_der(with_more_digest_algorithms(make_pkcs7(shape, {signer}), 4)));
}

}  // namespace
}  // namespace slipway::crypto
