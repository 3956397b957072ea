#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "control/cluster_state.h"
#include "fleet/node_state.h"

namespace slipway::control {

struct EngineSettings {
  fleet::Limits limits;
  milliseconds busy_look{1000};  // between two looks at a cluster where something is under way
  milliseconds idle_look{5000};
  milliseconds first_retry{500};  // after a failed action; doubles from failure to failure
  milliseconds last_retry{60000};
};

// The loops: one thread finds clusters, and each cluster has a worker of its own, so that a slow boot blocks no other.
// A worker loads its cluster, looks, asks the reconciler, carries out what it says, and begins again. Nothing of it
// need survive: another engine over the same store goes on where this one was killed.
class Engine {
 public:
  Engine(Surroundings around, EngineSettings settings);
  // Ends the loops after the action that each is carrying out. VMs and control planes go on.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Look at this cluster now; for one that is new, look for it now. Thread-safe, returns at once.
  void wake(const std::string& cluster);

 private:
  struct Worker;

  void find_clusters(const std::stop_token& stop);
  void run(Worker& worker, const std::stop_token& stop);
  // One look; false once the cluster no longer exists. `again` is when the next is due.
  bool pass(ClusterState& state, milliseconds& again);
  // Tries one action and keeps count; true if it was done.
  bool attempt(ClusterState& state, const fleet::Action& action);

  Surroundings around_;
  EngineSettings settings_;
  std::mutex mutex_;
  std::condition_variable_any woken_;
  bool look_for_clusters_ = false;
  std::map<std::string, std::unique_ptr<Worker>> workers_;
  std::jthread finder_;  // last: it uses the rest
};

}  // namespace slipway::control
