#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bootchain/pe_image.h"
#include "bootchain/signature_list.h"
#include "crypto/certificate.h"
#include "crypto/signed_data.h"

// Signatures of an image held against the image itself: what firmware's and shim's rules share, and what tools show.
namespace slipway::bootchain {

// One signature of an image, held against the image.
struct ImageSignature {
  std::optional<crypto::SignedData> signed_data;  // none: it is no SignedData
  std::optional<crypto::HashAlgorithm> algorithm;
  Bytes image_digest;   // of the image, in that algorithm
  std::string problem;  // rule that it breaks by itself: "signature.malformed", "signature.digest", "signature.broken"
  std::string words;    // the same for people

  bool is_good() const { return problem.empty(); }
  std::vector<std::string> signers() const;
};
std::vector<ImageSignature> check_signatures(const UnverifiedPeImage& image);

// A database's certificates, parsed once, with their indices in the database.
struct IndexedCertificate {
  int index = 0;
  crypto::Certificate certificate;
};
std::vector<IndexedCertificate> certificates_of(const std::vector<EfiSignature>& database);

// The first certificate that a good signature leads to, with the path.
struct Vouching {
  IndexedCertificate by;
  std::vector<crypto::Certificate> path;
};
std::optional<Vouching> find_vouching(const ImageSignature& signature,
                                      const std::vector<IndexedCertificate>& certificates);

// Index of the entry that lists this digest of an image, or -1.
int find_digest(const std::vector<EfiSignature>& database, crypto::HashAlgorithm algorithm, ByteView digest);

std::vector<std::string> subjects_of(const std::vector<crypto::Certificate>& path);

}  // namespace slipway::bootchain
