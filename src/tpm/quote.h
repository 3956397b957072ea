#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "tpm/attester.h"
#include "tpm/public_area.h"

// Quotes: TPMS_ATTEST of type TPM_ST_ATTEST_QUOTE (TPM 2.0 Part 2, 10.12.8) and the TPMT_SIGNATURE over it.
namespace slipway::tpm {

// PCRs of the PC Client profile: 0 to 23.
inline constexpr int kPcrCount = 24;

// TPMS_PCR_SELECTION: one bank and the PCRs chosen in it, in rising order.
struct PcrSelection {
  std::uint16_t hash = kAlgSha256;
  std::vector<int> pcrs;
  bool operator==(const PcrSelection&) const = default;
};

// TPMS_CLOCK_INFO (Part 2, 10.11.1).
struct ClockInfo {
  std::uint64_t clock = 0;  // milliseconds that the TPM was powered
  std::uint32_t reset_count = 0;
  std::uint32_t restart_count = 0;
  bool safe = false;
};

// A TPMS_ATTEST of type quote, field by field. Parsed, not judged.
struct QuoteBody {
  Bytes qualified_signer;
  Bytes extra_data;
  ClockInfo clock;
  std::uint64_t firmware_version = 0;
  std::vector<PcrSelection> selections;
  Bytes pcr_digest;
};

// Parses at most 1 KiB: magic TPM_GENERATED_VALUE, type TPM_ST_ATTEST_QUOTE, at most 4 selections of 3 or 4 octets, no
// trailing bytes; kMalformed otherwise.
Result<QuoteBody> parse_quote(ByteView attest);
Bytes marshal_quote(const QuoteBody& body);

// A TPMT_SIGNATURE as PublicKey::verify takes it: RSASSA's bytes, or ECDSA's numbers as an ECDSA-Sig-Value in DER.
struct QuoteSignature {
  std::uint16_t algorithm = kAlgNull;  // kAlgRsaSsa or kAlgEcdsa
  std::uint16_t hash = kAlgNull;
  Bytes signature;
};
// kMalformed for trailing bytes, another algorithm, or numbers longer than the algorithm's.
Result<QuoteSignature> parse_signature(ByteView tpmt_signature);
// From what PrivateKey::sign() gave; SHA-256.
Result<Bytes> marshal_signature(crypto::SignatureScheme scheme, ByteView signature);

// What a quote says once everything was checked.
struct VerifiedQuote {
  ClockInfo clock;
  std::uint64_t firmware_version = 0;
  // SHA-256 over the chosen PCRs' values, in rising order of their numbers.
  Bytes pcr_digest;
};

// Verifies a quote, in this order; each failure is kPermissionDenied with the reason in parentheses, wrong forms are
// kMalformed (QuoteMalformed):
//   the body is a TPMS_ATTEST of type quote with TPM_GENERATED_VALUE: no other data of a restricted key passes;
//   the signature's algorithm and hash are the attestation key's own (QuoteSignatureAlgorithm);
//   the signature over the body holds for the attestation key (QuoteSignature);
//   extraData equals `qualifying_data` (QuoteNonce), compared in constant time;
//   the selection is one bank, SHA-256, with exactly `pcrs`, which must be rising and non-empty (QuoteSelection);
//   the PCR digest has 32 bytes (QuoteDigest).
// The digest says nothing of the log yet: hold it against replayed values with pcr_digest().
Result<VerifiedQuote> verify_quote(const AttestationKey& key, const UnverifiedQuote& quote, ByteView qualifying_data,
                                   const std::vector<int>& pcrs);

// SHA-256 over the concatenated values: what a quote's pcrDigest must equal. The values stand in rising PCR order.
Bytes pcr_digest(const std::vector<Bytes>& values);

}  // namespace slipway::tpm
