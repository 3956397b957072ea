#include "tpm/quote.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway;
  const auto signature = tpm::parse_signature({data, size});
  if (!signature || signature->hash != tpm::kAlgSha256) return 0;
  const auto scheme = signature->algorithm == tpm::kAlgEcdsa ? crypto::SignatureScheme::kEcdsaP256Sha256
                                                             : crypto::SignatureScheme::kRsaPkcs1Sha256;
  const auto again = tpm::parse_signature(tpm::marshal_signature(scheme, signature->signature).value());
  if (!again || again->signature != signature->signature) __builtin_trap();
  return 0;
}
