#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/certificate.h"

namespace slipway::crypto {

// What a certificate says of itself beyond its names, key and dates (RFC 5280 section 4.2). Read, not judged.
struct CertificateDetails {
  int version = 1;
  std::string serial;  // lower-case hexadecimal, without leading zeros
  bool authority = false;
  bool has_key_usage = false;
  bool digital_signature = false, key_encipherment = false, key_agreement = false, key_cert_sign = false;
  std::vector<std::string> extended_key_uses;  // dotted object identifiers
  // The attributes of every directoryName among the subject's alternative names: dotted type and text.
  std::vector<std::pair<std::string, std::string>> alternative_names;
  Bytes subject_key_id;  // empty where there is none
};
// kMalformed if one of these extensions cannot be read or stands twice.
Result<CertificateDetails> details_of(const Certificate& certificate);

// The digest of the certificate's to-be-signed part, as it stands in its DER: what EFI_CERT_X509_SHA256 lists.
Bytes tbs_digest(const Certificate& certificate, HashAlgorithm algorithm);

// The key as SubjectPublicKeyInfo, whatever its algorithm: for comparing.
Bytes subject_public_key_info(const Certificate& certificate);

// All certificates in a text of PEM blocks, at most 1 MiB and 64 of them; kMalformed for a block that is none, or if
// there is not one at all.
Result<std::vector<Certificate>> certificates_from_pem(std::string_view pem);

}  // namespace slipway::crypto
