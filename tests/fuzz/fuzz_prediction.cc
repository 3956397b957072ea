#include "image/boot_comparison.h"
#include "image/closed_table.h"
#include "image/prediction.h"

// A prediction as JSON: what parses is written back to the same value, and a log may be held against it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway;
  // The boot entries of the closed table are the guest's bytes too.
  static_cast<void>(image::may_vary(1, bootchain::kEvEfiVariableBoot, {data, size}));
  const auto prediction = image::prediction_from_json(as_text({data, size}));
  if (!prediction) return 0;
  const std::string json = image::to_json(*prediction);
  const auto again = image::prediction_from_json(json);
  if (!again || image::to_json(*again) != json) __builtin_trap();
  bootchain::UnverifiedEventLog log;
  for (const image::PredictedEvent& event : prediction->events) {
    if (event.origin == image::Origin::kMayVary) continue;
    const Bytes digest = event.sha256.empty() ? Bytes(32, 0) : event.sha256;
    log.events.push_back(
        {0, static_cast<std::uint32_t>(event.pcr), event.type, {{bootchain::kSha256Bank, digest}}, {}});
  }
  for (const image::ComparedEvent& line : image::compare_boot(*prediction, log))
    if (line.match != image::Match::kEqual && line.match != image::Match::kNotCalibrated) __builtin_trap();
  return 0;
}
