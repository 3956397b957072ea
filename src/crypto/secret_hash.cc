#include "crypto/secret_hash.h"

#include "base/bytes.h"
#include "crypto/openssl.h"

namespace slipway::crypto {
namespace {

constexpr std::string_view kPrefix = "scrypt$14$8$1$";
constexpr std::size_t kSaltSize = 16;
constexpr std::size_t kMinSaltSize = 8;
constexpr std::size_t kHashSize = 32;

Bytes scrypt(std::string_view secret, ByteView salt) {
  constexpr std::uint64_t kCost = std::uint64_t{1} << 14;
  constexpr std::uint64_t kBlockSize = 8;
  constexpr std::uint64_t kParallel = 1;
  constexpr std::uint64_t kMemoryLimit = std::uint64_t{64} << 20;
  Bytes hash(kHashSize);
  require(EVP_PBE_scrypt(secret.data(), secret.size(), salt.data(), salt.size(), kCost, kBlockSize, kParallel,
                         kMemoryLimit, hash.data(), hash.size()) == 1,
          "scrypt");
  return hash;
}

}  // namespace

std::string hash_secret(std::string_view secret, Random& random) {
  const Bytes salt = random.bytes(kSaltSize);
  return std::string(kPrefix) + to_base64url(salt) + '$' + to_base64url(scrypt(secret, salt));
}

bool matches_secret_hash(std::string_view line, std::string_view secret) {
  if (!line.starts_with(kPrefix)) return false;
  line.remove_prefix(kPrefix.size());
  const std::size_t separator = line.find('$');
  if (separator == std::string_view::npos) return false;
  const auto salt = from_base64url(line.substr(0, separator));
  const auto hash = from_base64url(line.substr(separator + 1));
  if (!salt || !hash || salt->size() < kMinSaltSize || hash->size() != kHashSize) return false;
  return equal_in_constant_time(scrypt(secret, *salt), *hash);
}

}  // namespace slipway::crypto
