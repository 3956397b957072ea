#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace slipway::cli {

// A version as Python packages have it (PEP 440): N(.N)*, then aN, bN or rcN, .postN, .devN. az's extensions are
// numbered so: 1.0.0b6 < 1.0.0b10 < 1.0.0.
class ReleaseVersion {
 public:
  // At most 100 bytes; epochs and local parts are not taken. kInvalidArgument.
  static Result<ReleaseVersion> parse(std::string_view text);

  std::strong_ordering operator<=>(const ReleaseVersion& other) const;
  bool operator==(const ReleaseVersion& other) const { return (*this <=> other) == std::strong_ordering::equal; }

 private:
  std::vector<long> release_;  // without zeros at its end
  // Where a part is missing, the number that sorts it right.
  long stage_ = 0, stage_number_ = 0, post_ = -1, dev_ = 0;
};

}  // namespace slipway::cli
