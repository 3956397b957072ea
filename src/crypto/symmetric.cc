#include "crypto/symmetric.h"

#include <array>
#include <climits>

#include "crypto/openssl.h"

namespace slipway::crypto {
namespace {

constexpr std::size_t kKeySize = 16;

Result<Bytes> aes128_cfb(ByteView key, ByteView input, int encrypt) {
  if (key.size() != kKeySize)
    return fail(ErrorCode::kInvalidArgument,
                "AES-128 takes a key of 16 bytes, this one has " + std::to_string(key.size()));
  if (input.size() > INT_MAX) return fail(ErrorCode::kResourceExhausted, "AES-CFB input is larger than 2 GiB");
  const ErrorScope errors;
  const OwnedCipherContext context(EVP_CIPHER_CTX_new());
  require(context != nullptr, "making a cipher");
  const std::array<std::uint8_t, 16> zero_iv{};
  require(EVP_CipherInit_ex2(context.get(), EVP_aes_128_cfb128(), key.data(), zero_iv.data(), encrypt, nullptr) == 1,
          "starting AES-128-CFB");
  Bytes output(input.size());
  int size = 0;
  if (!input.empty())
    require(EVP_CipherUpdate(context.get(), output.data(), &size, input.data(), static_cast<int>(input.size())) == 1,
            "AES-128-CFB");
  return output;
}

}  // namespace

Result<Bytes> aes128_cfb_encrypt(ByteView key, ByteView plain) { return aes128_cfb(key, plain, 1); }
Result<Bytes> aes128_cfb_decrypt(ByteView key, ByteView cipher) { return aes128_cfb(key, cipher, 0); }

}  // namespace slipway::crypto
