#include "tpm/public_area.h"

#include <gtest/gtest.h>

namespace slipway::tpm {
namespace {

const crypto::PrivateKey& rsa() {
  static const crypto::PrivateKey key = crypto::PrivateKey::generate_rsa2048();
  return key;
}

PublicArea rsa_ak() { return attestation_key_area(rsa().public_key().rsa_numbers().value()); }
PublicArea ecc_ak(const crypto::PrivateKey& key) { return attestation_key_area(key.public_key().p256_point().value()); }
PublicArea ek() { return endorsement_key_area(rsa().public_key().rsa_numbers().value()); }

// The reason why an attestation key that was changed so is refused; empty if it is taken.
template <typename Change>
std::string refusal(PublicArea area, Change change) {
  change(area);
  const auto checked = check_attestation_key(marshal_public_area(area));
  if (checked) return {};
  EXPECT_EQ(checked.error().code, ErrorCode::kPermissionDenied) << checked.error().message;
  return checked.error().reason;
}

auto without(ObjectAttribute attribute) {
  return [attribute](PublicArea& area) { area.attributes &= ~static_cast<std::uint32_t>(attribute); };
}

TEST(AttestationKey, TheTwoKindsAreTaken) {
  const auto from_rsa = check_attestation_key(marshal_public_area(rsa_ak())).value();
  EXPECT_EQ(from_rsa.key.fingerprint(), rsa().public_key().fingerprint());
  EXPECT_EQ(from_rsa.scheme, crypto::SignatureScheme::kRsaPkcs1Sha256);
  const auto p256 = crypto::PrivateKey::generate_p256();
  const auto from_p256 = check_attestation_key(marshal_public_area(ecc_ak(p256))).value();
  EXPECT_EQ(from_p256.key.fingerprint(), p256.public_key().fingerprint());
  EXPECT_EQ(from_p256.scheme, crypto::SignatureScheme::kEcdsaP256Sha256);
}

TEST(AttestationKey, TheNameIsTheHashOfTheAreaBehindItsAlgorithm) {
  const Bytes area = marshal_public_area(rsa_ak());
  Bytes expected = {0x00, 0x0b};
  const Bytes hash = crypto::sha256(area);
  expected.insert(expected.end(), hash.begin(), hash.end());
  EXPECT_EQ(check_attestation_key(area).value().name, expected);
  EXPECT_EQ(compute_name(area).value(), expected);
}

TEST(AttestationKey, EachMissingAttributeIsRefusedByName) {
  for (const PublicArea& area : {rsa_ak(), ecc_ak(crypto::PrivateKey::generate_p256())}) {
    EXPECT_EQ(refusal(area, [](PublicArea&) {}), "");
    EXPECT_EQ(refusal(area, without(kRestricted)), "AttestationKeyNotRestricted");
    EXPECT_EQ(refusal(area, without(kSign)), "AttestationKeyNotSigning");
    EXPECT_EQ(refusal(area, [](PublicArea& changed) { changed.attributes |= kDecrypt; }), "AttestationKeyDecrypts");
    EXPECT_EQ(refusal(area, without(kFixedTpm)), "AttestationKeyNotFixedTpm");
    EXPECT_EQ(refusal(area, without(kFixedParent)), "AttestationKeyNotFixedParent");
    EXPECT_EQ(refusal(area, without(kSensitiveDataOrigin)), "AttestationKeyNotMadeInTpm");
  }
}

TEST(AttestationKey, EveryOtherAlgorithmIsRefused) {
  const std::string reason = "AttestationKeyAlgorithm";
  const PublicArea ecc = ecc_ak(crypto::PrivateKey::generate_p256());
  EXPECT_EQ(refusal(rsa_ak(), [](auto& area) { area.scheme = {}; }), reason);
  EXPECT_EQ(refusal(rsa_ak(), [](auto& area) { area.scheme.hash = kAlgSha1; }), reason);
  EXPECT_EQ(refusal(rsa_ak(), [](auto& area) { area.scheme.algorithm = kAlgEcdsa; }), reason);
  EXPECT_EQ(refusal(rsa_ak(), [](auto& area) { area.rsa_bits = 1024; }), reason);
  EXPECT_EQ(refusal(rsa_ak(), [](auto& area) { area.name_algorithm = kAlgSha1; }), reason);
  EXPECT_EQ(refusal(ecc, [](auto& area) { area.scheme.hash = 0x000c; }), reason);
  EXPECT_EQ(refusal(ecc, [](auto& area) { area.scheme.algorithm = kAlgRsaSsa; }), reason);
  EXPECT_EQ(refusal(ecc, [](auto& area) { area.curve = 0x0004; }), reason);
  EXPECT_EQ(refusal(ek(), [](auto&) {}), "AttestationKeyNotSigning");
}

TEST(AttestationKey, ASizeThatIsNotTheKeysIsMalformed) {
  PublicArea area = rsa_ak();
  area.rsa_modulus.pop_back();
  EXPECT_EQ(check_attestation_key(marshal_public_area(area)).error().code, ErrorCode::kMalformed);
  PublicArea off_curve = ecc_ak(crypto::PrivateKey::generate_p256());
  off_curve.y.back() ^= 1;
  EXPECT_EQ(check_attestation_key(marshal_public_area(off_curve)).error().code, ErrorCode::kMalformed);
}

TEST(EndorsementKey, TheDefaultTemplateAloneIsTaken) {
  EXPECT_EQ(check_endorsement_key(marshal_public_area(ek())).value().fingerprint(), rsa().public_key().fingerprint());
  const auto refused = [](auto change) {
    PublicArea area = ek();
    change(area);
    const auto key = check_endorsement_key(marshal_public_area(area));
    return !key && key.error().reason == "EndorsementKeyTemplate";
  };
  EXPECT_TRUE(refused([](auto& area) { area = rsa_ak(); }));
  for (const auto attribute : {kFixedTpm, kFixedParent, kSensitiveDataOrigin, kRestricted, kDecrypt})
    EXPECT_TRUE(refused(without(attribute))) << attribute;
  EXPECT_TRUE(refused([](auto& area) { area.attributes |= kSign; }));
  EXPECT_TRUE(refused([](auto& area) { area.symmetric.key_bits = 256; }));
  EXPECT_TRUE(refused([](auto& area) { area.name_algorithm = 0x000c; }));
}

TEST(PublicArea, ReadsBackWhatItWrites) {
  for (const PublicArea& area : {rsa_ak(), ek(), ecc_ak(crypto::PrivateKey::generate_p256())}) {
    const Bytes bytes = marshal_public_area(area);
    EXPECT_EQ(marshal_public_area(parse_public_area(bytes).value()), bytes);
    Bytes sized = {static_cast<std::uint8_t>(bytes.size() >> 8), static_cast<std::uint8_t>(bytes.size())};
    sized.insert(sized.end(), bytes.begin(), bytes.end());
    EXPECT_EQ(unwrap_public_area(sized).value(), bytes);
    sized.push_back(0);
    EXPECT_EQ(unwrap_public_area(sized).error().code, ErrorCode::kMalformed);
  }
}

TEST(PublicArea, EveryCutAndEveryTailIsMalformed) {
  const Bytes bytes = marshal_public_area(ek());
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_EQ(parse_public_area(ByteView(bytes).first(size)).error().code, ErrorCode::kMalformed) << size;
  Bytes longer = bytes;
  longer.push_back(0);
  EXPECT_EQ(parse_public_area(longer).error().code, ErrorCode::kMalformed);
  EXPECT_EQ(parse_public_area(Bytes(1025)).error().message,
            "at offset 1024: expected the end of a public area of at most 1024 bytes, but it has 1025");
}

TEST(PublicArea, UnknownTypesAndSchemesAreMalformed) {
  Bytes keyed_hash = marshal_public_area(rsa_ak());
  keyed_hash[1] = 0x08;
  EXPECT_EQ(parse_public_area(keyed_hash).error().code, ErrorCode::kMalformed);
  PublicArea pss = rsa_ak();
  pss.scheme.algorithm = 0x0016;
  EXPECT_EQ(parse_public_area(marshal_public_area(pss)).error().code, ErrorCode::kMalformed);
}

// Where the key stands in the file, behind 2 bytes of a TPM2B_PUBLIC too.
TEST(PublicArea, AKeyThatIsNoneIsSaidToBeWhereItStands) {
  const auto refusal = [](const PublicArea& area, std::size_t base_offset = 0) {
    const auto key = key_of(area, base_offset);
    EXPECT_FALSE(key);
    if (key) return std::string();
    EXPECT_EQ(key.error().code, ErrorCode::kMalformed);
    return key.error().message.substr(0, key.error().message.find(':'));
  };
  PublicArea small = rsa_ak();
  small.rsa_bits = 1024;
  EXPECT_EQ(refusal(small), "at offset 16");
  EXPECT_EQ(refusal(small, 2), "at offset 18");
  PublicArea even = rsa_ak();
  even.rsa_modulus.back() &= 0xfe;
  EXPECT_EQ(refusal(even), "at offset 16");
  PublicArea with_policy = ek();
  with_policy.rsa_modulus.pop_back();
  EXPECT_EQ(refusal(with_policy), "at offset 50");
  PublicArea other_curve = ecc_ak(crypto::PrivateKey::generate_p256());
  other_curve.curve = 4;
  EXPECT_EQ(refusal(other_curve), "at offset 16");
  PublicArea long_coordinate = ecc_ak(crypto::PrivateKey::generate_p256());
  long_coordinate.y.push_back(0);
  EXPECT_EQ(refusal(long_coordinate), "at offset 54");
  PublicArea off_curve = ecc_ak(crypto::PrivateKey::generate_p256());
  off_curve.y.back() ^= 1;
  EXPECT_EQ(refusal(off_curve), "at offset 16");
}

TEST(PublicArea, ACoordinateWithoutItsLeadingZerosIsTheSameKey) {
  for (;;) {
    const auto key = crypto::PrivateKey::generate_p256();
    PublicArea area = ecc_ak(key);
    if (area.x.front() != 0) continue;
    area.x.erase(area.x.begin());
    EXPECT_EQ(key_of(area).value().fingerprint(), key.public_key().fingerprint());
    return;
  }
}

}  // namespace
}  // namespace slipway::tpm
