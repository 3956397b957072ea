#include "tpm/credential.h"

#include <string_view>

#include "crypto/digest.h"
#include "crypto/symmetric.h"
#include "tpm/wire.h"

namespace slipway::tpm {
namespace {

// The label of Part 1, B.10.4, with its terminating NUL.
constexpr std::string_view kIdentityLabel("IDENTITY\0", 9);
constexpr std::size_t kDigestSize = 32;
constexpr std::size_t kNameSize = 2 + kDigestSize;
constexpr std::size_t kMaxBlob = 512;
constexpr std::uint32_t kSymmetricBits = 128;
constexpr std::uint32_t kIntegrityBits = 256;

// KDFa (Part 1, 11.4.10.2) with HMAC-SHA-256, for at most 256 bits: one round of SP 800-108's counter mode.
Bytes derive(ByteView key, std::string_view label, ByteView context, std::uint32_t bits) {
  Bytes input;
  put_u32_be(input, 1);
  put_bytes(input, as_bytes(label));
  input.push_back(0);
  put_bytes(input, context);
  put_u32_be(input, bits);
  Bytes derived = crypto::hmac_sha256(key, input);
  derived.resize(bits / 8);
  return derived;
}

Bytes integrity_of(ByteView seed, ByteView encrypted, ByteView name) {
  Bytes covered = to_bytes(encrypted);
  put_bytes(covered, name);
  return crypto::hmac_sha256(derive(seed, "INTEGRITY", {}, kIntegrityBits), covered);
}

Status check_name(ByteView object_name) {
  if (object_name.size() == kNameSize && object_name[0] == 0x00 && object_name[1] == 0x0b) return {};
  return fail(ErrorCode::kInvalidArgument,
              "a credential is made for an object's name of 34 bytes with SHA-256; this name has " +
                  std::to_string(object_name.size()) + " bytes");
}

tl::unexpected<Error> not_ours() {
  return fail(ErrorCode::kPermissionDenied,
              "the credential was made for another endorsement key or another object's name, or was changed",
              "CredentialNotForThisTpm");
}

}  // namespace

Result<Credential> make_credential(const crypto::PublicKey& endorsement_key, ByteView object_name, ByteView secret,
                                   Random& random) {
  SLIPWAY_TRY(check_name(object_name));
  if (secret.empty() || secret.size() > kDigestSize)
    return fail(ErrorCode::kInvalidArgument,
                "a credential carries 1 to 32 bytes, not " + std::to_string(secret.size()));
  if (!endorsement_key.is_rsa() || endorsement_key.bits() != 2048)
    return fail(ErrorCode::kInvalidArgument, "a credential is made for an endorsement key of RSA-2048 alone");

  const Bytes seed = random.bytes(kDigestSize);
  SLIPWAY_ASSIGN(const Bytes wrapped_seed, endorsement_key.encrypt_oaep_sha256(seed, as_bytes(kIdentityLabel)));

  Bytes sized_secret;
  put_sized(sized_secret, secret);
  SLIPWAY_ASSIGN(const Bytes encrypted,
                 crypto::aes128_cfb_encrypt(derive(seed, "STORAGE", object_name, kSymmetricBits), sized_secret));
  Bytes inside;
  put_sized(inside, integrity_of(seed, encrypted, object_name));
  put_bytes(inside, encrypted);

  Credential credential;
  put_sized(credential.id_object, inside);
  put_sized(credential.encrypted_secret, wrapped_seed);
  return credential;
}

Result<Bytes> activate_credential(const crypto::PrivateKey& endorsement_key, ByteView object_name, ByteView id_object,
                                  ByteView encrypted_secret) {
  SLIPWAY_TRY(check_name(object_name));
  ByteReader secret_reader(encrypted_secret);
  SLIPWAY_ASSIGN(const ByteView wrapped_seed, read_sized(secret_reader, kMaxBlob, "TPM2B_ENCRYPTED_SECRET"));
  SLIPWAY_TRY(secret_reader.expect_end("the TPM2B_ENCRYPTED_SECRET"));
  ByteReader object_reader(id_object);
  SLIPWAY_ASSIGN(const ByteView inside, read_sized(object_reader, kMaxBlob, "TPM2B_ID_OBJECT"));
  SLIPWAY_TRY(object_reader.expect_end("the TPM2B_ID_OBJECT"));
  ByteReader inside_reader(inside);
  SLIPWAY_ASSIGN(const ByteView integrity, read_sized(inside_reader, kDigestSize, "integrityHMAC"));
  const ByteView encrypted = inside_reader.rest();

  const auto seed = endorsement_key.decrypt_oaep_sha256(wrapped_seed, as_bytes(kIdentityLabel));
  if (!seed || seed->size() != kDigestSize) return not_ours();
  if (!equal_in_constant_time(integrity_of(*seed, encrypted, object_name), integrity)) return not_ours();
  SLIPWAY_ASSIGN(const Bytes sized_secret,
                 crypto::aes128_cfb_decrypt(derive(*seed, "STORAGE", object_name, kSymmetricBits), encrypted));
  ByteReader sized_reader(sized_secret);
  SLIPWAY_ASSIGN(const ByteView secret, read_sized(sized_reader, kDigestSize, "credential"));
  SLIPWAY_TRY(sized_reader.expect_end("the credential"));
  return to_bytes(secret);
}

}  // namespace slipway::tpm
