#include "tpm/public_area.h"

// What a TPM writes and what Slipway reads must be one thing: an area that is parsed is written and read back.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway;
  const ByteView input(data, size);
  const auto area = tpm::parse_public_area(input);
  if (area) {
    const auto again = tpm::parse_public_area(tpm::marshal_public_area(*area));
    if (!again || tpm::marshal_public_area(*again) != tpm::marshal_public_area(*area)) __builtin_trap();
  }
  static_cast<void>(tpm::unwrap_public_area(input));
  static_cast<void>(tpm::check_attestation_key(input));
  static_cast<void>(tpm::check_endorsement_key(input));
  return 0;
}
