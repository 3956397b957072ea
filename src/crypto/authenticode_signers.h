#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"

namespace slipway::crypto {

// The subject of each signer's certificate in an Authenticode signature (PKCS#7 SignedData, DER; at most 64 KiB), in
// the order of its SignerInfo records, one line each as Certificate::subject() gives it. Names signers for people:
// nothing is verified. kMalformed if it is no SignedData or a signer's certificate is not in it.
Result<std::vector<std::string>> authenticode_signers(ByteView pkcs7);

// The certificates, DER, that the first signer's trust can be anchored in: its own first, then the issuer of each as
// far as the signature carries it, at most 8 and after at most 16 tries. A database entry that is one of them, or that
// signed one of them, vouches for what was signed, if the signature itself holds; that is not verified here. Errors as
// above.
Result<std::vector<Bytes>> authenticode_certificate_chain(ByteView pkcs7);

}  // namespace slipway::crypto
