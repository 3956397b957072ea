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

std::optional<HashAlgorithm> hash_algorithm_of(const X509_ALGOR* identifier) {
  const ASN1_OBJECT* object = nullptr;
  X509_ALGOR_get0(&object, nullptr, nullptr, identifier);
  switch (OBJ_obj2nid(object)) {
    case NID_sha1:
      return HashAlgorithm::kSha1;
    case NID_sha256:
      return HashAlgorithm::kSha256;
    case NID_sha384:
      return HashAlgorithm::kSha384;
    case NID_sha512:
      return HashAlgorithm::kSha512;
    default:
      return std::nullopt;
  }
}

std::string one_line(const X509_NAME* name) {
  const OwnedBio out(BIO_new(BIO_s_mem()));
  require(out != nullptr, "making a BIO");
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB));
  return text_of(out.get());
}

std::string dotted(const ASN1_OBJECT* object) {
  const int size = OBJ_obj2txt(nullptr, 0, object, 1);
  if (size <= 0) return {};
  std::string text(static_cast<std::size_t>(size) + 1, '\0');
  OBJ_obj2txt(text.data(), size + 1, object, 1);
  text.pop_back();
  return text;
}

std::string hexadecimal(const ASN1_INTEGER* number) {
  const OwnedBignum value(ASN1_INTEGER_to_BN(number, nullptr));
  if (!value) return {};
  Bytes bytes(static_cast<std::size_t>(BN_num_bytes(value.get())));
  BN_bn2bin(value.get(), bytes.data());
  return to_hex(bytes);
}

}  // namespace slipway::crypto
