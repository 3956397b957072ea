#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <unistd.h>

#include <fstream>

#include "bench/goals.h"
#include "bench/live_heap.h"

namespace slipway::bench {
namespace {

std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  return "unknown processor";
}

void print_goals() {
  fmt::print("\n{}, {} of them; {}\n\n", processor(), sysconf(_SC_NPROCESSORS_ONLN), OpenSSL_version(OPENSSL_VERSION));
  for (const auto& goals : {appraisal_goals(), hostile_goals(), prediction_goals(), start_goals()})
    for (const Goal& goal : goals)
      fmt::print("{}  {:<62} {} (at most {})\n",
                 goal.skipped   ? "skipped"
                 : goal.reached ? "reached"
                                : "MISSED ",
                 goal.what, goal.measured, goal.limit);
}

}  // namespace
}  // namespace slipway::bench

int main(int count, char** words) {
  slipway::bench::count_openssl_too();
  benchmark::Initialize(&count, words);
  if (benchmark::ReportUnrecognizedArguments(count, words)) return 2;
  slipway::bench::register_hostile();
  benchmark::RunSpecifiedBenchmarks();
  slipway::bench::print_goals();
  return 0;
}
