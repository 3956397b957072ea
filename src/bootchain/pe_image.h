#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"

namespace slipway::bootchain {

// What firmware measures into PCR 4 when it loads this PE/COFF image: the SHA-256 image digest of "Windows Authenticode
// Portable Executable Signature Format" (2008), which leaves out the checksum, the certificate table and its directory
// entry. kMalformed for anything that is not a PE32 or PE32+ image whose headers, sections and certificate table lie
// inside the file and do not overlap in a way that hides bytes from the digest.
Result<Bytes> authenticode_sha256(ByteView file);

// The PKCS#7 SignedData (DER) of each signature in the image's certificate table, in file order: the outermost first.
// Empty where the image is not signed. At most 16; the views live as long as the file.
Result<std::vector<ByteView>> pe_signatures(ByteView file);

// One section's bytes as they stand in the file; empty if there is no section of that name. Names have 8 characters at
// most, longer ones stand in the string table as "/offset". The view lives as long as the file.
Result<ByteView> pe_section(ByteView file, std::string_view name);

// The subjects of the image's signers, outermost signature first; empty where it is not signed.
Result<std::vector<std::string>> pe_signers(ByteView file);

}  // namespace slipway::bootchain
