#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/handlers.h"

// What the handlers of pools.cc and update_pool.cc share.
namespace slipway::api {

// 409: something is under way on `name`.
tl::unexpected<Error> busy(std::string_view what, const std::string& name, fleet::ProvisioningState state);
// The pool as a resource, with the operation that works on it.
http::Response pool_answer(const Call& call, int status, const fleet::Cluster& cluster, const Stored<fleet::Pool>& pool,
                           const fleet::Operation& operation);
// What the requests of this call are judged against, for a pool of this name; the feature and what a pool has already
// are the caller's to add.
fleet::Circumstances circumstances_of(const Call& call, const fleet::Cluster& cluster,
                                      const std::vector<Stored<fleet::Pool>>& pools, std::string_view pool);
// A PUT on a pool that is there.
Result<http::Response> update_pool(Call& call, const Stored<fleet::Cluster>& cluster, Stored<fleet::Pool> pool,
                                   const boost::json::object& properties);

}  // namespace slipway::api
