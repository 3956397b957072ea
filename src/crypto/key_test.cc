#include "crypto/key.h"

#include <gtest/gtest.h>

#include "crypto/ecdsa_signature.h"
#include "crypto/jws.h"

namespace slipway::crypto {
namespace {

// RFC 7515 appendix A.3.
constexpr std::string_view kX = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
constexpr std::string_view kY = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
constexpr std::string_view kSigned =
    "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl"
    "fQ";
constexpr std::string_view kSignature =
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

PublicKey rfc_key() { return PublicKey::from_p256(from_base64url(kX).value(), from_base64url(kY).value()).value(); }

const PrivateKey& rsa() {
  static const PrivateKey key = PrivateKey::generate_rsa2048();
  return key;
}

TEST(PublicKey, VerifiesThePublishedEs256Signature) {
  const Bytes numbers = from_base64url(kSignature).value();
  const Bytes der = encode_ecdsa_signature(ByteView(numbers).first(32), ByteView(numbers).subspan(32)).value();
  EXPECT_TRUE(rfc_key().verify(SignatureScheme::kEcdsaP256Sha256, as_bytes(kSigned), der));
  EXPECT_FALSE(rfc_key().verify(SignatureScheme::kEcdsaP256Sha256, as_bytes(kSigned.substr(1)), der));
  Bytes longer = der;
  longer.push_back(0);
  EXPECT_FALSE(rfc_key().verify(SignatureScheme::kEcdsaP256Sha256, as_bytes(kSigned), longer));
}

TEST(PublicKey, ReadsBackFromEachOfItsForms) {
  for (const PrivateKey& key : {PrivateKey::generate_p256(), rsa()}) {
    const PublicKey pub = key.public_key();
    EXPECT_EQ(PublicKey::from_spki_der(pub.spki_der()).value().fingerprint(), pub.fingerprint());
    EXPECT_EQ(PublicKey::from_pem(pub.pem()).value().fingerprint(), pub.fingerprint());
    EXPECT_EQ(PrivateKey::from_pem(key.pem()).value().public_key().fingerprint(), pub.fingerprint());
    EXPECT_EQ(pub.fingerprint(), sha256(pub.spki_der()));
  }
  const RsaNumbers numbers = rsa().public_key().rsa_numbers().value();
  EXPECT_EQ(numbers.exponent, 65537u);
  EXPECT_EQ(numbers.modulus.size(), 256u);
  EXPECT_EQ(PublicKey::from_rsa(numbers.modulus, numbers.exponent).value().fingerprint(),
            rsa().public_key().fingerprint());
  const P256Point point = rfc_key().p256_point().value();
  EXPECT_EQ(to_base64url(point.x), kX);
  EXPECT_EQ(to_base64url(point.y), kY);
  EXPECT_FALSE(rfc_key().rsa_numbers());
  EXPECT_FALSE(rsa().public_key().p256_point());
}

// The same P-256 key with its point compressed (RFC 5480 section 2.2) has the same name.
TEST(PublicKey, OneKeyHasOneFingerprintHoweverItIsWritten) {
  const Bytes uncompressed = rfc_key().spki_der();
  ASSERT_EQ(uncompressed.size(), 91u);
  Bytes compressed = from_hex("3039301306072a8648ce3d020106082a8648ce3d030107032200").value();
  const Bytes y = from_base64url(kY).value();
  compressed.push_back(y.back() % 2 == 0 ? 0x02 : 0x03);
  const Bytes x = from_base64url(kX).value();
  compressed.insert(compressed.end(), x.begin(), x.end());
  EXPECT_EQ(PublicKey::from_spki_der(compressed).value().fingerprint(), rfc_key().fingerprint());
}

TEST(PublicKey, RefusesWhatIsNoKey) {
  Bytes trailing = rfc_key().spki_der();
  trailing.push_back(0);
  EXPECT_EQ(PublicKey::from_spki_der(trailing).error().code, ErrorCode::kMalformed);
  EXPECT_EQ(PublicKey::from_spki_der({}).error().code, ErrorCode::kMalformed);
  EXPECT_EQ(PublicKey::from_pem("-----BEGIN PUBLIC KEY-----\n").error().code, ErrorCode::kMalformed);
  Bytes y = from_base64url(kY).value();
  y[31] ^= 1;
  EXPECT_EQ(PublicKey::from_p256(from_base64url(kX).value(), y).error().code, ErrorCode::kMalformed);
  EXPECT_EQ(PublicKey::from_p256(Bytes(31, 1), Bytes(32, 1)).error().code, ErrorCode::kMalformed);
  EXPECT_EQ(PublicKey::from_rsa(Bytes(128, 0xff), 65537).error().code, ErrorCode::kInvalidArgument) << "1024 bits";
  EXPECT_EQ(PublicKey::from_rsa(Bytes(1024, 0xff), 65537).error().code, ErrorCode::kInvalidArgument) << "8192 bits";
  EXPECT_EQ(PublicKey::from_rsa(Bytes(256, 0xfe), 65537).error().code, ErrorCode::kMalformed) << "even modulus";
  EXPECT_EQ(PublicKey::from_rsa(Bytes(256, 0xff), 1).error().code, ErrorCode::kMalformed) << "exponent 1";
}

// OpenSSL reads the point at infinity as a key that has no coordinates.
TEST(PublicKey, RefusesThePointAtInfinity) {
  const Bytes spki = from_hex("3019301306072a8648ce3d020106082a8648ce3d03010703020000").value();
  const auto key = PublicKey::from_spki_der(spki);
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().code, ErrorCode::kMalformed) << key.error().message;
}

// openssl ecparam -name secp384r1 -genkey | openssl ec -pubout
TEST(PublicKey, RefusesAnotherCurve) {
  const auto key = PublicKey::from_pem(
      "-----BEGIN PUBLIC KEY-----\n"
      "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEjLNQwthFIVMi+v6byYFpHa7CH+qmHK6V\n"
      "MAO3jJHZCzK96igRBKjl0Ou/7PurUl9+vL9Yd7hWa4xg24w2Vwnt+zQh3K1uXaOw\n"
      "Yp463/UcaSkwQK4MjEnwUlNqQ9tfh0gu\n"
      "-----END PUBLIC KEY-----\n");
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().code, ErrorCode::kInvalidArgument) << key.error().message;
}

TEST(Signature, HoldsForItsKeySchemeAndDataAlone) {
  const PrivateKey p256 = PrivateKey::generate_p256();
  const ByteView data = as_bytes("what is signed");
  for (const auto scheme : {SignatureScheme::kRsaPkcs1Sha256, SignatureScheme::kRsaPkcs1Sha384}) {
    const Bytes signature = rsa().sign(scheme, data).value();
    EXPECT_TRUE(rsa().public_key().verify(scheme, data, signature));
    EXPECT_FALSE(rsa().public_key().verify(scheme, as_bytes("what is not"), signature));
    EXPECT_FALSE(p256.public_key().verify(scheme, data, signature));
    EXPECT_FALSE(rsa().public_key().verify(SignatureScheme::kEcdsaP256Sha256, data, signature));
    EXPECT_EQ(p256.sign(scheme, data).error().code, ErrorCode::kInvalidArgument);
  }
  const Bytes with_256 = rsa().sign(SignatureScheme::kRsaPkcs1Sha256, data).value();
  EXPECT_FALSE(rsa().public_key().verify(SignatureScheme::kRsaPkcs1Sha384, data, with_256));
  const Bytes signature = p256.sign(SignatureScheme::kEcdsaP256Sha256, data).value();
  EXPECT_TRUE(p256.public_key().verify(SignatureScheme::kEcdsaP256Sha256, data, signature));
  EXPECT_FALSE(PrivateKey::generate_p256().public_key().verify(SignatureScheme::kEcdsaP256Sha256, data, signature));
  EXPECT_FALSE(p256.public_key().verify(SignatureScheme::kEcdsaP256Sha256, data, {}));
}

TEST(EcdsaSignature, NumbersAndDerSayTheSame) {
  const Bytes der = PrivateKey::generate_p256().sign(SignatureScheme::kEcdsaP256Sha256, as_bytes("x")).value();
  const EcdsaNumbers numbers = decode_ecdsa_signature(der).value();
  EXPECT_EQ(numbers.r.size(), 32u);
  EXPECT_EQ(numbers.s.size(), 32u);
  EXPECT_EQ(encode_ecdsa_signature(numbers.r, numbers.s).value(), der);
  Bytes trailing = der;
  trailing.push_back(0);
  EXPECT_FALSE(decode_ecdsa_signature(trailing));
  EXPECT_FALSE(decode_ecdsa_signature(ByteView(der).first(der.size() - 1)));
  EXPECT_FALSE(encode_ecdsa_signature(Bytes(33, 1), numbers.s));
  EXPECT_FALSE(encode_ecdsa_signature({}, numbers.s));
}

TEST(Oaep, OpensWithTheSameKeyAndLabelAlone) {
  const Bytes secret(32, 0x42);
  const std::string_view label("IDENTITY\0", 9);
  const Bytes cipher = rsa().public_key().encrypt_oaep_sha256(secret, as_bytes(label)).value();
  EXPECT_EQ(cipher.size(), 256u);
  EXPECT_EQ(rsa().decrypt_oaep_sha256(cipher, as_bytes(label)).value(), secret);
  EXPECT_EQ(rsa().decrypt_oaep_sha256(cipher, as_bytes("IDENTITY")).error().code, ErrorCode::kMalformed);
  EXPECT_FALSE(rsa().decrypt_oaep_sha256(cipher, {}));
  EXPECT_FALSE(PrivateKey::generate_rsa2048().decrypt_oaep_sha256(cipher, as_bytes(label)));
  EXPECT_FALSE(rsa().public_key().encrypt_oaep_sha256(Bytes(191), {})) << "2048 bits carry 190 bytes at most";
  EXPECT_EQ(rfc_key().encrypt_oaep_sha256(secret, {}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(PrivateKey::generate_p256().decrypt_oaep_sha256(cipher, {}).error().code, ErrorCode::kInvalidArgument);
}

TEST(PrivateKey, RefusesWhatIsNoKey) {
  EXPECT_EQ(PrivateKey::from_pem("").error().code, ErrorCode::kMalformed);
  EXPECT_EQ(PrivateKey::from_pem(rsa().public_key().pem()).error().code, ErrorCode::kMalformed);
}

class Jws : public testing::Test {
 protected:
  // A token with any header, signed by key_: what a forger with a real signer could bring at most.
  std::string token_with_header(std::string_view header) const {
    std::string token = to_base64url(as_bytes(header)) + '.' + to_base64url(as_bytes("{}"));
    const Bytes der = key_.sign(SignatureScheme::kEcdsaP256Sha256, as_bytes(token)).value();
    EcdsaNumbers numbers = decode_ecdsa_signature(der).value();
    numbers.r.insert(numbers.r.end(), numbers.s.begin(), numbers.s.end());
    return token + '.' + to_base64url(numbers.r);
  }

  PrivateKey key_ = PrivateKey::generate_p256();
  PublicKey public_ = key_.public_key();
};

TEST_F(Jws, CarriesItsPayloadForItsKeyAndType) {
  const std::string token = sign_jws(key_, "key-1", "at+jwt", R"({"sub":"me"})").value();
  EXPECT_EQ(unverified_jws_key_id(token).value(), "key-1");
  EXPECT_EQ(verify_jws(public_, "at+jwt", token).value(), R"({"sub":"me"})");
  EXPECT_EQ(verify_jws(public_, "other", token).error().code, ErrorCode::kUnauthenticated);
  EXPECT_EQ(verify_jws(rfc_key(), "at+jwt", token).error().code, ErrorCode::kUnauthenticated);
  EXPECT_EQ(sign_jws(rsa(), "k", "t", "{}").error().code, ErrorCode::kInvalidArgument);
}

TEST_F(Jws, OneCharacterChangedAnywhereIsRefused) {
  const std::string token = sign_jws(key_, "k", "t", R"({"sub":"me"})").value();
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(verify_jws(public_, "t", changed)) << "at " << i;
  }
}

TEST_F(Jws, AcceptsNoOtherAlgorithm) {
  EXPECT_TRUE(verify_jws(public_, "t", token_with_header(R"({"alg":"ES256","typ":"t"})")));
  for (const std::string_view header :
       {R"({"alg":"none","typ":"t"})", R"({"alg":"HS256","typ":"t"})", R"({"alg":"ES384","typ":"t"})",
        R"({"alg":"es256","typ":"t"})", R"({"typ":"t"})", R"({"alg":["ES256"],"typ":"t"})", R"({"alg":"ES256"})",
        R"({"alg":"ES256","typ":"t","crit":["exp"]})", "[]", "", "{"}) {
    const auto payload = verify_jws(public_, "t", token_with_header(header));
    ASSERT_FALSE(payload) << header;
    EXPECT_EQ(payload.error().code, ErrorCode::kUnauthenticated);
  }
  const std::string unsigned_token = to_base64url(as_bytes(R"({"alg":"none","typ":"t"})")) + ".e30.";
  EXPECT_FALSE(verify_jws(public_, "t", unsigned_token));
}

TEST_F(Jws, RefusesOtherForms) {
  const std::string token = sign_jws(key_, "k", "t", "{}").value();
  for (const std::string& bad : {std::string(), std::string("."), std::string(".."), token + ".", token + "=",
                                 token.substr(0, token.rfind('.')), std::string(20000, 'a')})
    EXPECT_FALSE(verify_jws(public_, "t", bad));
  EXPECT_EQ(unverified_jws_key_id("a.b").error().code, ErrorCode::kMalformed);
  EXPECT_EQ(unverified_jws_key_id(token_with_header(R"({"alg":"ES256"})")).error().code, ErrorCode::kMalformed);
}

TEST(Jwk, GivesThePublishedCoordinates) {
  EXPECT_EQ(to_jwk(rfc_key(), "k").value(), R"({"kty":"EC","crv":"P-256","use":"sig","alg":"ES256","kid":"k","x":")" +
                                                std::string(kX) + R"(","y":")" + std::string(kY) + "\"}");
  EXPECT_FALSE(to_jwk(rsa().public_key(), "k"));
}

}  // namespace
}  // namespace slipway::crypto
