#include "bootchain/ovmf_firmware.h"
#include "bootchain/ovmf_firmware_for_tests.h"

namespace {

void read(slipway::ByteView code) {
  const auto firmware = slipway::bootchain::read_ovmf_firmware(code);
  if (firmware && (firmware->dxe_volume_sha256.size() != 32 || firmware->dxe_volume_size == 0)) __builtin_trap();
}

}  // namespace

// A code file; and the same bytes as what a code file unpacks to, for no LZMA stream is met by chance.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway::bootchain::testing;
  const slipway::Bytes bytes = with_volume_checksums({data, size});
  read(bytes);
  read(packed_firmware(pack(bytes)));
  return 0;
}
