#pragma once

#include <string>

#include "tpm/endorsement_certificate.h"

namespace slipway::cli {

// Reads an operator's folder of certificates of TPM makers, or of a platform's authority for its virtual TPMs: files
// *.pem, *.crt, *.cer and *.der, each one certificate in DER or at most 64 in PEM; self-signed ones are roots, the
// others may lie between (tpm::sort_endorsement_trust). Other files and the folders in it are passed over. At most 1024
// files of 1 MiB. A file that is no certificate has the reason of kMalformedInput; kNotFound for a folder that is not
// there, and kPreconditionFailed (NoTpmRoots) for one without a root: it could vouch for nothing.
Result<tpm::EndorsementTrust> read_tpm_roots(const std::string& folder);

}  // namespace slipway::cli
