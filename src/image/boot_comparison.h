#pragma once

#include <string_view>
#include <vector>

#include "bootchain/event_log.h"
#include "image/prediction.h"

namespace slipway::image {

// How an event of a real boot stands to its prediction.
enum class Match {
  kEqual,          // PCR, type and digest are as predicted
  kMayVary,        // an event of the closed table, where the prediction leaves room for it
  kNotCalibrated,  // it is there as predicted, but its digest needs a calibration that there was not
  kDifferent,      // another event stands in its place
  kMissing,        // predicted, but not in the log
  kUnexpected,     // in the log, but not predicted
};
std::string_view to_string(Match match);  // "equal", "mayVary", "notCalibrated", "different", "missing", "unexpected"

// One line of the comparison, in the order of the boot.
struct ComparedEvent {
  Match match = Match::kEqual;
  const PredictedEvent* predicted = nullptr;           // null where nothing was predicted
  const bootchain::UnverifiedEvent* actual = nullptr;  // null where nothing was logged
};

// Holds a log against a prediction: the same events in the same order, boot entries apart (may_vary). Differences are
// told as few as they can be; an event of another digest in an expected one's place is one difference. EV_NO_ACTION
// events extend nothing and are left out. What the log says of its own data is not checked here, nor that a TPM vouches
// for it. Borrows both.
std::vector<ComparedEvent> compare_boot(const Prediction& prediction, const bootchain::UnverifiedEventLog& log);

// True if every line is kEqual or kMayVary.
bool is_as_predicted(const std::vector<ComparedEvent>& comparison);

}  // namespace slipway::image
