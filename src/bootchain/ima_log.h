#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "crypto/digest.h"

// The kernel's log of the Integrity Measurement Architecture in its binary form (securityfs,
// ima/binary_runtime_measurements): Linux, Documentation/security/IMA-templates.rst.
namespace slipway::bootchain {

struct UnverifiedImaEntry {
  std::uint32_t pcr = 0;
  Bytes template_sha1;        // as the log gives it; all zeros for a violation
  std::string template_name;  // "ima-ng", "ima-sig"
  Bytes template_data;
  // What the kernel extended into the sha256 bank: SHA-256 of the template data, or all-ones for a violation.
  Bytes sha256_extended;
  bool violation = false;
};

inline constexpr std::size_t kMaximumImaLogSize = 4U << 20;
inline constexpr std::size_t kMaximumImaEntries = 65536;

// Which templates a log may have. An entry of the oldest one, "ima", is laid out in another way than all others, and no
// node of ours has it.
enum class ImaTemplates { kWithSizes, kAll };

// Parses a whole log of a little-endian machine: kMalformed, with the offset, for one that is truncated or over a
// limit, an entry of a PCR other than 10, or one whose SHA-1 is not that of its data. `templates`: kAll is for
// the tools; an entry of the template "ima" then has for its data what the kernel digests, the file's SHA-1 and its
// path in 256 bytes.
Result<std::vector<UnverifiedImaEntry>> parse_ima_log(ByteView bytes,
                                                      ImaTemplates templates = ImaTemplates::kWithSizes);
// The inverse, for tests and benchmarks.
Bytes encode_ima_log(const std::vector<UnverifiedImaEntry>& entries);

// The value of PCR 10 after all entries, in a bank: what kernels from 5.8 on extend, each bank with its own digest of
// the template's data, and all-ones for a violation.
Bytes ima_pcr_value(const std::vector<UnverifiedImaEntry>& entries, crypto::HashAlgorithm bank);

// PCR 10 of the sha256 bank after 0, 1, ... all entries: one value more than there are entries.
std::vector<Bytes> ima_pcr_values(const std::vector<UnverifiedImaEntry>& entries);

// The fields of an entry of the templates ima, ima-ng and ima-sig.
struct ImaMeasurement {
  std::string algorithm;  // "sha256"
  Bytes digest;           // of the file
  std::string path;       // hostile text
  Bytes signature;        // of the file, from its security.ima attribute; ima-sig alone, and often empty
};
// kMalformed for any other template, and for data of another form.
Result<ImaMeasurement> read_ima_measurement(const UnverifiedImaEntry& entry);

}  // namespace slipway::bootchain
