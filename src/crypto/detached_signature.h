#pragma once

#include <memory>
#include <optional>
#include <string>

#include "crypto/certificate.h"

struct CMS_ContentInfo_st;

namespace slipway::crypto {

// A CMS SignedData (RFC 5652) whose content stands elsewhere and whose one signer's certificate may be missing: what a
// kernel module ends with. Copies share one state; not for several threads at once.
class DetachedSignature {
 public:
  // Exactly one signature of one signer, at most 64 KiB; trailing bytes are kMalformed.
  static Result<DetachedSignature> from_der(ByteView der);

  // How the signature names its signer: by issuer and serial number (hexadecimal), or by the identifier of its key.
  const std::string& issuer() const { return issuer_; }
  const std::string& serial() const { return serial_; }
  const Bytes& key_id() const { return key_id_; }
  std::optional<HashAlgorithm> digest_algorithm() const { return digest_algorithm_; }
  // True if the certificate is the one that the signature names. Nothing is verified.
  bool names(const Certificate& certificate) const;
  // True if the certificate is the one that the signature names, and its key made this signature of the content.
  bool verified_by(const Certificate& certificate, ByteView content) const;

 private:
  DetachedSignature() = default;
  std::shared_ptr<CMS_ContentInfo_st> state_;
  std::string issuer_, serial_;
  Bytes key_id_;
  std::optional<HashAlgorithm> digest_algorithm_;
};

}  // namespace slipway::crypto
