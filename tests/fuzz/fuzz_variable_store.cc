#include "bootchain/ovmf_firmware_for_tests.h"
#include "bootchain/variable_store.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway;
  static_cast<void>(bootchain::read_variable_store(bootchain::testing::with_volume_checksums({data, size})));
  return 0;
}
