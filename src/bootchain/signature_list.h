#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "bootchain/efi_guid.h"
#include "crypto/digest.h"

namespace slipway::bootchain {

// Types of signature (UEFI 2.9, 32.4.1).
inline constexpr std::string_view kX509Signature = "a5c059a1-94e4-4aa7-87b5-ab155c2bf072";
inline constexpr std::string_view kSha1Signature = "826ca512-cf10-4ac9-b187-be01496631bd";
inline constexpr std::string_view kSha256Signature = "c1c41626-504c-4092-aca9-41f936934328";
inline constexpr std::string_view kSha384Signature = "ff3e5307-9fd0-48c9-85f1-8ad56c701e01";
inline constexpr std::string_view kSha512Signature = "093e0fae-a6c4-4f50-9f1b-d41e2b89c19a";
inline constexpr std::string_view kX509Sha256Signature = "3bd2a492-96c0-4079-b420-fcf98ef103ed";
inline constexpr std::string_view kX509Sha384Signature = "7076876e-80c2-4ee6-aad2-28b349a6865b";
inline constexpr std::string_view kX509Sha512Signature = "446dbf63-2502-4cda-bcfa-2465d2b0fe9d";

// One EFI_SIGNATURE_DATA with its list's type.
struct EfiSignature {
  EfiGuid type, owner;
  Bytes data;  // a DER certificate, a digest, or a certificate's digest with the time of its revocation
};

// Reads the EFI_SIGNATURE_LISTs of PK, KEK, db, dbx or MokList. Empty for empty bytes; kMalformed where a list's sizes
// contradict each other or its type's; at most 65536 signatures. Types that are not named above are kept. Errors count
// offsets from `base_offset`: where the lists begin in the file that the reader sees.
Result<std::vector<EfiSignature>> read_signature_lists(ByteView lists, std::size_t base_offset = 0);

// One list for each signature: what read_signature_lists reads back to the same.
Bytes encode_signature_lists(const std::vector<EfiSignature>& signatures);

// A list of one X.509 certificate.
Bytes make_certificate_list(const EfiGuid& owner, ByteView certificate);

// What an entry stands for.
struct SignatureMeaning {
  enum class Kind { kCertificate, kImageDigest, kCertificateDigest, kOther };
  Kind kind = Kind::kOther;
  crypto::HashAlgorithm algorithm = crypto::HashAlgorithm::kSha256;  // of both digest kinds
  Bytes digest;                                                      // of both digest kinds
  // kCertificateDigest: from when on the certificate is revoked; none means always (EFI_TIME of zeros).
  std::optional<Time> revoked_from;
};
SignatureMeaning meaning_of(const EfiSignature& signature);

// For people: "CN=Microsoft Corporation UEFI CA 2011,..." for a certificate, "sha256:..." for a digest,
// "tbs-sha256:... from 2023-05-06T07:00:00.000Z" for a certificate's.
std::string describe(const EfiSignature& signature);

// EFI_TIME (UEFI 2.9, 8.3), 16 bytes: none if all are zero or they are no date; the fraction of a second and the time
// zone are left out, as everything that compares these times leaves them out.
std::optional<Time> read_efi_time(ByteView time);
// The other way.
std::array<std::uint8_t, 16> encode_efi_time(std::optional<Time> time);

}  // namespace slipway::bootchain
