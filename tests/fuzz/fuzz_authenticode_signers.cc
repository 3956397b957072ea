#include "crypto/authenticode_signers.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static_cast<void>(slipway::crypto::authenticode_signers({data, size}));
  return 0;
}
