#pragma once

#include "base/time.h"

namespace slipway {

// A clock that a test moves by hand.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Time start = from_rfc3339("2026-11-23T12:00:00Z").value()) : now_(start) {}
  Time now() const override { return now_; }
  void advance(milliseconds by) { now_ += by; }

 private:
  Time now_;
};

}  // namespace slipway
