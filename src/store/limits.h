#pragma once

#include "store/store.h"

// What every store says in the same words.
namespace slipway::store {

inline constexpr std::size_t kMaximumKey = 512;
inline constexpr std::size_t kMaximumValue = 8U << 20;

// kInvalidArgument, naming the key, for an empty or long key, a long value, a key put twice, or both put and deleted.
Status check_limits(const Transaction& transaction);
tl::unexpected<Error> no_such_document(std::string_view key);
// `found` is the key's real revision; 0: it does not exist.
tl::unexpected<Error> condition_broken(const Transaction::Condition& condition, std::int64_t found);

}  // namespace slipway::store
