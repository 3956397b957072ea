#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "kube/hosted/process.h"

// What a supervisor reads and keeps, as files of the cluster's run folder.
namespace slipway::kube {

inline constexpr const char* kPlanFile = "plan.json";            // HostedPlan; written by slipwayd
inline constexpr const char* kProcessesFile = "processes.json";  // RecordedProcess; written by the supervisor
inline constexpr const char* kSupervisorLock = "supervisor.lock";

// A program that is to run for ever, with the run folder as its working folder.
struct HostedProgram {
  std::string name;                    // "kube-apiserver": argv[0], and its log is logs/<name>.log
  std::string program;                 // path of the executable, for people and for telling versions apart
  std::vector<std::string> arguments;  // without argv[0]
  // Changes whenever the program must be started again to see a change in a file that it reads.
  std::string revision;
  // Started once this TCP address ("127.0.0.1:2379") takes connections; empty: at once.
  std::string after;
};

// In starting order; stopped in reverse.
struct HostedPlan {
  std::vector<HostedProgram> programs;
};
std::string to_json(const HostedPlan& plan);
Result<HostedPlan> plan_from_json(std::string_view text);

// Equal for two programs exactly if a running one may stay in place of the other.
std::string digest_of(const HostedProgram& program);

struct RecordedProcess {
  std::string name;
  std::string digest;  // digest_of() what it was started as
  ProcessIdentity identity;
};
std::string to_json(const std::vector<RecordedProcess>& processes);
Result<std::vector<RecordedProcess>> processes_from_json(std::string_view text);

}  // namespace slipway::kube
