#pragma once

#include <boost/json.hpp>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "api/access.h"
#include "api/api.h"
#include "api/json.h"
#include "api/text.h"
#include "fleet/types.h"

namespace slipway::api {

class FailureLimit;  // token.h

// A document of the store, decoded, with the revision under which it may be changed.
template <typename Record>
struct Stored {
  Record record;
  std::int64_t revision = 0;
};

// One request on its way through a handler, with all that a handler may use.
struct Call {
  const ApiOptions& options;
  store::Store& store;
  kube::Kubernetes& kubernetes;
  Random& random;
  FailureLimit& failures;  // of logins
  Time now;
  const http::Request& request;
  std::map<std::string, std::string> parameters;  // of the route: "{cluster}"
  Principal principal;
  std::string claimed_client;  // of a login, right or wrong: for the audit trail

  const std::string& parameter(const std::string& name) const { return parameters.at(name); }
  std::string subscription_path() const;  // "/subscriptions/<id>"
};

using CallHandler = Result<http::Response> (*)(Call&);

// Answers.
http::Response json_response(int status, const boost::json::value& value);
http::Response list_response(boost::json::array items);  // {"value":[...]}
// One page of a collection whose items come with their keys, in any order: those behind $skiptoken, at most $top and at
// most the page size, and nextLink where there are more. kInvalidArgument for a $skiptoken or $top that is none.
Result<http::Response> paged_response(const Call& call, std::vector<std::pair<std::string, boost::json::object>> items);
// Adds Azure-AsyncOperation and Retry-After, and for `with_location` also Location.
void add_operation_headers(const Call& call, const fleet::Operation& operation, bool with_location,
                           http::Response& response);

// Lookups, with ARM's errors for what does not exist.
// What there is no {group} or {cluster} of is answered with; what the caller must not know of, with the same.
Error group_not_found(Call& call);
Error cluster_not_found(Call& call);
// {group}. One whose deletion was asked for goes for good here, once its last cluster is gone.
Result<Stored<fleet::ResourceGroup>> find_group(Call& call);
// The key of the mark that a group is being deleted; nothing is made in a group while it stands.
std::string group_deletion_key(std::string_view subscription, std::string_view group);
Result<bool> is_being_deleted(Call& call, const fleet::ResourceGroup& group);
Result<Stored<fleet::Cluster>> find_cluster(Call& call);                           // {group}, {cluster}
Result<Stored<fleet::Pool>> find_pool(Call& call, const fleet::Cluster& cluster);  // {pool}
Result<std::vector<Stored<fleet::Pool>>> pools_of(Call& call, const fleet::Cluster& cluster);
Result<std::vector<fleet::Node>> nodes_of(Call& call, const fleet::Cluster& cluster);

// A new operation, in progress from now on.
fleet::Operation make_operation(Call& call, std::string kind, const fleet::Cluster& cluster, std::string pool,
                                std::string resource);
// Adds to `transaction` that this operation ends as Canceled, if it is still running: another one overtakes it.
Status cancel_operation(Call& call, const std::string& id, store::Transaction& transaction);
// "/subscriptions/<id>/resourcegroups/<group>/providers/Microsoft.ContainerService/managedClusters/<name>"
std::string cluster_resource_id(const fleet::Cluster& cluster);
std::string pool_resource_id(const fleet::Cluster& cluster, const fleet::Pool& pool);

// If-Match and If-None-Match against a resource's eTag (its revision; 0: it does not exist). kPreconditionFailed, 412.
Status check_entity_tags(const http::Request& request, std::int64_t revision);
std::string entity_tag(std::int64_t revision);

}  // namespace slipway::api
