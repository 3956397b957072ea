#include "bootchain/pe_image.h"
#include "bootchain/shim_state.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway;
  const ByteView file(data, size);
  static_cast<void>(bootchain::authenticode_sha256(file));
  static_cast<void>(bootchain::pe_signers(file));
  static_cast<void>(bootchain::read_shim_state(file));
  return 0;
}
