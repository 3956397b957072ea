#include "base/source_folder_for_tests.h"

namespace slipway {

std::string source_folder() { return SLIPWAY_SOURCE_DIR; }
std::string programs_folder() { return SLIPWAY_PROGRAMS_DIR; }

}  // namespace slipway
