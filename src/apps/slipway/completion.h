#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace slipway::cli {

// What is made from the table of verbs, so that it cannot tell another story than --help.

// A script for bash: words of verbs, names of options, and the values of those that take one of a list.
std::string bash_completion(const CLI::App& app);

// docs/reference/cli.md: every verb with its options and examples.
std::string reference_page(const CLI::App& app);

}  // namespace slipway::cli
