#include "bootchain/gpt.h"
#include "bootchain/partition_table_for_tests.h"

// A partition table as it stands, and the same with right checksums.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway;
  static_cast<void>(bootchain::read_partition_table({data, size}));
  const auto table = bootchain::read_partition_table(bootchain::testing::with_checksums({data, size}));
  if (!table) return 0;
  if (table->event_data.size() != 92 + 8 + 128 * table->partitions.size()) __builtin_trap();
  int last = 0;
  for (const bootchain::GptPartition& partition : table->partitions) {
    if (partition.number <= last || partition.number > 128 || partition.type == bootchain::EfiGuid{}) __builtin_trap();
    last = partition.number;
  }
  return 0;
}
