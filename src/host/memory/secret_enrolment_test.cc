#include <gmock/gmock.h>

#include "crypto/key_at_infinity_for_tests.h"
#include "enrolment/binding.h"
#include "enrolment/refusal.h"
#include "host/memory/enrolment_fixture.h"

// Pools without a vTPM: the one-time secret, and renewal by the key certified last.
namespace slipway::host::testing {
namespace {

namespace refusal = enrolment::refusal;

class SecretEnrolment : public EnrolmentTest {
 protected:
  Result<enrolment::Admission> present(const enrolment::Bootstrap& bootstrap) {
    return enrolment::present_secret(transport(), bootstrap, enrolment::generate_node_keys());
  }
};

TEST_F(SecretEnrolment, ANodeIsAdmittedAsHostObserved) {
  const auto bootstrap = make_secret_node(kNodeA);
  const auto admission = present(bootstrap);
  ASSERT_TRUE(admission.has_value()) << admission.error().message;
  EXPECT_EQ(admission->verdict, "hostObserved");
  EXPECT_EQ(admission->node_name, registry.facts[kNodeA].node_name);
  EXPECT_TRUE(registry.verdicts.empty());
}

TEST_F(SecretEnrolment, ASecretIsGoodOnce) {
  const auto bootstrap = make_secret_node(kNodeA);
  ASSERT_TRUE(present(bootstrap).has_value());
  admissions_are_fine();
  expect_refused(present(bootstrap), refusal::kSecretUsed);
  ASSERT_EQ(registry.refusals.size(), 1U);
  EXPECT_EQ(registry.unproven_refusals, 0) << "whoever knows the secret is worth a word to the operator";
  auto guessing = bootstrap;
  guessing.secret = std::string(64, '0');
  expect_refused(present(guessing), refusal::kSecretUsed);
  EXPECT_EQ(registry.unproven_refusals, 1);
}

// Issuing failed after the secret was marked used: whoever holds that use's key may ask again, nobody else.
TEST_F(SecretEnrolment, AUseWithoutACertificateIsFinishedByItsOwnKeyAlone) {
  const auto bootstrap = make_secret_node(kNodeA);
  const auto keys = enrolment::generate_node_keys();
  registry.admit_failure = {ErrorCode::kUnavailable, "the cluster does not answer", {}, {}};
  EXPECT_EQ(enrolment::present_secret(transport(), bootstrap, keys).error().code, ErrorCode::kUnavailable);
  registry.admit_failure = {};
  expect_refused(present(bootstrap), refusal::kSecretUsed);
  auto lying = bootstrap;
  lying.secret = std::string(64, '0');
  expect_refused(enrolment::present_secret(transport(), lying, keys), refusal::kWrongSecret);
  EXPECT_TRUE(enrolment::present_secret(transport(), bootstrap, keys).has_value());
  admissions_are_fine();
  expect_refused(enrolment::present_secret(transport(), bootstrap, keys), refusal::kSecretUsed);
}

// Two requests that both read the secret as unused: the store lets one of them mark it.
TEST_F(SecretEnrolment, OfTwoUsesAtOnceOneWins) {
  const auto bootstrap = make_secret_node(kNodeA);
  class Racing final : public enrolment::Registry {
   public:
    explicit Racing(MemoryRegistry& truth) : truth_(truth) {}
    Result<enrolment::InstanceFacts> find(const std::string& instance) override {
      auto facts = truth_.find(instance);
      if (facts) facts->secret_used = false;
      return facts;
    }
    enrolment::Standing standing(const std::string& i, const std::string& p) override { return truth_.standing(i, p); }
    Status enrol_attestation_key(const std::string& i, const Bytes& n) override {
      return truth_.enrol_attestation_key(i, n);
    }
    Status consume_secret(const std::string& i, const Bytes& k) override { return truth_.consume_secret(i, k); }
    Status record_verdict(const std::string& i, const attestation::Appraisal& a,
                          const attestation::EvidenceBundle& b) override {
      return truth_.record_verdict(i, a, b);
    }
    void record_refusal(const std::string& i, const Error& e) override { truth_.record_refusal(i, e); }
    void note_unproven_refusal(const std::string& i, const Error& e, const std::string& p) override {
      truth_.note_unproven_refusal(i, e, p);
    }
    Status confirm_host_observation(const std::string& i) override { return truth_.confirm_host_observation(i); }
    Result<enrolment::Admission> admit(const std::string& i, const Bytes& c, const Bytes& s,
                                       const std::string& p) override {
      return truth_.admit(i, c, s, p);
    }

   private:
    MemoryRegistry& truth_;
  };
  Racing racing(registry);
  enrolment::Service raced(racing, clock, random);
  const auto ask = [&] {
    const auto keys = enrolment::generate_node_keys();
    return raced.secret(kNodeA,
                        {bootstrap.secret, crypto::make_certificate_request(keys.client, "x").value(),
                         crypto::make_certificate_request(keys.serving, "x").value()},
                        "");
  };
  ASSERT_TRUE(ask().has_value());
  admissions_are_fine();
  expect_refused(ask(), refusal::kSecretUsed);
}

TEST_F(SecretEnrolment, ASecretIsRefusedForAVtpmPool) {
  const auto bootstrap = make_secret_node(kNodeA);
  registry.facts[kNodeA].vtpm = true;
  expect_refused(present(bootstrap), refusal::kSecretRefusedForVtpmPool);
  expect_refused(service.renewal_challenge(kNodeA, ""), refusal::kRenewalRefusedForVtpmPool);
  expect_refused(service.renewal(kNodeA, {}, ""), refusal::kRenewalRefusedForVtpmPool);
}

TEST_F(SecretEnrolment, ASecretExpires) {
  const auto bootstrap = make_secret_node(kNodeA);
  clock.advance(seconds(15 * 60));
  expect_refused(present(bootstrap), refusal::kSecretExpired);
}

TEST_F(SecretEnrolment, AnotherSecretIsRefusedAndDoesNotSpendTheTrueOne) {
  const auto bootstrap = make_secret_node(kNodeA);
  const auto other = make_secret_node(kNodeB);
  for (const std::string& wrong : {other.secret, std::string(), std::string(64, '0'), std::string(64, 'z'),
                                   bootstrap.secret.substr(1), registry.facts[kNodeA].secret_hash.substr(0, 64)}) {
    auto lying = bootstrap;
    lying.secret = wrong;
    expect_refused(present(lying), refusal::kWrongSecret);
  }
  registry.facts[kNodeB].secret_hash.clear();
  expect_refused(present(other), refusal::kWrongSecret);
  EXPECT_TRUE(present(bootstrap).has_value());
}

TEST_F(SecretEnrolment, WhatTheHostSeesMustFitAndTheSecretStaysGood) {
  const auto bootstrap = make_secret_node(kNodeA);
  registry.host_observation = fail(ErrorCode::kPreconditionFailed, "SecureBootEnable is off");
  expect_refused(present(bootstrap), refusal::kHostObservationUnfit);
  registry.host_observation = fail(ErrorCode::kUnavailable, "libvirt does not answer");
  EXPECT_EQ(present(bootstrap).error().code, ErrorCode::kUnavailable);
  registry.host_observation = {};
  EXPECT_TRUE(present(bootstrap).has_value());
}

TEST_F(SecretEnrolment, ABadRequestDoesNotSpendTheSecret) {
  const auto bootstrap = make_secret_node(kNodeA);
  expect_refused(service.secret(kNodeA, {bootstrap.secret, Bytes(10, 1), {}}, ""), refusal::kBadCertificateRequest);
  const Bytes infinity = crypto::request_with_key_at_infinity();
  expect_refused(service.secret(kNodeA, {bootstrap.secret, infinity, infinity}, ""), refusal::kBadCertificateRequest);
  EXPECT_TRUE(present(bootstrap).has_value());
}

class Renewal : public SecretEnrolment {
 protected:
  void SetUp() override {
    bootstrap = make_secret_node(kNodeA);
    ASSERT_TRUE(enrolment::present_secret(transport(), bootstrap, keys).has_value());
    admissions_are_fine();
  }
  enrolment::UnverifiedRenewalRequest request(const crypto::PrivateKey& signer, const enrolment::NodeKeys& fresh) {
    const auto challenge = service.renewal_challenge(kNodeA, "").value();
    enrolment::UnverifiedRenewalRequest ask;
    ask.challenge = challenge.challenge;
    ask.signature = signer
                        .sign(crypto::SignatureScheme::kEcdsaP256Sha256,
                              enrolment::renewal_statement(challenge.nonce, kNodeA, fresh.client.public_key(),
                                                           fresh.serving.public_key()))
                        .value();
    ask.client_request = crypto::make_certificate_request(fresh.client, "x").value();
    ask.serving_request = crypto::make_certificate_request(fresh.serving, "x").value();
    return ask;
  }
  enrolment::Bootstrap bootstrap;
  enrolment::NodeKeys keys = enrolment::generate_node_keys();
};

TEST_F(Renewal, TheKeyCertifiedLastRenewsAndThenTheNextOneDoes) {
  const auto second = enrolment::generate_node_keys();
  ASSERT_TRUE(enrolment::renew_once(transport(), kNodeA, keys.client, second).has_value());
  admissions_are_fine();
  const auto third = enrolment::generate_node_keys();
  expect_refused(enrolment::renew_once(transport(), kNodeA, keys.client, third), refusal::kWrongRenewalSignature);
  EXPECT_TRUE(enrolment::renew_once(transport(), kNodeA, second.client, third).has_value());
}

TEST_F(Renewal, TheSignatureBindsTheNewKeysAndTheNonce) {
  const auto fresh = enrolment::generate_node_keys();
  auto ask = request(keys.client, fresh);
  ask.client_request = crypto::make_certificate_request(enrolment::generate_node_keys().client, "x").value();
  expect_refused(service.renewal(kNodeA, ask, ""), refusal::kWrongRenewalSignature);
  ask = request(keys.client, fresh);
  ask.client_request = crypto::request_with_key_at_infinity();
  expect_refused(service.renewal(kNodeA, ask, ""), refusal::kBadCertificateRequest);
  ask = request(keys.client, fresh);
  ask.challenge = service.renewal_challenge(kNodeA, "").value().challenge;
  expect_refused(service.renewal(kNodeA, ask, ""), refusal::kWrongRenewalSignature);
}

TEST_F(Renewal, ANonceIsGoodOnceForOneInstanceAndTwoMinutes) {
  const auto ask = request(keys.client, enrolment::generate_node_keys());
  const auto late = request(keys.client, enrolment::generate_node_keys());
  auto foreign = request(keys.client, enrolment::generate_node_keys());
  make_secret_node(kNodeB);
  foreign.challenge = service.renewal_challenge(kNodeB, "").value().challenge;
  expect_refused(service.renewal(kNodeA, foreign, ""), refusal::kForeignNonce);
  ASSERT_TRUE(service.renewal(kNodeA, ask, "").has_value());
  admissions_are_fine();
  // The key certified last is another one now; give the old one its place back to see the nonce refused.
  registry.facts[kNodeA].certified_client_key = keys.client.public_key().spki_der();
  expect_refused(service.renewal(kNodeA, ask, ""), refusal::kUsedNonce);
  clock.advance(seconds(120));
  expect_refused(service.renewal(kNodeA, late, ""), refusal::kExpiredNonce);
}

TEST_F(Renewal, AnExpiredCertificateRenewsNothing) {
  clock.advance(seconds(3600));
  expect_refused(enrolment::renew_once(transport(), kNodeA, keys.client, enrolment::generate_node_keys()),
                 refusal::kNothingToRenew);
}

TEST_F(Renewal, WithoutACertificateThereIsNothingToRenew) {
  make_secret_node(kNodeB);
  expect_refused(enrolment::renew_once(transport(), kNodeB, keys.client, enrolment::generate_node_keys()),
                 refusal::kNothingToRenew);
}

}  // namespace
}  // namespace slipway::host::testing
