#include "crypto/signed_data.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <fstream>
#include <iterator>

#include "base/refusals_for_tests.h"
#include "base/source_folder_for_tests.h"
#include "crypto/certificate_details.h"
#include "crypto/certificate_path.h"
#include "crypto/signing_for_tests.h"

namespace slipway::crypto {
namespace {

using namespace slipway::crypto::testing;

Bytes debian_signature() {
  std::ifstream file(source_folder() + "/tests/corpus/fuzz/authenticode_signers/debian-grub.p7", std::ios::binary);
  EXPECT_TRUE(file.good());
  return {std::istreambuf_iterator<char>(file), {}};
}

const Bytes kDigest(32, 0xab);

// root <- intermediate <- signer
struct Authorities {
  Identity root = make_identity(authority_shape("Root"));
  Identity intermediate = make_identity(authority_shape("Intermediate"), &root);
  Identity signer = make_identity({"Signer", {}, {}}, &intermediate);
  Identity stranger = make_identity(authority_shape("Stranger"));

  Bytes sign() const { return sign_image_digest(kDigest, signer, HashAlgorithm::kSha256, {intermediate.certificate}); }
};

TEST(SignedData, OfDebiansGrub) {
  const Bytes der = debian_signature();
  const auto parsed = SignedData::from_der(der);
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_LE(parsed->size(), der.size());
  EXPECT_EQ(parsed->content_type(), kSpcIndirectData);
  EXPECT_EQ(parsed->digest_algorithm(), HashAlgorithm::kSha256);
  ASSERT_EQ(parsed->signers().size(), 1u);
  EXPECT_EQ(parsed->signers()[0].issuer, "CN=Debian Secure Boot CA");
  ASSERT_TRUE(parsed->signers()[0].certificate);
  EXPECT_EQ(parsed->signers()[0].certificate->subject(), "CN=Debian Secure Boot Signer 2022 - grub2");
  EXPECT_TRUE(parsed->signatures_hold(parsed->content()));
  EXPECT_EQ(parsed->path_to(*parsed->signers()[0].certificate).size(), 1u) << "a leaf may be trusted itself";
  const auto said = read_indirect_data(parsed->content());
  ASSERT_TRUE(said) << said.error().message;
  EXPECT_EQ(said->algorithm, HashAlgorithm::kSha256);
  EXPECT_EQ(said->digest.size(), 32u);
  EXPECT_FALSE(parsed->time_stamp(parsed->certificates()));
}

TEST(SignedData, PathLeadsFromTheSignerToTheAnchor) {
  const Authorities a;
  const auto parsed = SignedData::from_der(a.sign()).value();
  const auto path = parsed.path_to(a.root.certificate);
  ASSERT_EQ(path.size(), 3u);
  EXPECT_EQ(path[0].subject(), "CN=Signer");
  EXPECT_EQ(path[2].subject(), "CN=Root");
  EXPECT_EQ(parsed.path_to(a.intermediate.certificate).size(), 2u) << "an anchor need not be self-signed";
  EXPECT_TRUE(parsed.path_to(a.stranger.certificate).empty());
}

TEST(SignedData, PathNeedsTheCertificatesBetween) {
  const Authorities a;
  const auto parsed = SignedData::from_der(sign_image_digest(kDigest, a.signer)).value();
  EXPECT_TRUE(parsed.path_to(a.root.certificate).empty());
}

TEST(SignedData, PathDoesNotLeadThroughWhatIsNoAuthority) {
  const Authorities a;
  const Identity leaf = make_identity({"Leaf", {{"basicConstraints", "critical,CA:FALSE"}}, {}}, &a.intermediate);
  const Identity below = make_identity({"Below", {}, {}}, &leaf);
  const auto parsed = SignedData::from_der(sign_image_digest(kDigest, below, HashAlgorithm::kSha256,
                                                             {leaf.certificate, a.intermediate.certificate}))
                          .value();
  EXPECT_TRUE(parsed.path_to(a.root.certificate).empty());
}

TEST(SignedData, DatesSayNothingToFirmware) {
  const Authorities a;
  CertificateShape shape{"Expired", {}, {}};
  shape.not_after = shape.not_before + std::chrono::hours(1);
  const Identity expired = make_identity(shape, &a.root);
  EXPECT_EQ(SignedData::from_der(sign_image_digest(kDigest, expired)).value().path_to(a.root.certificate).size(), 2u);
}

TEST(SignedData, EverySignerMustHaveAPath) {
  const Authorities a;
  SignatureShape shape;
  shape.content = indirect_data(HashAlgorithm::kSha256, kDigest);
  shape.more_certificates = {a.intermediate.certificate};
  const auto parsed = SignedData::from_der(make_signed_data(shape, {a.signer, a.stranger})).value();
  EXPECT_EQ(parsed.signers().size(), 2u);
  EXPECT_TRUE(parsed.signatures_hold(parsed.content()));
  EXPECT_TRUE(parsed.path_to(a.root.certificate).empty());
}

TEST(SignedData, OtherContentBreaksTheSignatures) {
  const auto parsed = SignedData::from_der(Authorities().sign()).value();
  ASSERT_TRUE(parsed.signatures_hold(parsed.content()));
  Bytes content = to_bytes(parsed.content());
  content.back() ^= 1;
  EXPECT_FALSE(parsed.signatures_hold(content));
  EXPECT_FALSE(parsed.signatures_hold({}));
}

TEST(SignedData, ChangedSignatureValueDoesNotHold) {
  const Authorities a;
  Bytes der = a.sign();
  const Bytes value = signature_value(der);
  const auto at = std::search(der.begin(), der.end(), value.begin(), value.end());
  ASSERT_NE(at, der.end());
  *(at + static_cast<std::ptrdiff_t>(value.size()) - 1) ^= 1;
  const auto parsed = SignedData::from_der(der).value();
  EXPECT_FALSE(parsed.signatures_hold(parsed.content()));
}

TEST(SignedData, SignerWhoseCertificateIsLeftOutHoldsNothing) {
  const Authorities a;
  SignatureShape shape;
  shape.content = indirect_data(HashAlgorithm::kSha256, kDigest);
  shape.with_certificate = false;
  const auto parsed = SignedData::from_der(make_signed_data(shape, {a.signer})).value();
  EXPECT_FALSE(parsed.signers().at(0).certificate);
  EXPECT_FALSE(parsed.signatures_hold(parsed.content()));
  EXPECT_TRUE(parsed.path_to(a.root.certificate).empty());
}

TEST(SignedData, WithoutSignersHoldsNothing) {
  SignatureShape shape;
  shape.content = indirect_data(HashAlgorithm::kSha256, kDigest);
  const auto parsed = SignedData::from_der(make_signed_data(shape, {}));
  ASSERT_TRUE(parsed);
  EXPECT_FALSE(parsed->signatures_hold(parsed->content()));
  EXPECT_TRUE(parsed->path_to(Authorities().root.certificate).empty());
}

TEST(SignedData, BareOneIsRead) {
  const Authorities a;
  SignatureShape shape;
  shape.content_type = "1.2.840.113549.1.7.1";
  shape.content = to_bytes("what a variable's update covers");
  Bytes der = make_bare_signed_data(shape, {a.signer});
  const std::size_t size = der.size();
  der.insert(der.end(), 5, 0);
  const auto parsed = SignedData::from_der(der);
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->size(), size);
  EXPECT_TRUE(parsed->content().empty());
  EXPECT_TRUE(parsed->signatures_hold(shape.content));
}

TEST(SignedData, OtherAlgorithmsAreNamed) {
  const Authorities a;
  for (const HashAlgorithm algorithm :
       {HashAlgorithm::kSha1, HashAlgorithm::kSha256, HashAlgorithm::kSha384, HashAlgorithm::kSha512}) {
    const Bytes digest(digest_size(algorithm), 7);
    const auto parsed = SignedData::from_der(sign_image_digest(digest, a.signer, algorithm)).value();
    EXPECT_EQ(parsed.digest_algorithm(), algorithm);
    EXPECT_TRUE(parsed.signatures_hold(parsed.content()));
    const auto said = read_indirect_data(parsed.content()).value();
    EXPECT_EQ(said.algorithm, algorithm);
    EXPECT_EQ(said.digest, digest);
  }
}

TEST(SignedData, RefusesWhatIsNone) {
  EXPECT_FALSE(SignedData::from_der({}));
  EXPECT_FALSE(SignedData::from_der(as_bytes("no PKCS#7")));
  const Bytes whole = debian_signature();
  Bytes padded = whole;
  padded.resize(256U << 10, 0);
  EXPECT_EQ(refusal_of(SignedData::from_der(padded)), "");
  padded.push_back(0);
  EXPECT_EQ(refusal_of(SignedData::from_der(padded)), "a signature is 262145 bytes long, over 256 KiB");
  EXPECT_FALSE(SignedData::from_der(ByteView(whole).subspan(0, whole.size() / 2)));
  SignatureShape shape;
  shape.content = indirect_data(HashAlgorithm::kSha256, kDigest);
  const Authorities a;
  const std::string limits = "a signature has more than 16 signers, 32 certificates or 4 digest algorithms";
  const auto signed_by = [&](std::size_t signers) {
    return refusal_of(SignedData::from_der(make_signed_data(shape, std::vector<Identity>(signers, a.signer))));
  };
  EXPECT_EQ(signed_by(16), "");
  EXPECT_EQ(signed_by(17), limits);
  for (long serial = 0; serial < 31; ++serial) {
    CertificateShape other = authority_shape("Other");
    other.serial = serial;
    shape.more_certificates.push_back(make_identity(other, nullptr, a.root.key).certificate);
  }
  EXPECT_EQ(signed_by(1), "");
  shape.more_certificates.push_back(a.root.certificate);
  EXPECT_EQ(signed_by(1), limits);
}

// OpenSSL digests the content once for each that is named.
TEST(SignedData, NamesFourDigestAlgorithmsAtMost) {
  SignatureShape shape;
  shape.content = indirect_data(HashAlgorithm::kSha256, kDigest);
  const Authorities a;
  const auto four = SignedData::from_der(with_more_digest_algorithms(make_pkcs7(shape, {a.signer}), 3));
  ASSERT_TRUE(four) << four.error().message;
  EXPECT_TRUE(four->signatures_hold(four->content()));
  const auto five = SignedData::from_der(with_more_digest_algorithms(make_pkcs7(shape, {a.signer}), 4));
  EXPECT_EQ(refusal_of(five), "a signature has more than 16 signers, 32 certificates or 4 digest algorithms");
}

// Found by fuzzing: OpenSSL refused it too, and lost 272 bytes each time.
TEST(SignedData, ADigestAlgorithmThatNobodyKnowsHoldsNothingAndLosesNothing) {
  SignatureShape shape;
  shape.content = indirect_data(HashAlgorithm::kSha256, kDigest);
  const Authorities a;
  const OwnedPkcs7 pkcs7 = make_pkcs7(shape, {a.signer});
  X509_ALGOR* unknown = X509_ALGOR_new();
  X509_ALGOR_set0(unknown, OBJ_nid2obj(NID_md4), V_ASN1_NULL, nullptr);
  sk_X509_ALGOR_push(pkcs7->d.sign->md_algs, unknown);
  const auto parsed = SignedData::from_der(der_of(pkcs7.get(), i2d_PKCS7)).value();
  EXPECT_FALSE(parsed.signatures_hold(parsed.content()));
  const std::size_t before = mallinfo2().uordblks;
  for (int i = 0; i < 1000; ++i) static_cast<void>(parsed.signatures_hold(parsed.content()));
  EXPECT_LT(mallinfo2().uordblks, before + 100000);
}

TEST(SignedData, HasThirtyTwoCertificatesAtMost) {
  const Authorities a;
  const auto with = [&](std::size_t more) {
    return sign_image_digest(kDigest, a.signer, HashAlgorithm::kSha256,
                             std::vector<Certificate>(more, a.intermediate.certificate));
  };
  EXPECT_TRUE(SignedData::from_der(with(31)));
  EXPECT_FALSE(SignedData::from_der(with(32)));
  EXPECT_EQ(certificates_in(with(31)), 32u);
  EXPECT_EQ(certificates_in(with(99)), 100u);
  EXPECT_EQ(certificates_in(as_bytes("no PKCS#7")), 0u);
}

// A signature by a certificate of the caller's making.
Bytes signed_by_certificate_of(const char* curve, int units) {
  const OwnedKey key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve));
  const OwnedCertificate certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key.get());
  const std::string unit(50, 'u');
  for (int i = 0; i < units; ++i)
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "OU", MBSTRING_UTF8, as_bytes(unit).data(), -1,
                               -1, 0);
  EXPECT_GT(X509_sign(certificate.get(), key.get(), EVP_sha256()), 0);
  const OwnedBio data(BIO_new_mem_buf("content", 7));
  const OwnedPkcs7 pkcs7(PKCS7_sign(certificate.get(), key.get(), nullptr, data.get(), PKCS7_BINARY | PKCS7_DETACHED));
  return der_of(pkcs7.get(), i2d_PKCS7);
}

TEST(SignedData, NamesItsSignerInFourKibibytesAtMost) {
  EXPECT_TRUE(SignedData::from_der(signed_by_certificate_of("P-256", 60)));
  EXPECT_FALSE(SignedData::from_der(signed_by_certificate_of("P-256", 80)));
}

// A key that nobody signs with, and whose checks take long: the signature is good, and does not hold.
TEST(SignedData, AKeyThatTakesLongToCheckHoldsNothing) {
  const auto signature_by = [](const char* curve) {
    const auto parsed = SignedData::from_der(signed_by_certificate_of(curve, 1));
    EXPECT_TRUE(parsed);
    return parsed && parsed->signatures_hold(as_bytes("content"));
  };
  EXPECT_TRUE(signature_by("P-521"));
  EXPECT_FALSE(signature_by("brainpoolP512r1"));
}

TEST(IndirectData, RefusesAnotherStructure) {
  const Bytes good = indirect_data(HashAlgorithm::kSha256, kDigest);
  ASSERT_TRUE(read_indirect_data(good));
  for (std::size_t size = 0; size < good.size(); ++size) EXPECT_FALSE(read_indirect_data(ByteView(good).first(size)));
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_FALSE(read_indirect_data(longer)) << "firmware compares the last bytes: they must be the digest's";
}

struct Stamped {
  Authorities a;
  Identity authority = make_identity(authority_shape("Time stamps"));
  Time when = Time(std::chrono::sys_days(std::chrono::year(2023) / 5 / 6)) + std::chrono::hours(7);

  SignedData with(const Bytes& token) const {
    SignatureShape shape;
    shape.content = indirect_data(HashAlgorithm::kSha256, kDigest);
    const OwnedPkcs7 pkcs7 = make_pkcs7(shape, {a.signer});
    // A stamp covers the signature that it is added to.
    const Bytes der = der_of(pkcs7.get(), i2d_PKCS7);
    add_time_stamp(pkcs7.get(), token.empty() ? make_time_stamp(signature_value(der), when, authority) : token);
    return SignedData::from_der(der_of(pkcs7.get(), i2d_PKCS7)).value();
  }
};

TEST(TimeStamp, SaysWhenTheSignatureExisted) {
  const Stamped s;
  EXPECT_EQ(s.with({}).time_stamp({s.a.stranger.certificate, s.authority.certificate}), s.when);
}

TEST(TimeStamp, OfAnAuthorityThatNobodyTrustsIsNone) {
  const Stamped s;
  EXPECT_FALSE(s.with({}).time_stamp({s.a.root.certificate}));
  EXPECT_FALSE(s.with({}).time_stamp({}));
}

TEST(TimeStamp, OfAnotherSignatureIsNone) {
  const Stamped s;
  EXPECT_FALSE(s.with(make_time_stamp(as_bytes("other"), s.when, s.authority)).time_stamp({s.authority.certificate}));
}

TEST(TimeStamp, WhoseOwnSignatureDoesNotHoldIsNone) {
  const Stamped s;
  SignatureShape shape;
  shape.content = indirect_data(HashAlgorithm::kSha256, kDigest);
  const OwnedPkcs7 pkcs7 = make_pkcs7(shape, {s.a.signer});
  Bytes token = make_time_stamp(signature_value(der_of(pkcs7.get(), i2d_PKCS7)), s.when, s.authority);
  const Bytes value = signature_value(token);
  *(std::search(token.begin(), token.end(), value.begin(), value.end()) + static_cast<std::ptrdiff_t>(value.size()) -
    1) ^= 1;
  add_time_stamp(pkcs7.get(), token);
  const auto parsed = SignedData::from_der(der_of(pkcs7.get(), i2d_PKCS7)).value();
  EXPECT_FALSE(parsed.time_stamp({s.authority.certificate}));
}

TEST(CertificatePath, HoldsDatesAgainstATimeIfThereIsOne) {
  const Authorities a;
  const Time within = Time(std::chrono::sys_days(std::chrono::year(2030) / 1 / 1));
  const Time after = Time(std::chrono::sys_days(std::chrono::year(2041) / 1 / 1));
  EXPECT_TRUE(find_path(a.signer.certificate, {a.intermediate.certificate}, {a.root.certificate}, within));
  const auto late = find_path(a.signer.certificate, {a.intermediate.certificate}, {a.root.certificate}, after);
  ASSERT_FALSE(late);
  EXPECT_NE(late.error().message.find("expired"), std::string::npos) << late.error().message;
}

TEST(CertificateDetails, AreReadAsTheyStand) {
  const Identity authority = make_identity(authority_shape("Authority"));
  const auto of_authority = details_of(authority.certificate).value();
  EXPECT_TRUE(of_authority.authority);
  EXPECT_FALSE(of_authority.has_key_usage);
  EXPECT_EQ(of_authority.version, 3);
  CertificateShape shape{"",
                         {{"keyUsage", "critical,keyEncipherment"},
                          {"extendedKeyUsage", "2.23.133.8.1"},
                          {"subjectKeyIdentifier", "hash"},
                          {"subjectAltName", "critical,dirName:tpm"}},
                         "[tpm]\ntpmManufacturer=id:00001014\ntpmModel=swtpm\n"};
  shape.serial = 0x1234;
  const auto details = details_of(make_identity(shape, &authority).certificate);
  ASSERT_TRUE(details) << details.error().message;
  EXPECT_FALSE(details->authority);
  EXPECT_TRUE(details->has_key_usage && details->key_encipherment);
  EXPECT_FALSE(details->key_agreement || details->key_cert_sign || details->digital_signature);
  EXPECT_EQ(details->extended_key_uses, std::vector<std::string>{"2.23.133.8.1"});
  EXPECT_EQ(details->serial, "1234");
  EXPECT_EQ(details->subject_key_id.size(), 20u);
  ASSERT_EQ(details->alternative_names.size(), 2u);
  EXPECT_EQ(details->alternative_names[1], (std::pair<std::string, std::string>("2.23.133.2.2", "swtpm")));
}

TEST(CertificateDetails, OfAnExtensionThatStandsTwiceAreRefused) {
  const CertificateShape shape{"Twice", {{"keyUsage", "keyCertSign"}, {"keyUsage", "keyEncipherment"}}, {}};
  EXPECT_FALSE(details_of(make_identity(shape).certificate));
}

TEST(CertificateDetails, TbsDigestLeavesTheSignatureOut) {
  const PrivateKey key = PrivateKey::generate_p256();
  const Certificate first = make_identity({"Same", {}, {}}, nullptr, key).certificate;
  const Certificate second = make_identity({"Same", {}, {}}, nullptr, key).certificate;
  ASSERT_NE(first.der(), second.der()) << "ECDSA signs differently each time";
  EXPECT_EQ(tbs_digest(first, HashAlgorithm::kSha384), tbs_digest(second, HashAlgorithm::kSha384));
  EXPECT_NE(tbs_digest(first, HashAlgorithm::kSha256), sha256(first.der()));
}

TEST(PemBundle, GivesEveryCertificate) {
  const Authorities a;
  const auto both = certificates_from_pem("a comment\n" + a.root.certificate.pem() + "\n" + a.signer.certificate.pem());
  ASSERT_TRUE(both) << both.error().message;
  ASSERT_EQ(both->size(), 2u);
  EXPECT_EQ(both->at(1).der(), a.signer.certificate.der());
  EXPECT_FALSE(certificates_from_pem(""));
  EXPECT_FALSE(certificates_from_pem(std::string((1 << 20) + 1, ' ')));
  const auto broken = certificates_from_pem(a.root.certificate.pem() + a.root.key.pem());
  ASSERT_FALSE(broken);
  EXPECT_NE(broken.error().message.find("at offset " + std::to_string(a.root.certificate.pem().size())),
            std::string::npos)
      << broken.error().message;
}

}  // namespace
}  // namespace slipway::crypto
