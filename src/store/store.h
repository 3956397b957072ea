#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// Documents with revisions: the seam between Slipway and a database. Behind it are store/sqlite.h and store/memory.h,
// under the same contract tests.
namespace slipway::store {

struct Document {
  std::string key;            // "/clusters/<id>"; at most 512 bytes
  std::string value;          // JSON; at most 8 MiB
  std::int64_t revision = 0;  // grows with each commit of the whole store; never 0 for a document that exists
};

// All or nothing. Each condition names the revision that a key must have at the commit; 0 means that it must not exist.
struct Transaction {
  struct Condition {
    std::string key;
    std::int64_t revision = 0;
  };
  struct Put {
    std::string key;
    std::string value;
  };
  std::vector<Condition> conditions;
  std::vector<Put> puts;
  std::vector<std::string> deletes;  // absent is fine
};

// Thread-safe; durable when commit() returns (the memory store: as long as the process).
class Store {
 public:
  virtual ~Store() = default;
  // kNotFound where there is none.
  virtual Result<Document> get(std::string_view key) = 0;
  // All documents whose key starts with `prefix`, in the order of their keys, as of one moment.
  virtual Result<std::vector<Document>> list(std::string_view prefix) = 0;
  // The revision of the commit. kConflict, naming the key, where a condition does not hold: then nothing is changed.
  virtual Result<std::int64_t> commit(const Transaction& transaction) = 0;
};

}  // namespace slipway::store
