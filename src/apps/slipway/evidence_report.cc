#include "apps/slipway/evidence_report.h"

#include <fmt/format.h>

#include "apps/slipway/arm_client.h"
#include "apps/slipway/boot_report.h"
#include "apps/slipway/output.h"
#include "base/text.h"
#include "bootchain/event_log.h"
#include "bootchain/ima_log.h"
#include "crypto/certificate.h"
#include "crypto/digest.h"
#include "tpm/public_area.h"
#include "tpm/quote.h"

namespace slipway::cli {
namespace {

namespace json = boost::json;
using attestation::EvidenceBundle;

std::string count_of(std::size_t count, std::string_view one) {
  return fmt::format("{} {}{}", count, one, count == 1 ? "" : "s");
}

std::string size_of_log(const EvidenceBundle& bundle) {
  const auto log = bootchain::parse_event_log(bundle.evidence.firmware_event_log);
  const auto ima = bootchain::parse_ima_log(bundle.evidence.ima_log);
  return fmt::format("firmware {} bytes ({}), IMA {} bytes ({})", bundle.evidence.firmware_event_log.size(),
                     log ? count_of(log->events.size(), "event") : "cannot be read", bundle.evidence.ima_log.size(),
                     ima ? count_of(ima->size(), "file") : "cannot be read");
}

std::string key_name_of(const EvidenceBundle& bundle) {
  const auto name = tpm::compute_name(bundle.expectation.attestation_key);
  return name ? to_hex(*name) : "cannot be read";
}

// Who makes TPMs of this kind, and who certified this one.
std::string tpm_of(const tpm::VerifiedEndorsementCertificate& checked) {
  return fmt::format("TPM {} {} {}, certified by {}", checked.manufacturer, checked.model, checked.version,
                     checked.certificate.issuer());
}

std::string certificate_text(ByteView der) {
  const auto certificate = crypto::Certificate::from_der(der);
  if (!certificate) return "cannot be read";
  return fmt::format("{}, issued by {}, {} to {}", certificate->subject(), certificate->issuer(),
                     to_rfc3339(certificate->not_before()), to_rfc3339(certificate->not_after()));
}

json::value certificate_document(ByteView der) {
  const auto certificate = crypto::Certificate::from_der(der);
  if (!certificate) return nullptr;
  return json::object{{"subject", valid_utf8(certificate->subject())},
                      {"issuer", valid_utf8(certificate->issuer())},
                      {"notBefore", to_rfc3339(certificate->not_before())},
                      {"notAfter", to_rfc3339(certificate->not_after())},
                      {"sha256", to_hex(crypto::sha256(der))}};
}

json::value endorsement_document(const EvidenceBundle& bundle) {
  if (!bundle.endorsement) return nullptr;
  return json::object{{"certificate", certificate_document(bundle.endorsement->certificate)},
                      {"authority", certificate_document(bundle.endorsement->authority)}};
}

std::string expiry_of(const attestation::ValidPrediction& valid) {
  return valid.expires ? "until " + to_rfc3339(*valid.expires) : std::string("current");
}

// What the quote claims of itself; its signature is checked by `verify`.
json::value quote_document(const EvidenceBundle& bundle) {
  const auto quote = tpm::parse_quote(bundle.evidence.attest);
  if (!quote) return nullptr;
  return json::object{{"resetCount", quote->clock.reset_count},      {"restartCount", quote->clock.restart_count},
                      {"clock", std::to_string(quote->clock.clock)}, {"safe", quote->clock.safe},
                      {"pcrDigest", to_hex(quote->pcr_digest)},      {"extraData", to_hex(quote->extra_data)}};
}

}  // namespace

std::string evidence_table(const EvidenceBundle& bundle) {
  std::vector<std::vector<std::string>> rows;
  const auto add = [&rows](std::string name, std::string value) {
    rows.push_back({std::move(name), printable(value)});
  };
  add("node", bundle.node);
  add("instance", bundle.instance);
  add("purpose", bundle.purpose);
  add("challenged", to_rfc3339(bundle.circumstances.challenged));
  add("appraised", to_rfc3339(bundle.circumstances.now));
  add("nonce", to_hex(bundle.nonce));
  add("attestation key", key_name_of(bundle));
  add("endorsement key", "SHA-256 " + to_hex(bundle.circumstances.endorsement_key));
  add("its certificate", bundle.endorsement ? certificate_text(bundle.endorsement->certificate) : "none");
  if (bundle.endorsement) add("its authority", certificate_text(bundle.endorsement->authority));
  add("logs", size_of_log(bundle));
  if (const auto quote = tpm::parse_quote(bundle.evidence.attest))
    add("TPM", fmt::format("reset {} times, restarted {} times, clock {} ms{}", quote->clock.reset_count,
                           quote->clock.restart_count, quote->clock.clock, quote->clock.safe ? "" : " (not safe)"));
  add("TPM seen before", bundle.circumstances.previous ? to_rfc3339(bundle.circumstances.previous->received) : "never");
  add("policy", bundle.references.policy.name);
  add("Secure Boot", bundle.references.secure_boot_required ? "required" : "not required");
  for (const attestation::ValidPrediction& valid : bundle.references.predictions)
    add("prediction", fmt::format("{} ({}, {})", valid.prediction.image_version,
                                  count_of(valid.prediction.events.size(), "event"), expiry_of(valid)));
  std::string text = to_table({"What", "Value"}, rows);
  const auto verdict = attestation::verdict_from_json(bundle.verdict);
  return verdict ? text + "\nThe verdict that was given (\"slipway evidence verify\" appraises again):\n" +
                       boot_verdict_text(*verdict)
                 : text;
}

std::string evidence_basis(const EvidenceBundle& bundle, const CheckedEvidence& checked, const EvidencePins& pins,
                           bool policy_given) {
  std::vector<std::vector<std::string>> rows;
  const auto add = [&rows](std::string name, const std::string& value, std::string vouching) {
    rows.push_back({std::move(name), printable(value), std::move(vouching)});
  };
  add("instance", bundle.instance, "the quote");
  add("nonce", to_hex(bundle.nonce), "the quote");
  add("attestation key", key_name_of(bundle),
      pins.attestation_key.empty() ? "the bundle alone; pin it with --attestation-key" : "--attestation-key");
  if (checked.endorsement)
    add("endorsement key", tpm_of(*checked.endorsement),
        pins.tpm_roots.empty() ? "its issuer, whose certificate the bundle brings; name roots with --tpm-roots"
                               : "--tpm-roots");
  else
    add("endorsement key", "no certificate", "the bundle alone");
  std::string versions;
  for (const attestation::ValidPrediction& valid : bundle.references.predictions)
    versions += (versions.empty() ? "" : ", ") + valid.prediction.image_version;
  add("reference values", versions.empty() ? "none" : versions, "the bundle alone");
  add("policy", bundle.references.policy.name, policy_given ? "--policy" : "the bundle alone");
  add("node", bundle.node, "nothing: the name is not bound");
  return "What this rests on, and who vouches for it:\n" + to_table({"What", "Value", "Vouched for by"}, rows);
}

json::value evidence_document(const EvidenceBundle& bundle) {
  json::array predictions;
  for (const attestation::ValidPrediction& valid : bundle.references.predictions)
    predictions.push_back(
        json::object{{"imageVersion", valid.prediction.image_version},
                     {"firmwareSha256", to_hex(valid.prediction.firmware_sha256)},
                     {"events", valid.prediction.events.size()},
                     {"expires", valid.expires ? json::value(to_rfc3339(*valid.expires)) : json::value(nullptr)}});
  const auto& previous = bundle.circumstances.previous;
  const auto name = tpm::compute_name(bundle.expectation.attestation_key);
  return json::object{{"node", bundle.node},
                      {"instance", bundle.instance},
                      {"purpose", bundle.purpose},
                      {"challenged", to_rfc3339(bundle.circumstances.challenged)},
                      {"appraised", to_rfc3339(bundle.circumstances.now)},
                      {"nonce", to_hex(bundle.nonce)},
                      {"attestationKeyName", name ? json::value(to_hex(*name)) : json::value(nullptr)},
                      {"endorsementKeySha256", to_hex(bundle.circumstances.endorsement_key)},
                      {"endorsement", endorsement_document(bundle)},
                      {"quote", quote_document(bundle)},
                      {"previousSighting", previous ? json::parse(to_json(*previous)) : json::value(nullptr)},
                      {"policy", json::parse(to_json(bundle.references.policy))},
                      {"secureBootRequired", bundle.references.secure_boot_required},
                      {"predictions", std::move(predictions)},
                      {"verdict", json::parse(bundle.verdict)}};
}

}  // namespace slipway::cli
