#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace slipway::host {

struct ProcessOptions {
  // argv[0] is an absolute path or a name looked up in PATH; no shell. No secrets: every user of the machine reads
  // argv.
  std::vector<std::string> argv;
  std::string input = {};                 // what the process reads from its standard input
  milliseconds timeout{30'000};           // then it and its process group are killed
  std::size_t maximum_output = 1U << 20;  // of each stream; the rest is read and dropped
};

struct ProcessOutput {
  int exit_code = 0;  // 128 + signal where a signal ended it
  std::string output, error_output;
};

// Runs a program to its end. Nothing but the three standard descriptors is inherited; the environment is PATH, HOME
// and LC_ALL=C.UTF-8. kUnavailable where it cannot be started (not installed) or did not end in time; an exit code
// other than 0 is a value.
Result<ProcessOutput> run_process(const ProcessOptions& options);

// The same, where only 0 is good: kUnavailable otherwise, with the last line of what it said made printable: a tool
// quotes what stands in the file that it is given.
Result<std::string> run_checked(const ProcessOptions& options);

}  // namespace slipway::host
