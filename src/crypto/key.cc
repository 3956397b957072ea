#include "crypto/key.h"

#include <climits>
#include <optional>

#include "crypto/openssl.h"

namespace slipway::crypto {
namespace {

constexpr std::size_t kMaxKeyText = 64 * 1024;
constexpr std::size_t kCoordinateSize = 32;
constexpr int kMinRsaBits = 2048;
constexpr int kMaxRsaBits = 4096;
constexpr std::string_view kP256 = "prime256v1";

std::shared_ptr<EVP_PKEY> share(OwnedKey key) { return {key.release(), EVP_PKEY_free}; }

bool is_rsa_key(const EVP_PKEY* key) { return EVP_PKEY_is_a(key, "RSA") == 1; }

bool is_p256_key(const EVP_PKEY* key) {
  char name[64];
  std::size_t size = 0;
  return EVP_PKEY_is_a(key, "EC") == 1 && EVP_PKEY_get_group_name(key, name, sizeof(name), &size) == 1 &&
         std::string_view(name, size) == kP256;
}

Status check_kind(const EVP_PKEY* key) {
  if (is_p256_key(key)) return {};
  if (!is_rsa_key(key))
    return fail(ErrorCode::kInvalidArgument, "the key is neither RSA nor P-256; use one of these two");
  const int bits = EVP_PKEY_get_bits(key);
  if (bits < kMinRsaBits || bits > kMaxRsaBits)
    return fail(ErrorCode::kInvalidArgument,
                "the RSA key has " + std::to_string(bits) + " bits; use one of 2048 to 4096 bits");
  return {};
}

Result<OwnedKey> key_from_parameters(const char* type, OSSL_PARAM_BLD* builder) {
  const OwnedParameters parameters(OSSL_PARAM_BLD_to_param(builder));
  const OwnedKeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  require(parameters && context && EVP_PKEY_fromdata_init(context.get()) == 1, "starting a key");
  EVP_PKEY* key = nullptr;
  if (EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1)
    return fail(ErrorCode::kMalformed,
                std::string("the numbers are no ") + type + " public key: " + last_openssl_error());
  return OwnedKey(key);
}

// None where the key has no such number. `size`: in bytes, 0 for as many as it takes.
std::optional<Bytes> find_number(const EVP_PKEY* key, const char* name, std::size_t size) {
  BIGNUM* raw = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &raw) != 1) return std::nullopt;
  const OwnedBignum owned(raw);
  Bytes result(size == 0 ? static_cast<std::size_t>(BN_num_bytes(raw)) : size);
  require(BN_bn2binpad(raw, result.data(), static_cast<int>(result.size())) >= 0, "reading a key's number");
  return result;
}

Bytes number(const EVP_PKEY* key, const char* name, std::size_t size) {
  auto found = find_number(key, name, size);
  require(found.has_value(), "reading a key's number");
  return *std::move(found);
}

const EVP_MD* scheme_digest(SignatureScheme scheme) {
  return message_digest(scheme == SignatureScheme::kRsaPkcs1Sha384 ? HashAlgorithm::kSha384 : HashAlgorithm::kSha256);
}

bool fits(SignatureScheme scheme, const EVP_PKEY* key) {
  return (scheme == SignatureScheme::kEcdsaP256Sha256) != is_rsa_key(key);
}

// A password callback that has none: without it OpenSSL would ask on the terminal.
int no_password(char*, int, int, void*) { return -1; }

OwnedKeyContext oaep_context(EVP_PKEY* key, ByteView label, int (*start)(EVP_PKEY_CTX*)) {
  OwnedKeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  require(context && start(context.get()) == 1 &&
              EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING) == 1 &&
              EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), message_digest(HashAlgorithm::kSha256)) == 1 &&
              EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), message_digest(HashAlgorithm::kSha256)) == 1,
          "starting OAEP");
  if (label.empty()) return context;
  OwnedMemory copy(OPENSSL_memdup(label.data(), label.size()));
  require(copy && EVP_PKEY_CTX_set0_rsa_oaep_label(context.get(), copy.get(), static_cast<int>(label.size())) == 1,
          "setting the OAEP label");
  // The context owns it now.
  static_cast<void>(copy.release());
  return context;
}

int start_encryption(EVP_PKEY_CTX* context) { return EVP_PKEY_encrypt_init(context); }
int start_decryption(EVP_PKEY_CTX* context) { return EVP_PKEY_decrypt_init(context); }

Error needs_rsa() { return {ErrorCode::kInvalidArgument, "RSA-OAEP needs an RSA key, this one is P-256", {}, {}}; }

}  // namespace

Result<PublicKey> admit_public_key(OwnedKey key) {
  SLIPWAY_TRY(check_kind(key.get()));
  if (is_rsa_key(key.get())) return PublicKey(share(std::move(key)));
  // The point at infinity has no coordinates, and OpenSSL reads it as a key all the same (SEC 1, 2.3.3: the byte 00).
  const auto x = find_number(key.get(), OSSL_PKEY_PARAM_EC_PUB_X, kCoordinateSize);
  const auto y = find_number(key.get(), OSSL_PKEY_PARAM_EC_PUB_Y, kCoordinateSize);
  if (!x || !y)
    return fail(ErrorCode::kMalformed, "the P-256 key has no coordinates: its point is the one at infinity");
  // One key may be written with a compressed point or with the curve spelt out; its fingerprint must be one.
  return PublicKey::from_p256(*x, *y);
}

Result<PublicKey> PublicKey::from_spki_der(ByteView der) {
  const ErrorScope errors;
  if (der.size() > kMaxKeyText)
    return fail(ErrorCode::kMalformed, "the public key is " + std::to_string(der.size()) + " bytes long");
  const std::uint8_t* at = der.data();
  OwnedKey key(d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())));
  if (!key) return fail(ErrorCode::kMalformed, "not a SubjectPublicKeyInfo: " + last_openssl_error());
  if (at != der.data() + der.size()) return fail(ErrorCode::kMalformed, "bytes follow the SubjectPublicKeyInfo");
  return admit_public_key(std::move(key));
}

Result<PublicKey> PublicKey::from_pem(std::string_view pem) {
  const ErrorScope errors;
  if (pem.size() > kMaxKeyText) return fail(ErrorCode::kMalformed, "the public key's PEM is larger than 64 KiB");
  OwnedKey key(PEM_read_bio_PUBKEY(bio_over(pem).get(), nullptr, no_password, nullptr));
  if (!key) return fail(ErrorCode::kMalformed, "not a PEM public key: " + last_openssl_error());
  return admit_public_key(std::move(key));
}

Result<PublicKey> PublicKey::from_rsa(ByteView modulus, std::uint32_t exponent) {
  const ErrorScope errors;
  if (modulus.size() > kMaxRsaBits / 8 + 1)
    return fail(ErrorCode::kInvalidArgument,
                "the RSA modulus has " + std::to_string(modulus.size()) + " bytes; 4096 bits are the limit");
  if (modulus.empty() || (modulus.back() & 1) == 0 || exponent < 3 || (exponent & 1) == 0)
    return fail(ErrorCode::kMalformed, "an RSA key has an odd modulus and an odd exponent of 3 or more");
  const OwnedParameterBuilder builder(OSSL_PARAM_BLD_new());
  const OwnedBignum n(BN_bin2bn(modulus.data(), static_cast<int>(modulus.size()), nullptr));
  require(builder && n && OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) == 1 &&
              OSSL_PARAM_BLD_push_uint(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent) == 1,
          "making an RSA key");
  SLIPWAY_ASSIGN(auto key, key_from_parameters("RSA", builder.get()));
  SLIPWAY_TRY(check_kind(key.get()));
  return PublicKey(share(std::move(key)));
}

Result<PublicKey> PublicKey::from_p256(ByteView x, ByteView y) {
  const ErrorScope errors;
  if (x.size() != kCoordinateSize || y.size() != kCoordinateSize)
    return fail(ErrorCode::kMalformed, "P-256 coordinates have 32 bytes each; these have " + std::to_string(x.size()) +
                                           " and " + std::to_string(y.size()));
  Bytes point = {0x04};
  point.insert(point.end(), x.begin(), x.end());
  point.insert(point.end(), y.begin(), y.end());
  const OwnedParameterBuilder builder(OSSL_PARAM_BLD_new());
  require(
      builder &&
          OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, kP256.data(), kP256.size()) == 1 &&
          OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) == 1,
      "making a P-256 key");
  SLIPWAY_ASSIGN(auto key, key_from_parameters("EC", builder.get()));
  return PublicKey(share(std::move(key)));
}

Bytes PublicKey::spki_der() const { return der_of(key_.get(), i2d_PUBKEY); }

std::string PublicKey::pem() const {
  const OwnedBio out(BIO_new(BIO_s_mem()));
  require(out && PEM_write_bio_PUBKEY(out.get(), key_.get()) == 1, "writing a public key");
  return text_of(out.get());
}

Bytes PublicKey::fingerprint() const { return sha256(spki_der()); }
bool PublicKey::is_rsa() const { return is_rsa_key(key_.get()); }
int PublicKey::bits() const { return EVP_PKEY_get_bits(key_.get()); }

Result<RsaNumbers> PublicKey::rsa_numbers() const {
  if (!is_rsa()) return fail(ErrorCode::kInvalidArgument, "a P-256 key has no RSA numbers");
  const Bytes exponent = number(key_.get(), OSSL_PKEY_PARAM_RSA_E, 0);
  if (exponent.size() > 4) return fail(ErrorCode::kInvalidArgument, "the RSA exponent has more than 32 bits");
  RsaNumbers numbers{number(key_.get(), OSSL_PKEY_PARAM_RSA_N, 0), 0};
  for (const std::uint8_t byte : exponent) numbers.exponent = numbers.exponent << 8 | byte;
  return numbers;
}

Result<P256Point> PublicKey::p256_point() const {
  if (is_rsa()) return fail(ErrorCode::kInvalidArgument, "an RSA key has no point on P-256");
  return P256Point{number(key_.get(), OSSL_PKEY_PARAM_EC_PUB_X, kCoordinateSize),
                   number(key_.get(), OSSL_PKEY_PARAM_EC_PUB_Y, kCoordinateSize)};
}

bool PublicKey::verify(SignatureScheme scheme, ByteView data, ByteView signature) const {
  if (!fits(scheme, key_.get())) return false;
  const ErrorScope errors;
  const OwnedDigestContext context(EVP_MD_CTX_new());
  require(context && EVP_DigestVerifyInit(context.get(), nullptr, scheme_digest(scheme), nullptr, key_.get()) == 1,
          "starting a signature check");
  return EVP_DigestVerify(context.get(), signature.data(), signature.size(), data.data(), data.size()) == 1;
}

Result<Bytes> PublicKey::encrypt_oaep_sha256(ByteView plain, ByteView label) const {
  if (!is_rsa()) return fail(needs_rsa());
  const ErrorScope errors;
  const OwnedKeyContext context = oaep_context(key_.get(), label, start_encryption);
  std::size_t size = 0;
  require(EVP_PKEY_encrypt(context.get(), nullptr, &size, plain.data(), plain.size()) == 1, "sizing OAEP");
  Bytes cipher(size);
  if (EVP_PKEY_encrypt(context.get(), cipher.data(), &size, plain.data(), plain.size()) != 1)
    return fail(ErrorCode::kInvalidArgument, "RSA-OAEP cannot encrypt " + std::to_string(plain.size()) +
                                                 " bytes with this key: " + last_openssl_error());
  cipher.resize(size);
  return cipher;
}

PrivateKey PrivateKey::generate_p256() {
  OwnedKey key(EVP_EC_gen("P-256"));
  require(key != nullptr, "generating a P-256 key");
  return PrivateKey(share(std::move(key)));
}

PrivateKey PrivateKey::generate_rsa2048() {
  OwnedKey key(EVP_RSA_gen(2048));
  require(key != nullptr, "generating an RSA key");
  return PrivateKey(share(std::move(key)));
}

Result<PrivateKey> PrivateKey::from_pem(std::string_view pem) {
  const ErrorScope errors;
  if (pem.size() > kMaxKeyText) return fail(ErrorCode::kMalformed, "the private key's PEM is larger than 64 KiB");
  OwnedKey key(PEM_read_bio_PrivateKey(bio_over(pem).get(), nullptr, no_password, nullptr));
  if (!key) return fail(ErrorCode::kMalformed, "not an unencrypted PEM private key: " + last_openssl_error());
  SLIPWAY_TRY(check_kind(key.get()));
  // So that public_key() finds one.
  SLIPWAY_TRY(PublicKey::from_spki_der(der_of(key.get(), i2d_PUBKEY)));
  return PrivateKey(share(std::move(key)));
}

std::string PrivateKey::pem() const {
  // Secure memory is wiped when it is freed.
  const OwnedBio out(BIO_new(BIO_s_secmem()));
  require(out && PEM_write_bio_PKCS8PrivateKey(out.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1,
          "writing a private key");
  return text_of(out.get());
}

PublicKey PrivateKey::public_key() const {
  // Through DER, so that a public key never shares memory with the private one.
  auto key = PublicKey::from_spki_der(der_of(key_.get(), i2d_PUBKEY));
  require(key.has_value(), "taking the public half of a key");
  return *key;
}

Result<Bytes> PrivateKey::sign(SignatureScheme scheme, ByteView data) const {
  if (!fits(scheme, key_.get()))
    return fail(ErrorCode::kInvalidArgument, "the key is of another family than the signature scheme");
  const ErrorScope errors;
  const OwnedDigestContext context(EVP_MD_CTX_new());
  require(context && EVP_DigestSignInit(context.get(), nullptr, scheme_digest(scheme), nullptr, key_.get()) == 1,
          "starting a signature");
  std::size_t size = 0;
  require(EVP_DigestSign(context.get(), nullptr, &size, data.data(), data.size()) == 1, "sizing a signature");
  Bytes signature(size);
  require(EVP_DigestSign(context.get(), signature.data(), &size, data.data(), data.size()) == 1, "signing");
  signature.resize(size);
  return signature;
}

Result<Bytes> PrivateKey::decrypt_oaep_sha256(ByteView cipher, ByteView label) const {
  if (!is_rsa_key(key_.get())) return fail(needs_rsa());
  const ErrorScope errors;
  const OwnedKeyContext context = oaep_context(key_.get(), label, start_decryption);
  std::size_t size = 0;
  require(EVP_PKEY_decrypt(context.get(), nullptr, &size, cipher.data(), cipher.size()) == 1, "sizing OAEP");
  Bytes plain(size);
  if (EVP_PKEY_decrypt(context.get(), plain.data(), &size, cipher.data(), cipher.size()) != 1)
    return fail(ErrorCode::kMalformed, "RSA-OAEP: not encrypted to this key with this label");
  plain.resize(size);
  return plain;
}

}  // namespace slipway::crypto
