#include <algorithm>

#include "bootchain/lzma.h"
#include "bootchain/ovmf_firmware_for_tests.h"

// An LZMA stream of anybody's keeps to the limit; and what liblzma packed comes back, but not beyond the limit.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway;
  constexpr std::size_t kLimit = 1U << 16;
  const ByteView input(data, size);
  const auto unpacked = bootchain::unpack_lzma(input, kLimit);
  if (unpacked && unpacked->size() > kLimit) __builtin_trap();
  const ByteView content = input.first(std::min(size, kLimit));
  const Bytes packed = bootchain::testing::pack(content);
  const auto again = bootchain::unpack_lzma(packed, content.size());
  if (!again || *again != to_bytes(content)) __builtin_trap();
  if (!content.empty() && bootchain::unpack_lzma(packed, content.size() - 1)) __builtin_trap();
  return 0;
}
