#pragma once

#include <string>
#include <vector>

#include "attestation/references.h"
#include "host/host.h"
#include "store/store.h"

namespace slipway::control {

// What a prediction is made for.
struct PredictedKind {
  std::string image_version;
  host::Shape shape;
  bool secure_boot = false;
};

// Remembers in the store what was predicted for each kind of node. When the prediction changes, because an image was
// built again under its name or the host's firmware was upgraded, nodes that booted before are still what was promised
// then: the old prediction stays good for kOverlap. Thread-safe.
class PredictionKeeper {
 public:
  static constexpr std::chrono::hours kOverlap{24};
  // Old ones are known for longer, so that a verdict can say that a boot is of one whose time is over.
  static constexpr std::chrono::hours kRemembered{24 * 30};
  static constexpr std::size_t kMaximum = 8;

  explicit PredictionKeeper(store::Store& store) : store_(store) {}

  // The current prediction first, then the older ones with their ends, youngest first.
  Result<std::vector<attestation::ValidPrediction>> valid(const PredictedKind& kind, image::Prediction current,
                                                          Time now);

 private:
  store::Store& store_;
};

}  // namespace slipway::control
