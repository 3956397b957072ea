#pragma once

#include <string>
#include <vector>

namespace slipway::bench {

// A figure that must be reached, beside what was measured in this run.
struct Goal {
  std::string what;
  std::string measured;
  std::string limit;
  bool reached = false;
  bool skipped = false;  // nothing was measured; `measured` says why
};

// What each file of this folder is held to: the code of its benchmarks, measured again, each figure right beside its
// floor.
std::vector<Goal> appraisal_goals();
std::vector<Goal> hostile_goals();
std::vector<Goal> prediction_goals();
std::vector<Goal> start_goals();

// Adds a benchmark for each hostile input.
void register_hostile();

}  // namespace slipway::bench
