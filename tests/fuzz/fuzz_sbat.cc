#include "bootchain/sbat.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway;
  const ByteView input(data, size);
  const auto entries = bootchain::read_sbat_section(input);
  if (entries && bootchain::read_sbat_section(as_bytes(bootchain::encode_sbat_section(*entries))).value() != *entries)
    __builtin_trap();
  const auto level = bootchain::read_sbat_level(input);
  if (level && bootchain::read_sbat_level(as_bytes(bootchain::encode_sbat_level(*level))).value() != *level)
    __builtin_trap();
  if (entries && level) static_cast<void>(bootchain::find_revoked(*entries, *level));
  return 0;
}
