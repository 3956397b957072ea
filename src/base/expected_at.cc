#include "base/expected_at.h"

#include <fmt/format.h>

namespace slipway {

tl::unexpected<Error> expected_at(std::size_t offset, std::string_view what) {
  return fail(ErrorCode::kMalformed, fmt::format("at offset {}: expected {}", offset, what));
}

}  // namespace slipway
