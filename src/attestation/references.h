#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "attestation/policy.h"
#include "base/bytes.h"
#include "base/time.h"
#include "image/prediction.h"

namespace slipway::attestation {

// A prediction with the time for which it holds. During an update the old image's and the new one's hold at once.
struct ValidPrediction {
  image::Prediction prediction;
  std::optional<Time> expires;  // a boot of it is good before this instant; always where there is none
};

// Revocations that count beside those in the node's own variable store: what `--dbx` adds.
struct Revocations {
  std::vector<Bytes> image_sha256;        // Authenticode digests
  std::vector<Bytes> certificates;        // DER; and by the SHA-256 of their TBSCertificate:
  std::vector<Bytes> certificate_sha256;  // EFI_CERT_X509_SHA256
  bool empty() const { return image_sha256.empty() && certificates.empty() && certificate_sha256.empty(); }
};

// Reads the EFI_SIGNATURE_LISTs of a dbx, with or without the EFI_VARIABLE_AUTHENTICATION_2 in front (UEFI 2.9, 8.2.2)
// that updates are published with. Other kinds of entries are kMalformed: none may be overlooked; so is a dbx without
// any list. At most 1 MiB. Errors count offsets from the file's beginning.
Result<Revocations> revocations_from_dbx(ByteView dbx);

// What evidence is held against.
struct References {
  std::vector<ValidPrediction> predictions;  // at most 16; empty: there is nothing to compare with
  bool secure_boot_required = false;
  Policy policy;
  Revocations revocations;
};

}  // namespace slipway::attestation
