#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "crypto/digest.h"

namespace slipway::bootchain {

struct PeSection {
  std::string name;  // 8 characters at most; longer ones stand in the string table as "/offset" and are resolved
  std::size_t offset = 0, size = 0;
};

// A PE32 or PE32+ image (Microsoft PE/COFF Specification) taken apart as far as signatures need it. Headers, sections
// and certificate table lie inside the file. Nothing is verified. Views live as long as the file.
struct UnverifiedPeImage {
  ByteView file;
  std::uint16_t machine = 0;
  std::vector<PeSection> sections;  // in the order of the section table
  // The PKCS#7 SignedData (DER, padded) of each entry of the certificate table, outermost first; 16 at most,
  // with 32 certificates together.
  std::vector<ByteView> signatures;
  // False if the certificate table ends within an entry or its padding: firmware then trusts no signature in it.
  bool certificate_table_ends_evenly = true;

  // Where the digest jumps over the checksum and over the certificate table's directory entry (0: there is none).
  std::size_t checksum_offset = 0, certificate_entry_offset = 0;
  std::size_t headers_size = 0;
  std::size_t certificates_offset = 0, certificates_size = 0;
};

// kMalformed, with the offset and what was expected there, for anything else.
Result<UnverifiedPeImage> parse_pe_image(ByteView file);

// The image digest of "Windows Authenticode Portable Executable Signature Format" (2008), which leaves out the
// checksum, the certificate table and its directory entry. Bytes in gaps between sections are in no digest, as in
// EDK II's: nothing is loaded from there. kMalformed if a section lies over another one, the headers or the
// certificate table: EDK II counts such bytes twice and leaves as many others out, and no image that we load needs
// that.
Result<Bytes> authenticode_digest(const UnverifiedPeImage& image, crypto::HashAlgorithm algorithm);

// What firmware measures into PCR 4 when it loads this image.
Result<Bytes> authenticode_sha256(ByteView file);

// UnverifiedPeImage::signatures.
Result<std::vector<ByteView>> pe_signatures(ByteView file);

// One section's bytes as they stand in the file; empty if there is no section of that name.
ByteView section_of(const UnverifiedPeImage& image, std::string_view name);
Result<ByteView> pe_section(ByteView file, std::string_view name);

// The subjects of the image's signers, outermost signature first; empty where it is not signed.
Result<std::vector<std::string>> pe_signers(ByteView file);

}  // namespace slipway::bootchain
