#pragma once

#include <vector>

#include "bootchain/event_log.h"
#include "bootchain/ima_log.h"
#include "bootchain/replay.h"

namespace slipway::bootchain {

// The PCR digest of a quote whose signature, nonce and selection hold: SHA-256 over the values of `pcrs`, in rising
// order, in the sha256 bank. Only a caller that checked the quote may make one.
struct QuotedPcrs {
  std::vector<int> pcrs;
  Bytes digest;
};

// A boot whose logs account for every PCR of a quote. Only verify_boot() makes one: whoever holds it holds values that
// the TPM vouched for. The types and data of events are covered as far as their digests determine them.
class VerifiedBoot {
 public:
  const std::vector<UnverifiedEvent>& events() const { return log_.events; }
  // The events that extended a PCR, in order; EV_NO_ACTION ones are left out.
  std::vector<const UnverifiedEvent*> events_of(std::uint32_t pcr) const;
  // The entries of the IMA log that were measured when the quote was made: a prefix of the log. None where the
  // firmware's log extends PCR 10 itself, or the quote leaves it out.
  const std::vector<UnverifiedImaEntry>& ima_entries() const { return ima_entries_; }
  // Every quoted PCR's value.
  const PcrValues& pcrs() const { return pcrs_; }

 private:
  friend Result<VerifiedBoot> verify_boot(UnverifiedEventLog, std::vector<UnverifiedImaEntry>, const QuotedPcrs&);
  VerifiedBoot() = default;
  UnverifiedEventLog log_;
  std::vector<UnverifiedImaEntry> ima_entries_;
  PcrValues pcrs_;
};

// Checks that
//   every digest that an event's data determines is the digest of that data (reason DigestNotOfData);
//   the PCRs of the quote have the digest that the replayed firmware log gives, together with PCR 10 after some prefix
//   of the IMA log, and every PCR that no log explains as it is after power-on (reason ReplayDiffers). An empty IMA log
//   stands for a PCR 10 that nothing extended.
Result<VerifiedBoot> verify_boot(UnverifiedEventLog log, std::vector<UnverifiedImaEntry> ima_log,
                                 const QuotedPcrs& quoted);

}  // namespace slipway::bootchain
