#include "image/prediction.h"

// The predictions stored beside an image, in one document: what parses is written back to the same value.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace slipway;
  const auto predictions = image::predictions_from_json(as_text({data, size}));
  if (!predictions) return 0;
  if (predictions->size() > image::kMaximumPredictions) __builtin_trap();
  for (const image::Prediction& prediction : *predictions)
    if (prediction.events.size() > image::kMaximumPredictedEvents) __builtin_trap();
  const std::string json = image::to_json(*predictions);
  const auto again = image::predictions_from_json(json);
  if (!again || image::to_json(*again) != json) __builtin_trap();
  return 0;
}
