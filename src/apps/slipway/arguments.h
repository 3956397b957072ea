#pragma once

#include <span>
#include <string>

#include "base/result.h"

namespace slipway::cli {

// kInvalidArgument, naming the word and its right spelling, if a word starts with a dash that is no hyphen: text
// editors and web pages write "--" as an en dash (U+2013) or em dash (U+2014), and a command copied from there fails.
Status check_dashes(std::span<const std::string> words);

}  // namespace slipway::cli
