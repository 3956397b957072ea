#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/byte_reader.h"
#include "bootchain/efi_variable.h"
#include "bootchain/signature_list.h"
#include "bootchain/variable_store.h"
#include "crypto/certificate_details.h"
#include "crypto/signing_for_tests.h"

// Entries of db and dbx, and the variables that hold them.
namespace slipway::bootchain::testing {

inline EfiGuid guid(std::string_view text) { return guid_from_text(text).value(); }

inline EfiSignature certificate_entry(const crypto::Identity& identity) {
  return {guid(kX509Signature), {}, identity.certificate.der()};
}
inline EfiSignature digest_entry(std::string_view type, Bytes digest) { return {guid(type), {}, std::move(digest)}; }

// The to-be-signed digest of a certificate, revoked from some time on or altogether.
inline EfiSignature revoked_entry(const crypto::Identity& identity, std::optional<Time> from = std::nullopt,
                                  crypto::HashAlgorithm algorithm = crypto::HashAlgorithm::kSha256) {
  Bytes data = crypto::tbs_digest(identity.certificate, algorithm);
  put_bytes(data, encode_efi_time(from));
  return digest_entry(algorithm == crypto::HashAlgorithm::kSha256   ? kX509Sha256Signature
                      : algorithm == crypto::HashAlgorithm::kSha384 ? kX509Sha384Signature
                                                                    : kX509Sha512Signature,
                      std::move(data));
}

inline StoredVariable variable(std::string_view vendor, std::string name, Bytes data) {
  StoredVariable made;
  made.vendor = guid(vendor);
  made.name = std::move(name);
  made.data = std::move(data);
  return made;
}

}  // namespace slipway::bootchain::testing
