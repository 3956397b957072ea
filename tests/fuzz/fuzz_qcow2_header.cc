#include "image/qcow2_header.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway;
  const auto header = image::read_qcow2_header({data, size});
  if (header && size < 72) __builtin_trap();
  return 0;
}
