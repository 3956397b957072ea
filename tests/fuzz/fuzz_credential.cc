#include "tpm/credential.h"

// The first two bytes cut the rest into a TPM2B_ID_OBJECT and a TPM2B_ENCRYPTED_SECRET.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway;
  static const auto key = crypto::PrivateKey::generate_rsa2048();
  if (size < 2) return 0;
  const ByteView rest(data + 2, size - 2);
  const std::size_t cut = (static_cast<std::size_t>(data[0]) << 8 | data[1]) % (rest.size() + 1);
  Bytes name(34, 0x55);
  name[0] = 0x00;
  name[1] = 0x0b;
  static_cast<void>(tpm::activate_credential(key, name, rest.first(cut), rest.subspan(cut)));
  return 0;
}
