#pragma once

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "base/bytes.h"
#include "base/source_folder_for_tests.h"

namespace slipway::bench {

// A file of tests/corpus, whole. Without it there is nothing to measure.
inline Bytes read_corpus(const std::string& name) {
  std::ifstream file(source_folder() + "/tests/corpus/" + name, std::ios::binary);
  if (!file) {
    fmt::print(stderr, "slipway-bench: tests/corpus/{} cannot be read\n", name);
    std::exit(1);
  }
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return to_bytes(text);
}

}  // namespace slipway::bench
