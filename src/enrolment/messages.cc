#include "enrolment/messages.h"

#include <boost/json/serialize.hpp>

#include "enrolment/binding.h"
#include "enrolment/json_fields.h"
#include "enrolment/refusal.h"
#include "tpm/quote.h"

namespace slipway::enrolment {
namespace {

constexpr std::size_t kMaximumPublicArea = 1024;
constexpr std::size_t kMaximumChallenge = 4096;
constexpr std::size_t kMaximumCredential = 1024;
constexpr std::size_t kMaximumSecret = 64;
constexpr std::size_t kMaximumAttest = 2048;
constexpr std::size_t kMaximumSignature = 1024;
constexpr std::size_t kMaximumFirmwareLog = 1U << 20;
constexpr std::size_t kMaximumCertificateRequest = 16U << 10;
constexpr std::size_t kMaximumPem = 64U << 10;
constexpr std::size_t kMaximumText = 1024;
constexpr std::size_t kMaximumLabels = 64;
constexpr std::size_t kNonceSize = 32;

std::string as_text(const boost::json::object& object) { return boost::json::serialize(object); }

Result<Purpose> take_purpose(JsonFields& fields) {
  SLIPWAY_ASSIGN(const std::string text, fields.text("purpose", kMaximumText));
  if (text == to_string(Purpose::kEnrol)) return Purpose::kEnrol;
  if (text == to_string(Purpose::kAttest)) return Purpose::kAttest;
  return fail(ErrorCode::kMalformed, "\"purpose\" is neither \"enrol\" nor \"attest\".",
              std::string(refusal::kMalformedMessage), "purpose");
}

Result<Bytes> take_exactly(JsonFields& fields, std::string_view key, std::size_t size) {
  SLIPWAY_ASSIGN(Bytes bytes, fields.bytes(key, size));
  if (bytes.size() == size) return bytes;
  return fail(ErrorCode::kMalformed, "\"" + std::string(key) + "\" does not have " + std::to_string(size) + " bytes.",
              std::string(refusal::kMalformedMessage), std::string(key));
}

}  // namespace

std::string_view to_string(Purpose purpose) { return purpose == Purpose::kEnrol ? "enrol" : "attest"; }

std::string to_json(const UnverifiedChallengeRequest& message) {
  return as_text({{"purpose", to_string(message.purpose)},
                  {"endorsementKey", to_base64(message.endorsement_key)},
                  {"attestationKey", to_base64(message.attestation_key)}});
}

Result<UnverifiedChallengeRequest> challenge_request_from_json(std::string_view json) {
  SLIPWAY_ASSIGN(auto fields, JsonFields::parse(json, kMaximumMessageSize, "challenge request"));
  UnverifiedChallengeRequest message;
  SLIPWAY_ASSIGN(message.purpose, take_purpose(fields));
  SLIPWAY_ASSIGN(message.endorsement_key, fields.bytes("endorsementKey", kMaximumPublicArea));
  SLIPWAY_ASSIGN(message.attestation_key, fields.bytes("attestationKey", kMaximumPublicArea));
  SLIPWAY_TRY(fields.finish());
  return message;
}

std::string to_json(const ChallengeReply& message) {
  return as_text({{"nonce", to_base64(message.nonce)},
                  {"challenge", message.challenge},
                  {"idObject", to_base64(message.id_object)},
                  {"encryptedSecret", to_base64(message.encrypted_secret)},
                  {"pcrs", boost::json::array(message.pcrs.begin(), message.pcrs.end())}});
}

Result<ChallengeReply> challenge_reply_from_json(std::string_view json) {
  SLIPWAY_ASSIGN(auto fields, JsonFields::parse(json, kMaximumMessageSize, "challenge"));
  ChallengeReply message;
  SLIPWAY_ASSIGN(message.nonce, take_exactly(fields, "nonce", kNonceSize));
  SLIPWAY_ASSIGN(message.challenge, fields.text("challenge", kMaximumChallenge));
  SLIPWAY_ASSIGN(message.id_object, fields.bytes("idObject", kMaximumCredential));
  SLIPWAY_ASSIGN(message.encrypted_secret, fields.bytes("encryptedSecret", kMaximumCredential));
  SLIPWAY_ASSIGN(message.pcrs, fields.integers("pcrs", tpm::kPcrCount, 0, tpm::kPcrCount - 1));
  SLIPWAY_TRY(fields.finish());
  return message;
}

std::string to_json(const UnverifiedEvidenceRequest& message) {
  return as_text({{"purpose", to_string(message.purpose)},
                  {"challenge", message.challenge},
                  {"activatedSecret", to_base64(message.activated_secret)},
                  {"attest", to_base64(message.quote.attest)},
                  {"signature", to_base64(message.quote.signature)},
                  {"firmwareEventLog", to_base64(message.firmware_event_log)},
                  {"imaLog", to_base64(message.ima_log)},
                  {"clientRequest", to_base64(message.client_request)},
                  {"servingRequest", to_base64(message.serving_request)}});
}

Result<UnverifiedEvidenceRequest> evidence_request_from_json(std::string_view json) {
  SLIPWAY_ASSIGN(auto fields, JsonFields::parse(json, kMaximumMessageSize, "evidence"));
  UnverifiedEvidenceRequest message;
  SLIPWAY_ASSIGN(message.purpose, take_purpose(fields));
  SLIPWAY_ASSIGN(message.challenge, fields.text("challenge", kMaximumChallenge));
  SLIPWAY_ASSIGN(message.activated_secret, fields.bytes("activatedSecret", kMaximumSecret));
  SLIPWAY_ASSIGN(message.quote.attest, fields.bytes("attest", kMaximumAttest));
  SLIPWAY_ASSIGN(message.quote.signature, fields.bytes("signature", kMaximumSignature));
  SLIPWAY_ASSIGN(message.firmware_event_log, fields.bytes("firmwareEventLog", kMaximumFirmwareLog));
  SLIPWAY_ASSIGN(message.ima_log, fields.bytes("imaLog", kMaximumMessageSize));
  SLIPWAY_ASSIGN(message.client_request, fields.bytes("clientRequest", kMaximumCertificateRequest));
  SLIPWAY_ASSIGN(message.serving_request, fields.bytes("servingRequest", kMaximumCertificateRequest));
  SLIPWAY_TRY(fields.finish());
  return message;
}

std::string to_json(const UnverifiedSecretRequest& message) {
  return as_text({{"secret", message.secret},
                  {"clientRequest", to_base64(message.client_request)},
                  {"servingRequest", to_base64(message.serving_request)}});
}

Result<UnverifiedSecretRequest> secret_request_from_json(std::string_view json) {
  SLIPWAY_ASSIGN(auto fields, JsonFields::parse(json, kMaximumMessageSize, "secret request"));
  UnverifiedSecretRequest message;
  SLIPWAY_ASSIGN(message.secret, fields.text("secret", kMaximumSecret));
  SLIPWAY_ASSIGN(message.client_request, fields.bytes("clientRequest", kMaximumCertificateRequest));
  SLIPWAY_ASSIGN(message.serving_request, fields.bytes("servingRequest", kMaximumCertificateRequest));
  SLIPWAY_TRY(fields.finish());
  return message;
}

std::string to_json(const RenewalChallengeReply& message) {
  return as_text({{"nonce", to_base64(message.nonce)}, {"challenge", message.challenge}});
}

Result<RenewalChallengeReply> renewal_challenge_reply_from_json(std::string_view json) {
  SLIPWAY_ASSIGN(auto fields, JsonFields::parse(json, kMaximumMessageSize, "renewal challenge"));
  RenewalChallengeReply message;
  SLIPWAY_ASSIGN(message.nonce, take_exactly(fields, "nonce", kNonceSize));
  SLIPWAY_ASSIGN(message.challenge, fields.text("challenge", kMaximumChallenge));
  SLIPWAY_TRY(fields.finish());
  return message;
}

std::string to_json(const UnverifiedRenewalRequest& message) {
  return as_text({{"challenge", message.challenge},
                  {"signature", to_base64(message.signature)},
                  {"clientRequest", to_base64(message.client_request)},
                  {"servingRequest", to_base64(message.serving_request)}});
}

Result<UnverifiedRenewalRequest> renewal_request_from_json(std::string_view json) {
  SLIPWAY_ASSIGN(auto fields, JsonFields::parse(json, kMaximumMessageSize, "renewal request"));
  UnverifiedRenewalRequest message;
  SLIPWAY_ASSIGN(message.challenge, fields.text("challenge", kMaximumChallenge));
  SLIPWAY_ASSIGN(message.signature, fields.bytes("signature", kMaximumSignature));
  SLIPWAY_ASSIGN(message.client_request, fields.bytes("clientRequest", kMaximumCertificateRequest));
  SLIPWAY_ASSIGN(message.serving_request, fields.bytes("servingRequest", kMaximumCertificateRequest));
  SLIPWAY_TRY(fields.finish());
  return message;
}

std::string to_json(const Admission& message) {
  boost::json::object labels;
  for (const auto& [name, value] : message.node_labels) labels[name] = value;
  return as_text({{"verdict", message.verdict},
                  {"nodeName", message.node_name},
                  {"clientCertificate", message.client_certificate},
                  {"servingCertificate", message.serving_certificate},
                  {"clusterCa", message.cluster_ca},
                  {"apiServer", message.api_server},
                  {"clusterDns", message.cluster_dns},
                  {"podCidr", message.pod_cidr},
                  {"clusterCidr", message.cluster_cidr},
                  {"nodeLabels", std::move(labels)},
                  {"nextEvidenceSeconds", message.next_evidence_seconds}});
}

Result<Admission> admission_from_json(std::string_view json) {
  SLIPWAY_ASSIGN(auto fields, JsonFields::parse(json, kMaximumMessageSize, "admission"));
  Admission message;
  SLIPWAY_ASSIGN(message.verdict, fields.text("verdict", kMaximumText));
  SLIPWAY_ASSIGN(message.node_name, fields.text("nodeName", kMaximumText));
  SLIPWAY_ASSIGN(message.client_certificate, fields.text("clientCertificate", kMaximumPem));
  SLIPWAY_ASSIGN(message.serving_certificate, fields.text("servingCertificate", kMaximumPem));
  SLIPWAY_ASSIGN(message.cluster_ca, fields.text("clusterCa", kMaximumPem));
  SLIPWAY_ASSIGN(message.api_server, fields.text("apiServer", kMaximumText));
  SLIPWAY_ASSIGN(message.cluster_dns, fields.text("clusterDns", kMaximumText));
  SLIPWAY_ASSIGN(message.pod_cidr, fields.text("podCidr", kMaximumText));
  SLIPWAY_ASSIGN(message.cluster_cidr, fields.text("clusterCidr", kMaximumText));
  SLIPWAY_ASSIGN(message.node_labels, fields.text_pairs("nodeLabels", kMaximumLabels, kMaximumText));
  SLIPWAY_ASSIGN(const std::int64_t next, fields.integer("nextEvidenceSeconds", 1, 86400));
  message.next_evidence_seconds = static_cast<int>(next);
  SLIPWAY_TRY(fields.finish());
  return message;
}

std::string to_json(const Bootstrap& bootstrap) {
  boost::json::object object{{"instance", bootstrap.instance},
                             {"endpoint", bootstrap.endpoint},
                             {"caKeySha256", to_hex(bootstrap.ca_key_sha256)}};
  if (!bootstrap.secret.empty()) object["secret"] = bootstrap.secret;
  return as_text(object);
}

Result<Bootstrap> bootstrap_from_json(std::string_view json) {
  constexpr std::size_t kMaximumBootstrap = 4096;
  SLIPWAY_ASSIGN(auto fields, JsonFields::parse(json, kMaximumBootstrap, "bootstrap credential"));
  const auto malformed = [](std::string_view key, std::string_view rule) {
    return fail(ErrorCode::kMalformed,
                "\"" + std::string(key) + "\" of the bootstrap credential is not " + std::string(rule) + ".",
                std::string(refusal::kMalformedMessage), std::string(key));
  };
  Bootstrap bootstrap;
  SLIPWAY_ASSIGN(bootstrap.instance, fields.text("instance", kMaximumText));
  if (!is_instance_id(bootstrap.instance)) return malformed("instance", "a UUID in lower case");
  SLIPWAY_ASSIGN(bootstrap.endpoint, fields.text("endpoint", kMaximumText));
  if (!bootstrap.endpoint.starts_with("https://")) return malformed("endpoint", "an https URL");
  SLIPWAY_ASSIGN(const std::string key_hash, fields.text("caKeySha256", kMaximumText));
  auto hash = from_hex(key_hash);
  if (!hash || hash->size() != 32) return malformed("caKeySha256", "a SHA-256 digest in hexadecimal");
  bootstrap.ca_key_sha256 = std::move(*hash);
  if (fields.has("secret")) {
    SLIPWAY_ASSIGN(bootstrap.secret, fields.text("secret", kMaximumSecret));
  }
  SLIPWAY_TRY(fields.finish());
  return bootstrap;
}

}  // namespace slipway::enrolment
