#include "crypto/authenticode_signers.h"

#include <openssl/bio.h>
#include <openssl/pkcs7.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>

#include "crypto/pkcs7_limits.h"

namespace slipway::crypto {
namespace {

constexpr std::size_t kMaximumSignatureSize = 64U << 10;
constexpr std::size_t kMaximumChain = 8;
constexpr int kMaximumChecks = 16;

struct FreePkcs7 {
  void operator()(PKCS7* pkcs7) const { PKCS7_free(pkcs7); }
};
struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};

std::string one_line(const X509_NAME* name) {
  const std::unique_ptr<BIO, FreeBio> memory(BIO_new(BIO_s_mem()));
  if (!memory || X509_NAME_print_ex(memory.get(), name, 0, XN_FLAG_RFC2253) < 0) return {};
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &text);
  return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string();
}

using Pkcs7 = std::unique_ptr<PKCS7, FreePkcs7>;

Result<Pkcs7> parse_signed_data(ByteView pkcs7) {
  if (pkcs7.size() > kMaximumSignatureSize)
    return fail(ErrorCode::kMalformed, "an Authenticode signature is longer than 64 KiB");
  SLIPWAY_TRY(check_signed_data(pkcs7));
  const unsigned char* at = pkcs7.data();
  Pkcs7 parsed(d2i_PKCS7(nullptr, &at, static_cast<long>(pkcs7.size())));
  if (!parsed || !PKCS7_type_is_signed(parsed.get()) || parsed->d.sign == nullptr)
    return fail(ErrorCode::kMalformed, "an Authenticode signature is not PKCS#7 SignedData in DER");
  SLIPWAY_TRY(check_names(parsed->d.sign->cert));
  return parsed;
}

// `checks`: how many signatures may still be checked. A hostile signature carries many certificates of one name.
X509* find_issuer(STACK_OF(X509) * certificates, X509* subject, int& checks) {
  for (int i = 0; i < sk_X509_num(certificates); ++i) {
    X509* candidate = sk_X509_value(certificates, i);
    if (X509_check_issued(candidate, subject) != X509_V_OK || !is_quickly_checked(X509_get0_pubkey(candidate)))
      continue;
    if (checks-- <= 0) return nullptr;
    if (X509_verify(subject, X509_get0_pubkey(candidate)) == 1) return candidate;
  }
  return nullptr;
}

Bytes to_der(const X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  if (size <= 0) return {};
  Bytes bytes(der, der + size);
  OPENSSL_free(der);
  return bytes;
}

}  // namespace

Result<std::vector<Bytes>> authenticode_certificate_chain(ByteView pkcs7) {
  SLIPWAY_ASSIGN(const Pkcs7 parsed, parse_signed_data(pkcs7));
  STACK_OF(PKCS7_SIGNER_INFO)* infos = PKCS7_get_signer_info(parsed.get());
  X509* certificate = sk_PKCS7_SIGNER_INFO_num(infos) < 1
                          ? nullptr
                          : PKCS7_cert_from_signer_info(parsed.get(), sk_PKCS7_SIGNER_INFO_value(infos, 0));
  if (certificate == nullptr)
    return fail(ErrorCode::kMalformed, "an Authenticode signature does not hold its signer's certificate");
  std::vector<Bytes> chain;
  int checks = kMaximumChecks;
  while (certificate != nullptr && chain.size() < kMaximumChain) {
    Bytes der = to_der(certificate);
    if (der.empty()) return fail(ErrorCode::kMalformed, "a certificate of an Authenticode signature cannot be encoded");
    if (!chain.empty() && chain.back() == der) break;
    chain.push_back(std::move(der));
    certificate = find_issuer(parsed->d.sign->cert, certificate, checks);
  }
  return chain;
}

Result<std::vector<std::string>> authenticode_signers(ByteView pkcs7) {
  SLIPWAY_ASSIGN(const Pkcs7 parsed, parse_signed_data(pkcs7));
  std::vector<std::string> subjects;
  STACK_OF(PKCS7_SIGNER_INFO)* infos = PKCS7_get_signer_info(parsed.get());
  for (int i = 0; i < sk_PKCS7_SIGNER_INFO_num(infos); ++i) {
    const X509* signer = PKCS7_cert_from_signer_info(parsed.get(), sk_PKCS7_SIGNER_INFO_value(infos, i));
    if (signer == nullptr)
      return fail(ErrorCode::kMalformed, "an Authenticode signature does not hold its signer's certificate");
    subjects.push_back(one_line(X509_get_subject_name(signer)));
  }
  return subjects;
}

}  // namespace slipway::crypto
