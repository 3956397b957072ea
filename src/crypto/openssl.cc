#include "crypto/openssl.h"

#include <array>
#include <climits>
#include <cstdio>
#include <cstdlib>

namespace slipway::crypto {

std::string last_openssl_error() {
  const unsigned long error = ERR_peek_last_error();
  const char* reason = error == 0 ? nullptr : ERR_reason_error_string(error);
  return reason == nullptr ? "no further reason given" : reason;
}

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "slipway: OpenSSL failed at %s: %s\n", what, last_openssl_error().c_str());
  std::abort();
}

const EVP_MD* message_digest(HashAlgorithm algorithm) {
  static const std::array<const EVP_MD*, 4> fetched = {
      EVP_MD_fetch(nullptr, "SHA1", nullptr), EVP_MD_fetch(nullptr, "SHA2-256", nullptr),
      EVP_MD_fetch(nullptr, "SHA2-384", nullptr), EVP_MD_fetch(nullptr, "SHA2-512", nullptr)};
  const EVP_MD* found = fetched.at(static_cast<std::size_t>(algorithm));
  require(found != nullptr, "fetching a digest");
  return found;
}

OwnedBio bio_over(std::string_view text) {
  require(text.size() <= INT_MAX, "reading a text of more than 2 GiB");
  OwnedBio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  require(bio != nullptr, "making a BIO");
  return bio;
}

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace slipway::crypto
