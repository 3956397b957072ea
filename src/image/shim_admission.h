#pragma once

#include <vector>

#include "bootchain/variable_store.h"
#include "image/manifest.h"

namespace slipway::image {

// The entry of db by which firmware with Secure Boot and these variables starts the image's shim, as its event in PCR 7
// holds it: the owner, and the certificate or digest. Judged as EDK II judges (DxeImageVerificationLib; the same as
// bootchain::would_firmware_load, for a shim of which the manifest alone is at hand): dbx forbids by the image's
// digest, by a certificate that is in the chain of one of its signatures or signed a part of it, and by the
// to-be-signed digest of a signer. kPreconditionFailed where db vouches by no entry, or dbx forbids; a revocation of a
// certificate from some time on counts always, for how old a signature is the manifest does not say. kMalformed where
// db or dbx does not parse.
Result<Bytes> entry_that_admits_shim(const Manifest& manifest, const std::vector<bootchain::StoredVariable>& variables);

}  // namespace slipway::image
