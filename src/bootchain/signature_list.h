#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "bootchain/efi_guid.h"

namespace slipway::bootchain {

// Types of signature (UEFI 2.9, 32.4.1).
inline constexpr std::string_view kX509Signature = "a5c059a1-94e4-4aa7-87b5-ab155c2bf072";
inline constexpr std::string_view kSha256Signature = "c1c41626-504c-4092-aca9-41f936934328";

// One EFI_SIGNATURE_DATA with its list's type.
struct EfiSignature {
  EfiGuid type, owner;
  Bytes data;  // a DER certificate, or a digest
};

// Reads the EFI_SIGNATURE_LISTs of PK, KEK, db, dbx or MokList. Empty for empty bytes; kMalformed where a list's sizes
// contradict each other; at most 65536 signatures.
Result<std::vector<EfiSignature>> read_signature_lists(ByteView lists);

// A list of one X.509 certificate.
Bytes make_certificate_list(const EfiGuid& owner, ByteView certificate);

// For people: "CN=Microsoft Corporation UEFI CA 2011,..." for a certificate, "sha256:..." for a digest.
std::string describe(const EfiSignature& signature);

}  // namespace slipway::bootchain
