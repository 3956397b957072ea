#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "crypto/key.h"
#include "tpm/attester.h"
#include "tpm/quote.h"

namespace slipway::host {

// A TPM in software, as far as enrolment needs one: an RSA-2048 EK of the default template, a restricted RSA-2048
// RSASSA/SHA-256 AK, and a sha256 bank of 24 PCRs. Its public areas, credentials, quotes and signatures have the TPM's
// own wire form, so that the server cannot tell. Its keys are files of the host: it proves a boot to nobody, and
// exists for the in-memory host and for tests.
class SoftwareAttester final : public tpm::Attester {
 public:
  // A new TPM with keys of its own, powered off: all PCRs as after a reset, empty logs.
  static Result<std::unique_ptr<SoftwareAttester>> manufacture();
  // The TPM that state() described, with the same keys and resets; its PCRs as after a reset.
  static Result<std::unique_ptr<SoftwareAttester>> from_state(std::string_view json);
  // Both private keys and the count of resets, JSON: for files of mode 0600 alone.
  std::string state() const;

  // Power-on: resets the PCRs and runs the log's events into them, as a firmware would have. kMalformed for a log that
  // does not parse. `ima_log` entries go into PCR 10.
  Status boot(Bytes firmware_event_log, Bytes ima_log = {});
  // Extends one PCR behind the log's back: for tests of lies.
  void extend(int pcr, ByteView sha256);

  Result<Bytes> endorsement_key_public() override;
  Result<Bytes> attestation_key_public() override;
  Result<Bytes> activate_credential(ByteView id_object, ByteView encrypted_secret) override;
  Result<tpm::UnverifiedQuote> quote(ByteView qualifying_data, const std::vector<int>& pcrs) override;
  Result<std::vector<Bytes>> read_pcrs(const std::vector<int>& pcrs) override;
  Result<Bytes> firmware_event_log() override;
  Result<Bytes> ima_log() override;

 private:
  SoftwareAttester(crypto::PrivateKey endorsement_key, crypto::PrivateKey attestation_key);
  void reset_pcrs();

  crypto::PrivateKey endorsement_key_, attestation_key_;
  std::array<Bytes, tpm::kPcrCount> pcrs_;
  std::uint64_t clock_ = 0;  // TPMS_CLOCK_INFO.clock: one tick a quote
  bool clock_safe_ = true;   // no earlier value can have been higher: state() does not hold the clock
  std::uint32_t reset_count_ = 0;
  Bytes firmware_event_log_, ima_log_;
};

}  // namespace slipway::host
