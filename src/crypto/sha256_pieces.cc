// One appraisal digests hundreds of pieces of about 64 bytes. EVP's way through providers takes as long for each of
// them as the digest itself (bench/appraisal_bench.cc), so the same code of the same library is called directly. These
// functions are deprecated since OpenSSL 3.0; this file alone may use them.
#undef OPENSSL_NO_DEPRECATED
#undef OPENSSL_API_COMPAT
#define OPENSSL_API_COMPAT 10100

#include "crypto/sha256_pieces.h"

#include <openssl/sha.h>

#include <algorithm>
#include <array>

#include "crypto/openssl.h"

namespace slipway::crypto {
namespace {

constexpr std::size_t kDigestSize = SHA256_DIGEST_LENGTH;
constexpr std::size_t kBlockSize = SHA256_CBLOCK;

// Extending a PCR is this one case: 64 bytes, which with their padding (FIPS 180-4, 5.1.1) are two whole blocks. Laid
// out here they are digested in one call, and nothing is gathered in the context's buffer first.
void sha256_of_two_digests(ByteView first, ByteView second, std::span<std::uint8_t, kDigestSize> out) {
  std::array<std::uint8_t, 2 * kBlockSize> padded{};
  std::copy(first.begin(), first.end(), padded.begin());
  std::copy(second.begin(), second.end(), padded.begin() + kDigestSize);
  padded[kBlockSize] = 0x80;
  padded[2 * kBlockSize - 2] = kBlockSize * 8 >> 8;  // the length in bits, big-endian, in the last eight bytes
  SHA256_CTX context;
  const bool digested =
      SHA256_Init(&context) == 1 && SHA256_Update(&context, padded.data(), padded.size()) == 1 && context.num == 0;
  require(digested, "a digest");
  for (std::size_t i = 0; i < kDigestSize / 4; ++i) {
    const std::uint32_t word = context.h[i];
    out[4 * i] = static_cast<std::uint8_t>(word >> 24);
    out[4 * i + 1] = static_cast<std::uint8_t>(word >> 16 & 0xff);
    out[4 * i + 2] = static_cast<std::uint8_t>(word >> 8 & 0xff);
    out[4 * i + 3] = static_cast<std::uint8_t>(word & 0xff);
  }
}

}  // namespace

void sha256_pieces(std::initializer_list<ByteView> pieces, std::span<std::uint8_t, 32> out) {
  const bool two_digests =
      pieces.size() == 2 && pieces.begin()->size() == kDigestSize && std::next(pieces.begin())->size() == kDigestSize;
  if (two_digests) return sha256_of_two_digests(*pieces.begin(), *std::next(pieces.begin()), out);
  SHA256_CTX context;
  bool digested = SHA256_Init(&context) == 1;
  for (const ByteView piece : pieces) digested = digested && SHA256_Update(&context, piece.data(), piece.size()) == 1;
  require(digested && SHA256_Final(out.data(), &context) == 1, "a digest");
}

}  // namespace slipway::crypto
