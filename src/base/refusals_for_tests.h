#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/result.h"

namespace slipway {

// What a refusal says; empty for what was taken.
template <typename T>
std::string refusal_of(const Result<T>& result) {
  return result ? std::string() : result.error().message;
}

// A good value with one thing changed, what was said of it, and a part of what must be said.
struct Refusal {
  const char* changed;
  std::string said;
  const char* expected;
};

inline void expect_refusals(const std::vector<Refusal>& table) {
  for (const Refusal& row : table) EXPECT_THAT(row.said, ::testing::HasSubstr(row.expected)) << row.changed;
}

}  // namespace slipway
