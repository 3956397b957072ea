#include "tpm/credential.h"

// The first two bytes cut the rest into a TPM2B_ID_OBJECT and a TPM2B_ENCRYPTED_SECRET. No secret that the key decrypts
// is met by chance, so the TPM2B_ID_OBJECT is read once more beside one that was made for the key.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway;
  static const auto key = crypto::PrivateKey::generate_rsa2048();
  static SystemRandom random;
  if (size < 2) return 0;
  const ByteView rest(data + 2, size - 2);
  const std::size_t cut = (static_cast<std::size_t>(data[0]) << 8 | data[1]) % (rest.size() + 1);
  Bytes name(34, 0x55);
  name[0] = 0x00;
  name[1] = 0x0b;
  static const auto made = tpm::make_credential(key.public_key(), name, Bytes(32, 1), random).value();
  static_cast<void>(tpm::activate_credential(key, name, rest.first(cut), rest.subspan(cut)));
  const Bytes id_object = to_bytes(rest.first(cut));
  const auto activated = tpm::activate_credential(key, name, id_object, made.encrypted_secret);
  if (activated && id_object != made.id_object) __builtin_trap();
  return 0;
}
