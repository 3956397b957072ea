#include <exception>
#include <iostream>

#include "apps/slipway/application.h"

int main(int count, char** words) {
  try {
    return slipway::cli::run({words + 1, words + count});
  } catch (const std::exception& defect) {
    std::cerr << "ERROR: slipway itself failed: " << defect.what() << '\n';
    return slipway::cli::kFailed;
  }
}
