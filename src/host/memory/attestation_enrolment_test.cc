#include <gmock/gmock.h>

#include "base/byte_reader.h"
#include "crypto/key_at_infinity_for_tests.h"
#include "enrolment/binding.h"
#include "enrolment/refusal.h"
#include "host/memory/enrolment_fixture.h"
#include "tpm/credential.h"
#include "tpm/public_area.h"

// The rules of enrolment by attestation, by their numbers in docs/formats/enrolment.md: each with what obeys it and the
// lies that it refuses.
namespace slipway::host::testing {
namespace {

using enrolment::Purpose;
namespace refusal = enrolment::refusal;

class AttestationEnrolment : public EnrolmentTest {};

// A TPM that says what a test wants about its keys, and does the rest truly.
class LyingAttester final : public tpm::Attester {
 public:
  explicit LyingAttester(SoftwareAttester& truth) : truth_(truth) {}
  Bytes endorsement_key, attestation_key;  // said instead of the true ones, if not empty

  Result<Bytes> endorsement_key_public() override {
    if (!endorsement_key.empty()) return endorsement_key;
    return truth_.endorsement_key_public();
  }
  Result<Bytes> attestation_key_public() override {
    if (!attestation_key.empty()) return attestation_key;
    return truth_.attestation_key_public();
  }
  Result<Bytes> activate_credential(ByteView id_object, ByteView encrypted_secret) override {
    return truth_.activate_credential(id_object, encrypted_secret);
  }
  Result<tpm::UnverifiedQuote> quote(ByteView qualifying_data, const std::vector<int>& pcrs) override {
    return truth_.quote(qualifying_data, pcrs);
  }
  Result<std::vector<Bytes>> read_pcrs(const std::vector<int>& pcrs) override { return truth_.read_pcrs(pcrs); }
  Result<Bytes> firmware_event_log() override { return truth_.firmware_event_log(); }
  Result<Bytes> ima_log() override { return truth_.ima_log(); }

 private:
  SoftwareAttester& truth_;
};

TEST_F(AttestationEnrolment, AGoodNodeIsAdmittedUnderTheNameThatTheServerGives) {
  const auto node = make_node(kNodeA);
  const auto admission = attest(*node, kNodeA);
  ASSERT_TRUE(admission.has_value()) << admission.error().reason << ": " << admission.error().message;
  EXPECT_EQ(admission->verdict, "trusted");
  EXPECT_EQ(admission->node_name, registry.facts[kNodeA].node_name);
  EXPECT_FALSE(registry.facts[kNodeA].attestation_key_name.empty());
  ASSERT_EQ(registry.verdicts.size(), 1U);
  EXPECT_TRUE(registry.verdicts[0].secure_boot);
  EXPECT_TRUE(registry.refusals.empty());
}

TEST_F(AttestationEnrolment, TheBundleHasWhatWasRecordedOfTheEndorsementKey) {
  const auto node = make_node(kNodeA);
  ASSERT_TRUE(attest(*node, kNodeA).has_value());
  EXPECT_FALSE(registry.bundles.back().endorsement);
  registry.facts[kNodeA].endorsement = attestation::EndorsementCertificates{Bytes(3, 1), Bytes(4, 2)};
  ASSERT_TRUE(attest(*node, kNodeA, Purpose::kAttest).has_value());
  ASSERT_TRUE(registry.bundles.back().endorsement);
  EXPECT_EQ(registry.bundles.back().endorsement->certificate, Bytes(3, 1));
  EXPECT_EQ(registry.bundles.back().endorsement->authority, Bytes(4, 2));
}

// What a third party computes again from a bundle is what the node quoted.
TEST_F(AttestationEnrolment, TheBundleIsBoundToWhatItNames) {
  const auto node = make_node(kNodeA);
  ASSERT_TRUE(attest(*node, kNodeA).has_value());
  const auto bound = enrolment::check_binding(registry.bundles.back());
  EXPECT_TRUE(bound) << bound.error().message;
}

TEST_F(AttestationEnrolment, WithoutSecureBootANodeIsTrustedWhereItsPoolDoesNotAskForIt) {
  boot = simulate_boot(manifest, false);
  const auto node = make_node(kNodeA);
  registry.facts[kNodeA].appraiser = test_appraiser(manifest, false);
  const auto admission = attest(*node, kNodeA);
  ASSERT_TRUE(admission.has_value()) << admission.error().message;
  EXPECT_FALSE(registry.verdicts[0].secure_boot);
}

TEST_F(AttestationEnrolment, Rule1UnknownInstancesAreRefused) {
  const auto node = make_node(kNodeA);
  expect_refused(attest(*node, kNodeB), refusal::kUnknownInstance);
  expect_refused(service.challenge("../" + kNodeA, {}, ""), refusal::kUnknownInstance);
  // Deleted between challenge and evidence.
  const auto keys = enrolment::generate_node_keys();
  const auto challenge = ask(*node, kNodeA).value();
  const auto evidence = answer(*node, kNodeA, challenge, keys);
  registry.facts.erase(kNodeA);
  expect_refused(service.evidence(kNodeA, evidence, ""), refusal::kUnknownInstance);
}

TEST_F(AttestationEnrolment, Rule2AnotherTpmIsRefusedForTheInstance) {
  make_node(kNodeA);
  const auto other = make_node(kNodeB);
  expect_refused(attest(*other, kNodeA), refusal::kForeignEndorsementKey);
  ASSERT_EQ(registry.refusals.size(), 1U);
}

TEST_F(AttestationEnrolment, Rule2APoolWithoutVtpmDoesNotAttest) {
  const auto node = make_node(kNodeA);
  registry.facts[kNodeA].vtpm = false;
  expect_refused(attest(*node, kNodeA), refusal::kNoVtpmRecorded);
  expect_refused(service.evidence(kNodeA, {}, ""), refusal::kNoVtpmRecorded);
}

TEST_F(AttestationEnrolment, Rule3UnfitAttestationKeysAreRefused) {
  const auto node = make_node(kNodeA);
  const auto fit = tpm::parse_public_area(node->attestation_key_public().value()).value();
  const auto flip = [&](std::uint32_t attribute) {
    tpm::PublicArea area = fit;
    area.attributes ^= attribute;
    return area;
  };
  std::vector<tpm::PublicArea> unfit{flip(tpm::kRestricted),  flip(tpm::kSign),    flip(tpm::kFixedTpm),
                                     flip(tpm::kFixedParent), flip(tpm::kDecrypt), flip(tpm::kSensitiveDataOrigin)};
  unfit.push_back(fit);
  unfit.back().scheme.hash = tpm::kAlgSha1;
  for (const tpm::PublicArea& area : unfit) {
    LyingAttester lying(*node);
    lying.attestation_key = tpm::marshal_public_area(area);
    expect_refused(attest(lying, kNodeA), refusal::kUnfitAttestationKey);
  }
  LyingAttester garbage(*node);
  garbage.attestation_key = Bytes(80, 0xff);
  expect_refused(attest(garbage, kNodeA), refusal::kUnfitAttestationKey);
}

// The endorsement key of A is public: B knows it, and A's instance id. It quotes with its own key, as it must.
TEST_F(AttestationEnrolment, Rule4AnAttestationKeyOfAnotherVmIsRefused) {
  const auto victim = make_node(kNodeA);
  const auto thief = make_node(kNodeB);
  LyingAttester lying(*thief);
  lying.endorsement_key = victim->endorsement_key_public().value();
  // B's TPM cannot open the credential.
  const auto challenge = ask(lying, kNodeA).value();
  EXPECT_FALSE(thief->activate_credential(challenge.id_object, challenge.encrypted_secret).has_value());
  // A's TPM, asked by a helper inside A, refuses: the credential names B's key.
  EXPECT_FALSE(victim->activate_credential(challenge.id_object, challenge.encrypted_secret).has_value());
  // So B can only guess.
  const auto keys = enrolment::generate_node_keys();
  enrolment::UnverifiedEvidenceRequest evidence;
  evidence.challenge = challenge.challenge;
  evidence.activated_secret = random.bytes(32);
  evidence.quote = thief
                       ->quote(enrolment::qualifying_data(Purpose::kEnrol, challenge.nonce, kNodeA,
                                                          keys.client.public_key(), keys.serving.public_key()),
                               challenge.pcrs)
                       .value();
  evidence.firmware_event_log = thief->firmware_event_log().value();
  evidence.client_request = crypto::make_certificate_request(keys.client, "x").value();
  evidence.serving_request = crypto::make_certificate_request(keys.serving, "x").value();
  expect_refused(service.evidence(kNodeA, evidence, ""), refusal::kCredentialNotActivated);
  // And guessing did not void the challenge of the true node.
  EXPECT_TRUE(attest(*victim, kNodeA).has_value());
}

TEST_F(AttestationEnrolment, Rule5AnOldNonceIsRefused) {
  const auto node = make_node(kNodeA);
  const auto keys = enrolment::generate_node_keys();
  const auto evidence = answer(*node, kNodeA, ask(*node, kNodeA).value(), keys);
  clock.advance(seconds(120));
  expect_refused(service.evidence(kNodeA, evidence, ""), refusal::kExpiredNonce);
}

TEST_F(AttestationEnrolment, Rule5ANonceIsGoodJustBeforeItsEnd) {
  const auto node = make_node(kNodeA);
  const auto evidence = answer(*node, kNodeA, ask(*node, kNodeA).value(), enrolment::generate_node_keys());
  clock.advance(seconds(120) - milliseconds(1));
  EXPECT_TRUE(service.evidence(kNodeA, evidence, "").has_value());
}

TEST_F(AttestationEnrolment, Rule5ANonceIsGoodForOneInstanceAndOnePurpose) {
  const auto a = make_node(kNodeA);
  const auto b = make_node(kNodeB);
  const auto keys = enrolment::generate_node_keys();
  auto evidence = answer(*a, kNodeA, ask(*a, kNodeA).value(), keys);
  expect_refused(service.evidence(kNodeB, evidence, ""), refusal::kForeignNonce);
  evidence.purpose = Purpose::kAttest;
  expect_refused(service.evidence(kNodeA, evidence, ""), refusal::kForeignNonce);
  evidence.challenge = service.renewal_challenge(make_secret_node(kNodeB).instance, "").value().challenge;
  expect_refused(service.evidence(kNodeA, evidence, ""), refusal::kForeignNonce);
}

TEST_F(AttestationEnrolment, Rule5ANonceIsGoodOnce) {
  const auto node = make_node(kNodeA);
  const auto older = answer(*node, kNodeA, ask(*node, kNodeA).value(), enrolment::generate_node_keys());
  const auto evidence = answer(*node, kNodeA, ask(*node, kNodeA).value(), enrolment::generate_node_keys());
  ASSERT_TRUE(service.evidence(kNodeA, evidence, "").has_value());
  admissions_are_fine();
  expect_refused(service.evidence(kNodeA, evidence, ""), refusal::kUsedNonce);
  // What is kept is one number for each instance: an older challenge is void with it.
  expect_refused(service.evidence(kNodeA, older, ""), refusal::kUsedNonce);
}

TEST_F(AttestationEnrolment, Rule5ANonceThatServedABadVerdictIsUsed) {
  const auto node = make_node(kNodeA);
  node->extend(8, crypto::sha256(as_bytes("one more command")));
  const auto evidence = answer(*node, kNodeA, ask(*node, kNodeA).value(), enrolment::generate_node_keys());
  expect_refused(service.evidence(kNodeA, evidence, ""), refusal::kVerdictNotTrusted);
  expect_refused(service.evidence(kNodeA, evidence, ""), refusal::kUsedNonce);
}

TEST_F(AttestationEnrolment, Rule5EveryChangedBitOfAChallengeIsSeen) {
  const auto node = make_node(kNodeA);
  const auto good = answer(*node, kNodeA, ask(*node, kNodeA).value(), enrolment::generate_node_keys());
  const Bytes bytes = from_base64url(good.challenge).value();
  for (std::size_t at = 0; at < bytes.size(); at += 7) {
    Bytes changed = bytes;
    changed[at] = static_cast<std::uint8_t>(changed[at] ^ 0x10);
    auto evidence = good;
    evidence.challenge = to_base64url(changed);
    expect_refused(service.evidence(kNodeA, evidence, ""), refusal::kUnknownNonce);
  }
  for (const std::string& text : {std::string(), std::string("AAAA"), std::string("not base64!")}) {
    auto evidence = good;
    evidence.challenge = text;
    expect_refused(service.evidence(kNodeA, evidence, ""), refusal::kUnknownNonce);
  }
  // A challenge of the server before its restart.
  enrolment::Service restarted(registry, clock, random);
  expect_refused(restarted.evidence(kNodeA, good, ""), refusal::kUnknownNonce);
  EXPECT_TRUE(service.evidence(kNodeA, good, "").has_value());
}

TEST_F(AttestationEnrolment, Rule6TheQuoteBindsBothKeys) {
  const auto node = make_node(kNodeA);
  const auto stolen = enrolment::generate_node_keys();
  auto evidence = answer(*node, kNodeA, ask(*node, kNodeA).value(), enrolment::generate_node_keys());
  evidence.client_request = crypto::make_certificate_request(stolen.client, "x").value();
  expect_refused(service.evidence(kNodeA, evidence, ""), refusal::kWrongKeyBinding);

  evidence = answer(*node, kNodeA, ask(*node, kNodeA).value(), enrolment::generate_node_keys());
  evidence.serving_request = crypto::make_certificate_request(stolen.serving, "x").value();
  expect_refused(service.evidence(kNodeA, evidence, ""), refusal::kWrongKeyBinding);

  evidence = answer(*node, kNodeA, ask(*node, kNodeA).value(), enrolment::generate_node_keys());
  std::swap(evidence.client_request, evidence.serving_request);
  expect_refused(service.evidence(kNodeA, evidence, ""), refusal::kWrongKeyBinding);
}

TEST_F(AttestationEnrolment, Rule6TheQuoteBindsTheNonceTheInstanceAndThePurpose) {
  const auto node = make_node(kNodeA);
  const auto keys = enrolment::generate_node_keys();
  const auto first = answer(*node, kNodeA, ask(*node, kNodeA).value(), keys);
  auto evidence = answer(*node, kNodeA, ask(*node, kNodeA).value(), keys);
  evidence.quote = first.quote;
  expect_refused(service.evidence(kNodeA, evidence, ""), refusal::kWrongKeyBinding);

  const auto challenge = ask(*node, kNodeA).value();
  evidence = answer(*node, kNodeB, challenge, keys);  // quotes for another instance id
  expect_refused(service.evidence(kNodeA, evidence, ""), refusal::kWrongKeyBinding);

  evidence = answer(*node, kNodeA, ask(*node, kNodeA).value(), keys, Purpose::kAttest);
  evidence.purpose = Purpose::kEnrol;
  expect_refused(service.evidence(kNodeA, evidence, ""), refusal::kWrongKeyBinding);
}

TEST_F(AttestationEnrolment, Rule6TheQualifyingDataIsTheOneOfTheDocument) {
  const auto client = crypto::PrivateKey::generate_p256().public_key();
  const auto serving = crypto::PrivateKey::generate_p256().public_key();
  const Bytes nonce(32, 7);
  Bytes expected = to_bytes("slipway-enrol-v1");
  put_bytes(expected, nonce);
  put_bytes(expected, as_bytes(kNodeA));
  put_bytes(expected, crypto::sha256(client.spki_der()));
  put_bytes(expected, crypto::sha256(serving.spki_der()));
  EXPECT_EQ(enrolment::qualifying_data(Purpose::kEnrol, nonce, kNodeA, client, serving), crypto::sha256(expected));
}

TEST_F(AttestationEnrolment, Rule7ARequestMustBeSignedByItsOwnKey) {
  const auto node = make_node(kNodeA);
  auto evidence = answer(*node, kNodeA, ask(*node, kNodeA).value(), enrolment::generate_node_keys());
  evidence.client_request.back() = static_cast<std::uint8_t>(evidence.client_request.back() ^ 1);
  expect_refused(service.evidence(kNodeA, evidence, ""), refusal::kBadCertificateRequest);

  evidence = answer(*node, kNodeA, ask(*node, kNodeA).value(), enrolment::generate_node_keys());
  evidence.serving_request.back() = static_cast<std::uint8_t>(evidence.serving_request.back() ^ 1);
  expect_refused(service.evidence(kNodeA, evidence, ""), refusal::kBadCertificateRequest);

  evidence = answer(*node, kNodeA, ask(*node, kNodeA).value(), enrolment::generate_node_keys());
  evidence.serving_request = evidence.client_request;
  expect_refused(service.evidence(kNodeA, evidence, ""), refusal::kBadCertificateRequest);

  evidence = answer(*node, kNodeA, ask(*node, kNodeA).value(), enrolment::generate_node_keys());
  evidence.serving_request.clear();
  expect_refused(service.evidence(kNodeA, evidence, ""), refusal::kBadCertificateRequest);

  evidence = answer(*node, kNodeA, ask(*node, kNodeA).value(), enrolment::generate_node_keys());
  evidence.client_request = crypto::request_with_key_at_infinity();
  expect_refused(service.evidence(kNodeA, evidence, ""), refusal::kBadCertificateRequest);
}

TEST_F(AttestationEnrolment, Rule7TheNamesInARequestAreIgnored) {
  const auto node = make_node(kNodeA);
  const auto keys = enrolment::generate_node_keys();
  auto evidence = answer(*node, kNodeA, ask(*node, kNodeA).value(), keys);
  evidence.client_request = crypto::make_certificate_request(keys.client, "system:masters").value();
  const auto admission = service.evidence(kNodeA, evidence, "");
  ASSERT_TRUE(admission.has_value()) << admission.error().message;
  const auto certificate = crypto::Certificate::from_pem(admission->client_certificate).value();
  EXPECT_EQ(certificate.common_name(), "system:node:" + registry.facts[kNodeA].node_name);
  EXPECT_EQ(certificate.public_key().value().spki_der(), keys.client.public_key().spki_der());
}

TEST_F(AttestationEnrolment, Rule8ASecondAttestationKeyIsRefused) {
  const auto node = make_node(kNodeA);
  ASSERT_TRUE(attest(*node, kNodeA).has_value());
  admissions_are_fine();
  LyingAttester second(*node);
  second.attestation_key = make_node(kNodeB)->attestation_key_public().value();
  expect_refused(attest(second, kNodeA), refusal::kSecondAttestationKey);
  expect_refused(attest(second, kNodeA, Purpose::kAttest), refusal::kSecondAttestationKey);
  // The first one goes on to serve, over a reboot too.
  ASSERT_TRUE(node->boot(boot).has_value());
  EXPECT_TRUE(attest(*node, kNodeA).has_value());
}

TEST_F(AttestationEnrolment, Rule8OfTwoChallengesForTwoKeysOneEnrols) {
  const auto node = make_node(kNodeA);
  const auto evidence = answer(*node, kNodeA, ask(*node, kNodeA).value(), enrolment::generate_node_keys());
  // Meanwhile another key of the same TPM enrolled.
  registry.facts[kNodeA].attestation_key_name = Bytes(34, 1);
  expect_refused(service.evidence(kNodeA, evidence, ""), refusal::kSecondAttestationKey);
}

TEST_F(AttestationEnrolment, ANodeThatDidNotEnrolCannotAttestAgain) {
  const auto node = make_node(kNodeA);
  expect_refused(attest(*node, kNodeA, Purpose::kAttest), refusal::kNotEnrolled);
}

TEST_F(AttestationEnrolment, ABootOfOtherFilesIsRefusedAndNamesThem) {
  const auto node = make_node(kNodeA);
  image::Manifest changed = manifest;
  changed.boot_files.back().sha256 = crypto::sha256(as_bytes("initrd with one file more"));
  ASSERT_TRUE(node->boot(simulate_boot(changed, true)).has_value());
  const auto result = attest(*node, kNodeA);
  expect_refused(result, refusal::kVerdictNotTrusted);
  EXPECT_THAT(result.error().message, ::testing::HasSubstr("/EFI/debian/initrd"));
  EXPECT_TRUE(registry.facts[kNodeA].attestation_key_name.empty());
  ASSERT_EQ(registry.verdicts.size(), 1U);
  EXPECT_EQ(registry.verdicts[0].verdict_class, attestation::VerdictClass::kUntrusted);
}

TEST_F(AttestationEnrolment, ABootWithoutSecureBootIsRefusedWhereItIsRequired) {
  const auto node = make_node(kNodeA);
  ASSERT_TRUE(node->boot(simulate_boot(manifest, false)).has_value());
  expect_refused(attest(*node, kNodeA), refusal::kVerdictNotTrusted);
}

// A copy of the TPM's state that answers too, or a snapshot put back: it falls behind what was seen of it.
TEST_F(AttestationEnrolment, ATpmThatWentBackIsRefused) {
  const auto node = make_node(kNodeA);
  const auto keys = enrolment::generate_node_keys();
  ASSERT_TRUE(node->boot(boot).has_value());
  ASSERT_TRUE(enrolment::attest_once(transport(), *node, kNodeA, Purpose::kEnrol, keys).has_value());
  clock.advance(seconds(300));
  ASSERT_TRUE(enrolment::attest_once(transport(), *node, kNodeA, Purpose::kAttest, keys).has_value());
  admissions_are_fine();

  const auto appraiser = registry.facts[kNodeA].appraiser;
  const auto sighting = registry.facts[kNodeA].last_sighting;
  const Bytes key_name = registry.facts[kNodeA].attestation_key_name;
  const auto older = make_node(kNodeA);  // the same keys, one reset less
  registry.facts[kNodeA].last_sighting = sighting;
  registry.facts[kNodeA].attestation_key_name = key_name;
  clock.advance(seconds(300));
  const auto refused = attest(*older, kNodeA, Purpose::kAttest);
  expect_refused(refused, refusal::kVerdictNotTrusted);
  EXPECT_THAT(refused.error().message, ::testing::HasSubstr("clock.resetRollback"));
  EXPECT_EQ(registry.facts[kNodeA].last_sighting->clock.reset_count, sighting->clock.reset_count);
}

// What is kept of an exchange gives its verdict again, byte for byte.
TEST_F(AttestationEnrolment, TheKeptEvidenceGivesTheSameVerdictAgain) {
  const auto node = make_node(kNodeA);
  ASSERT_TRUE(attest(*node, kNodeA).has_value());
  ASSERT_EQ(registry.bundles.size(), 1U);
  const auto kept = attestation::bundle_from_json(to_json(registry.bundles[0]));
  ASSERT_TRUE(kept) << kept.error().message;
  EXPECT_EQ(attestation::to_json(*attestation::appraise_again(*kept)), kept->verdict);
  EXPECT_EQ(kept->instance, kNodeA);
  EXPECT_EQ(kept->nonce.size(), 32U);
}

TEST_F(AttestationEnrolment, ATrueLogOverAnotherBootIsRefused) {
  const auto node = make_node(kNodeA);
  const auto keys = enrolment::generate_node_keys();
  node->extend(4, crypto::sha256(as_bytes("an image that no log names")));
  const auto evidence = answer(*node, kNodeA, ask(*node, kNodeA).value(), keys);
  expect_refused(service.evidence(kNodeA, evidence, ""), refusal::kVerdictNotTrusted);
  EXPECT_EQ(registry.verdicts.back().verdict_class, attestation::VerdictClass::kEvidenceBroken);
}

TEST_F(AttestationEnrolment, EvidenceWithTheKeysInUseBringsNoNewCertificates) {
  const auto node = make_node(kNodeA);
  const auto keys = enrolment::generate_node_keys();
  ASSERT_TRUE(enrolment::attest_once(transport(), *node, kNodeA, Purpose::kEnrol, keys).has_value());
  const auto again = enrolment::attest_once(transport(), *node, kNodeA, Purpose::kAttest, keys);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->verdict, "trusted");
  EXPECT_TRUE(again->client_certificate.empty());
  EXPECT_EQ(registry.admissions, 1);
  // Once they have expired, the same keys are certified anew.
  clock.advance(seconds(3600));
  ASSERT_TRUE(enrolment::attest_once(transport(), *node, kNodeA, Purpose::kAttest, keys).has_value());
  EXPECT_EQ(registry.admissions, 2);
}

TEST_F(AttestationEnrolment, AFailureToIssueIsNoRefusalOfTheNode) {
  const auto node = make_node(kNodeA);
  registry.admit_failure = {ErrorCode::kUnavailable, "the cluster does not answer", {}, {}};
  const auto result = attest(*node, kNodeA);
  ASSERT_FALSE(result.has_value());
  EXPECT_TRUE(registry.refusals.empty());
  registry.admit_failure = {};
  EXPECT_TRUE(attest(*node, kNodeA).has_value());
}

}  // namespace
}  // namespace slipway::host::testing
