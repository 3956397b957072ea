#pragma once

#include <CLI/CLI.hpp>
#include <span>
#include <string>
#include <vector>

#include "apps/slipway/shell.h"

namespace slipway::cli {

// Every verb of the program below the shell's application.
void add_all_verbs(Shell& shell);

// What is wrong with words that could not be parsed, where it is a verb or an option that does not exist, with the one
// that was probably meant; empty for other mistakes.
std::string misspelling(const CLI::App& app, std::span<const std::string> words);

// The whole run: words without the program's name. The exit status.
int run(const std::vector<std::string>& words);

}  // namespace slipway::cli
