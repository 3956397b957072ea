#pragma once

#include "base/bytes.h"

namespace slipway::crypto {

// AES-128 in CFB mode with an all-zero IV: the symmetric part of a TPM's credential (TPM 2.0 Part 1, 24.4). The key is
// 16 bytes; any length of data.
Result<Bytes> aes128_cfb_encrypt(ByteView key, ByteView plain);
Result<Bytes> aes128_cfb_decrypt(ByteView key, ByteView cipher);

}  // namespace slipway::crypto
