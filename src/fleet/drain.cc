#include "fleet/drain.h"

#include <fmt/format.h>

#include <algorithm>

namespace slipway::fleet {
namespace {

// Between two rounds of evictions: budgets change as slowly as pods start.
constexpr seconds kEvictionPause{3};
constexpr std::size_t kShownPods = 5;

}  // namespace

DrainStep drain_step(const Node& node, const Pool& pool, const ObservedNode& observed, Time listening_since, Time now) {
  // As with a node that is late: a time in which nobody looked is not counted.
  const Time since = std::max(*node.draining, listening_since);
  const bool is_late = now - since > std::chrono::minutes(pool.drain_timeout_minutes);
  const DrainStep waiting = is_late ? DrainStep::kTimedOut : DrainStep::kWait;
  if (!observed.kubernetes_answers) return waiting;
  // Its pods go with it: nobody is left to be asked.
  if (!observed.kubernetes) return DrainStep::kDone;
  if (!observed.kubernetes->unschedulable) return is_late ? DrainStep::kTimedOut : DrainStep::kCordon;
  if (!observed.pods) return waiting;
  if (observed.pods->left.empty()) return DrainStep::kDone;
  if (is_late) return DrainStep::kTimedOut;
  if (observed.evicted && now - *observed.evicted < kEvictionPause) return DrainStep::kWait;
  return DrainStep::kEvict;
}

std::string drain_report(const ObservedNode& observed) {
  if (!observed.kubernetes_answers || !observed.pods) return "Kubernetes does not say which pods are left";
  const ObservedPods& pods = *observed.pods;
  std::string text = fmt::format("{} pod{} left", pods.left.size(), pods.left.size() == 1 ? "" : "s");
  const std::vector<std::string>& shown = pods.blocked.empty() ? pods.left : pods.blocked;
  for (std::size_t i = 0; i < std::min(shown.size(), kShownPods); ++i) text += (i == 0 ? ": " : ", ") + shown[i];
  if (shown.size() > kShownPods) text += ", ...";
  return text;
}

}  // namespace slipway::fleet
