#include "crypto/signature_check.h"

#include "crypto/openssl.h"

namespace slipway::crypto {
namespace {

HashAlgorithm hash_of(SignatureScheme scheme) {
  return scheme == SignatureScheme::kRsaPkcs1Sha384 ? HashAlgorithm::kSha384 : HashAlgorithm::kSha256;
}

std::shared_ptr<const EVP_PKEY_CTX> prepare(const PublicKey& key, SignatureScheme scheme) {
  const bool rsa_scheme = scheme != SignatureScheme::kEcdsaP256Sha256;
  if (rsa_scheme != key.is_rsa()) return nullptr;
  OwnedKeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  require(context && EVP_PKEY_verify_init(context.get()) == 1 &&
              (!rsa_scheme || EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) == 1) &&
              EVP_PKEY_CTX_set_signature_md(context.get(), message_digest(hash_of(scheme))) == 1,
          "preparing a signature check");
  return {context.release(), [](const EVP_PKEY_CTX* made) { EVP_PKEY_CTX_free(const_cast<EVP_PKEY_CTX*>(made)); }};
}

}  // namespace

SignatureCheck::SignatureCheck(const PublicKey& key, SignatureScheme scheme)
    : scheme_(scheme), prepared_(prepare(key, scheme)) {}

bool SignatureCheck::holds(ByteView data, ByteView signature) const {
  if (prepared_ == nullptr) return false;
  const ErrorScope errors;
  // A check writes to its context, so each has a copy of its own.
  const OwnedKeyContext context(EVP_PKEY_CTX_dup(prepared_.get()));
  require(context != nullptr, "starting a signature check");
  const Bytes signed_digest = digest(hash_of(scheme_), data);
  return EVP_PKEY_verify(context.get(), signature.data(), signature.size(), signed_digest.data(),
                         signed_digest.size()) == 1;
}

}  // namespace slipway::crypto
