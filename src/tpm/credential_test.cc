#include "tpm/credential.h"

#include <gtest/gtest.h>

#include "tpm/public_area.h"

namespace slipway::tpm {
namespace {

class CredentialTest : public testing::Test {
 protected:
  static const crypto::PrivateKey& endorsement_key() {
    static const crypto::PrivateKey key = crypto::PrivateKey::generate_rsa2048();
    return key;
  }
  Result<Bytes> activate(const Bytes& name, const Credential& credential) {
    return activate_credential(endorsement_key(), name, credential.id_object, credential.encrypted_secret);
  }

  SystemRandom random_;
  Bytes name_ = compute_name(marshal_public_area(attestation_key_area(
                                 crypto::PrivateKey::generate_p256().public_key().p256_point().value())))
                    .value();
  Bytes secret_ = random_.bytes(32);
  Credential credential_ = make_credential(endorsement_key().public_key(), name_, secret_, random_).value();
};

TEST_F(CredentialTest, GivesTheSecretBackToItsEndorsementKeyAndName) {
  EXPECT_EQ(activate(name_, credential_).value(), secret_);
  for (const std::size_t size : {1u, 31u}) {
    const Bytes secret(size, 9);
    const auto made = make_credential(endorsement_key().public_key(), name_, secret, random_).value();
    EXPECT_EQ(activate(name_, made).value(), secret);
  }
}

// TPM2B_ID_OBJECT: size, then integrityHMAC with its size, then the encrypted secret with its size inside.
TEST_F(CredentialTest, HasTheWireForm) {
  EXPECT_EQ(credential_.id_object.size(), 2u + 2 + 32 + 2 + 32);
  EXPECT_EQ(to_hex(ByteView(credential_.id_object).first(4)), "00440020");
  EXPECT_EQ(credential_.encrypted_secret.size(), 2u + 256);
  EXPECT_EQ(to_hex(ByteView(credential_.encrypted_secret).first(2)), "0100");
}

TEST_F(CredentialTest, AnotherNameDoesNotOpenIt) {
  Bytes other = name_;
  other.back() ^= 1;
  EXPECT_EQ(activate(other, credential_).error().code, ErrorCode::kPermissionDenied);
}

TEST_F(CredentialTest, AnotherEndorsementKeyDoesNotOpenIt) {
  const auto other = crypto::PrivateKey::generate_rsa2048();
  const auto opened = activate_credential(other, name_, credential_.id_object, credential_.encrypted_secret);
  EXPECT_EQ(opened.error().code, ErrorCode::kPermissionDenied);
}

TEST_F(CredentialTest, AnyChangedBitIsRefused) {
  for (std::size_t i = 0; i < credential_.id_object.size(); ++i) {
    Credential changed = credential_;
    changed.id_object[i] ^= 1;
    EXPECT_FALSE(activate(name_, changed)) << "byte " << i;
  }
  for (std::size_t i = 0; i < credential_.encrypted_secret.size(); i += 16) {
    Credential changed = credential_;
    changed.encrypted_secret[i] ^= 1;
    EXPECT_FALSE(activate(name_, changed)) << "byte " << i;
  }
}

TEST_F(CredentialTest, OtherFormsAreMalformed) {
  Credential longer = credential_;
  longer.id_object.push_back(0);
  EXPECT_EQ(activate(name_, longer).error().code, ErrorCode::kMalformed);
  longer = credential_;
  longer.encrypted_secret.push_back(0);
  EXPECT_EQ(activate(name_, longer).error().code, ErrorCode::kMalformed);
  EXPECT_EQ(activate(name_, {}).error().code, ErrorCode::kMalformed);
}

TEST_F(CredentialTest, RefusesWhatNoTpmWouldOpen) {
  const auto ek = endorsement_key().public_key();
  const auto code = [&](const crypto::PublicKey& key, ByteView name, ByteView secret) {
    return make_credential(key, name, secret, random_).error().code;
  };
  EXPECT_EQ(code(ek, name_, Bytes(33)), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(ek, name_, {}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(ek, ByteView(name_).first(33), secret_), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(crypto::PrivateKey::generate_p256().public_key(), name_, secret_), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace slipway::tpm
