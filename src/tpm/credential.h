#pragma once

#include "base/bytes.h"
#include "base/random.h"
#include "crypto/key.h"

// Credential activation (TPM 2.0 Part 1, section 24): a secret that only the TPM with this endorsement key gives back,
// and only if the named object is loaded in that same TPM.
namespace slipway::tpm {

struct Credential {
  Bytes id_object;         // TPM2B_ID_OBJECT, size field included
  Bytes encrypted_secret;  // TPM2B_ENCRYPTED_SECRET, size field included
};

// TPM2_MakeCredential outside of a TPM, for an endorsement key of RSA-2048, SHA-256 and AES-128-CFB. `object_name` is
// what compute_name() gave for the attestation key; `secret` has 1 to 32 bytes; the seed comes from `random`.
Result<Credential> make_credential(const crypto::PublicKey& endorsement_key, ByteView object_name, ByteView secret,
                                   Random& random);

// What TPM2_ActivateCredential computes inside a TPM: for the software attester, whose "TPM" is a private key.
// kMalformed for a wrong form; kPermissionDenied if the credential is for another endorsement key, another object's
// name, or was changed.
Result<Bytes> activate_credential(const crypto::PrivateKey& endorsement_key, ByteView object_name, ByteView id_object,
                                  ByteView encrypted_secret);

}  // namespace slipway::tpm
