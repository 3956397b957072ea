#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "crypto/key.h"
#include "crypto/signature_check.h"

// Public areas of TPM keys: TPMT_PUBLIC (TPM 2.0 Part 2, 12.2.4) of RSA and P-256 keys.
namespace slipway::tpm {

// TPM_ALG_ID (Part 2, 6.3), as far as this room knows them.
enum Algorithm : std::uint16_t {
  kAlgRsa = 0x0001,
  kAlgSha1 = 0x0004,
  kAlgAes = 0x0006,
  kAlgSha256 = 0x000b,
  kAlgNull = 0x0010,
  kAlgRsaSsa = 0x0014,
  kAlgEcdsa = 0x0018,
  kAlgEcc = 0x0023,
  kAlgCfb = 0x0043,
};

// TPM_ECC_NIST_P256 (Part 2, 6.4).
inline constexpr std::uint16_t kCurveP256 = 0x0003;

// TPMA_OBJECT (Part 2, 8.3.2).
enum ObjectAttribute : std::uint32_t {
  kFixedTpm = 1u << 1,
  kFixedParent = 1u << 4,
  kSensitiveDataOrigin = 1u << 5,
  kUserWithAuth = 1u << 6,
  kAdminWithPolicy = 1u << 7,
  kRestricted = 1u << 16,
  kDecrypt = 1u << 17,
  kSign = 1u << 18,
};

// TPMT_SYM_DEF_OBJECT: the symmetric cipher of a storage key; kAlgNull, 0, kAlgNull for a signing key.
struct SymmetricDefinition {
  std::uint16_t algorithm = kAlgNull;
  std::uint16_t key_bits = 0;
  std::uint16_t mode = kAlgNull;
};

// TPMT_RSA_SCHEME or TPMT_ECC_SCHEME with one hash, or kAlgNull.
struct SigningScheme {
  std::uint16_t algorithm = kAlgNull;
  std::uint16_t hash = kAlgNull;
};

// A TPMT_PUBLIC of type RSA or ECC, field by field. Parsed, not judged.
struct PublicArea {
  std::uint16_t type = kAlgNull;
  std::uint16_t name_algorithm = kAlgNull;
  std::uint32_t attributes = 0;
  Bytes auth_policy;
  SymmetricDefinition symmetric;
  SigningScheme scheme;
  // RSA: bits of the modulus; the exponent with the wire's 0 read as 65537; the big-endian modulus.
  std::uint16_t rsa_bits = 0;
  std::uint32_t rsa_exponent = 0;
  Bytes rsa_modulus;
  // ECC: TPM_ECC_CURVE and the coordinates as they stand on the wire (a TPM may drop leading zeros).
  std::uint16_t curve = 0;
  Bytes x;
  Bytes y;
};

// Parses exactly one TPMT_PUBLIC of at most 1 KiB; kMalformed for trailing bytes, a size that lies, another type than
// RSA or ECC, a scheme other than NULL, RSASSA and ECDSA, or a key derivation scheme.
Result<PublicArea> parse_public_area(ByteView tpmt_public);
// The same from a TPM2B_PUBLIC, the form in which tpm2-tools writes files: gives the TPMT_PUBLIC inside.
Result<Bytes> unwrap_public_area(ByteView tpm2b_public);
// TPMT_PUBLIC of the area: what parse_public_area reads back to the same value.
Bytes marshal_public_area(const PublicArea& area);

// The object's name (Part 1, section 16): nameAlg || H(TPMT_PUBLIC), SHA-256 alone; kMalformed for another name
// algorithm or bytes that are no public area.
Result<Bytes> compute_name(ByteView tpmt_public);

// The key of an area: RSA of 2048 bits or P-256; anything else is kMalformed, with the offset at which the marshalled
// area has it, counted from `base_offset`: where the area begins in the file that the reader sees.
Result<crypto::PublicKey> key_of(const PublicArea& area, std::size_t base_offset = 0);

struct AttestationKey {
  crypto::PublicKey key;
  // How it signs, as its own public area fixes it.
  crypto::SignatureScheme scheme;
  // compute_name() of the bytes that were given: what a credential is bound to.
  Bytes name;
  crypto::SignatureCheck signature_check;  // of `key` and `scheme`
};

// Judges a would-be attestation key by its public area (docs/formats/enrolment.md, check 3) and gives the key. Each of
// these is refused with kPermissionDenied and the reason in parentheses:
//   not restricted (AttestationKeyNotRestricted): it would sign whatever the guest writes, quotes included;
//   not sign (AttestationKeyNotSigning), or decrypt (AttestationKeyDecrypts);
//   not fixedTPM (AttestationKeyNotFixedTpm), not fixedParent (AttestationKeyNotFixedParent): it could be copied out;
//   not sensitiveDataOrigin (AttestationKeyNotMadeInTpm): its private half came from outside;
//   any algorithm but RSA-2048 with RSASSA and SHA-256, or P-256 with ECDSA and SHA-256, with SHA-256 for the name
//   (AttestationKeyAlgorithm).
// kMalformed for bytes that are no public area.
Result<AttestationKey> check_attestation_key(ByteView tpmt_public);

// The RSA-2048 key of an endorsement key's public area: a restricted decryption key, fixedTPM, fixedParent, made in the
// TPM, name SHA-256, AES-128-CFB inside (EK Credential Profile, B.3.3); otherwise kPermissionDenied with the reason
// EndorsementKeyTemplate.
Result<crypto::PublicKey> check_endorsement_key(ByteView tpmt_public);

// The areas of the keys that a software attester answers with: the same attributes as a TPM's own.
PublicArea endorsement_key_area(const crypto::RsaNumbers& key);
PublicArea attestation_key_area(const crypto::RsaNumbers& key);
PublicArea attestation_key_area(const crypto::P256Point& key);

}  // namespace slipway::tpm
