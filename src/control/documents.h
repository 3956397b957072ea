#pragma once

#include <functional>
#include <string>
#include <vector>

#include "fleet/reconcile.h"
#include "store/store.h"

// The fleet's documents in the store: read as records, changed one at a time under their revisions.
namespace slipway::control {

// Ids of all clusters.
Result<std::vector<std::string>> list_clusters(store::Store& store);

// All documents of a cluster; kNotFound if there is no such cluster. Operations are read before what they work on: an
// operation in the snapshot has its wanted state in the snapshot too. A document that cannot be read is logged, once,
// and keeps nobody else from being cared for: a node's stands as salvaged_node says, an operation's is left out, and a
// pool's fails its own cluster alone, because nodes without a pool would be deleted.
Result<fleet::Snapshot> load_cluster(store::Store& store, const std::string& cluster);

Result<fleet::Cluster> get_cluster(store::Store& store, const std::string& cluster);
Result<fleet::Node> get_node(store::Store& store, const std::string& instance);

// Reads the record, lets `change` work on it, and commits it under the revision that was read; where somebody else was
// faster, again with what they wrote. An error of `change` ends it and nothing is written; a record that is the same
// afterwards is not written either.
Result<fleet::Node> change_node(store::Store& store, const std::string& instance,
                                const std::function<Status(fleet::Node&)>& change);
Result<fleet::Cluster> change_cluster(store::Store& store, const std::string& cluster,
                                      const std::function<Status(fleet::Cluster&)>& change);
Result<fleet::Operation> change_operation(store::Store& store, const std::string& operation,
                                          const std::function<Status(fleet::Operation&)>& change);

// Writes a node with the pool's next number, its name and a free pod subnet, the counter and the pool in one
// transaction. kConflict if the pool changed meanwhile, or has all its nodes.
Result<fleet::Node> create_node(store::Store& store, const std::string& cluster, const std::string& pool,
                                const std::string& instance, Time now);

// Ends an operation as `finish` says, in one transaction with the states of what it worked on.
Status finish_operation(store::Store& store, const std::string& cluster, const fleet::Finish& finish, Time now);

}  // namespace slipway::control
