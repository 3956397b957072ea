#include "bootchain/event_data.h"
#include "bootchain/event_log.h"
#include "bootchain/replay.h"

// What parses is written back to a log that parses to the same events, and replays or is refused.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway;
  static_cast<void>(bootchain::parse_event_log_from_memory({data, size}));
  const auto log = bootchain::parse_event_log({data, size});
  if (!log) return 0;
  static_cast<void>(bootchain::check_determined_digests(*log));
  for (const std::uint16_t bank :
       {bootchain::kSha1Bank, bootchain::kSha256Bank, bootchain::kSha384Bank, bootchain::kSha512Bank})
    static_cast<void>(bootchain::replay(*log, bank));
  for (const auto& event : log->events) static_cast<void>(bootchain::grub_text(event));
  const auto again = bootchain::parse_event_log(bootchain::encode_event_log(*log));
  if (!again || again->events.size() != log->events.size()) __builtin_trap();
  return 0;
}
