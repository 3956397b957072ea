#include <cstddef>
#include <cstdint>

#include "bootchain/variable_store.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  (void)slipway::bootchain::read_variable_store({data, size});
  return 0;
}
