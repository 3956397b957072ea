#pragma once

#include <memory>
#include <string>

#include "base/bytes.h"
#include "crypto/digest.h"

// Mirrors OpenSSL's own declaration, so that its headers stay inside this room.
struct evp_pkey_st;

namespace slipway::crypto {

// How a signature was made. A key answers for one family only: RSA for the first two, P-256 for the third.
enum class SignatureScheme {
  kRsaPkcs1Sha256,  // RSASSA-PKCS1-v1_5, SHA-256 (TPM_ALG_RSASSA)
  kRsaPkcs1Sha384,
  kEcdsaP256Sha256,  // DER-encoded ECDSA-Sig-Value
};

// An RSA public key's numbers: a big-endian modulus without leading zeros, and the exponent.
struct RsaNumbers {
  Bytes modulus;
  std::uint32_t exponent = 0;
};

// A P-256 public key's affine coordinates, 32 bytes each, big-endian.
struct P256Point {
  Bytes x;
  Bytes y;
};

// An RSA or P-256 public key. Cheap to copy (shared), immutable, safe to use from several threads.
class PublicKey {
 public:
  // SubjectPublicKeyInfo (RFC 5280 section 4.1), DER; trailing bytes are kMalformed, and a key that is neither RSA of
  // 2048 to 4096 bits nor P-256 is kInvalidArgument.
  static Result<PublicKey> from_spki_der(ByteView der);
  static Result<PublicKey> from_pem(std::string_view pem);
  // Big-endian modulus; 2048 to 4096 bits.
  static Result<PublicKey> from_rsa(ByteView modulus, std::uint32_t exponent);
  // The affine coordinates, 32 bytes each; a point off the curve is kMalformed.
  static Result<PublicKey> from_p256(ByteView x, ByteView y);

  Bytes spki_der() const;
  std::string pem() const;
  // SHA-256 over spki_der(): the key's name in the enrolment protocol.
  Bytes fingerprint() const;
  bool is_rsa() const;
  int bits() const;
  // The numbers that from_rsa and from_p256 take; kInvalidArgument for a key of the other family.
  Result<RsaNumbers> rsa_numbers() const;
  Result<P256Point> p256_point() const;
  // True exactly if `signature` is `scheme`'s signature of `data` by this key; a scheme of another family is false.
  bool verify(SignatureScheme scheme, ByteView data, ByteView signature) const;
  // RSAES-OAEP with SHA-256 for hash and MGF1 and the given label (RFC 8017 section 7.1).
  Result<Bytes> encrypt_oaep_sha256(ByteView plain, ByteView label) const;

  evp_pkey_st* get() const { return key_.get(); }
  // Takes over a reference; for this room's own sources.
  explicit PublicKey(std::shared_ptr<evp_pkey_st> key) : key_(std::move(key)) {}

 private:
  std::shared_ptr<evp_pkey_st> key_;
};

// A private key. Its bytes leave only through pem() and are wiped when the last copy goes.
class PrivateKey {
 public:
  static PrivateKey generate_p256();
  static PrivateKey generate_rsa2048();
  static Result<PrivateKey> from_pem(std::string_view pem);

  // PKCS#8 PEM, not encrypted: for files of mode 0600 alone.
  std::string pem() const;
  PublicKey public_key() const;
  // kInvalidArgument if the scheme is not of this key's family.
  Result<Bytes> sign(SignatureScheme scheme, ByteView data) const;
  Result<Bytes> decrypt_oaep_sha256(ByteView cipher, ByteView label) const;

  evp_pkey_st* get() const { return key_.get(); }
  explicit PrivateKey(std::shared_ptr<evp_pkey_st> key) : key_(std::move(key)) {}

 private:
  std::shared_ptr<evp_pkey_st> key_;
};

}  // namespace slipway::crypto
