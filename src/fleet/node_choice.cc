#include "fleet/node_choice.h"

#include <algorithm>

#include "fleet/node_state.h"

namespace slipway::fleet {
namespace {

bool is_settled(const Node& node) { return node.phase == NodePhase::kReady && node.labels_applied && !node.draining; }

class Choice {
 public:
  Choice(const Snapshot& snapshot, const Pool& pool, const Observed& observed)
      : pool_(pool), observed_(observed), operation_(operation_on(snapshot, pool)) {
    for (const Node& node : snapshot.nodes) {
      if (node.pool != pool.name) continue;
      if (node.phase == NodePhase::kDeleting) {
        ++leaving_;
      } else {
        live_.push_back(&node);
      }
    }
  }

  NodeChoice make() {
    if (pool_.deletion_requested) {
      for (const Node* node : live_) choice_.remove.push_back({node->instance, "Its pool is being deleted."});
      return std::move(choice_);
    }
    const auto wanted = static_cast<std::size_t>(std::max(pool_.count, 0));
    if (operation_ == nullptr) {
      for (const Node* node : live_) {
        if (node->draining) choice_.stop_draining.push_back(node->instance);
      }
    } else {
      remove_what_was_bad();
      if (live_.size() > wanted) {
        shrink(live_.size() - wanted);
      } else if (live_.size() == wanted && leaving_ == 0) {
        replace_one();
      }
    }
    // Two VMs never stand for one slot: what replaces a node is begun when nothing is left of it.
    choice_.create = std::max(0, static_cast<int>(wanted) - static_cast<int>(live_.size()) - leaving_);
    return std::move(choice_);
  }

 private:
  // A client that puts the pool again gets a new try for what went wrong before. What goes wrong after the operation's
  // first step stops it instead, so that a cause is never hidden by an endless row of new nodes.
  void remove_what_was_bad() {
    const bool has_begun = std::any_of(live_.begin(), live_.end(), [this](const Node* node) {
      return node->created > operation_->started || node->draining;
    });
    if (has_begun) return;
    std::erase_if(live_, [this](const Node* node) {
      if (!is_bad(node->phase)) return false;
      choice_.remove.push_back({node->instance, "Replaced: " + node->explanation});
      ++leaving_;
      return true;
    });
  }

  // Pods can be asked to leave where they may run: a node that never joined has none, and on one that is bad there is
  // nobody who would end them.
  bool needs_drain(const Node& node) const {
    if (node.phase != NodePhase::kReady && node.phase != NodePhase::kAdmitted) return false;
    const auto seen = observed_.nodes.find(node.instance);
    const bool has_never_joined =
        seen != observed_.nodes.end() && seen->second.kubernetes_answers && !seen->second.kubernetes;
    return !has_never_joined;
  }

  void send_away(const Node& node, const char* reason) {
    if (node.draining) return;
    (needs_drain(node) ? choice_.drain : choice_.remove).push_back({node.instance, reason});
  }

  void shrink(std::size_t excess) {
    // Those on their way first, then those of no use, then those of other settings, then the youngest.
    const auto rank = [this](const Node* node) {
      if (node->draining) return 0;
      if (!needs_drain(*node)) return 1;
      return fits(*node, pool_) ? 3 : 2;
    };
    std::sort(live_.begin(), live_.end(), [&rank](const Node* left, const Node* right) {
      return rank(left) != rank(right) ? rank(left) < rank(right) : left->name > right->name;
    });
    for (std::size_t i = 0; i < excess; ++i) send_away(*live_[i], "The pool wants fewer nodes.");
  }

  void replace_one() {
    const Node* chosen = nullptr;
    std::size_t unsettled = 0;
    for (const Node* node : live_) {
      if (!is_settled(*node)) ++unsettled;
      if (fits(*node, pool_)) continue;
      // One that is not Ready is out already.
      if (chosen == nullptr || (is_settled(*chosen) && !is_settled(*node))) chosen = node;
    }
    if (chosen == nullptr) return;
    if (unsettled > (is_settled(*chosen) ? 0U : 1U)) return;
    send_away(*chosen, "The pool's settings changed.");
  }

  const Pool& pool_;
  const Observed& observed_;
  const Operation* operation_;
  std::vector<const Node*> live_;
  int leaving_ = 0;
  NodeChoice choice_;
};

}  // namespace

NodeChoice choose_nodes(const Snapshot& snapshot, const Pool& pool, const Observed& observed) {
  return Choice(snapshot, pool, observed).make();
}

const Operation* operation_on(const Snapshot& snapshot, const Pool& pool) {
  for (const Operation& operation : snapshot.operations) {
    if (operation.kind == "CreateCluster" || (operation.kind == "PutPool" && operation.pool == pool.name)) {
      return &operation;
    }
  }
  return nullptr;
}

bool fits(const Node& node, const Pool& pool) {
  return node.vtpm == pool.vtpm && node.secure_boot == pool.secure_boot && node.vcpus == pool.vcpus &&
         node.memory_mib == pool.memory_mib && node.image_version == pool.node_image_version;
}

}  // namespace slipway::fleet
