#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"

namespace slipway {

// An instant in UTC, to the millisecond. Pure rooms take it as an argument and never ask a clock.
using Time = std::chrono::sys_time<std::chrono::milliseconds>;
using std::chrono::milliseconds;
using std::chrono::seconds;

// RFC 3339 in UTC with milliseconds: "2026-11-23T14:05:09.120Z".
std::string to_rfc3339(Time time);
// Takes UTC ("Z") alone, with or without a fraction of a second; anything else is kMalformed.
Result<Time> from_rfc3339(std::string_view text);

// Where an edge asks for the time; tests hand in one that they move by hand.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Time now() const = 0;
};

class SystemClock final : public Clock {
 public:
  Time now() const override;
};

}  // namespace slipway
