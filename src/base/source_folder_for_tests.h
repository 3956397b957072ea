#pragma once

#include <string>

// Where tests find what is beside them. Functions, not macros: an absolute path among the compiler's options would make
// every test another compilation in each clone. Defined in tests/source_folder.cc.
namespace slipway {

std::string source_folder();    // of this repository
std::string programs_folder();  // slipway, slipwayd and the rest, as they were built. It may have a space: quote it

}  // namespace slipway
