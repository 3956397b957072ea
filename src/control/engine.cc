#include "control/engine.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "control/documents.h"
#include "control/log_text.h"

namespace slipway::control {
namespace {

constexpr milliseconds kFindInterval{500};

bool is_infrastructure(const fleet::Action& action) {
  return std::holds_alternative<fleet::EnsureNetwork>(action) ||
         std::holds_alternative<fleet::EnsureControlPlane>(action) ||
         std::holds_alternative<fleet::RemoveInfrastructure>(action);
}

// What is done again and again while something else is waited for: no reason to look again at once.
bool is_repeated(const fleet::Action& action) {
  return std::holds_alternative<fleet::SetProgress>(action) || std::holds_alternative<fleet::EvictPods>(action);
}

bool is_under_way(const fleet::Snapshot& snapshot) {
  return !snapshot.operations.empty() || snapshot.cluster.deletion_requested ||
         std::any_of(snapshot.nodes.begin(), snapshot.nodes.end(),
                     [](const fleet::Node& node) { return node.phase != fleet::NodePhase::kReady; });
}

}  // namespace

struct Engine::Worker {
  ClusterState state;
  bool woken = false;
  bool ended = false;
  std::jthread thread;
};

Engine::Engine(Surroundings around, EngineSettings settings)
    : around_(around), settings_(settings), finder_([this](const std::stop_token& stop) { find_clusters(stop); }) {}

Engine::~Engine() {
  finder_.request_stop();
  if (finder_.joinable()) finder_.join();
  // The workers take the mutex while they end, so they are joined without it.
  std::map<std::string, std::unique_ptr<Worker>> workers;
  {
    const std::lock_guard lock(mutex_);
    workers.swap(workers_);
  }
  for (auto& [cluster, worker] : workers) worker->thread.request_stop();
  workers.clear();
}

void Engine::wake(const std::string& cluster) {
  const std::lock_guard lock(mutex_);
  const auto found = workers_.find(cluster);
  if (found != workers_.end()) {
    found->second->woken = true;
  } else {
    look_for_clusters_ = true;
  }
  woken_.notify_all();
}

void Engine::find_clusters(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const auto clusters = list_clusters(around_.store);
    if (!clusters) spdlog::error("clusters cannot be listed why={}", log_quoted(clusters.error().message));

    std::unique_lock lock(mutex_);
    look_for_clusters_ = false;
    std::erase_if(workers_, [](const auto& entry) { return entry.second->ended; });
    for (const std::string& cluster : clusters.value_or(std::vector<std::string>{})) {
      auto& worker = workers_[cluster];
      if (worker) continue;
      worker = std::make_unique<Worker>();
      worker->state.cluster = cluster;
      worker->thread =
          std::jthread([this, at = worker.get()](const std::stop_token& worker_stop) { run(*at, worker_stop); });
    }
    woken_.wait_for(lock, stop, kFindInterval, [&] { return look_for_clusters_; });
  }
}

void Engine::run(Worker& worker, const std::stop_token& stop) {
  spdlog::info("cluster under care cluster={}", worker.state.cluster);
  while (!stop.stop_requested()) {
    milliseconds again = settings_.idle_look;
    const bool exists = pass(worker.state, again);
    std::unique_lock lock(mutex_);
    if (!exists) {
      worker.ended = true;
      return;
    }
    woken_.wait_for(lock, stop, again, [&] { return worker.woken; });
    worker.woken = false;
  }
}

bool Engine::pass(ClusterState& state, milliseconds& again) {
  const auto snapshot = load_cluster(around_.store, state.cluster);
  if (!snapshot) {
    if (snapshot.error().code == ErrorCode::kNotFound) return false;
    spdlog::error("cluster cannot be loaded cluster={} why={}", state.cluster, log_quoted(snapshot.error().message));
    return true;
  }
  const fleet::Observed observed = observe(around_, state, *snapshot);
  const auto actions = fleet::reconcile(*snapshot, observed, settings_.limits, around_.clock.now());
  bool changed = false;
  for (const fleet::Action& action : actions) {
    const auto not_before = state.not_before.find(fleet::key_of(action));
    const bool due = not_before == state.not_before.end() || not_before->second <= around_.clock.now();
    const bool done = due && attempt(state, action);
    changed = changed || (done && !is_repeated(action));
    // The rest of the list stands on it.
    if (!done && is_infrastructure(action)) break;
  }
  again = changed ? milliseconds{0} : is_under_way(*snapshot) ? settings_.busy_look : settings_.idle_look;
  return true;
}

bool Engine::attempt(ClusterState& state, const fleet::Action& action) {
  const std::string key = fleet::key_of(action);
  const Status status = carry_out(around_, state, action);
  if (status) {
    state.failures.erase(key);
    state.not_before.erase(key);
    return true;
  }
  fleet::Failure& failure = state.failures[key];
  failure.last = status.error();
  ++failure.count;
  const milliseconds pause =
      std::min<milliseconds>(settings_.last_retry, settings_.first_retry * (1LL << std::min(failure.count - 1, 16)));
  state.not_before[key] = around_.clock.now() + pause;
  spdlog::warn("action failed action={} cluster={} attempt={} next={}ms why={}", key, state.cluster, failure.count,
               pause.count(), log_quoted(failure.last.message));
  return false;
}

}  // namespace slipway::control
