#include "crypto/ecdsa_signature.h"

#include <climits>

#include "crypto/openssl.h"

namespace slipway::crypto {
namespace {

constexpr int kNumberSize = 32;

}  // namespace

Result<Bytes> encode_ecdsa_signature(ByteView r, ByteView s) {
  if (r.empty() || s.empty() || r.size() > kNumberSize || s.size() > kNumberSize)
    return fail(ErrorCode::kMalformed, "a P-256 signature's r and s have 1 to 32 bytes; here they have " +
                                           std::to_string(r.size()) + " and " + std::to_string(s.size()));
  const OwnedSignature signature(ECDSA_SIG_new());
  OwnedBignum r_number(BN_bin2bn(r.data(), static_cast<int>(r.size()), nullptr));
  OwnedBignum s_number(BN_bin2bn(s.data(), static_cast<int>(s.size()), nullptr));
  require(signature && r_number && s_number, "making a signature");
  require(ECDSA_SIG_set0(signature.get(), r_number.release(), s_number.release()) == 1, "making a signature");
  return der_of(signature.get(), i2d_ECDSA_SIG);
}

Result<EcdsaNumbers> decode_ecdsa_signature(ByteView der) {
  const ErrorScope errors;
  if (der.size() > 128) return fail(ErrorCode::kMalformed, "a P-256 signature is longer than 128 bytes");
  const std::uint8_t* at = der.data();
  const OwnedSignature signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  if (!signature) return fail(ErrorCode::kMalformed, "not an ECDSA-Sig-Value: " + last_openssl_error());
  if (at != der.data() + der.size()) return fail(ErrorCode::kMalformed, "bytes follow the ECDSA-Sig-Value");
  EcdsaNumbers numbers{Bytes(kNumberSize), Bytes(kNumberSize)};
  if (BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), numbers.r.data(), kNumberSize) != kNumberSize ||
      BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), numbers.s.data(), kNumberSize) != kNumberSize)
    return fail(ErrorCode::kMalformed, "the ECDSA signature's numbers are larger than P-256's");
  return numbers;
}

}  // namespace slipway::crypto
