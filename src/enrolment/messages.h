#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "tpm/attester.h"

// The messages of the node listener, as values. JSON with base64 for bytes; docs/formats/enrolment.md is their
// reference. All that a node sends is unverified, bounded to kMaximumMessageSize before it is parsed.
namespace slipway::enrolment {

inline constexpr std::size_t kMaximumMessageSize = 4U << 20;

// What a nonce was asked for; it is good for nothing else. Prefixes of the qualifying data: "slipway-enrol-v1",
// "slipway-attest-v1".
enum class Purpose { kEnrol, kAttest };
std::string_view to_string(Purpose purpose);

// POST /node/v1/{instance}/challenge
struct UnverifiedChallengeRequest {
  Purpose purpose = Purpose::kEnrol;
  Bytes endorsement_key;  // TPMT_PUBLIC
  Bytes attestation_key;  // TPMT_PUBLIC
};
struct ChallengeReply {
  Bytes nonce;             // 32 bytes, single use, bound to instance and purpose, 120 s
  std::string challenge;   // opaque and authenticated; comes back with the evidence
  Bytes id_object;         // TPM2B_ID_OBJECT: MakeCredential to the recorded EK and the AK's name
  Bytes encrypted_secret;  // TPM2B_ENCRYPTED_SECRET
  std::vector<int> pcrs;   // the sha256 PCRs to quote
};

// POST /node/v1/{instance}/evidence. The quote's qualifying data is
// SHA-256(prefix || nonce || instance id || SHA-256(SPKI of the client key) || SHA-256(SPKI of the serving key)).
struct UnverifiedEvidenceRequest {
  Purpose purpose = Purpose::kEnrol;
  std::string challenge;
  Bytes activated_secret;  // what TPM2_ActivateCredential gave
  tpm::UnverifiedQuote quote;
  Bytes firmware_event_log;
  Bytes ima_log;
  Bytes client_request;   // PKCS#10, DER: the kubelet's client key
  Bytes serving_request;  // PKCS#10, DER: the kubelet's serving key
};

// POST /node/v1/{instance}/secret: pools without a vTPM, once, within 15 minutes.
struct UnverifiedSecretRequest {
  std::string secret;  // 64 hexadecimal digits
  Bytes client_request;
  Bytes serving_request;
};

// POST /node/v1/{instance}/renewal-challenge and .../renewal: how a node without a vTPM renews. It proves possession of
// the client key that was certified last by signing
// "slipway-renew-v1" || nonce || instance id || SHA-256(SPKI of the new client key) || SHA-256(SPKI of the new serving
// key).
struct RenewalChallengeReply {
  Bytes nonce;
  std::string challenge;
};
struct UnverifiedRenewalRequest {
  std::string challenge;
  Bytes signature;  // ECDSA P-256 / SHA-256, DER, by the key that was certified last
  Bytes client_request;
  Bytes serving_request;
};

// The answer to evidence, secret and renewal when all is well. A refusal is an HTTP error with the JSON body
// {"error":{"code","message"}}; codes are listed in enrolment/refusal.h.
struct Admission {
  std::string verdict;  // "trusted", or "hostObserved" for a pool without a vTPM
  std::string node_name;
  std::string client_certificate;  // PEM; both are empty where the purpose was kAttest and the certificates are younger
  std::string serving_certificate;  // than half their life
  std::string cluster_ca;           // PEM: what the kubelet trusts its apiserver by, and the apiserver's clients by
  std::string api_server;           // "https://10.77.0.1:16443"
  std::string cluster_dns;          // "10.0.0.10"
  std::string pod_cidr;             // of this node: "10.244.1.0/24"
  std::string cluster_cidr;         // of all pods: "10.244.0.0/16"
  std::vector<std::pair<std::string, std::string>>
      node_labels;  // labels that the kubelet may set itself (never under kubernetes.azure.com/)
  int next_evidence_seconds = 300;
};

// One pair for each message: JSON out, and JSON in. Reading is strict: missing keys, wrong types, unknown keys, bad
// base64 and oversize are kMalformed with the key's name.
std::string to_json(const UnverifiedChallengeRequest& message);
std::string to_json(const ChallengeReply& message);
std::string to_json(const UnverifiedEvidenceRequest& message);
std::string to_json(const UnverifiedSecretRequest& message);
std::string to_json(const RenewalChallengeReply& message);
std::string to_json(const UnverifiedRenewalRequest& message);
std::string to_json(const Admission& message);
Result<UnverifiedChallengeRequest> challenge_request_from_json(std::string_view json);
Result<ChallengeReply> challenge_reply_from_json(std::string_view json);
Result<UnverifiedEvidenceRequest> evidence_request_from_json(std::string_view json);
Result<UnverifiedSecretRequest> secret_request_from_json(std::string_view json);
Result<RenewalChallengeReply> renewal_challenge_reply_from_json(std::string_view json);
Result<UnverifiedRenewalRequest> renewal_request_from_json(std::string_view json);
Result<Admission> admission_from_json(std::string_view json);

// What the platform hands to a guest in SMBIOS (systemd credential "slipway.bootstrap"): how to reach the server, and
// nothing that anybody trusts. JSON: {"instance","endpoint","caKeySha256","secret"?}.
struct Bootstrap {
  std::string instance;  // node instance id, a UUID
  std::string endpoint;  // "https://10.77.0.1:15443"
  Bytes ca_key_sha256;   // SHA-256 of the endpoint's CA SubjectPublicKeyInfo
  std::string secret;    // one-time secret, for pools without a vTPM; else empty
};
std::string to_json(const Bootstrap& bootstrap);
Result<Bootstrap> bootstrap_from_json(std::string_view json);

}  // namespace slipway::enrolment
