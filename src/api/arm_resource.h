#pragma once

#include <boost/json.hpp>
#include <vector>

#include "api/call.h"
#include "fleet/rules.h"
#include "fleet/types.h"

// ARM's JSON of clusters, pools and nodes, both ways.
namespace slipway::api {

// A pool as the properties of an agentPools resource, or one entry of agentPoolProfiles, ask for it. `mode` serves
// where they name none. kInvalidArgument for a property of the wrong type.
Result<fleet::PoolRequest> pool_request_from(std::string name, const boost::json::object& properties,
                                             std::string_view mode);
// What the properties ask for that Slipway does not do: it is refused, since to ignore it would be a lie.
std::vector<Error> unsupported_pool_properties(const boost::json::object& properties);
std::vector<Error> unsupported_cluster_properties(const boost::json::object& properties);

// `changes` over `base`, property by property; null and "" change nothing.
boost::json::object merge_properties(const boost::json::object& base, const boost::json::object& changes);
// Without what must never be kept or shown: passwords and secrets.
void drop_secrets(boost::json::object& cluster_properties);

// A record's kept body; an empty object where it cannot be read.
boost::json::object kept_body(std::string_view body);

boost::json::object cluster_resource(const Call& call, const Stored<fleet::Cluster>& cluster,
                                     const std::vector<Stored<fleet::Pool>>& pools);
boost::json::object pool_resource(const fleet::Cluster& cluster, const Stored<fleet::Pool>& pool);
// With `with_boot_report`, properties.bootReport is the last verdict whole, or null.
boost::json::object node_resource(const fleet::Cluster& cluster, const fleet::Node& node, bool with_boot_report);

}  // namespace slipway::api
