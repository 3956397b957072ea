#include "bootchain/module_signature.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway;
  const ByteView input(data, size);
  if (const auto module = bootchain::read_module(input)) static_cast<void>(bootchain::would_kernel_load(*module, {}));
  // The signature alone, so that no trailer must be guessed first.
  static_cast<void>(crypto::DetachedSignature::from_der(input));
  return 0;
}
