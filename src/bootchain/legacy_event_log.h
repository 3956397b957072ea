#pragma once

#include "bootchain/event_log.h"
#include "bootchain/replay.h"

// Firmware event logs as the tools read them: the legacy form too, and what real machines log beside the
// specification. Nothing here is for appraisal, which takes crypto-agile logs alone (event_log.h, replay.h).
namespace slipway::bootchain {

// Parses a log in the legacy form: TCG_PCClientPCREvent, one SHA-1 digest for each event (TCG PC Client Platform
// Firmware Profile 10.2.1). The first event has the index 0. kMalformed, with the offset, for one that is truncated,
// empty or over the limits of event_log.h.
Result<UnverifiedEventLog> parse_legacy_event_log(ByteView bytes);
// The inverse, for tests. Each event must have one digest, of the sha1 bank.
Bytes encode_legacy_event_log(const UnverifiedEventLog& log);

struct RecordedLog {
  bool crypto_agile = false;
  // Every event from the file's first on; a crypto-agile log's is its header, "Spec ID Event03", with the index 0.
  UnverifiedEventLog log;
};
// Parses a log in either form: crypto-agile exactly if its first event says so.
Result<RecordedLog> read_recorded_log(ByteView bytes);

// The values that a bank's PCRs would have if the log were true, as replay() gives them, but for any log: events of
// PCRs that do not exist (option ROMs log 0xffffffff) extend nothing, and a StartupLocality event gives PCR 0 its start
// value wherever it stands. Empty for a bank that is not logged or of another digest size than its algorithm's.
PcrValues replay_recorded(const UnverifiedEventLog& log, std::uint16_t bank);

// What the log says of Secure Boot: the value of the variable SecureBoot in PCR 7. Unknown where it is not there, where
// its digest is not that of its data, or where two events contradict each other.
enum class RecordedSecureBoot { kUnknown, kEnabled, kDisabled };
RecordedSecureBoot recorded_secure_boot(const UnverifiedEventLog& log);

}  // namespace slipway::bootchain
