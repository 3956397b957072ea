#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "bootchain/boot_policy.h"
#include "bootchain/efi_variable.h"
#include "bootchain/pe_image_for_tests.h"
#include "bootchain/signature_entries_for_tests.h"
#include "crypto/certificate_details.h"
#include "crypto/signing_for_tests.h"

namespace slipway::bootchain {
namespace {

using namespace slipway::crypto::testing;
using namespace slipway::bootchain::testing;
using crypto::HashAlgorithm;
using crypto::Identity;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const Time kRevoked = Time(std::chrono::sys_days(std::chrono::year(2023) / 5 / 6)) + std::chrono::hours(7);

// An image signed by a signer below an authority that db trusts, and firmware with Secure Boot on.
struct Signed {
  Identity authority = make_identity(authority_shape("UEFI CA"));
  Identity signer = make_identity({"Signer", {}, {}}, &authority);
  Identity stranger = make_identity(authority_shape("Stranger"));
  Identity stamps = make_identity(authority_shape("Time stamps"));
  Bytes unsigned_image = make_pe_image({{".text", Bytes(100, 't')}});
  SecureBootState firmware;

  Signed() {
    firmware.enabled = true;
    firmware.db = {certificate_entry(stranger), certificate_entry(authority)};
  }

  Bytes digest(HashAlgorithm algorithm = HashAlgorithm::kSha256) const {
    return authenticode_digest(parse_pe_image(unsigned_image).value(), algorithm).value();
  }
  Bytes signature(HashAlgorithm algorithm = HashAlgorithm::kSha256) const {
    return sign_image_digest(digest(algorithm), signer, algorithm, {authority.certificate});
  }
  Bytes image() const { return with_signatures(unsigned_image, {signature()}); }

  // The image with a stamp in its signature.
  Bytes stamped_image(Time time) const {
    SignatureShape shape;
    shape.content = indirect_data(HashAlgorithm::kSha256, digest());
    shape.more_certificates = {authority.certificate};
    const OwnedPkcs7 pkcs7 = make_pkcs7(shape, {signer});
    add_time_stamp(pkcs7.get(), make_time_stamp(signature_value(crypto::der_of(pkcs7.get(), i2d_PKCS7)), time, stamps));
    return with_signatures(unsigned_image, {crypto::der_of(pkcs7.get(), i2d_PKCS7)});
  }

  BootDecision judge(const Bytes& file) const {
    const auto image = parse_pe_image(file);
    EXPECT_TRUE(image) << image.error().message;
    return would_firmware_load(*image, firmware);
  }
};

TEST(Firmware, LoadsWhatACertificateOfDbLeadsTo) {
  const Signed s;
  const BootDecision decision = s.judge(s.image());
  EXPECT_TRUE(decision.loads);
  EXPECT_EQ(decision.rule, "db.certificate");
  EXPECT_EQ(decision.reason, "db certificate CN=UEFI CA");
  EXPECT_EQ(decision.entry, 1);
  EXPECT_THAT(decision.signed_by, ElementsAre("CN=Signer", "CN=UEFI CA"));
}

TEST(Firmware, LoadsEverythingWithoutSecureBoot) {
  Signed s;
  s.firmware.enabled = false;
  EXPECT_EQ(s.judge(s.unsigned_image).rule, "secureBoot.disabled");
  EXPECT_TRUE(s.judge(s.unsigned_image).loads);
}

TEST(Firmware, DoesNotLoadWhatNobodyVouchesFor) {
  Signed s;
  s.firmware.db = {certificate_entry(s.stranger)};
  const BootDecision decision = s.judge(s.image());
  EXPECT_FALSE(decision.loads);
  EXPECT_EQ(decision.rule, "signature.untrusted");
  EXPECT_THAT(decision.signed_by, ElementsAre("CN=Signer"));
}

TEST(Firmware, DoesNotLoadAChangedImage) {
  const Signed s;
  Bytes file = s.image();
  file[kPeHeaders] ^= 1;
  EXPECT_EQ(s.judge(file).rule, "signature.digest");
  EXPECT_FALSE(s.judge(file).loads);
}

TEST(Firmware, DoesNotLoadABrokenSignature) {
  const Signed s;
  Bytes signature = s.signature();
  const Bytes value = signature_value(signature);
  *(std::search(signature.begin(), signature.end(), value.begin(), value.end()) +
    static_cast<std::ptrdiff_t>(value.size()) - 1) ^= 1;
  EXPECT_EQ(s.judge(with_signatures(s.unsigned_image, {signature})).rule, "signature.broken");
}

TEST(Firmware, DoesNotLoadASignatureThatIsNone) {
  const Signed s;
  EXPECT_EQ(s.judge(with_signatures(s.unsigned_image, {to_bytes("no PKCS#7")})).rule, "signature.malformed");
  SignatureShape shape;
  shape.content_type = "1.2.840.113549.1.9.16.1.4";
  shape.octet_string = true;
  shape.content = s.digest();
  EXPECT_EQ(s.judge(with_signatures(s.unsigned_image, {make_signed_data(shape, {s.signer})})).rule,
            "signature.malformed")
      << "signs something else than an image";
}

TEST(Firmware, DoesNotLoadUnsignedImagesUnlessDbHasTheirDigest) {
  Signed s;
  EXPECT_EQ(s.judge(s.unsigned_image).rule, "signature.missing");
  s.firmware.db.push_back(digest_entry(kSha256Signature, s.digest()));
  const BootDecision decision = s.judge(s.unsigned_image);
  EXPECT_TRUE(decision.loads);
  EXPECT_EQ(decision.rule, "db.digest");
  EXPECT_EQ(decision.entry, 2);
  s.firmware.dbx = {digest_entry(kSha256Signature, s.digest())};
  EXPECT_EQ(s.judge(s.unsigned_image).rule, "dbx.digest");
}

TEST(Firmware, UnsignedImagesAreLookedUpInSha256Alone) {
  Signed s;
  s.firmware.db = {digest_entry(kSha384Signature, s.digest(HashAlgorithm::kSha384))};
  EXPECT_FALSE(s.judge(s.unsigned_image).loads);
}

TEST(Firmware, SignedImagesLoadByTheirDigestToo) {
  Signed s;
  s.firmware.db = {digest_entry(kSha256Signature, s.digest())};
  EXPECT_EQ(s.judge(s.image()).rule, "db.digest");
}

TEST(Firmware, DigestsOfEveryAlgorithmAreForbidden) {
  const std::pair<HashAlgorithm, std::string_view> types[] = {{HashAlgorithm::kSha1, kSha1Signature},
                                                              {HashAlgorithm::kSha256, kSha256Signature},
                                                              {HashAlgorithm::kSha384, kSha384Signature},
                                                              {HashAlgorithm::kSha512, kSha512Signature}};
  for (const auto& [algorithm, type] : types) {
    Signed s;
    const Bytes file = with_signatures(s.unsigned_image, {s.signature(algorithm)});
    EXPECT_TRUE(s.judge(file).loads) << type;
    s.firmware.dbx = {digest_entry(kSha256Signature, Bytes(32, 1)), digest_entry(type, s.digest(algorithm))};
    const BootDecision decision = s.judge(file);
    EXPECT_FALSE(decision.loads) << type;
    EXPECT_EQ(decision.rule, "dbx.digest");
    EXPECT_EQ(decision.entry, 1);
    EXPECT_THAT(decision.reason, HasSubstr("dbx entry 1, " + std::string(to_string(algorithm)) + ":"));
  }
}

TEST(Firmware, DigestInAnotherAlgorithmThanTheSignaturesIsPassedOver) {
  Signed s;
  s.firmware.dbx = {digest_entry(kSha256Signature, s.digest())};
  EXPECT_TRUE(s.judge(with_signatures(s.unsigned_image, {s.signature(HashAlgorithm::kSha384)})).loads)
      << "a peculiarity of EDK II";
}

TEST(Firmware, CertificateOfDbxForbids) {
  Signed s;
  s.firmware.dbx = {certificate_entry(s.authority)};
  const BootDecision decision = s.judge(s.image());
  EXPECT_EQ(decision.rule, "dbx.certificate");
  EXPECT_EQ(decision.reason, "dbx certificate CN=UEFI CA");
  s.firmware.dbx = {certificate_entry(s.signer)};
  EXPECT_EQ(s.judge(s.image()).rule, "dbx.certificate");
  s.firmware.dbx = {certificate_entry(s.stranger)};
  EXPECT_TRUE(s.judge(s.image()).loads);
}

TEST(Firmware, ToBeSignedDigestOfTheSignerForbids) {
  for (const HashAlgorithm algorithm : {HashAlgorithm::kSha256, HashAlgorithm::kSha384, HashAlgorithm::kSha512}) {
    Signed s;
    s.firmware.dbx = {revoked_entry(s.signer, std::nullopt, algorithm)};
    EXPECT_EQ(s.judge(s.image()).rule, "dbx.certificateDigest");
    s.firmware.dbx = {revoked_entry(s.stranger, std::nullopt, algorithm)};
    EXPECT_TRUE(s.judge(s.image()).loads);
  }
}

TEST(Firmware, RevocationTimeLetsOlderSignaturesPass) {
  Signed s;
  s.firmware.dbt = {certificate_entry(s.stamps)};
  s.firmware.dbx = {revoked_entry(s.signer, kRevoked)};
  EXPECT_FALSE(s.judge(s.image()).loads) << "no stamp proves its age";
  EXPECT_TRUE(s.judge(s.stamped_image(kRevoked)).loads);
  EXPECT_TRUE(s.judge(s.stamped_image(kRevoked - seconds(1))).loads);
  EXPECT_EQ(s.judge(s.stamped_image(kRevoked + seconds(1))).rule, "dbx.certificateDigest");
  s.firmware.dbx = {revoked_entry(s.signer, std::nullopt)};
  EXPECT_FALSE(s.judge(s.stamped_image(kRevoked - std::chrono::years(1))).loads) << "revoked for ever";
  s.firmware.dbx = {revoked_entry(s.signer, kRevoked)};
  s.firmware.dbt = {certificate_entry(s.stranger)};
  EXPECT_FALSE(s.judge(s.stamped_image(kRevoked)).loads) << "nobody trusts the stamp's authority";
}

TEST(Firmware, RevokedCertificateOfDbVouchesForNothing) {
  Signed s;
  s.firmware.dbt = {certificate_entry(s.stamps)};
  s.firmware.dbx = {revoked_entry(s.authority, kRevoked)};
  EXPECT_EQ(s.judge(s.image()).rule, "signature.timeStamp");
  EXPECT_TRUE(s.judge(s.stamped_image(kRevoked)).loads);
  EXPECT_EQ(s.judge(s.stamped_image(kRevoked + seconds(1))).rule, "signature.timeStamp");
}

TEST(Firmware, OneGoodSignatureOfTwoIsEnough) {
  const Signed s;
  const Bytes other = sign_image_digest(s.digest(), make_identity(authority_shape("Nobody")));
  EXPECT_TRUE(s.judge(with_signatures(s.unsigned_image, {other, s.signature()})).loads);
  EXPECT_TRUE(s.judge(with_signatures(s.unsigned_image, {s.signature(), other})).loads);
  EXPECT_EQ(s.judge(with_signatures(s.unsigned_image, {other, other})).rule, "signature.untrusted");
}

TEST(Firmware, OneForbiddenSignatureOfTwoIsEnough) {
  Signed s;
  const Identity nobody = make_identity(authority_shape("Nobody"));
  s.firmware.dbx = {certificate_entry(nobody)};
  const Bytes other = sign_image_digest(s.digest(), nobody);
  EXPECT_EQ(s.judge(with_signatures(s.unsigned_image, {s.signature(), other})).rule, "dbx.certificate");
}

TEST(Firmware, SignatureWithoutItsSignersCertificateForbidsWhereThereIsADbx) {
  Signed s;
  SignatureShape shape;
  shape.content = indirect_data(HashAlgorithm::kSha256, s.digest());
  shape.with_certificate = false;
  const Bytes file = with_signatures(s.unsigned_image, {s.signature(), make_signed_data(shape, {s.signer})});
  EXPECT_TRUE(s.judge(file).loads);
  s.firmware.dbx = {digest_entry(kSha256Signature, Bytes(32, 1))};
  EXPECT_EQ(s.judge(file).rule, "signature.malformed");
}

TEST(Firmware, UnevenCertificateTableLoadsNothing) {
  const Signed s;
  Bytes file = s.image();
  file.insert(file.end(), 4, 0);
  set_u32(file, kPeCertificateEntry + 4, static_cast<std::uint32_t>(file.size() - s.unsigned_image.size()));
  EXPECT_EQ(s.judge(file).rule, "certificateTable.uneven");
}

TEST(SecureBootStateOfAStore, IsOnWithAPlatformKeyUnlessItIsSwitchedOff) {
  const Signed s;
  const StoredVariable key =
      variable(kEfiGlobalVariables, "PK", encode_signature_lists({certificate_entry(s.authority)}));
  EXPECT_FALSE(read_secure_boot_state({})->enabled);
  EXPECT_TRUE(read_secure_boot_state({key})->enabled);
  EXPECT_TRUE(read_secure_boot_state({key, variable(kSecureBootEnableVendor, "SecureBootEnable", {1})})->enabled);
  // The first byte counts, and nothing but 1 is on.
  EXPECT_TRUE(read_secure_boot_state({key, variable(kSecureBootEnableVendor, "SecureBootEnable", {1, 0})})->enabled);
  for (const Bytes& off : {Bytes{0}, Bytes{2}, Bytes{0, 1}, Bytes{}})
    EXPECT_FALSE(read_secure_boot_state({key, variable(kSecureBootEnableVendor, "SecureBootEnable", off)})->enabled);
  EXPECT_FALSE(read_secure_boot_state({variable(kSecureBootEnableVendor, "SecureBootEnable", {1})})->enabled);
}

TEST(SecureBootStateOfAStore, NamesTheVariableThatDoesNotParse) {
  const auto state = read_secure_boot_state({variable(kImageSecurityDatabase, "dbx", Bytes(5, 0))});
  ASSERT_FALSE(state);
  EXPECT_THAT(state.error().message, HasSubstr("variable dbx: at offset"));
}

TEST(SecureBootStateOfAStore, IsBounded) {
  const Signed s;
  const std::vector<EfiSignature> many(1025, certificate_entry(s.authority));
  EXPECT_EQ(read_secure_boot_state({variable(kImageSecurityDatabase, "db", encode_signature_lists(many))}).error().code,
            ErrorCode::kResourceExhausted);
}

}  // namespace
}  // namespace slipway::bootchain
