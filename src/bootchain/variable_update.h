#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "bootchain/signature_list.h"
#include "crypto/certificate.h"

namespace slipway::bootchain {

// Attributes of a variable (UEFI 2.9, 8.2).
inline constexpr std::uint32_t kAppendWrite = 0x40;
// What PK, KEK, db and dbx have: non-volatile, boot service and runtime access, time-based authenticated write access.
inline constexpr std::uint32_t kSecureBootVariableAttributes = 0x27;

// An update of a variable with EFI_VARIABLE_AUTHENTICATION_2 (UEFI 2.9, 8.2.2): the form in which revocation lists are
// published (dbxupdate). Nothing is verified.
struct UnverifiedVariableUpdate {
  Bytes time_bytes;          // EFI_TIME, as signed
  std::optional<Time> time;  // none if it is no date
  Bytes signature;           // PKCS#7 SignedData
  Bytes value;
};

// At most 4 MiB. kMalformed, with the offset, unless the certificate is a WIN_CERTIFICATE_UEFI_GUID of PKCS#7.
Result<UnverifiedVariableUpdate> read_variable_update(ByteView update);
Bytes encode_variable_update(const UnverifiedVariableUpdate& update);

// The bytes that the update's signature covers (8.2.2, step 2 of building it): name, vendor, attributes, time, value.
Bytes signed_part(const UnverifiedVariableUpdate& update, const EfiGuid& vendor, std::string_view name,
                  std::uint32_t attributes);

// The signer of an update that firmware with these keys (KEK for db and dbx, PK for KEK and PK) would take; the first
// key that the signer's path leads to counts. Reasons: UpdateTime (fields that must be zero are not), UpdateSignature
// (it does not hold for this variable), UpdateSigner (no path to a key); kPermissionDenied.
Result<crypto::Certificate> verify_variable_update(const UnverifiedVariableUpdate& update, const EfiGuid& vendor,
                                                   std::string_view name, std::uint32_t attributes,
                                                   const std::vector<EfiSignature>& keys);

// Signature lists from a file of either form: bare lists, or an update (whose signature is not judged here).
struct SignatureListFile {
  std::vector<EfiSignature> signatures;
  std::optional<UnverifiedVariableUpdate> update;
};
Result<SignatureListFile> read_signature_list_file(ByteView file);

}  // namespace slipway::bootchain
