#pragma once

#include <fstream>
#include <iterator>
#include <string>

#include "base/bytes.h"
#include "base/source_folder_for_tests.h"

namespace slipway::fuzz {

// A file of tests/corpus, whole: what a target judges its input beside. bootchain/corpus_for_tests.h without
// GoogleTest.
inline Bytes read_corpus(const std::string& name) {
  std::ifstream file(source_folder() + "/tests/corpus/" + name, std::ios::binary);
  if (!file) __builtin_trap();
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace slipway::fuzz
