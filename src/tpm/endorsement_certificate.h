#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "crypto/certificate.h"
#include "crypto/key.h"

// Endorsement key certificates (TCG EK Credential Profile for TPM Family 2.0, section 3.2).
namespace slipway::tpm {

// Who is believed when a TPM is said to be one: makers' roots, and the platform's own authority for its virtual TPMs.
struct EndorsementTrust {
  std::vector<crypto::Certificate> roots;          // trusted; need not be self-signed
  std::vector<crypto::Certificate> intermediates;  // may lie between; not trusted by themselves
};

struct VerifiedEndorsementCertificate {
  crypto::Certificate certificate;
  std::vector<crypto::Certificate> path;  // from the certificate to the root
  // Of the subject's alternative name: 2.23.133.2.1 to .3. "id:494E5443" for Intel, "id:00001014" for swtpm.
  std::string manufacturer, model, version;
};

// Checks the certificate that a TPM or its host shows for an endorsement key, in this order; each failure is
// kPermissionDenied with the reason in parentheses, wrong forms are kMalformed (EndorsementCertificateMalformed):
//   it is one X.509 certificate in DER of version 3; what follows it are zeros or ones, for NV indices are larger than
//   what stands in them;
//   its public key is `endorsement_key`, the one recorded for the instance (EndorsementCertificateKey);
//   it is no authority (EndorsementCertificateAuthority);
//   keyUsage, if there is one, allows keyEncipherment, and does not allow signing certificates
//   (EndorsementCertificateUse): RSA keys alone are taken, and theirs is this use;
//   extendedKeyUsage, if there is one, names tcg-kp-EKCertificate, 2.23.133.8.1 (EndorsementCertificatePurpose);
//   the subject's alternative name has the TPM's manufacturer, model and version (EndorsementCertificateName);
//   a path leads to one of the roots, with every date holding `at` (EndorsementCertificatePath).
// More than real ones keep is not asked for: the profile wants keyUsage and a critical alternative name, which some
// makers left out, and revocation lists, which virtual ones do not have.
// A certificate alone proves nothing of a node: all VMs of a host have one by the same authority. What counts is that
// the key is the recorded one.
Result<VerifiedEndorsementCertificate> check_endorsement_certificate(ByteView certificate,
                                                                     const crypto::PublicKey& endorsement_key,
                                                                     const EndorsementTrust& trust, Time at);

// Sorts certificates from PEM files into roots (self-signed) and intermediates: how an operator's folder of makers'
// certificates is read.
EndorsementTrust sort_endorsement_trust(const std::vector<crypto::Certificate>& certificates);

}  // namespace slipway::tpm
