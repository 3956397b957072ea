#include "control/prediction_keeper.h"

#include <fmt/format.h>

#include "attestation/json_cursor.h"

namespace slipway::control {
namespace {

using attestation::JsonCursor;
using attestation::ValidPrediction;

constexpr std::size_t kMaximumTime = 40;

std::string key_of(const PredictedKind& kind) {
  return fmt::format("/predictions/{}/{}-{}-{}", kind.image_version, kind.shape.vcpus, kind.shape.memory_mib,
                     kind.secure_boot ? "on" : "off");
}

std::string to_json(const std::vector<ValidPrediction>& predictions) {
  std::string text = "[";
  for (const ValidPrediction& valid : predictions) {
    if (text.size() > 1) text += ',';
    text += fmt::format("{{\"expires\":\"{}\",\"prediction\":{}}}", valid.expires ? to_rfc3339(*valid.expires) : "",
                        image::to_json(valid.prediction));
  }
  return text + "]";
}

Result<ValidPrediction> read_one(JsonCursor& cursor) {
  ValidPrediction valid;
  SLIPWAY_TRY(cursor.enter_object());
  SLIPWAY_TRY(cursor.expect_key("expires"));
  SLIPWAY_ASSIGN(const std::string expires, cursor.string(kMaximumTime));
  if (!expires.empty()) {
    SLIPWAY_ASSIGN(valid.expires, from_rfc3339(expires));
  }
  SLIPWAY_TRY(cursor.expect_key("prediction"));
  SLIPWAY_ASSIGN(const std::string_view prediction, cursor.raw_value());
  SLIPWAY_ASSIGN(valid.prediction, image::prediction_from_json(prediction));
  SLIPWAY_TRY(cursor.leave_object());
  return valid;
}

Result<std::vector<ValidPrediction>> from_json(std::string_view json) {
  JsonCursor cursor(json, "the remembered predictions");
  std::vector<ValidPrediction> predictions;
  SLIPWAY_TRY(cursor.enter_array());
  while (true) {
    SLIPWAY_ASSIGN(const bool more, cursor.next_element());
    if (!more) break;
    SLIPWAY_ASSIGN(ValidPrediction valid, read_one(cursor));
    predictions.push_back(std::move(valid));
  }
  SLIPWAY_TRY(cursor.finish());
  return predictions;
}

// True if something must be written.
bool bring_up_to_date(std::vector<ValidPrediction>& known, image::Prediction current, Time now) {
  const std::size_t before = known.size();
  std::erase_if(known, [now](const ValidPrediction& valid) {
    return valid.expires && *valid.expires + PredictionKeeper::kRemembered <= now;
  });
  bool changed = known.size() != before;
  const std::string text = image::to_json(current);
  if (!known.empty() && !known.front().expires && image::to_json(known.front().prediction) == text) return changed;
  if (!known.empty() && !known.front().expires) known.front().expires = now + PredictionKeeper::kOverlap;
  // What was replaced and is back again is current, and nothing else.
  std::erase_if(known, [&text](const ValidPrediction& valid) { return image::to_json(valid.prediction) == text; });
  known.insert(known.begin(), ValidPrediction{std::move(current), std::nullopt});
  if (known.size() > PredictionKeeper::kMaximum) known.resize(PredictionKeeper::kMaximum);
  return true;
}

}  // namespace

Result<std::vector<ValidPrediction>> PredictionKeeper::valid(const PredictedKind& kind, image::Prediction current,
                                                             Time now) {
  const std::string key = key_of(kind);
  while (true) {
    const auto document = store_.get(key);
    if (!document && document.error().code != ErrorCode::kNotFound) return fail(document.error());
    std::vector<ValidPrediction> known;
    if (document) {
      SLIPWAY_ASSIGN(known, from_json(document->value));
    }
    if (!bring_up_to_date(known, current, now)) return known;
    const auto committed = store_.commit({{{key, document ? document->revision : 0}}, {{key, to_json(known)}}, {}});
    if (committed) return known;
    if (committed.error().code != ErrorCode::kConflict) return fail(committed.error());
  }
}

}  // namespace slipway::control
