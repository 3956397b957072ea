#include "bootchain/signature_list.h"
#include "bootchain/variable_update.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway;
  const ByteView input(data, size);
  if (const auto signatures = bootchain::read_signature_lists(input)) {
    for (const bootchain::EfiSignature& signature : *signatures) static_cast<void>(bootchain::describe(signature));
    const auto again = bootchain::read_signature_lists(bootchain::encode_signature_lists(*signatures));
    if (!again || again->size() != signatures->size()) __builtin_trap();
  }
  if (const auto update = bootchain::read_variable_update(input)) {
    if (bootchain::encode_variable_update(*update) != to_bytes(input)) __builtin_trap();
    static_cast<void>(bootchain::verify_variable_update(*update, {}, "dbx", 0x27, {}));
  }
  static_cast<void>(bootchain::read_signature_list_file(input));
  return 0;
}
