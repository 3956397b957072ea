#include "bootchain/ovmf_firmware.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway;
  const auto firmware = bootchain::read_ovmf_firmware({data, size});
  if (firmware && (firmware->dxe_volume_sha256.size() != 32 || firmware->dxe_volume_size == 0)) __builtin_trap();
  return 0;
}
