#include "crypto/certificate_details.h"

// Certificates and public keys as text: what is read is written back to the same thing.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway;
  const std::string_view text = as_text({data, size});
  if (const auto certificates = crypto::certificates_from_pem(text)) {
    if (certificates->empty()) __builtin_trap();
    for (const crypto::Certificate& certificate : *certificates) {
      static_cast<void>(crypto::details_of(certificate));
      // Broken into lines a text grows, and may pass the limit.
      const std::string pem = certificate.pem();
      if (pem.size() > 100'000) continue;
      const auto again = crypto::Certificate::from_pem(pem);
      if (!again || again->der() != certificate.der()) __builtin_trap();
    }
  } else if (certificates.error().message.find("at offset ") != 0) {
    __builtin_trap();
  }
  if (const auto key = crypto::PublicKey::from_pem(text)) {
    const auto again = crypto::PublicKey::from_pem(key->pem());
    if (!again || again->fingerprint() != key->fingerprint()) __builtin_trap();
  }
  return 0;
}
