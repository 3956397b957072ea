#pragma once

#include <vector>

#include "bootchain/variable_store.h"
#include "image/manifest.h"

namespace slipway::image {

// The entry of db by which firmware with Secure Boot and these variables starts the image's shim, as its event in PCR 7
// holds it: the owner, and the certificate or digest. Judged as EDK II judges (DxeImageVerificationLib), and as
// bootchain::would_firmware_load does for a shim that is signed well over SHA-256; the manifest alone is at hand, which
// says neither over which digest a signature is nor how old it is, so that digests of images are looked up in SHA-256
// alone and a revocation of a certificate from some time on counts always. dbx forbids by the image's digest, by a
// certificate to which a path leads from the signer of one of its signatures, and by the to-be-signed digest of a
// signer. kPreconditionFailed where db vouches by no entry, or dbx forbids. kMalformed where db or dbx does not parse.
Result<Bytes> entry_that_admits_shim(const Manifest& manifest, const std::vector<bootchain::StoredVariable>& variables);

}  // namespace slipway::image
