#include "tpm/quote.h"

#include <fmt/format.h>

#include <algorithm>

#include "crypto/ecdsa_signature.h"
#include "tpm/wire.h"

namespace slipway::tpm {
namespace {

constexpr std::uint32_t kGeneratedValue = 0xff544347;  // TPM_GENERATED_VALUE: 0xff "TCG"
constexpr std::uint16_t kAttestQuote = 0x8018;         // TPM_ST_ATTEST_QUOTE
constexpr std::size_t kMaxBody = 1024;
constexpr std::size_t kMaxSignature = 1024;
constexpr std::size_t kMaxName = 2 + 64;
constexpr std::size_t kMaxData = 2 + 64;
constexpr std::size_t kMaxDigest = 64;
constexpr std::size_t kMaxRsaSignature = 512;
constexpr std::size_t kP256Size = 32;
constexpr std::uint32_t kMaxSelections = 4;
constexpr std::uint8_t kMinSelectOctets = 3;
constexpr std::uint8_t kMaxSelectOctets = 4;

Result<ClockInfo> read_clock(ByteReader& reader) {
  ClockInfo clock;
  SLIPWAY_ASSIGN(clock.clock, reader.u64_be("clock"));
  SLIPWAY_ASSIGN(clock.reset_count, reader.u32_be("resetCount"));
  SLIPWAY_ASSIGN(clock.restart_count, reader.u32_be("restartCount"));
  SLIPWAY_ASSIGN(const std::uint8_t safe, reader.u8("safe"));
  if (safe > 1)
    return fail(
        ErrorCode::kMalformed,
        fmt::format("at offset {}: expected NO or YES for the clock's safe, but it is {}", reader.offset() - 1, safe));
  clock.safe = safe == 1;
  return clock;
}

Result<PcrSelection> read_selection(ByteReader& reader) {
  PcrSelection selection;
  SLIPWAY_ASSIGN(selection.hash, reader.u16_be("PCR selection's hash"));
  SLIPWAY_ASSIGN(const std::uint8_t octets, reader.u8("sizeofSelect"));
  if (octets < kMinSelectOctets || octets > kMaxSelectOctets)
    return fail(ErrorCode::kMalformed,
                fmt::format("at offset {}: expected a PCR selection of 3 or 4 octets, but it has "
                            "{}",
                            reader.offset() - 1, octets));
  SLIPWAY_ASSIGN(const ByteView bits, reader.take(octets, "pcrSelect"));
  for (int pcr = 0; pcr < octets * 8; ++pcr)
    if ((bits[static_cast<std::size_t>(pcr / 8)] >> (pcr % 8) & 1) != 0) selection.pcrs.push_back(pcr);
  return selection;
}

tl::unexpected<Error> refuse(std::string_view reason, std::string why) {
  return fail(ErrorCode::kPermissionDenied, "the quote is refused: " + std::move(why), std::string(reason));
}

tl::unexpected<Error> malformed(const Error& error) {
  return fail(ErrorCode::kMalformed, "the quote cannot be read: " + error.message, "QuoteMalformed");
}

std::string list_of(const std::vector<int>& pcrs) { return fmt::format("{}", fmt::join(pcrs, ",")); }

bool fits(const QuoteSignature& signature, crypto::SignatureScheme scheme) {
  const std::uint16_t algorithm = scheme == crypto::SignatureScheme::kEcdsaP256Sha256 ? kAlgEcdsa : kAlgRsaSsa;
  return signature.algorithm == algorithm && signature.hash == kAlgSha256;
}

}  // namespace

Result<QuoteBody> parse_quote(ByteView attest) {
  if (attest.size() > kMaxBody)
    return fail(ErrorCode::kMalformed,
                fmt::format("at offset {}: expected the end of a quote of at most {} bytes, but it has {}", kMaxBody,
                            kMaxBody, attest.size()));
  ByteReader reader(attest);
  SLIPWAY_ASSIGN(const std::uint32_t magic, reader.u32_be("magic"));
  if (magic != kGeneratedValue)
    return fail(
        ErrorCode::kMalformed,
        fmt::format("at offset 0: expected TPM_GENERATED_VALUE, but it is {:#010x}: no TPM made these bytes", magic));
  SLIPWAY_ASSIGN(const std::uint16_t type, reader.u16_be("attestation type"));
  if (type != kAttestQuote)
    return fail(ErrorCode::kMalformed,
                fmt::format("at offset 4: expected TPM_ST_ATTEST_QUOTE, but the attestation is of type {:#06x}", type));

  QuoteBody body;
  SLIPWAY_ASSIGN(const ByteView signer, read_sized(reader, kMaxName, "qualifiedSigner"));
  body.qualified_signer = to_bytes(signer);
  SLIPWAY_ASSIGN(const ByteView extra, read_sized(reader, kMaxData, "extraData"));
  body.extra_data = to_bytes(extra);
  SLIPWAY_ASSIGN(body.clock, read_clock(reader));
  SLIPWAY_ASSIGN(body.firmware_version, reader.u64_be("firmwareVersion"));
  SLIPWAY_ASSIGN(const std::uint32_t count, reader.u32_be("number of PCR selections"));
  if (count > kMaxSelections)
    return fail(ErrorCode::kMalformed, fmt::format("at offset {}: expected at most {} PCR selections, but there are {}",
                                                   reader.offset() - 4, kMaxSelections, count));
  for (std::uint32_t i = 0; i < count; ++i) {
    SLIPWAY_ASSIGN(auto selection, read_selection(reader));
    body.selections.push_back(std::move(selection));
  }
  SLIPWAY_ASSIGN(const ByteView digest, read_sized(reader, kMaxDigest, "pcrDigest"));
  body.pcr_digest = to_bytes(digest);
  SLIPWAY_TRY(reader.expect_end("the quote"));
  return body;
}

Bytes marshal_quote(const QuoteBody& body) {
  Bytes out;
  put_u32_be(out, kGeneratedValue);
  put_u16_be(out, kAttestQuote);
  put_sized(out, body.qualified_signer);
  put_sized(out, body.extra_data);
  put_u64_be(out, body.clock.clock);
  put_u32_be(out, body.clock.reset_count);
  put_u32_be(out, body.clock.restart_count);
  out.push_back(body.clock.safe ? 1 : 0);
  put_u64_be(out, body.firmware_version);
  put_u32_be(out, static_cast<std::uint32_t>(body.selections.size()));
  for (const PcrSelection& selection : body.selections) {
    Bytes bits(kMinSelectOctets, 0);
    for (const int pcr : selection.pcrs) {
      const auto octet = static_cast<std::size_t>(pcr / 8);
      if (octet >= bits.size()) bits.resize(octet + 1, 0);
      bits[octet] = static_cast<std::uint8_t>(bits[octet] | 1u << (pcr % 8));
    }
    put_u16_be(out, selection.hash);
    out.push_back(static_cast<std::uint8_t>(bits.size()));
    put_bytes(out, bits);
  }
  put_sized(out, body.pcr_digest);
  return out;
}

Result<QuoteSignature> parse_signature(ByteView tpmt_signature) {
  if (tpmt_signature.size() > kMaxSignature)
    return fail(ErrorCode::kMalformed,
                fmt::format("at offset {}: expected the end of a signature of at most {} bytes, but it has {}",
                            kMaxSignature, kMaxSignature, tpmt_signature.size()));
  ByteReader reader(tpmt_signature);
  QuoteSignature result;
  SLIPWAY_ASSIGN(result.algorithm, reader.u16_be("sigAlg"));
  if (result.algorithm != kAlgRsaSsa && result.algorithm != kAlgEcdsa)
    return fail(ErrorCode::kMalformed,
                fmt::format("at offset 0: expected RSASSA or ECDSA, but the signature's algorithm is {:#06x}",
                            result.algorithm));
  SLIPWAY_ASSIGN(result.hash, reader.u16_be("signature's hash"));
  if (result.algorithm == kAlgRsaSsa) {
    SLIPWAY_ASSIGN(const ByteView signature, read_sized(reader, kMaxRsaSignature, "RSA signature"));
    result.signature = to_bytes(signature);
  } else {
    SLIPWAY_ASSIGN(const ByteView r, read_sized(reader, kP256Size, "signatureR"));
    SLIPWAY_ASSIGN(const ByteView s, read_sized(reader, kP256Size, "signatureS"));
    SLIPWAY_ASSIGN(result.signature, crypto::encode_ecdsa_signature(r, s));
  }
  SLIPWAY_TRY(reader.expect_end("the signature"));
  return result;
}

Result<Bytes> marshal_signature(crypto::SignatureScheme scheme, ByteView signature) {
  Bytes out;
  switch (scheme) {
    case crypto::SignatureScheme::kRsaPkcs1Sha256:
      put_u16_be(out, kAlgRsaSsa);
      put_u16_be(out, kAlgSha256);
      put_sized(out, signature);
      return out;
    case crypto::SignatureScheme::kEcdsaP256Sha256: {
      SLIPWAY_ASSIGN(const auto numbers, crypto::decode_ecdsa_signature(signature));
      put_u16_be(out, kAlgEcdsa);
      put_u16_be(out, kAlgSha256);
      put_sized(out, numbers.r);
      put_sized(out, numbers.s);
      return out;
    }
    case crypto::SignatureScheme::kRsaPkcs1Sha384:
      break;
  }
  return fail(ErrorCode::kInvalidArgument, "an attestation key signs with SHA-256 alone");
}

Result<VerifiedQuote> verify_quote(const AttestationKey& key, const UnverifiedQuote& quote, ByteView qualifying_data,
                                   const std::vector<int>& pcrs) {
  auto body = parse_quote(quote.attest);
  if (!body) return malformed(body.error());
  const auto signature = parse_signature(quote.signature);
  if (!signature) return malformed(signature.error());
  if (!fits(*signature, key.scheme))
    return refuse("QuoteSignatureAlgorithm",
                  fmt::format("it is signed with {:#06x} and hash {:#06x}, not as its attestation key signs",
                              signature->algorithm, signature->hash));
  if (!key.signature_check.holds(quote.attest, signature->signature))
    return refuse("QuoteSignature", "its signature does not hold for the attestation key that this node enrolled");
  if (!equal_in_constant_time(body->extra_data, qualifying_data))
    return refuse("QuoteNonce", "it answers another challenge than the one that was sent (extraData differs)");
  const PcrSelection wanted{kAlgSha256, pcrs};
  if (pcrs.empty() || body->selections.size() != 1 || body->selections.front() != wanted)
    return refuse(
        "QuoteSelection",
        fmt::format("it covers {} bank(s), the first with PCRs {}; one of SHA-256 with PCRs {} was asked",
                    body->selections.size(), body->selections.empty() ? "none" : list_of(body->selections.front().pcrs),
                    list_of(pcrs)));
  if (body->pcr_digest.size() != crypto::digest_size(crypto::HashAlgorithm::kSha256))
    return refuse("QuoteDigest", fmt::format("its PCR digest has {} bytes, not 32", body->pcr_digest.size()));
  return VerifiedQuote{body->clock, body->firmware_version, std::move(body->pcr_digest)};
}

Bytes pcr_digest(const std::vector<Bytes>& values) {
  crypto::Hasher hasher(crypto::HashAlgorithm::kSha256);
  for (const Bytes& value : values) hasher.update(value);
  return hasher.finish();
}

}  // namespace slipway::tpm
