#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace slipway::tpm {

// A quote as the TPM gave it, in the TPM's own wire form. Nothing here is checked.
struct UnverifiedQuote {
  Bytes attest;     // TPMS_ATTEST (TPM 2.0 Part 2, 10.12.8)
  Bytes signature;  // TPMT_SIGNATURE (Part 2, 11.3.4)
};

// The part of a TPM that enrolment and evidence need: what the agent asks of its machine. Behind it are the node's real
// TPM (agent/esys_attester.h) and a software one (host/memory/software_attester.h), under the same contract test.
// Not thread-safe.
class Attester {
 public:
  virtual ~Attester() = default;

  // The RSA-2048 endorsement key's public area, TPMT_PUBLIC (Part 2, 12.2.4), of the default template (EK Credential
  // Profile, B.3.3, persistent handle 0x81010001).
  virtual Result<Bytes> endorsement_key_public() = 0;
  // The attestation key's public area, TPMT_PUBLIC; made at the first call and the same from then on.
  virtual Result<Bytes> attestation_key_public() = 0;
  // TPM2_ActivateCredential: the secret in a credential made for this EK and this AK's name. `id_object` is a
  // TPM2B_ID_OBJECT, `encrypted_secret` a TPM2B_ENCRYPTED_SECRET, both with their size fields.
  virtual Result<Bytes> activate_credential(ByteView id_object, ByteView encrypted_secret) = 0;
  // TPM2_Quote by the attestation key over the sha256 bank's PCRs named, with at most 64 bytes of qualifying data.
  virtual Result<UnverifiedQuote> quote(ByteView qualifying_data, const std::vector<int>& pcrs) = 0;
  // The values of those PCRs of the sha256 bank, in order: for the diagnosis alone, the verdict rests on the quote.
  virtual Result<std::vector<Bytes>> read_pcrs(const std::vector<int>& pcrs) = 0;
  // The firmware's event log (TCG PC Client Platform Firmware Profile), as the kernel gives it.
  virtual Result<Bytes> firmware_event_log() = 0;
  // The kernel's IMA log in its binary form, read after a quote; empty where the kernel measures nothing.
  virtual Result<Bytes> ima_log() = 0;
};

}  // namespace slipway::tpm
