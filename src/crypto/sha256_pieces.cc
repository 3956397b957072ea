// One appraisal digests hundreds of pieces of about 64 bytes. EVP's way through providers takes as long for each of
// them as the digest itself (bench/appraisal_bench.cc), so the same code of the same library is called directly. These
// functions are deprecated since OpenSSL 3.0; this file alone may use them.
#undef OPENSSL_NO_DEPRECATED
#undef OPENSSL_API_COMPAT
#define OPENSSL_API_COMPAT 10100

#include "crypto/sha256_pieces.h"

#include <openssl/sha.h>

#include "crypto/openssl.h"

namespace slipway::crypto {

void sha256_pieces(std::initializer_list<ByteView> pieces, std::span<std::uint8_t, 32> out) {
  SHA256_CTX context;
  require(SHA256_Init(&context) == 1, "starting a digest");
  for (const ByteView piece : pieces) require(SHA256_Update(&context, piece.data(), piece.size()) == 1, "a digest");
  require(SHA256_Final(out.data(), &context) == 1, "finishing a digest");
}

}  // namespace slipway::crypto
