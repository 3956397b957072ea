#include <gtest/gtest.h>

#include "base/refusals_for_tests.h"
#include "crypto/signing_for_tests.h"
#include "tpm/endorsement_certificate.h"
#include "tpm/public_area.h"
#include "tpm/quote.h"
#include "tpm/wire.h"

// What the readers of this room promise to refuse, one row for each promise that has no test beside its reader: a good
// input with one thing changed, so that no other check stands in the way.
namespace slipway::tpm {
namespace {

const crypto::PrivateKey& rsa_key() {
  static const crypto::PrivateKey key = crypto::PrivateKey::generate_rsa2048();
  return key;
}

PublicArea ecc_area() {
  static const crypto::PrivateKey key = crypto::PrivateKey::generate_p256();
  return attestation_key_area(key.public_key().p256_point().value());
}
PublicArea rsa_area() { return attestation_key_area(rsa_key().public_key().rsa_numbers().value()); }

// Where the key derivation scheme of an attestation key's area stands, for which PublicArea has no place.
constexpr std::size_t kDerivation = 18;

std::string area_with_bytes(Bytes area, std::size_t at, std::uint8_t high, std::uint8_t low) {
  area[at] = high;
  area[at + 1] = low;
  return refusal_of(parse_public_area(area));
}

TEST(Refusals, OfPublicAreas) {
  const Bytes ecc = marshal_public_area(ecc_area()), rsa = marshal_public_area(rsa_area());
  ASSERT_EQ(area_with_bytes(ecc, kDerivation, 0, kAlgNull), "");
  PublicArea long_modulus = rsa_area(), long_coordinate = ecc_area(), long_policy = ecc_area();
  const auto parsed = [](const PublicArea& area) { return refusal_of(parse_public_area(marshal_public_area(area))); };
  long_modulus.rsa_modulus.resize(512, 1);
  long_coordinate.x.resize(66, 1);
  long_policy.auth_policy.resize(64, 1);
  ASSERT_EQ(parsed(long_modulus), "");
  ASSERT_EQ(parsed(long_coordinate), "");
  ASSERT_EQ(parsed(long_policy), "");
  long_modulus.rsa_modulus.push_back(1);
  long_coordinate.x.push_back(1);
  long_policy.auth_policy.push_back(1);
  PublicArea named_by_sha1 = rsa_area();
  named_by_sha1.name_algorithm = kAlgSha1;
  ASSERT_EQ(parsed(named_by_sha1), "");
  ASSERT_EQ(refusal_of(compute_name(rsa)), "");
  expect_refusals({
      {"a name of SHA-1", refusal_of(compute_name(marshal_public_area(named_by_sha1))),
       "at offset 2: expected SHA-256 as the name algorithm, but it is 0x0004"},
      {"a key derivation scheme", area_with_bytes(ecc, kDerivation, 0, 0x20), "key derivation scheme is 0x0020"},
      {"another type", area_with_bytes(rsa, 0, 0, 0x08), "expected RSA or ECC"},
      {"a modulus of 513 bytes", parsed(long_modulus), "RSA modulus"},
      {"a coordinate of 67 bytes", parsed(long_coordinate), "at offset "},
      {"a policy of 65 bytes", parsed(long_policy), "authorisation policy"},
  });
}

TEST(Refusals, OfAttestationKeysWithASymmetricCipher) {
  for (PublicArea area : {ecc_area(), rsa_area()}) {
    ASSERT_TRUE(check_attestation_key(marshal_public_area(area)));
    area.symmetric = {kAlgAes, 128, kAlgCfb};
    const auto refused = check_attestation_key(marshal_public_area(area));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, "AttestationKeyAlgorithm");
  }
}

QuoteBody quote_body() {
  QuoteBody body;
  body.selections = {{kAlgSha256, {0}}};
  body.pcr_digest = Bytes(32, 1);
  return body;
}

template <typename Change>
std::string quote_with(Change change) {
  QuoteBody body = quote_body();
  change(body);
  return refusal_of(parse_quote(marshal_quote(body)));
}

// Where the size of the only selection stands, behind a signer and data of no bytes.
constexpr std::size_t kSelectionSize = 4 + 2 + 2 + 2 + 17 + 8 + 4 + 2;

TEST(Refusals, OfQuotes) {
  const auto signer_of = [](std::size_t size) {
    return quote_with([size](QuoteBody& it) { it.qualified_signer = Bytes(size, 1); });
  };
  const auto data_of = [](std::size_t size) {
    return quote_with([size](QuoteBody& it) { it.extra_data = Bytes(size, 1); });
  };
  const auto digest_of = [](std::size_t size) {
    return quote_with([size](QuoteBody& it) { it.pcr_digest = Bytes(size, 1); });
  };
  const auto selection_of = [](int pcr) { return quote_with([pcr](QuoteBody& it) { it.selections[0].pcrs = {pcr}; }); };
  Bytes two_octets = marshal_quote(quote_body());
  ASSERT_EQ(two_octets[kSelectionSize], 3);
  two_octets[kSelectionSize] = 2;
  two_octets.erase(two_octets.begin() + kSelectionSize + 1);
  for (const std::string& good : {signer_of(66), data_of(66), digest_of(64), selection_of(23), selection_of(31)})
    ASSERT_EQ(good, "");
  expect_refusals({
      {"a signer of 67 bytes", signer_of(67), "a size of qualifiedSigner of at most 66 bytes, but it says 67"},
      {"data of 67 bytes", data_of(67), "a size of extraData of at most 66 bytes, but it says 67"},
      {"a digest of 65 bytes", digest_of(65), "a size of pcrDigest of at most 64 bytes, but it says 65"},
      {"a selection of two octets", refusal_of(parse_quote(two_octets)), "of 3 or 4 octets, but it has 2"},
      {"a selection of five octets", selection_of(39), "of 3 or 4 octets, but it has 5"},
  });
}

std::string ecdsa_signature(const Bytes& r, const Bytes& s) {
  Bytes wire{0x00, kAlgEcdsa, 0x00, kAlgSha256};
  put_sized(wire, r);
  put_sized(wire, s);
  return refusal_of(parse_signature(wire));
}

std::string rsa_signature(std::uint8_t algorithm, std::size_t size) {
  Bytes wire{0x00, algorithm, 0x00, kAlgSha256};
  put_sized(wire, Bytes(size, 1));
  return refusal_of(parse_signature(wire));
}

TEST(Refusals, OfSignatures) {
  ASSERT_EQ(ecdsa_signature(Bytes(32, 0xff), Bytes(32, 0xff)), "");
  ASSERT_EQ(ecdsa_signature(Bytes(1, 1), Bytes(1, 1)), "");
  ASSERT_EQ(rsa_signature(kAlgRsaSsa, 512), "");
  expect_refusals({
      {"r of 33 bytes", ecdsa_signature(Bytes(33, 1), Bytes(32, 1)), "signatureR"},
      {"s of 33 bytes", ecdsa_signature(Bytes(32, 1), Bytes(33, 1)), "signatureS"},
      {"r of no byte", ecdsa_signature({}, Bytes(32, 1)), "1 to 32 bytes"},
      {"s of no byte", ecdsa_signature(Bytes(32, 1), {}), "1 to 32 bytes"},
      {"an RSA signature of 513 bytes", rsa_signature(kAlgRsaSsa, 513), "RSA signature"},
      {"RSAPSS", rsa_signature(0x16, 256), "expected RSASSA or ECDSA"},
  });
}

// The certificate is signed again behind its version, so that its path holds.
std::string endorsement_certificate_of_version(long version) {
  using namespace crypto::testing;
  const crypto::Identity root = make_identity(authority_shape("Root"));
  const CertificateShape shape{"TPM",
                               {{"subjectAltName", "critical,dirName:tpm"}},
                               "[tpm]\ntpmManufacturer=id:00001014\ntpmModel=swtpm\ntpmVersion=id:20191023\n"};
  const crypto::Identity made = make_identity(shape, &root, rsa_key());
  X509_set_version(made.certificate.get(), version - 1);
  EXPECT_GT(X509_sign(made.certificate.get(), root.key.get(), EVP_sha256()), 0);
  const Time at = Time(std::chrono::sys_days(std::chrono::year(2026) / 11 / 23));
  return refusal_of(
      check_endorsement_certificate(made.certificate.der(), rsa_key().public_key(), {{root.certificate}, {}}, at));
}

TEST(Refusals, OfEndorsementCertificatesOfOtherVersions) {
  ASSERT_EQ(endorsement_certificate_of_version(3), "");
  expect_refusals({
      {"version 1", endorsement_certificate_of_version(1), "it is of version 1, not 3"},
      {"version 2", endorsement_certificate_of_version(2), "it is of version 2, not 3"},
  });
}

}  // namespace
}  // namespace slipway::tpm
