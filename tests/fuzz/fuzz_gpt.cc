#include "bootchain/gpt.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway;
  const auto table = bootchain::read_partition_table({data, size});
  if (table && table->event_data.size() != 92 + 8 + 128 * table->partitions.size()) __builtin_trap();
  return 0;
}
