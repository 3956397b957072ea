#include "apps/slipway/evidence_checks.h"

#include <fmt/format.h>

#include "apps/slipway/tpm_roots.h"
#include "attestation/endorsement.h"
#include "enrolment/binding.h"
#include "tpm/public_area.h"

namespace slipway::cli {
namespace {

Status check_attestation_key(const attestation::EvidenceBundle& bundle, const std::string& pinned) {
  if (pinned.empty()) return {};
  const auto wanted = from_hex(pinned);
  if (!wanted)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("--attestation-key takes a key's TPM name in hexadecimal, as \"slipway evidence show\" "
                            "prints it: {}",
                            wanted.error().message));
  const auto name = tpm::compute_name(bundle.expectation.attestation_key);
  if (name && *name == *wanted) return {};
  return fail(ErrorCode::kPermissionDenied,
              fmt::format("the evidence is of the attestation key {}, not of the one that was named",
                          name ? to_hex(*name) : "that cannot be read"),
              "AttestationKeyDiffers");
}

}  // namespace

Result<CheckedEvidence> check_evidence(const attestation::EvidenceBundle& bundle, const EvidencePins& pins) {
  SLIPWAY_TRY(enrolment::check_binding(bundle));
  SLIPWAY_TRY(check_attestation_key(bundle, pins.attestation_key));
  CheckedEvidence checked;
  if (!pins.tpm_roots.empty()) {
    SLIPWAY_ASSIGN(const tpm::EndorsementTrust roots, read_tpm_roots(pins.tpm_roots));
    SLIPWAY_ASSIGN(checked.endorsement, attestation::check_endorsement(bundle, &roots));
  } else if (bundle.endorsement) {
    SLIPWAY_ASSIGN(checked.endorsement, attestation::check_endorsement(bundle, nullptr));
  }
  return checked;
}

}  // namespace slipway::cli
