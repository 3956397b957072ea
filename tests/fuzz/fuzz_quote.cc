#include "tpm/quote.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway;
  const ByteView input(data, size);
  if (const auto body = tpm::parse_quote(input)) {
    const auto again = tpm::parse_quote(tpm::marshal_quote(*body));
    if (!again || again->selections.size() != body->selections.size() || again->extra_data != body->extra_data)
      __builtin_trap();
  }
  static_cast<void>(tpm::parse_signature(input));
  return 0;
}
