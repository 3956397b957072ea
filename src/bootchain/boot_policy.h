#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "bootchain/pe_image.h"
#include "bootchain/sbat.h"
#include "bootchain/shim_image.h"
#include "bootchain/signature_list.h"
#include "bootchain/variable_store.h"
#include "crypto/certificate.h"

// Would this image boot, and by which rule? Pure. Firmware is judged as EDK II judges (SecurityPkg,
// DxeImageVerificationLib; UEFI 2.9, 32.5.3.3), shim as shim 16 does, each with its own peculiarities; where the two
// differ from the specification, what they do is what counts here.
namespace slipway::bootchain {

// What firmware trusts: the variables SecureBootEnable and PK, db, dbx, dbt.
struct SecureBootState {
  bool enabled = false;
  std::vector<EfiSignature> platform_key, key_exchange_keys, db, dbx, dbt;
};

// Whether firmware with Secure Boot enforces it over these variables: a platform key is enrolled, and SecureBootEnable
// is absent or its first byte is 1 (EDK II, AuthVariableLib, InitSecureBootVariables).
bool enforces_secure_boot(const std::vector<StoredVariable>& variables);

// From a variable store; enabled as enforces_secure_boot() says. kMalformed, naming the variable, if a database does
// not parse; more than 1024 certificates in one are kResourceExhausted.
Result<SecureBootState> read_secure_boot_state(const std::vector<StoredVariable>& variables);

// What shim trusts beyond that: what it carries itself, and what the machine's owner enrolled (MokList, MokListX).
struct ShimTrust {
  UnverifiedShimImage shim;
  std::vector<EfiSignature> mok_list, mok_list_x;
  bool validation_disabled = false;     // MokSBState is 1: the owner switched shim's checks off
  bool ignores_db = false;              // MokDBState is 1
  std::optional<SbatLevel> sbat_level;  // in force once this shim has started: its own, or a later one of the store
};
// `shim` must outlive the result. Errors as for read_shim_image and read_secure_boot_state.
Result<ShimTrust> read_shim_trust(const UnverifiedPeImage& shim, const std::vector<StoredVariable>& variables);

struct BootDecision {
  bool loads = false;
  // Stable name. That it loads: "secureBoot.disabled", "shim.validationDisabled", "db.certificate", "db.digest",
  // "mokList.certificate", "mokList.digest", "vendor.certificate", "vendor.digest".
  // That it does not: "dbx.certificate", "dbx.certificateDigest", "dbx.digest" (the same with "mokListX." and
  // "vendorDbx."), "signature.missing", "signature.malformed", "signature.digest" (it is of another image, or the image
  // was changed), "signature.broken" (it does not hold), "signature.untrusted" (no path to anything trusted),
  // "signature.timeStamp" (the certificate that db trusts is revoked, and nothing proves an earlier signature),
  // "certificateTable.uneven", "sbat.missing", "sbat.malformed", "sbat.generation".
  std::string rule;
  // For people: "db certificate CN=Microsoft Corporation UEFI CA 2011", "dbx entry 3, sha256:...",
  // "SBAT grub generation 3 < 4".
  std::string reason;
  // Index of the entry in its database, counted over all its lists; -1 where no entry decided.
  int entry = -1;
  // Subjects from the signer to what vouches for it; the signer alone where nothing does; empty where it is not signed.
  std::vector<std::string> signed_by;
};

// Firmware loading an image from a disk: shim, or anything else that is started without shim.
// A signature counts if the digest in it is the image's, it holds, and each signer has a path to a certificate of db
// without regard of dates; any signature that a certificate of dbx leads to, or whose signer's to-be-signed digest
// stands there, forbids the image, as does its digest. A to-be-signed digest with a revocation time lets older
// signatures pass if an RFC 3161 stamp by an authority of dbt proves their age.
// Digests are looked up in the algorithm of each signature, and in SHA-256 for an image without signatures: EDK II
// computes no others, so an image whose SHA-256 digest stands in dbx loads if it is signed over SHA-384 alone.
// Stricter than EDK II in one thing: an image whose sections lie over each other has no digest, so nothing vouches for
// it.
BootDecision would_firmware_load(const UnverifiedPeImage& image, const SecureBootState& firmware);

// Who asks shim.
enum class ShimCaller {
  kShim,      // shim itself, for the image that it starts (GRUB): a section .sbat is mandatory
  kShimLock,  // GRUB, through the protocol shim_lock, for a kernel: .sbat is judged where it is there
};

// shim judging an image: first its digest and each signature against vendor_dbx, dbx and MokListX; then, in this order,
// db, the vendor's database, MokList, and the vendor's certificate; then SBAT. shim knows SHA-256 and, in lists, SHA-1;
// it passes over certificates that say that they are for kernel modules alone.
BootDecision would_shim_load(const UnverifiedPeImage& image, const SecureBootState& firmware, const ShimTrust& shim,
                             ShimCaller caller);

// shim judging itself at its start: "sbat.generation" if the level in force revokes its own section .sbat (the machine
// then powers off with "Verifying shim SBAT data failed"). Loads otherwise, with an empty rule.
BootDecision would_shim_start(const UnverifiedPeImage& image, const SecureBootState& firmware, const ShimTrust& shim);

}  // namespace slipway::bootchain
