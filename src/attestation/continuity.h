#pragma once

#include <cstdint>
#include <vector>

#include "attestation/verdict.h"
#include "base/bytes.h"
#include "base/time.h"
#include "tpm/quote.h"

// Is the TPM that answers now the one that answered last time, and has it only gone forward since? Pure.
//
// What a TPM does (TPM 2.0 Library, Part 1, "Timing Components"; Part 3, TPM2_Startup and TPM2_Clear):
//   resetCount    one more after each TPM Reset: every power-on, warm reboot and power cut of a node. Never less, but
//                 for TPM2_Clear, which sets it to 0.
//   restartCount  one more after each TPM Restart or Resume: suspend to memory, hibernation. 0 after a TPM Reset.
//   clock         milliseconds with power; never less while the TPM has power. It reaches non-volatile memory at
//                 shutdown and at least each 2^22 ms (70 minutes), so that a power cut throws it back to what was kept:
//                 then `safe` is NO until no greater value can have been shown before.
// Quotes of a key outside of the endorsement hierarchy show the two counts with a constant added, so that only
// differences modulo 2^32 mean something: they are all that is used here.
//
// What honest machines show                                resetCount  restartCount  clock
//   the same boot, later                                   same        same          higher
//   suspend and resume, hibernation                        same        higher        higher
//   reboot, power-off and -on, several of them             higher      any           higher
//   power cut                                              higher      any           at most 2^22 ms lower, safe NO
//   VM saved to disk and restored by the host              same        same          higher
//   two answers that overtake each other on their way      as above, in one of the two orders
//   the host itself lost power and the last seconds of     same or     any           lower by any amount that it had
//   the vTPM's state file with it                          higher                    run since
// None of these gives a finding; the last one, which an old copy can show as well, gives a suspicion.
//
// What dishonest ones show
//   a vTPM thrown back to an old state (snapshot, backup): a lower resetCount, or the same with a lower clock;
//   two TPMs with a copy of one state: both count on from the same values, so that one of them seems to fall back
//   whenever the other was ahead of it: by count or clock, or by fewer IMA entries in what claims to be the same boot.
//   If their clocks run side by side and the order never shows it, the step from the younger to the older one is more
//   time than passed (clock.ahead);
//   another TPM: another endorsement or attestation key.
// A finding proves that two states of one TPM exist, not which of them is the honest one: both end.
//
// What cannot be seen here: somebody who holds a copy of a vTPM's state can write any count and clock into it, and is
// found only where the true machine goes on answering too. That the state files stay on the host rests on the host.
namespace slipway::attestation {

// What one good quote said of the TPM itself. Kept from evidence to evidence.
struct TpmSighting {
  Bytes endorsement_key;  // SHA-256 of the TPMT_PUBLIC recorded for the instance when it answered
  Bytes attestation_key;  // its name (tpm::AttestationKey::name)
  tpm::ClockInfo clock;
  std::uint64_t firmware_version = 0;
  // Entries of the IMA log that the quote covers (VerifiedBoot::ima_entries()); 0 where nothing is measured.
  std::uint64_t ima_entries = 0;
  // By the server's clock: the quote was made after the one and before the other.
  Time challenged{};  // the nonce was given out
  Time received{};    // the evidence came in
};

struct Continuity {
  // Proof that the TPM went back, was copied or was exchanged. No honest machine gives one.
  std::vector<Finding> findings;
  // What a copy shows and, rarely, an honest machine too; the message names the honest cause. For people, not for
  // taking a node's certificate away.
  std::vector<Finding> suspicions;
  // Which of the two is to be kept for the next comparison: the current one, unless it is the older of two answers that
  // overtook each other.
  bool current_is_later = true;
};

// Compares two sightings of one node instance, both from quotes whose signature and nonce hold. `host_restarted`: the
// machine that runs the vTPM booted anew between the two (its boot id changed).
// Findings:
//   vtpm.swapped         the endorsement or the attestation key is another one; nothing else is compared then
//   clock.resetRollback  resetCount is lower
//   clock.restartRollback  resetCount is the same and restartCount is lower
//   clock.rollback       the clock is lower although it had to go on, or by more than a power cut explains, or although
//                        the TPM says that it is safe
//   ima.rollback         same resetCount and restartCount, so the same boot, but fewer IMA entries than before
// Suspicions:
//   clock.repeated       the same as clock.rollback, but the host restarted in between and may have lost the TPM's last
//                        writes
//   clock.ahead          the clock advanced by 2 minutes and a quarter more than the time between the first challenge
//                        and the last answer: a copy that ran longer, TPM2_ClockSet, or a server's clock set back
//   vtpm.firmwareVersion the TPM's firmware changed
// Where the current challenge was given out before the previous evidence had come in, the order of the two quotes is
// not known: then there is a finding only if neither order is free of findings.
Continuity judge_continuity(const TpmSighting& previous, const TpmSighting& current, bool host_restarted);

}  // namespace slipway::attestation
