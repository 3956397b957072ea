#include "image/calibration.h"

// The record of a sealed boot that somebody hands over: what is read of it is within its limits, and gives a digest or
// none.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway;
  const auto calibration = image::calibration_from_json(as_text({data, size}));
  if (!calibration) {
    if (calibration.error().code != ErrorCode::kMalformed) __builtin_trap();
    return 0;
  }
  if (calibration->vcpus <= 0 || calibration->memory_mib <= 0 || calibration->firmware_sha256.size() != 32)
    __builtin_trap();
  for (const Bytes& digest : calibration->pcr0_events)
    if (digest.size() != 32) __builtin_trap();
  static_cast<void>(image::calibrated_pei_volume(calibration->pcr0_events, calibration->firmware_sha256));
  if (calibration->pcr0_events.size() < 3) return 0;
  const auto pei = image::calibrated_pei_volume(calibration->pcr0_events, calibration->pcr0_events[2]);
  if (pei && *pei != calibration->pcr0_events[1]) __builtin_trap();
  return 0;
}
