#include "bootchain/efi_variable.h"
#include "bootchain/gpt.h"
#include "bootchain/signature_list.h"

// A variable's event data, its value as signature lists, and a disk's first blocks.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway;
  const ByteView input(data, size);
  static_cast<void>(bootchain::read_partition_table(input));
  const auto variable = bootchain::decode_variable_data(input);
  const auto lists = bootchain::read_signature_lists(variable ? ByteView(variable->value) : input);
  if (!lists) return 0;
  for (const bootchain::EfiSignature& signature : *lists) static_cast<void>(describe(signature));
  return 0;
}
