#pragma once

#include <memory>
#include <optional>

#include "attestation/continuity.h"
#include "attestation/references.h"
#include "attestation/verdict.h"
#include "tpm/public_area.h"

namespace slipway::attestation {

// An expectation whose attestation key was parsed and checked once.
class PreparedExpectation {
 public:
  PreparedExpectation(Expectation expectation)  // NOLINT(google-explicit-constructor): a finer form of the same thing
      : expectation_(std::move(expectation)), key_(tpm::check_attestation_key(expectation_.attestation_key)) {}
  const Expectation& expectation() const { return expectation_; }
  // The error says why it is no attestation key.
  const Result<tpm::AttestationKey>& key() const { return key_; }

 private:
  Expectation expectation_;
  Result<tpm::AttestationKey> key_;
};

// What is known besides the evidence.
struct Circumstances {
  Time now{};                           // of the verdict, and when the evidence came in
  Time challenged{};                    // when the nonce was given out
  Bytes endorsement_key;                // SHA-256 of the TPMT_PUBLIC recorded for the instance
  std::optional<TpmSighting> previous;  // of this instance; none: its first evidence
  bool host_restarted = false;          // since the previous one
};

struct Appraisal {
  Verdict verdict;
  // What to keep for the next comparison: the TPM as this quote shows it, or the previous sighting where that is the
  // later one or the TPM went back since. None where the quote or the logs do not hold.
  std::optional<TpmSighting> sighting;
};

// Reference values and policy in a form that evidence is held against without any further preparation. Made once,
// immutable, used by any number of threads.
class Appraiser {
 public:
  // kInvalidArgument, naming the event, for a prediction with a digest that is not 32 bytes, a PCR that no image
  // measures, or an event that may vary outside of the closed table of docs/formats/prediction.md; and for more than 16
  // predictions.
  static Result<Appraiser> make(References reference);
  ~Appraiser();
  Appraiser(Appraiser&&) noexcept;
  Appraiser& operator=(Appraiser&&) noexcept;

  const References& reference() const;

  // Appraises evidence; pure. Checks, in this order; each has a finding of its own name and a negative test:
  //   quote.attestationKey  the expectation's public area is one of an attestation key (tpm::check_attestation_key)
  //   quote.magic       TPM_GENERATED_VALUE, and the type is TPM_ST_ATTEST_QUOTE; quote.form for any other wrong form
  //   quote.signature   the signature over attest holds under the attestation key
  //   quote.nonce       extraData equals the qualifying data
  //   quote.selection   expected_pcrs() were asked for (this one before quote.magic), and the selection is exactly
  //                     those, each PCR once
  //   log.form, ima.form    the logs parse; every digest that an event's data determines is equal
  //   log.replay        replay gives the quoted PCR digest (together with PCR 10 from a prefix of the IMA log)
  // A failed one of these ends the appraisal (kEvidenceBroken): nothing behind it means anything. Of what follows all
  // findings are collected, with the severity that the policy gives to their claim (claim_of); a claim to be ignored
  // gives none. Only findings that are errors make a boot untrusted.
  //   vtpm.* clock.* ima.rollback   judge_continuity's, against the previous sighting
  //   pcr0.* ... pcr9.* pcr14.* secureBoot.*   the events of the prediction, in their order, type and digest, nothing
  //                     more and nothing missing; the rule is the predicted event's. pcrN.separator and pcrN.unexpected
  //                     (secureBoot.unexpected in PCR 7) for what the prediction does not have. In PCR 1, events
  //                     of the closed table (image/closed_table.h) may stand anywhere.
  //   pcrN.referenceMissing  an event whose digest only a calibration gives, and there is none
  //   pcr10.* pcr11.* pcr12.* pcr13.* pcr15.*   no event of the firmware's log
  //   secureBoot.disabled    SecureBoot is 1 where it is required
  //   reference.expired      the boot matches a prediction whose time is over, or there is no other
  //   reference.missing      there is no prediction
  //   revoked.image, revoked.certificate   nothing that ran, and nobody who signed it or vouched for it, stands in the
  //                     revocations
  //   ima.*                  docs/formats/policy.md, "IMA"
  // Where several predictions hold, the findings are those of the one with the fewest errors, then findings; of equals,
  // of the first. Where only reference values are lacking, the class is kReferenceValuesMissing.
  // The caller must have established that the attestation key lives in the instance's TPM (credential activation).
  Appraisal appraise(const UnverifiedEvidence& evidence, const PreparedExpectation& expectation,
                     const Circumstances& circumstances) const;

 private:
  struct Prepared;
  explicit Appraiser(std::unique_ptr<const Prepared> prepared);
  std::unique_ptr<const Prepared> prepared_;
};

}  // namespace slipway::attestation
