#pragma once

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "crypto/digest.h"
#include "crypto/key.h"

// OpenSSL behind ownership. Private to this room: no header that another room includes may include this one.
namespace slipway::crypto {

template <auto kFree>
struct Freer {
  template <typename T>
  void operator()(T* pointer) const {
    kFree(pointer);
  }
};

inline void free_openssl_memory(void* pointer) { OPENSSL_free(pointer); }

template <typename T, auto kFree>
using Owned = std::unique_ptr<T, Freer<kFree>>;

using OwnedBio = Owned<BIO, BIO_free_all>;
using OwnedBignum = Owned<BIGNUM, BN_clear_free>;
using OwnedKey = Owned<EVP_PKEY, EVP_PKEY_free>;
using OwnedKeyContext = Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using OwnedDigestContext = Owned<EVP_MD_CTX, EVP_MD_CTX_free>;
using OwnedCipherContext = Owned<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;
using OwnedParameterBuilder = Owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
using OwnedParameters = Owned<OSSL_PARAM, OSSL_PARAM_free>;
using OwnedCertificate = Owned<X509, X509_free>;
using OwnedRequest = Owned<X509_REQ, X509_REQ_free>;
using OwnedTime = Owned<ASN1_TIME, ASN1_TIME_free>;
using OwnedInteger = Owned<ASN1_INTEGER, ASN1_INTEGER_free>;
using OwnedBitString = Owned<ASN1_BIT_STRING, ASN1_BIT_STRING_free>;
using OwnedOctetString = Owned<ASN1_OCTET_STRING, ASN1_OCTET_STRING_free>;
using OwnedSignature = Owned<ECDSA_SIG, ECDSA_SIG_free>;
using OwnedMemory = Owned<void, free_openssl_memory>;

// Leaves the thread's queue of OpenSSL errors as it found it: a failure that was handled here must not be taken for
// one of a TLS connection later.
class ErrorScope {
 public:
  ErrorScope() { ERR_set_mark(); }
  ~ErrorScope() { ERR_pop_to_mark(); }
  ErrorScope(const ErrorScope&) = delete;
  ErrorScope& operator=(const ErrorScope&) = delete;
};

// What OpenSSL said last, in its words, for the end of an error message.
std::string last_openssl_error();

// Ends the process: for what fails only without memory or without OpenSSL's default provider.
void require(bool holds, const char* what);

// The algorithm, fetched once in the life of the process.
const EVP_MD* message_digest(HashAlgorithm algorithm);

// Which one an AlgorithmIdentifier names, if it is one of them.
std::optional<HashAlgorithm> hash_algorithm_of(const X509_ALGOR* identifier);

// A read-only BIO over the text, which must outlive it.
OwnedBio bio_over(std::string_view text);
std::string text_of(BIO* bio);

// One line, RFC 2253 style, for people.
std::string one_line(const X509_NAME* name);
// "1.2.840.113549".
std::string dotted(const ASN1_OBJECT* object);
// Lower-case hexadecimal without leading zeros.
std::string hexadecimal(const ASN1_INTEGER* number);

// Takes the key over if it is RSA of 2048 to 4096 bits or P-256, and gives a P-256 key its one canonical encoding;
// kInvalidArgument for every other key.
Result<PublicKey> admit_public_key(OwnedKey key);

// DER of any OpenSSL object that has an i2d function.
template <typename T, typename Encode>
Bytes der_of(const T* object, Encode encode) {
  std::uint8_t* out = nullptr;
  const int size = encode(object, &out);
  const OwnedMemory memory(out);
  require(size >= 0, "encoding to DER");
  return Bytes(out, out + size);
}

}  // namespace slipway::crypto
