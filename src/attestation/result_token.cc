#include "attestation/result_token.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "crypto/digest.h"

namespace slipway::attestation {
namespace {

namespace json = boost::json;

// draft-ietf-rats-ar4si, "Trustworthiness Claims": the values that Slipway gives.
constexpr int kApproved = 2, kApprovedBoot = 3;
constexpr int kWarning = 32, kUnrecognizedExecutables = 33;
constexpr int kContraindicated = 96, kUnrecognizedHardware = 97;
constexpr int kCryptographyFailed = 99;

constexpr std::string_view kIdentity = "instance-identity", kHardware = "hardware", kExecutables = "executables",
                           kConfiguration = "configuration", kFileSystem = "file-system";

struct RulePart {
  std::string_view prefix, claim;
};
// The first that a rule begins with counts.
constexpr std::array kParts{
    RulePart{"vtpm.", kIdentity},       RulePart{"clock.", kIdentity},        RulePart{"ima.rollback", kIdentity},
    RulePart{"pcr0.", kHardware},       RulePart{"pcr1.", kHardware},         RulePart{"pcr2.", kHardware},
    RulePart{"pcr3.", kHardware},       RulePart{"pcr6.", kHardware},         RulePart{"pcr4.", kExecutables},
    RulePart{"pcr9.", kExecutables},    RulePart{"pcr14.", kExecutables},     RulePart{"ima.", kExecutables},
    RulePart{"revoked.", kExecutables}, RulePart{"reference.", kExecutables},
};

std::string_view claim_for(std::string_view rule) {
  for (const RulePart& part : kParts)
    if (rule.substr(0, part.prefix.size()) == part.prefix) return part.claim;
  return kConfiguration;
}

int value_for(const Finding& finding, std::string_view claim) {
  if (finding.severity == Severity::kError)
    return finding.rule == "pcr0.referenceMissing" ? kUnrecognizedHardware : kContraindicated;
  return claim == kExecutables ? kUnrecognizedExecutables : kWarning;
}

TrustTier tier_of(int value) {
  if (value >= kContraindicated) return TrustTier::kContraindicated;
  if (value >= kWarning) return TrustTier::kWarning;
  return value >= kApproved ? TrustTier::kAffirming : TrustTier::kNone;
}

std::int64_t seconds_of(Time time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

}  // namespace

std::string_view to_string(TrustTier tier) {
  switch (tier) {
    case TrustTier::kNone:
      return "none";
    case TrustTier::kAffirming:
      return "affirming";
    case TrustTier::kWarning:
      return "warning";
    case TrustTier::kContraindicated:
      return "contraindicated";
  }
  return "";
}

TrustTier tier_of(const TrustVector& vector) {
  TrustTier worst = TrustTier::kNone;
  for (const auto& [claim, value] : vector) worst = std::max(worst, tier_of(value));
  return worst;
}

TrustVector trust_vector(const Verdict& verdict) {
  TrustVector vector;
  if (verdict.verdict_class == VerdictClass::kEvidenceBroken) {
    for (const std::string_view claim : {kIdentity, kHardware, kExecutables, kConfiguration, kFileSystem})
      vector[std::string(claim)] = kCryptographyFailed;
    return vector;
  }
  vector[std::string(kIdentity)] = kApproved;
  const bool compared = !verdict.prediction.empty();
  if (compared) {
    vector[std::string(kHardware)] = kApproved;
    vector[std::string(kExecutables)] = kApprovedBoot;
    vector[std::string(kConfiguration)] = kApproved;
  }
  for (const Component& component : verdict.components)
    if (component.name == "root file system")
      vector[std::string(kFileSystem)] = component.matches ? kApproved : kContraindicated;
  for (const Finding& finding : verdict.findings) {
    const std::string_view claim = claim_for(finding.rule);
    const auto known = vector.find(std::string(claim));
    if (known != vector.end()) known->second = std::max(known->second, value_for(finding, claim));
  }
  return vector;
}

std::string result_claims(const Verdict& verdict, const ResultSubject& subject) {
  const TrustVector vector = trust_vector(verdict);
  // Where nothing could be compared, that the TPM is the right one affirms no boot.
  const TrustTier tier =
      verdict.verdict_class == VerdictClass::kReferenceValuesMissing ? TrustTier::kNone : tier_of(vector);
  json::object claims;
  for (const auto& [claim, value] : vector) claims[claim] = value;
  const std::string verdict_json = to_json(verdict);
  json::object node{{"ear.status", json::string(to_string(tier))},
                    {"ear.trustworthiness-vector", std::move(claims)},
                    {"ear.appraisal-policy-id", verdict.policy}};
  return json::serialize(
      json::object{{"eat_profile", json::string(kResultProfile)},
                   {"iss", subject.issuer},
                   {"sub", subject.instance},
                   {"iat", seconds_of(verdict.appraised)},
                   {"exp", seconds_of(subject.expires)},
                   {"eat_nonce", to_base64url(subject.nonce)},
                   {"submods", json::object{{"node", std::move(node)}}},
                   {"slipway", json::object{{"node", subject.node},
                                            {"cluster", subject.cluster},
                                            {"verdict", json::string(to_string(verdict.verdict_class))},
                                            {"verdictSha256", to_hex(crypto::sha256(as_bytes(verdict_json)))},
                                            {"secureBoot", verdict.secure_boot},
                                            {"imageVersion", verdict.prediction},
                                            {"matchesPrediction", verdict.matches_prediction}}}});
}

}  // namespace slipway::attestation
