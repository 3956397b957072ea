#include "store/limits.h"

#include <fmt/format.h>

#include <set>

namespace slipway::store {

Status check_limits(const Transaction& transaction) {
  std::set<std::string_view> seen;
  const auto check_key = [&seen](const std::string& key) -> Status {
    if (key.empty() || key.size() > kMaximumKey || key.find('\0') != std::string::npos) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("a document's key has {} bytes; it needs 1 to {}, and no NUL", key.size(), kMaximumKey));
    }
    if (!seen.insert(key).second) {
      return fail(ErrorCode::kInvalidArgument, fmt::format("a transaction writes {} more than once", key));
    }
    return {};
  };
  for (const auto& put : transaction.puts) {
    SLIPWAY_TRY(check_key(put.key));
    if (put.value.size() > kMaximumValue) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{} has {} bytes; at most {} are kept", put.key, put.value.size(), kMaximumValue));
    }
  }
  for (const std::string& key : transaction.deletes) SLIPWAY_TRY(check_key(key));
  return {};
}

tl::unexpected<Error> no_such_document(std::string_view key) {
  return fail(ErrorCode::kNotFound, fmt::format("there is no document {}", key));
}

tl::unexpected<Error> condition_broken(const Transaction::Condition& condition, std::int64_t found) {
  if (condition.revision == 0) {
    return fail(ErrorCode::kConflict, fmt::format("{} exists already, at revision {}", condition.key, found));
  }
  if (found == 0) return fail(ErrorCode::kConflict, fmt::format("{} does not exist any more", condition.key));
  return fail(ErrorCode::kConflict, fmt::format("{} changed meanwhile: it is at revision {}, and {} was read",
                                                condition.key, found, condition.revision));
}

}  // namespace slipway::store
