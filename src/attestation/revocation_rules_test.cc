#include "attestation/revocation_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attestation/evidence_for_tests.h"
#include "base/random.h"
#include "bootchain/signature_list.h"
#include "crypto/certificate.h"
#include "crypto/certificate_details.h"

// Who signed an image stands nowhere in the log; what the prediction knows of it is held against revocations.
namespace slipway::attestation {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kKernelPath = "/EFI/debian/vmlinuz";
const std::string kGrubPath = "/EFI/BOOT/grubx64.efi";

Bytes dbx_with(std::string_view type, Bytes data) {
  return bootchain::encode_signature_lists({{bootchain::guid_from_text(type).value(), {}, std::move(data)}});
}
Bytes dbx_with(const crypto::Certificate& certificate) {
  return dbx_with(bootchain::kX509Signature, certificate.der());
}
Bytes dbx_with_digest_of(const crypto::Certificate& certificate) {
  Bytes entry = tbs_digest(certificate, crypto::HashAlgorithm::kSha256);
  entry.resize(48, 0);
  return dbx_with(bootchain::kX509Sha256Signature, entry);
}

class RevokedSigner : public ::testing::Test {
 protected:
  RevokedSigner() {
    kernel_signer = issue("Kernel signer");
    grub_signer = issue("GRUB signer");
    references.predictions[0].prediction.signed_files = {{kGrubPath, {{grub_signer.der()}}},
                                                         {kKernelPath, {{kernel_signer.der()}}}};
  }

  crypto::Identity make_authority(const std::string& name) {
    return crypto::make_authority(name, kNow - seconds(60), kNow + seconds(60), random).value();
  }
  crypto::Certificate issue(const std::string& name) {
    crypto::CertificateTemplate content;
    content.common_name = name;
    content.not_before = kNow - seconds(60);
    content.not_after = kNow + seconds(60);
    return crypto::issue_identity(authority, content, random)->certificate;
  }
  Verdict judge_under(const Bytes& dbx, const SimulatedMachine& machine = verity_machine()) {
    const auto revocations = revocations_from_dbx(dbx);
    EXPECT_TRUE(revocations) << revocations.error().message;
    references.revocations = *revocations;
    return judge(machine, references);
  }

  SystemRandom random;
  crypto::Identity authority = make_authority("Authority of signers");
  crypto::Certificate kernel_signer = authority.certificate, grub_signer = authority.certificate;
  References references = verity_references();
};

// As firmware and shim would refuse it: dbx.certificate.
TEST_F(RevokedSigner, OfTheKernelIsFoundByItsCertificate) {
  const Verdict verdict = judge_under(dbx_with(kernel_signer));
  EXPECT_EQ(verdict.verdict_class, VerdictClass::kUntrusted);
  ASSERT_THAT(rules_of(verdict), ElementsAre("revoked.certificate"));
  const Finding& finding = verdict.findings[0];
  EXPECT_EQ(finding.component, kKernelPath);
  EXPECT_EQ(finding.pcr, 4);
  EXPECT_GE(finding.event, 0);
  EXPECT_EQ(finding.package, "linux-image-6.1.0-50-cloud-amd64 6.1");
  EXPECT_THAT(finding.found, HasSubstr("Kernel signer"));
  EXPECT_EQ(finding.signer, "CN=Debian Secure Boot Signer 2022 - linux") << "who was predicted";
  for (const Component& component : verdict.components)
    EXPECT_EQ(component.matches, component.path != kKernelPath) << component.name;
}

TEST_F(RevokedSigner, OfGrubIsFoundByItsCertificatesDigest) {
  const Verdict verdict = judge_under(dbx_with_digest_of(grub_signer));
  ASSERT_THAT(rules_of(verdict), ElementsAre("revoked.certificate"));
  EXPECT_EQ(verdict.findings[0].component, kGrubPath);
}

TEST_F(RevokedSigner, IsAlsoWhomARevokedAuthorityCertified) {
  EXPECT_THAT(rules_of(judge_under(dbx_with(authority.certificate))),
              ElementsAre("revoked.certificate", "revoked.certificate"));
  // One of the same name that did not sign it is another.
  EXPECT_THAT(rules_of(judge_under(dbx_with(make_authority("Authority of signers").certificate))), IsEmpty());
}

// An image loads only if none of its signatures leads to what is revoked.
TEST_F(RevokedSigner, OfAnySignatureAndAnyPlaceInItsChainCounts) {
  references.predictions[0].prediction.signed_files = {
      {kKernelPath, {{issue("Another").der()}, {issue("Leaf").der(), kernel_signer.der()}}}};
  EXPECT_THAT(rules_of(judge_under(dbx_with(kernel_signer))), ElementsAre("revoked.certificate"));
}

TEST_F(RevokedSigner, OfAnotherImageChangesNothing) {
  EXPECT_EQ(judge_under(dbx_with(issue("Kernel signer"))).verdict_class, VerdictClass::kTrusted);
  EXPECT_EQ(judge_under(dbx_with_digest_of(issue("Kernel signer"))).verdict_class, VerdictClass::kTrusted);
}

// Predictions of before know the signer by name alone.
TEST_F(RevokedSigner, IsFoundByItsNameWhereItsCertificateIsNotKnown) {
  references.predictions[0].prediction.signed_files.clear();
  const Verdict verdict = judge_under(dbx_with(issue("Debian Secure Boot Signer 2022 - linux")));
  ASSERT_THAT(rules_of(verdict), ElementsAre("revoked.certificate"));
  EXPECT_EQ(verdict.findings[0].component, kKernelPath);
  EXPECT_THAT(rules_of(judge_under(dbx_with(kernel_signer))), IsEmpty());
}

// Of what ran instead nobody knows the signer; that it is not what was predicted is finding enough.
TEST_F(RevokedSigner, OfAnImageThatDidNotRunIsNotBlamed) {
  SimulatedMachine machine = verity_machine();
  for (bootchain::UnverifiedEvent& event : machine.log.events)
    if (to_hex(event.digests[0].digest) == kGrub) event.digests[0].digest[0] ^= 1;
  const Verdict verdict = judge_under(dbx_with(grub_signer), machine);
  EXPECT_THAT(rules_of(verdict), ::testing::Not(::testing::Contains("revoked.certificate")));
  EXPECT_EQ(verdict.verdict_class, VerdictClass::kUntrusted);
}

TEST_F(RevokedSigner, ThousandsOfOneNameCostNoThousandsOfChecks) {
  const Bytes namesake = make_authority("Authority of signers").certificate.der();
  references.revocations.certificates.assign(5000, namesake);
  const Verdict verdict = judge(verity_machine(), references);
  EXPECT_EQ(verdict.verdict_class, VerdictClass::kUntrusted) << "those beyond the limit count by their name";
}

}  // namespace
}  // namespace slipway::attestation
