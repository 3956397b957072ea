#include "tpm/public_area.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/expected_at.h"
#include "tpm/wire.h"

namespace slipway::tpm {
namespace {

constexpr std::size_t kMaxPublicArea = 1024;
constexpr std::size_t kMaxPolicy = 64;
constexpr std::size_t kMaxModulus = 512;
constexpr std::size_t kMaxCoordinate = 66;
constexpr std::size_t kP256Size = 32;
constexpr std::uint32_t kDefaultExponent = 65537;

Result<SymmetricDefinition> read_symmetric(ByteReader& reader) {
  SymmetricDefinition symmetric;
  SLIPWAY_ASSIGN(symmetric.algorithm, reader.u16_be("symmetric algorithm"));
  if (symmetric.algorithm == kAlgNull) return symmetric;
  SLIPWAY_ASSIGN(symmetric.key_bits, reader.u16_be("symmetric key bits"));
  SLIPWAY_ASSIGN(symmetric.mode, reader.u16_be("symmetric mode"));
  return symmetric;
}

Result<SigningScheme> read_scheme(ByteReader& reader) {
  SigningScheme scheme;
  SLIPWAY_ASSIGN(scheme.algorithm, reader.u16_be("scheme"));
  if (scheme.algorithm == kAlgNull) return scheme;
  if (scheme.algorithm != kAlgRsaSsa && scheme.algorithm != kAlgEcdsa)
    return fail(ErrorCode::kMalformed,
                fmt::format("at offset {}: expected NULL, RSASSA or ECDSA, but the public area's scheme is {:#06x}",
                            reader.offset() - 2, scheme.algorithm));
  SLIPWAY_ASSIGN(scheme.hash, reader.u16_be("scheme's hash"));
  return scheme;
}

Status read_rsa(ByteReader& reader, PublicArea& area) {
  SLIPWAY_ASSIGN(area.rsa_bits, reader.u16_be("RSA key bits"));
  SLIPWAY_ASSIGN(area.rsa_exponent, reader.u32_be("RSA exponent"));
  if (area.rsa_exponent == 0) area.rsa_exponent = kDefaultExponent;
  SLIPWAY_ASSIGN(const ByteView modulus, read_sized(reader, kMaxModulus, "RSA modulus"));
  area.rsa_modulus = to_bytes(modulus);
  return {};
}

Status read_ecc(ByteReader& reader, PublicArea& area) {
  SLIPWAY_ASSIGN(area.curve, reader.u16_be("curve"));
  SLIPWAY_ASSIGN(const std::uint16_t derivation, reader.u16_be("key derivation scheme"));
  if (derivation != kAlgNull)
    return fail(ErrorCode::kMalformed,
                fmt::format("at offset {}: expected NULL, but the public area's key derivation scheme is {:#06x}",
                            reader.offset() - 2, derivation));
  SLIPWAY_ASSIGN(const ByteView x, read_sized(reader, kMaxCoordinate, "x"));
  SLIPWAY_ASSIGN(const ByteView y, read_sized(reader, kMaxCoordinate, "y"));
  area.x = to_bytes(x);
  area.y = to_bytes(y);
  return {};
}

tl::unexpected<Error> refuse(std::string_view reason, std::string_view why) {
  return fail(ErrorCode::kPermissionDenied, fmt::format("the attestation key is refused: {}", why),
              std::string(reason));
}

// Where the parameters of the key begin in the marshalled area, behind what all kinds of key have.
std::size_t parameters_offset(const PublicArea& area) {
  const std::size_t symmetric = area.symmetric.algorithm == kAlgNull ? 2 : 6;
  const std::size_t scheme = area.scheme.algorithm == kAlgNull ? 2 : 4;
  return 2 + 2 + 4 + 2 + area.auth_policy.size() + symmetric + scheme;
}

// A coordinate as 32 bytes: a TPM may leave leading zeros out. `offset`: where it stands.
Result<Bytes> padded(ByteView coordinate, std::size_t offset) {
  if (coordinate.size() > kP256Size)
    return expected_at(offset, fmt::format("a P-256 coordinate of at most 32 bytes, but it has {}", coordinate.size()));
  Bytes result(kP256Size - coordinate.size(), 0);
  put_bytes(result, coordinate);
  return result;
}

PublicArea attestation_area() {
  PublicArea area;
  area.name_algorithm = kAlgSha256;
  area.attributes = kFixedTpm | kFixedParent | kSensitiveDataOrigin | kUserWithAuth | kRestricted | kSign;
  return area;
}

}  // namespace

Result<PublicArea> parse_public_area(ByteView tpmt_public) {
  if (tpmt_public.size() > kMaxPublicArea)
    return fail(ErrorCode::kMalformed,
                fmt::format("at offset {}: expected the end of a public area of at most {} bytes, but it has {}",
                            kMaxPublicArea, kMaxPublicArea, tpmt_public.size()));
  ByteReader reader(tpmt_public);
  PublicArea area;
  SLIPWAY_ASSIGN(area.type, reader.u16_be("public area's type"));
  if (area.type != kAlgRsa && area.type != kAlgEcc)
    return fail(ErrorCode::kMalformed,
                fmt::format("at offset 0: expected RSA or ECC, but the public area is of type {:#06x}", area.type));
  SLIPWAY_ASSIGN(area.name_algorithm, reader.u16_be("name algorithm"));
  SLIPWAY_ASSIGN(area.attributes, reader.u32_be("object attributes"));
  SLIPWAY_ASSIGN(const ByteView policy, read_sized(reader, kMaxPolicy, "authorisation policy"));
  area.auth_policy = to_bytes(policy);
  SLIPWAY_ASSIGN(area.symmetric, read_symmetric(reader));
  SLIPWAY_ASSIGN(area.scheme, read_scheme(reader));
  SLIPWAY_TRY(area.type == kAlgRsa ? read_rsa(reader, area) : read_ecc(reader, area));
  SLIPWAY_TRY(reader.expect_end("the public area"));
  return area;
}

Result<Bytes> unwrap_public_area(ByteView tpm2b_public) {
  ByteReader reader(tpm2b_public);
  SLIPWAY_ASSIGN(const ByteView inside, read_sized(reader, kMaxPublicArea, "TPM2B_PUBLIC"));
  SLIPWAY_TRY(reader.expect_end("the TPM2B_PUBLIC"));
  SLIPWAY_TRY(parse_public_area(inside));
  return to_bytes(inside);
}

Bytes marshal_public_area(const PublicArea& area) {
  Bytes out;
  put_u16_be(out, area.type);
  put_u16_be(out, area.name_algorithm);
  put_u32_be(out, area.attributes);
  put_sized(out, area.auth_policy);
  put_u16_be(out, area.symmetric.algorithm);
  if (area.symmetric.algorithm != kAlgNull) {
    put_u16_be(out, area.symmetric.key_bits);
    put_u16_be(out, area.symmetric.mode);
  }
  put_u16_be(out, area.scheme.algorithm);
  if (area.scheme.algorithm != kAlgNull) put_u16_be(out, area.scheme.hash);
  if (area.type == kAlgRsa) {
    put_u16_be(out, area.rsa_bits);
    put_u32_be(out, area.rsa_exponent == kDefaultExponent ? 0 : area.rsa_exponent);
    put_sized(out, area.rsa_modulus);
  } else {
    put_u16_be(out, area.curve);
    put_u16_be(out, kAlgNull);
    put_sized(out, area.x);
    put_sized(out, area.y);
  }
  return out;
}

Result<Bytes> compute_name(ByteView tpmt_public) {
  SLIPWAY_ASSIGN(const PublicArea area, parse_public_area(tpmt_public));
  if (area.name_algorithm != kAlgSha256)
    return expected_at(2, fmt::format("SHA-256 as the name algorithm, but it is {:#06x}", area.name_algorithm));
  Bytes name;
  put_u16_be(name, kAlgSha256);
  put_bytes(name, crypto::sha256(tpmt_public));
  return name;
}

Result<crypto::PublicKey> key_of(const PublicArea& area, std::size_t base_offset) {
  const std::size_t parameters = base_offset + parameters_offset(area);
  const auto placed = [&](Result<crypto::PublicKey> key) -> Result<crypto::PublicKey> {
    if (key) return key;
    return expected_at(parameters, "a good public key: " + key.error().message);
  };
  if (area.type == kAlgRsa) {
    if (area.rsa_bits != 2048 || area.rsa_modulus.size() != 256 || (area.rsa_modulus.front() & 0x80) == 0)
      return expected_at(parameters, fmt::format("an RSA key of 2048 bits, but the public area has {} bits and a "
                                                 "modulus of {} bytes",
                                                 area.rsa_bits, area.rsa_modulus.size()));
    return placed(crypto::PublicKey::from_rsa(area.rsa_modulus, area.rsa_exponent));
  }
  if (area.type != kAlgEcc || area.curve != kCurveP256)
    return expected_at(
        parameters, fmt::format("a key that is RSA or on P-256, but the public area's curve is {:#06x}", area.curve));
  const std::size_t x_offset = parameters + 4;  // behind curve and key derivation scheme
  SLIPWAY_ASSIGN(const Bytes x, padded(area.x, x_offset));
  SLIPWAY_ASSIGN(const Bytes y, padded(area.y, x_offset + 2 + area.x.size()));
  return placed(crypto::PublicKey::from_p256(x, y));
}

Result<AttestationKey> check_attestation_key(ByteView tpmt_public) {
  SLIPWAY_ASSIGN(const PublicArea area, parse_public_area(tpmt_public));
  const auto has = [&](ObjectAttribute attribute) { return (area.attributes & attribute) != 0; };
  if (!has(kRestricted)) return refuse("AttestationKeyNotRestricted", "it is not restricted, so it signs anything");
  if (!has(kSign)) return refuse("AttestationKeyNotSigning", "it is no signing key");
  if (has(kDecrypt)) return refuse("AttestationKeyDecrypts", "it is also a decryption key");
  if (!has(kFixedTpm)) return refuse("AttestationKeyNotFixedTpm", "it may be copied to another TPM (no fixedTPM)");
  if (!has(kFixedParent))
    return refuse("AttestationKeyNotFixedParent", "it may be moved to another parent (no fixedParent)");
  if (!has(kSensitiveDataOrigin))
    return refuse("AttestationKeyNotMadeInTpm", "its private half came from outside (no sensitiveDataOrigin)");

  const bool rsa = area.type == kAlgRsa && area.rsa_bits == 2048 && area.scheme.algorithm == kAlgRsaSsa;
  const bool p256 = area.type == kAlgEcc && area.curve == kCurveP256 && area.scheme.algorithm == kAlgEcdsa;
  if ((!rsa && !p256) || area.scheme.hash != kAlgSha256 || area.name_algorithm != kAlgSha256 ||
      area.symmetric.algorithm != kAlgNull)
    return refuse("AttestationKeyAlgorithm",
                  "its algorithms are neither RSA-2048 with RSASSA nor P-256 with ECDSA, both with SHA-256");
  SLIPWAY_ASSIGN(auto key, key_of(area));
  SLIPWAY_ASSIGN(auto name, compute_name(tpmt_public));
  const auto scheme = rsa ? crypto::SignatureScheme::kRsaPkcs1Sha256 : crypto::SignatureScheme::kEcdsaP256Sha256;
  crypto::SignatureCheck check(key, scheme);
  return AttestationKey{std::move(key), scheme, std::move(name), std::move(check)};
}

Result<crypto::PublicKey> check_endorsement_key(ByteView tpmt_public) {
  SLIPWAY_ASSIGN(const PublicArea area, parse_public_area(tpmt_public));
  constexpr std::uint32_t kNeeded = kFixedTpm | kFixedParent | kSensitiveDataOrigin | kRestricted | kDecrypt;
  const SymmetricDefinition& symmetric = area.symmetric;
  if (area.type != kAlgRsa || area.rsa_bits != 2048 || area.name_algorithm != kAlgSha256 ||
      (area.attributes & kNeeded) != kNeeded || (area.attributes & kSign) != 0 || area.scheme.algorithm != kAlgNull ||
      symmetric.algorithm != kAlgAes || symmetric.key_bits != 128 || symmetric.mode != kAlgCfb)
    return fail(ErrorCode::kPermissionDenied,
                "the endorsement key is refused: its public area does not follow the RSA-2048 default template of the "
                "TCG EK Credential Profile (B.3.3)",
                "EndorsementKeyTemplate");
  return key_of(area);
}

PublicArea endorsement_key_area(const crypto::RsaNumbers& key) {
  PublicArea area;
  area.type = kAlgRsa;
  area.name_algorithm = kAlgSha256;
  area.attributes = kFixedTpm | kFixedParent | kSensitiveDataOrigin | kAdminWithPolicy | kRestricted | kDecrypt;
  // PolicySecret(TPM_RH_ENDORSEMENT): EK Credential Profile, B.6.2.
  area.auth_policy = {0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc, 0x8d, 0x46, 0xa5, 0xd7, 0x24,
                      0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa};
  area.symmetric = {kAlgAes, 128, kAlgCfb};
  area.rsa_bits = static_cast<std::uint16_t>(key.modulus.size() * 8);
  area.rsa_exponent = key.exponent;
  area.rsa_modulus = key.modulus;
  return area;
}

PublicArea attestation_key_area(const crypto::RsaNumbers& key) {
  PublicArea area = attestation_area();
  area.type = kAlgRsa;
  area.scheme = {kAlgRsaSsa, kAlgSha256};
  area.rsa_bits = static_cast<std::uint16_t>(key.modulus.size() * 8);
  area.rsa_exponent = key.exponent;
  area.rsa_modulus = key.modulus;
  return area;
}

PublicArea attestation_key_area(const crypto::P256Point& key) {
  PublicArea area = attestation_area();
  area.type = kAlgEcc;
  area.scheme = {kAlgEcdsa, kAlgSha256};
  area.curve = kCurveP256;
  area.x = key.x;
  area.y = key.y;
  return area;
}

}  // namespace slipway::tpm
