#include "crypto/certificate.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway;
  const ByteView input(data, size);
  static_cast<void>(crypto::verify_certificate_request(input));
  static_cast<void>(crypto::PublicKey::from_spki_der(input));
  const auto certificate = crypto::Certificate::from_der(input);
  if (!certificate) return 0;
  static_cast<void>(certificate->subject());
  static_cast<void>(certificate->issuer());
  static_cast<void>(certificate->common_name());
  static_cast<void>(certificate->organizations());
  static_cast<void>(certificate->not_before());
  static_cast<void>(certificate->not_after());
  if (const auto key = certificate->public_key()) static_cast<void>(certificate->signed_by(*key));
  return 0;
}
