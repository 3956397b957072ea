#include "bootchain/ima_log.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway;
  // Behind a valid SHA-1 nothing would be reached by chance, so the entry's fields are read from the input as well.
  bootchain::UnverifiedImaEntry entry;
  entry.template_name = "ima-sig";
  entry.template_data = Bytes(data, data + size);
  static_cast<void>(bootchain::read_ima_measurement(entry));
  const auto entries = bootchain::parse_ima_log({data, size});
  if (!entries) return 0;
  if (bootchain::ima_pcr_values(*entries).size() != entries->size() + 1) __builtin_trap();
  for (const auto& parsed : *entries) static_cast<void>(bootchain::read_ima_measurement(parsed));
  return 0;
}
