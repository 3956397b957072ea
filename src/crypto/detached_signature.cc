#include "crypto/detached_signature.h"

#include <openssl/cms.h>

#include <climits>

#include "crypto/openssl.h"
#include "crypto/pkcs7_limits.h"

namespace slipway::crypto {
namespace {

constexpr std::size_t kMaximumSize = 64U << 10;

using OwnedCms = Owned<CMS_ContentInfo, CMS_ContentInfo_free>;

void free_stack(STACK_OF(X509) * stack) { sk_X509_pop_free(stack, X509_free); }
using OwnedStack = std::unique_ptr<STACK_OF(X509), Freer<free_stack>>;

CMS_SignerInfo* signer_of(CMS_ContentInfo* cms) {
  STACK_OF(CMS_SignerInfo)* infos = CMS_get0_SignerInfos(cms);
  return sk_CMS_SignerInfo_num(infos) == 1 ? sk_CMS_SignerInfo_value(infos, 0) : nullptr;
}

}  // namespace

Result<DetachedSignature> DetachedSignature::from_der(ByteView der) {
  const ErrorScope errors;
  if (der.size() > kMaximumSize)
    return fail(ErrorCode::kMalformed, "a signature is " + std::to_string(der.size()) + " bytes long, over 64 KiB");
  SLIPWAY_TRY(check_signed_data(der));
  const std::uint8_t* at = der.data();
  OwnedCms cms(d2i_CMS_ContentInfo(nullptr, &at, static_cast<long>(der.size())));
  if (!cms || OBJ_obj2nid(CMS_get0_type(cms.get())) != NID_pkcs7_signed)
    return fail(ErrorCode::kMalformed, "a signature is not CMS SignedData in DER");
  if (at != der.data() + der.size()) return fail(ErrorCode::kMalformed, "bytes follow the signature");
  CMS_SignerInfo* signer = signer_of(cms.get());
  if (signer == nullptr) return fail(ErrorCode::kMalformed, "a signature does not have exactly one signer");

  DetachedSignature result;
  ASN1_OCTET_STRING* key_id = nullptr;
  X509_NAME* issuer = nullptr;
  ASN1_INTEGER* serial = nullptr;
  if (CMS_SignerInfo_get0_signer_id(signer, &key_id, &issuer, &serial) != 1)
    return fail(ErrorCode::kMalformed, "a signature does not name its signer");
  if (issuer != nullptr) result.issuer_ = one_line(issuer);
  if (serial != nullptr) result.serial_ = hexadecimal(serial);
  if (key_id != nullptr)
    result.key_id_ =
        to_bytes(ByteView(ASN1_STRING_get0_data(key_id), static_cast<std::size_t>(ASN1_STRING_length(key_id))));
  X509_ALGOR* digest = nullptr;
  CMS_SignerInfo_get0_algs(signer, nullptr, nullptr, &digest, nullptr);
  result.digest_algorithm_ = hash_algorithm_of(digest);
  result.state_ = std::shared_ptr<CMS_ContentInfo>(cms.release(), CMS_ContentInfo_free);
  return result;
}

bool DetachedSignature::names(const Certificate& certificate) const {
  return CMS_SignerInfo_cert_cmp(signer_of(state_.get()), certificate.get()) == 0;
}

bool DetachedSignature::verified_by(const Certificate& certificate, ByteView content) const {
  const ErrorScope errors;
  if (content.size() > INT_MAX || !names(certificate)) return false;
  const OwnedStack certificates(sk_X509_new_null());
  require(certificates && X509_add_cert(certificates.get(), certificate.get(), X509_ADD_FLAG_UP_REF) == 1,
          "adding a certificate");
  const OwnedBio data(BIO_new_mem_buf(content.empty() ? "" : static_cast<const void*>(content.data()),
                                      static_cast<int>(content.size())));
  require(data != nullptr, "making a BIO");
  return CMS_verify(state_.get(), certificates.get(), nullptr, data.get(), nullptr,
                    CMS_BINARY | CMS_NOINTERN | CMS_NO_SIGNER_CERT_VERIFY) == 1;
}

}  // namespace slipway::crypto
