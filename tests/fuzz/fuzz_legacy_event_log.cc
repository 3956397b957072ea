#include "bootchain/event_data.h"
#include "bootchain/event_description.h"
#include "bootchain/legacy_event_log.h"

// A log as the tools read it: in either form, every bank replayed, every event in words. What parses as a legacy log is
// written back to the same bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway;
  const ByteView input(data, size);
  if (const auto legacy = bootchain::parse_legacy_event_log(input)) {
    const Bytes again = bootchain::encode_legacy_event_log(*legacy);
    if (!std::equal(again.begin(), again.end(), input.begin(), input.end())) __builtin_trap();
  }
  const auto recorded = bootchain::read_recorded_log(input);
  if (!recorded) {
    if (recorded.error().message.find("at offset ") == std::string::npos) __builtin_trap();
    return 0;
  }
  for (const auto& bank : recorded->log.banks) static_cast<void>(bootchain::replay_recorded(recorded->log, bank.bank));
  static_cast<void>(bootchain::recorded_secure_boot(recorded->log));
  for (const auto& event : recorded->log.events) {
    static_cast<void>(bootchain::digest_matches_data(event));
    static_cast<void>(bootchain::describe_event_data(event));
  }
  return 0;
}
