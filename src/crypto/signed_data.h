#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "crypto/certificate.h"

struct pkcs7_st;

namespace slipway::crypto {

// SPC_INDIRECT_DATA_OBJID: the content of an Authenticode signature.
inline constexpr std::string_view kSpcIndirectData = "1.3.6.1.4.1.311.2.1.4";

// PKCS#7 SignedData (RFC 2315) with any content: signatures of PE images and of updates of UEFI variables. Copies share
// one state; not for several threads at once.
class SignedData {
 public:
  struct Signer {
    std::string issuer, serial;  // how the signature names its signer; the serial number in hexadecimal
    std::optional<HashAlgorithm> digest_algorithm;
    std::optional<Certificate> certificate;  // if the signature carries it
  };

  // At most 256 KiB, with or without a ContentInfo around it (UEFI variables come without); at most 16 signers, 32
  // certificates with subjects of 4 KiB, and 4 digest algorithms: OpenSSL takes its time over each certificate, and
  // digests the content once for each algorithm that is named. What follows the DER is ignored: certificate tables are
  // padded. kMalformed otherwise.
  static Result<SignedData> from_der(ByteView der);

  // The bytes that the DER takes, without what follows it.
  std::size_t size() const { return size_; }
  const std::string& content_type() const { return content_type_; }  // dotted object identifier
  // The content's value without its tag and length, which is what the signatures cover; empty if it stands elsewhere.
  ByteView content() const { return content_; }
  // The first of digestAlgorithms; none if it is not one of HashAlgorithm.
  std::optional<HashAlgorithm> digest_algorithm() const { return digest_algorithm_; }
  const std::vector<Certificate>& certificates() const { return certificates_; }
  const std::vector<Signer>& signers() const { return signers_; }

  // True if there is a signer, and every signer's signature over `content` holds with the certificate that the
  // signature carries. Says nothing of who the signers are. A signature by a key that takes long to check (RSA over
  // 4096 bits or with an exponent of over 32 bits, any curve but P-256, P-384 and P-521) does not hold.
  bool signatures_hold(ByteView content) const;
  // The path from the first signer to the anchor, if every signer has a path to it through the certificates that the
  // signature carries (find_path, without dates); empty if not.
  std::vector<Certificate> path_to(const Certificate& anchor) const;
  // When the first signer's signature existed, by an RFC 3161 time stamp in its unsigned attributes that covers it and
  // whose signer has a path to one of the authorities; none if there is no such stamp.
  std::optional<Time> time_stamp(const std::vector<Certificate>& authorities) const;

 private:
  SignedData() = default;
  std::shared_ptr<pkcs7_st> state_;
  std::size_t size_ = 0;
  std::string content_type_;
  Bytes content_;
  std::optional<HashAlgorithm> digest_algorithm_;
  std::vector<Certificate> certificates_;
  std::vector<Signer> signers_;
};

// The most certificates that are read of one signature, or of all signatures of one image.
inline constexpr std::size_t kMaximumSignatureCertificates = 32;
// How many certificates SignedData carries, without reading them; 0 for anything else.
std::size_t certificates_in(ByteView signed_data);

// What the content of an Authenticode signature says of the image: messageDigest of SpcIndirectDataContent.
struct ImageDigest {
  std::optional<HashAlgorithm> algorithm;
  Bytes digest;
};
// `content` is SignedData::content() of content type kSpcIndirectData. kMalformed for another structure.
Result<ImageDigest> read_indirect_data(ByteView content);

}  // namespace slipway::crypto
