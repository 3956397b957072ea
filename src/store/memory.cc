#include "store/memory.h"

#include <map>
#include <mutex>

#include "store/limits.h"

namespace slipway::store {
namespace {

class MemoryStore final : public Store {
 public:
  Result<Document> get(std::string_view key) override {
    const std::lock_guard lock(mutex_);
    const auto found = documents_.find(key);
    if (found == documents_.end()) return no_such_document(key);
    return found->second;
  }

  Result<std::vector<Document>> list(std::string_view prefix) override {
    const std::lock_guard lock(mutex_);
    std::vector<Document> result;
    for (auto at = documents_.lower_bound(prefix); at != documents_.end(); ++at) {
      if (at->first.compare(0, prefix.size(), prefix) != 0) break;
      result.push_back(at->second);
    }
    return result;
  }

  Result<std::int64_t> commit(const Transaction& transaction) override {
    SLIPWAY_TRY(check_limits(transaction));
    const std::lock_guard lock(mutex_);
    for (const auto& condition : transaction.conditions) {
      const auto found = documents_.find(condition.key);
      const std::int64_t revision = found == documents_.end() ? 0 : found->second.revision;
      if (revision != condition.revision) return condition_broken(condition, revision);
    }
    ++revision_;
    for (const std::string& key : transaction.deletes) documents_.erase(key);
    for (const auto& put : transaction.puts) documents_[put.key] = {put.key, put.value, revision_};
    return revision_;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, Document, std::less<>> documents_;
  std::int64_t revision_ = 0;
};

}  // namespace

std::unique_ptr<Store> make_memory_store() { return std::make_unique<MemoryStore>(); }

}  // namespace slipway::store
