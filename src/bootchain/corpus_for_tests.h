#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "base/bytes.h"
#include "base/source_folder_for_tests.h"

namespace slipway::bootchain {

// A file of tests/corpus, whole; a test that asks for one that is not there fails.
inline Bytes read_corpus(const std::string& name) {
  std::ifstream file(source_folder() + "/tests/corpus/" + name, std::ios::binary);
  EXPECT_TRUE(file.good()) << name;
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return to_bytes(text);
}

}  // namespace slipway::bootchain
