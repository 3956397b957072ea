#pragma once

#include "base/bytes.h"

namespace slipway::crypto {

// A P-256 ECDSA signature as its two numbers, 32 bytes each, big-endian: the form of JWS and (in two TPM2B) of a TPM.
struct EcdsaNumbers {
  Bytes r;
  Bytes s;
};

// ECDSA-Sig-Value (RFC 3279 section 2.2.3) from the two numbers, which may be shorter than 32 bytes, not longer.
Result<Bytes> encode_ecdsa_signature(ByteView r, ByteView s);
// The other way. Trailing bytes and numbers of more than 32 bytes are kMalformed.
Result<EcdsaNumbers> decode_ecdsa_signature(ByteView der);

}  // namespace slipway::crypto
