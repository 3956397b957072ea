#include "crypto/certificate_details.h"
#include "tpm/endorsement_certificate.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway;
  const ByteView input(data, size);
  static const crypto::PublicKey key = crypto::PrivateKey::generate_p256().public_key();
  static_cast<void>(tpm::check_endorsement_certificate(input, key, {}, Time{}));
  const auto certificate = crypto::Certificate::from_der(input);
  if (!certificate) return 0;
  static_cast<void>(crypto::details_of(*certificate));
  static_cast<void>(crypto::tbs_digest(*certificate, crypto::HashAlgorithm::kSha256));
  // With its own key and as its own root, so that every check is reached.
  const auto own_key = certificate->public_key();
  if (own_key) static_cast<void>(tpm::check_endorsement_certificate(input, *own_key, {{*certificate}, {}}, Time{}));
  return 0;
}
