#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/bytes.h"

// What bounds the time that a hostile signature takes. Private to this room, as crypto/openssl.h is.
namespace slipway::crypto {

// Looks at PKCS#7 or CMS SignedData (RFC 5652, 5.1), with or without a ContentInfo around it, before OpenSSL does,
// which takes its time over each certificate and each signer, and digests the content once for each digest algorithm:
// at most 16 signers, 32 certificates, 4 digest algorithms and kMaximumDerElements elements, all of them of definite
// length. kMalformed otherwise. What follows the DER is left alone.
Status check_signed_data(ByteView der);

// The subjects of a signature's certificates have at most 4 KiB each, as of any that are shown; kMalformed otherwise.
Status check_names(const STACK_OF(X509) * certificates);

// RSA of at most 4096 bits with an exponent of at most 32 bits, and ECDSA over P-256, P-384 and P-521: what firmware,
// shim and distributions sign with. Checking a signature by any other key may take a hundred times as long.
bool is_quickly_checked(const EVP_PKEY* key);

}  // namespace slipway::crypto
