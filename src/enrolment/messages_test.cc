#include "enrolment/messages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "enrolment/binding.h"
#include "enrolment/refusal.h"

namespace slipway::enrolment {
namespace {

const std::string kInstance = "11111111-1111-4111-8111-111111111111";

UnverifiedEvidenceRequest some_evidence() {
  UnverifiedEvidenceRequest message;
  message.purpose = Purpose::kAttest;
  message.challenge = "challenge";
  message.activated_secret = Bytes(32, 1);
  message.quote = {Bytes(100, 2), Bytes(262, 3)};
  message.firmware_event_log = Bytes(16000, 4);
  message.ima_log = Bytes(60000, 5);
  message.client_request = Bytes(300, 6);
  message.serving_request = Bytes(301, 7);
  return message;
}

Admission some_admission() {
  Admission message;
  message.verdict = "trusted";
  message.node_name = "aks-pool-1";
  message.client_certificate = "-----BEGIN CERTIFICATE-----\n\"\\\n";
  message.node_labels = {{"b", "2"}, {"a", "1"}};
  message.next_evidence_seconds = 77;
  return message;
}

// The name of a key is the sender's: what is quoted of it is short and printable, and cuts no character in two.
TEST(Messages, QuoteNoKeyAsItCame) {
  const std::string key = std::string(39, 'x') + "\u00e9\\u001b[2J" + std::string(1000, 'y');
  const auto refused = challenge_request_from_json(
      R"({"purpose":"attest","endorsementKey":"AAAA","attestationKey":"AAAA",")" + key + R"(":1})");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().target, std::string(39, 'x') + "?");
  EXPECT_LT(refused.error().message.size(), 200U);
  for (const char c : refused.error().message) EXPECT_TRUE(c >= ' ' && c <= '~');
}

TEST(Messages, EachReadsBackAsItWasWritten) {
  const UnverifiedChallengeRequest ask{Purpose::kAttest, Bytes(314, 1), Bytes(280, 2)};
  const auto ask_read = challenge_request_from_json(to_json(ask)).value();
  EXPECT_EQ(ask_read.purpose, ask.purpose);
  EXPECT_EQ(ask_read.endorsement_key, ask.endorsement_key);
  EXPECT_EQ(ask_read.attestation_key, ask.attestation_key);

  const ChallengeReply challenge{Bytes(32, 1), "text", Bytes(70, 2), Bytes(258, 3), {0, 7, 23}};
  const auto challenge_read = challenge_reply_from_json(to_json(challenge)).value();
  EXPECT_EQ(challenge_read.nonce, challenge.nonce);
  EXPECT_EQ(challenge_read.challenge, challenge.challenge);
  EXPECT_EQ(challenge_read.id_object, challenge.id_object);
  EXPECT_EQ(challenge_read.encrypted_secret, challenge.encrypted_secret);
  EXPECT_EQ(challenge_read.pcrs, challenge.pcrs);

  const auto evidence = some_evidence();
  const auto evidence_read = evidence_request_from_json(to_json(evidence)).value();
  EXPECT_EQ(evidence_read.purpose, evidence.purpose);
  EXPECT_EQ(evidence_read.challenge, evidence.challenge);
  EXPECT_EQ(evidence_read.activated_secret, evidence.activated_secret);
  EXPECT_EQ(evidence_read.quote.attest, evidence.quote.attest);
  EXPECT_EQ(evidence_read.quote.signature, evidence.quote.signature);
  EXPECT_EQ(evidence_read.firmware_event_log, evidence.firmware_event_log);
  EXPECT_EQ(evidence_read.ima_log, evidence.ima_log);
  EXPECT_EQ(evidence_read.client_request, evidence.client_request);
  EXPECT_EQ(evidence_read.serving_request, evidence.serving_request);

  const UnverifiedSecretRequest secret{std::string(64, 'a'), Bytes(3, 1), Bytes(4, 2)};
  const auto secret_read = secret_request_from_json(to_json(secret)).value();
  EXPECT_EQ(secret_read.secret, secret.secret);
  EXPECT_EQ(secret_read.client_request, secret.client_request);
  EXPECT_EQ(secret_read.serving_request, secret.serving_request);

  const RenewalChallengeReply renewal_challenge{Bytes(32, 9), "sealed"};
  const auto renewal_challenge_read = renewal_challenge_reply_from_json(to_json(renewal_challenge)).value();
  EXPECT_EQ(renewal_challenge_read.nonce, renewal_challenge.nonce);
  EXPECT_EQ(renewal_challenge_read.challenge, renewal_challenge.challenge);

  const UnverifiedRenewalRequest renewal{"sealed", Bytes(70, 1), Bytes(3, 2), Bytes(4, 3)};
  const auto renewal_read = renewal_request_from_json(to_json(renewal)).value();
  EXPECT_EQ(renewal_read.challenge, renewal.challenge);
  EXPECT_EQ(renewal_read.signature, renewal.signature);
  EXPECT_EQ(renewal_read.client_request, renewal.client_request);
  EXPECT_EQ(renewal_read.serving_request, renewal.serving_request);

  const auto admission = some_admission();
  const auto admission_read = admission_from_json(to_json(admission)).value();
  EXPECT_EQ(admission_read.verdict, admission.verdict);
  EXPECT_EQ(admission_read.node_name, admission.node_name);
  EXPECT_EQ(admission_read.client_certificate, admission.client_certificate);
  EXPECT_EQ(admission_read.node_labels, admission.node_labels);
  EXPECT_EQ(admission_read.next_evidence_seconds, admission.next_evidence_seconds);

  const Bootstrap bootstrap{kInstance, "https://10.77.0.1:15443", Bytes(32, 0xab), ""};
  EXPECT_EQ(to_json(bootstrap_from_json(to_json(bootstrap)).value()), to_json(bootstrap));
  EXPECT_EQ(to_json(bootstrap).find("secret"), std::string::npos);
  const Bootstrap with_secret{kInstance, "https://10.77.0.1:15443", Bytes(32, 0xab), std::string(64, 'c')};
  EXPECT_EQ(bootstrap_from_json(to_json(with_secret)).value().secret, with_secret.secret);
}

// Everything that a message is not, with the key that the error must name.
TEST(Messages, WhatIsNotExactlyAMessageIsMalformedAndNamesItsKey) {
  struct Lie {
    std::string json, target;
  };
  const std::vector<Lie> lies{
      {"", ""},
      {"null", ""},
      {"[]", ""},
      {"{", ""},
      {R"({"challenge":"c","signature":"","clientRequest":"","servingRequest":""} x)", ""},
      {std::string(100, '[') + std::string(100, ']'), ""},
      {R"({"signature":"","clientRequest":"","servingRequest":""})", "challenge"},
      {R"({"challenge":7,"signature":"","clientRequest":"","servingRequest":""})", "challenge"},
      {R"({"challenge":null,"signature":"","clientRequest":"","servingRequest":""})", "challenge"},
      {R"({"challenge":"c","signature":"AA","clientRequest":"","servingRequest":""})", "signature"},
      {R"({"challenge":"c","signature":"AB==","clientRequest":"","servingRequest":""})", "signature"},
      {R"({"challenge":"c","signature":"A A=","clientRequest":"","servingRequest":""})", "signature"},
      {R"({"challenge":"c","signature":["AA=="],"clientRequest":"","servingRequest":""})", "signature"},
      {R"({"challenge":"c","signature":"","clientRequest":"","servingRequest":"","more":1})", "more"},
      {R"({"challenge":")" + std::string(5000, 'c') + R"(","signature":"","clientRequest":"","servingRequest":""})",
       "challenge"},
      {R"({"challenge":"c","signature":"","clientRequest":")" + to_base64(Bytes(20000)) + R"(","servingRequest":""})",
       "clientRequest"},
  };
  for (const Lie& lie : lies) {
    const auto read = renewal_request_from_json(lie.json);
    ASSERT_FALSE(read.has_value()) << lie.json.substr(0, 80);
    EXPECT_EQ(read.error().code, ErrorCode::kMalformed);
    EXPECT_EQ(read.error().reason, refusal::kMalformedMessage);
    EXPECT_EQ(read.error().target, lie.target) << lie.json.substr(0, 80);
  }
}

TEST(Messages, AMessageAboveTheLimitIsNotParsed) {
  auto evidence = some_evidence();
  evidence.ima_log = Bytes(2U << 20, 0);
  EXPECT_TRUE(evidence_request_from_json(to_json(evidence)).has_value());
  evidence.ima_log = Bytes(kMaximumMessageSize, 0);
  const auto read = evidence_request_from_json(to_json(evidence));
  ASSERT_FALSE(read.has_value());
  EXPECT_THAT(read.error().message, ::testing::HasSubstr("4194304"));
}

TEST(Messages, PurposesNoncesAndPcrsAreChecked) {
  EXPECT_EQ(
      challenge_request_from_json(R"({"purpose":"Enrol","endorsementKey":"","attestationKey":""})").error().target,
      "purpose");
  ChallengeReply challenge{Bytes(31, 1), "text", {}, {}, {0}};
  EXPECT_EQ(challenge_reply_from_json(to_json(challenge)).error().target, "nonce");
  challenge.nonce = Bytes(33, 1);
  EXPECT_EQ(challenge_reply_from_json(to_json(challenge)).error().target, "nonce");
  challenge.nonce = Bytes(32, 1);
  challenge.pcrs = {24};
  EXPECT_EQ(challenge_reply_from_json(to_json(challenge)).error().target, "pcrs");
  challenge.pcrs = {-1};
  EXPECT_EQ(challenge_reply_from_json(to_json(challenge)).error().target, "pcrs");
  challenge.pcrs = std::vector<int>(25, 0);
  EXPECT_EQ(challenge_reply_from_json(to_json(challenge)).error().target, "pcrs");
  Admission admission = some_admission();
  admission.next_evidence_seconds = 0;
  EXPECT_EQ(admission_from_json(to_json(admission)).error().target, "nextEvidenceSeconds");
}

TEST(Messages, ABootstrapCredentialIsCheckedKeyByKey) {
  const auto target = [](const std::string& instance, const std::string& endpoint, const std::string& key) {
    const auto read = bootstrap_from_json(R"({"instance":")" + instance + R"(","endpoint":")" + endpoint +
                                          R"(","caKeySha256":")" + key + R"("})");
    return read ? std::string("fine") : read.error().target;
  };
  const std::string key(64, 'a');
  EXPECT_EQ(target(kInstance, "https://10.77.0.1:15443", key), "fine");
  EXPECT_EQ(target("../" + kInstance, "https://10.77.0.1:15443", key), "instance");
  EXPECT_EQ(target(kInstance, "http://10.77.0.1:15443", key), "endpoint");
  EXPECT_EQ(target(kInstance, "https://10.77.0.1:15443", key.substr(2)), "caKeySha256");
  EXPECT_EQ(target(kInstance, "https://10.77.0.1:15443", "z" + key.substr(1)), "caKeySha256");
}

TEST(InstanceId, IsAUuidInLowerCase) {
  EXPECT_TRUE(is_instance_id(kInstance));
  EXPECT_TRUE(is_instance_id("0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"));
  for (const std::string& text :
       {std::string(), kInstance + "0", kInstance.substr(1), std::string("0A1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"),
        std::string("0a1b2c3d_4e5f-6071-8293-a4b5c6d7e8f9"), std::string(36, '-'), std::string(36, '0')}) {
    EXPECT_FALSE(is_instance_id(text)) << text;
  }
}

}  // namespace
}  // namespace slipway::enrolment
