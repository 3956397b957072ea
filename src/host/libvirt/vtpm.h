#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "crypto/certificate.h"
#include "host/host.h"

namespace slipway::host {

// Where libvirt's swtpm keeps its state: a folder for each domain.
inline constexpr const char* kSwtpmFolder = "/var/lib/libvirt/swtpm";

// Makes vTPMs before their domains exist. The authority that certifies their EKs is a file of the state folder that
// only root can read: not even the user that swtpm runs as.
class VtpmFactory {
 public:
  // `folder` becomes the authority's; made at the first use.
  VtpmFactory(std::filesystem::path folder, Random& random, const Clock& clock);

  // Makes the TPM's state for a domain of this UUID, afresh: what was there is removed. Its EK is certified by this
  // installation's authority, with the UUID as the subject's common name.
  Result<RecordedEndorsementKey> manufacture(const std::string& uuid);
  // The same without an EK certificate, for a calibration boot.
  static Status manufacture_uncertified(const std::string& uuid);
  // Removes the TPM's state; absent is fine.
  static Status remove(const std::string& uuid);

 private:
  Status ensure_authority();
  static Status set_up(const std::string& uuid, const std::vector<std::string>& further_arguments);

  const std::filesystem::path folder_;
  Random& random_;
  const Clock& clock_;
};

// What is recorded of a vTPM that was just made: its EK certificate with its authority's, which this installation's
// authority must have issued as the profile wants it (tpm/endorsement_certificate.h, whose reasons a refusal has), and
// TPMT_PUBLIC of the default RSA-2048 EK (TCG EK Credential Profile, B.3.3) with the key that it certifies.
Result<RecordedEndorsementKey> record_endorsement_key(ByteView certificate, const crypto::Certificate& authority,
                                                      Time at);

}  // namespace slipway::host
