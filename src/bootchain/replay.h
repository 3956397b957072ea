#pragma once

#include <map>
#include <optional>

#include "base/bytes.h"
#include "bootchain/event_log.h"
#include "crypto/digest.h"

namespace slipway::bootchain {

// PCR number to value.
using PcrValues = std::map<int, Bytes>;

// The value of a PCR after power-on, before anything extends it: zeros, and all-ones for PCR 17 to 22 (TCG PC Client
// Platform TPM Profile, 4.6). `size` is the bank's digest size.
Bytes initial_pcr(int pcr, std::size_t size);

// The locality that a StartupLocality event names (TCG PC Client Platform Firmware Profile 10.4.5.3); none for any
// other event.
std::optional<std::uint8_t> startup_locality(const UnverifiedEvent& event);

// The value after extending it with a digest of the same size: H(value || digest).
Bytes extend(crypto::HashAlgorithm algorithm, ByteView value, ByteView digest);

// The values that one bank's PCRs would have if the log were true: those that at least one event touches, or that a
// StartupLocality event gives a start value (PCR 0). EV_NO_ACTION events extend nothing. kMalformed for a log without
// that bank, an event of a PCR above 23, or a startup locality that comes after PCR 0 was extended or is not 0, 3 or 4.
Result<PcrValues> replay(const UnverifiedEventLog& log, std::uint16_t bank);

}  // namespace slipway::bootchain
