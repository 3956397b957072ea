#include "crypto/signed_data.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway;
  const ByteView input(data, size);
  if (const auto signed_data = crypto::SignedData::from_der(input)) {
    static_cast<void>(signed_data->signatures_hold(signed_data->content()));
    static_cast<void>(crypto::read_indirect_data(signed_data->content()));
    const auto& certificates = signed_data->certificates();
    if (!certificates.empty()) static_cast<void>(signed_data->path_to(certificates.back()));
    static_cast<void>(signed_data->time_stamp(certificates));
  }
  static_cast<void>(crypto::read_indirect_data(input));
  return 0;
}
