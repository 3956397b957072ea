#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/activity_log.h"
#include "api/installation.h"
#include "base/random.h"
#include "base/time.h"
#include "fleet/image_catalog.h"
#include "fleet/rules.h"
#include "fleet/vm_size.h"
#include "http/message.h"
#include "kube/kubernetes.h"
#include "store/store.h"

// The management API: the Azure Resource Manager shape for Microsoft.ContainerService and Microsoft.Features, as
// docs/formats/api.md lists it. Handlers judge, then write what is wanted and an Operation in one transaction; control
// carries operations out.
//
// What control may rely on: an accepted PUT or DELETE leaves an Operation InProgress whose id stands in
// Cluster::operation (kinds CreateCluster, DeleteCluster) or Pool::operation (PutPool, DeletePool), and the resource's
// state Creating, Updating or Deleting. The pools of a new cluster are Creating with no operation of their own:
// CreateCluster covers them. A PUT on an existing cluster makes a CreateCluster operation too. A delete sets
// deletion_requested, and turns the operation that it overtakes to Canceled. Control writes back with a condition on
// the revision that it read, ends the operation, clears ::operation, and sets the final state; after a delete it
// removes the documents.
namespace slipway::api {

struct ApiOptions {
  std::string tenant, subscription;     // Installation's
  TokenKeys* token_keys = nullptr;      // Installation's
  ActivityLog* activity_log = nullptr;  // where every change and every refusal is written down
  fleet::RulesProfile rules;
  fleet::VmSizes sizes = fleet::built_in_vm_sizes();
  std::vector<std::string> kubernetes_versions;  // that this host can run, "1.20.2"; the last one is the default
  std::string location = "local";                // what resources get that name none
  std::size_t page_size = 100;                   // of collections
  // The images that are ready now; asked at each request that needs one.
  std::function<fleet::ImageCatalog()> images;
  // Of node instances, by their ids: the last evidence bundle (attestation/evidence_bundle.h) and the last attestation
  // result, a JWT; kNotFound where there is none. And the key set that results are verified by. May be empty: then
  // there are none.
  std::function<Result<std::string>(const std::string&instance)> evidence_bundle, attestation_result;
  std::function<Result<std::string>()> result_keys;
  // Told the id of a cluster after something new was wanted of it (control::Engine::wake); may be empty.
  std::function<void(const std::string& cluster)> on_change;
};

// Thread-safe. Holds references: what it is given must outlive it.
class Api {
 public:
  Api(ApiOptions options, store::Store& store, kube::Kubernetes& kubernetes, const Clock& clock, Random& random);
  ~Api();
  // Answers every request, with an error body of ARM's form where something is wrong.
  http::Response handle(const http::Request& request);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace slipway::api
