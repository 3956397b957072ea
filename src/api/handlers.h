#pragma once

#include "api/call.h"
#include "fleet/image_catalog.h"

// The handlers of the route table in routes.cc. Each judges first and then writes once; a kConflict of the store
// without a reason of its own means that another request was faster, and the handler is called again.
namespace slipway::api {

// discovery.cc: no token needed.
Result<http::Response> get_metadata(Call& call);
Result<http::Response> get_openid_configuration(Call& call);  // {tenant}, Microsoft Entra style
Result<http::Response> get_adfs_configuration(Call& call);
Result<http::Response> get_keys(Call& call);
Result<http::Response> get_result_keys(Call& call);
Result<http::Response> post_token(Call& call);

// subscriptions.cc
Result<http::Response> list_subscriptions(Call& call);
Result<http::Response> get_subscription(Call& call);
Result<http::Response> list_groups(Call& call);
Result<http::Response> get_group(Call& call);
Result<http::Response> head_group(Call& call);
Result<http::Response> put_group(Call& call);
Result<http::Response> patch_group(Call& call);
Result<http::Response> delete_group(Call& call);
// Where a group's deletion leads while its clusters go.
Result<http::Response> get_group_deletion(Call& call);

// features.cc
Result<http::Response> list_features(Call& call);
Result<http::Response> get_feature(Call& call);
Result<http::Response> register_feature(Call& call);
Result<http::Response> unregister_feature(Call& call);
Result<http::Response> list_providers(Call& call);
Result<http::Response> get_provider(Call& call);
Result<http::Response> register_provider(Call& call);
// Registered, by now; and in effect: the provider was registered again after it.
struct FeatureState {
  bool registered = false, effective = false;
};
Result<FeatureState> trusted_launch_feature(Call& call);

// clusters.cc
Result<http::Response> list_clusters(Call& call);
Result<http::Response> list_clusters_in_group(Call& call);
Result<http::Response> get_cluster(Call& call);
Result<http::Response> delete_cluster(Call& call);
Result<http::Response> list_user_credential(Call& call);
Result<http::Response> list_admin_credential(Call& call);
// Adds to `transaction` that the cluster is to go, and that what runs on it ends as Canceled.
Result<fleet::Operation> request_deletion(Call& call, Stored<fleet::Cluster>& cluster, store::Transaction& transaction);
// put_cluster.cc
Result<http::Response> put_cluster(Call& call);
Result<http::Response> patch_cluster(Call& call);

// pools.cc
Result<http::Response> list_pools(Call& call);
Result<http::Response> get_pool(Call& call);
Result<http::Response> put_pool(Call& call);
Result<http::Response> delete_pool(Call& call);
// update_pool.cc: makes the pool's nodes again from the newest image of their kind.
Result<http::Response> upgrade_node_image(Call& call);
// Fills in what the size and the catalog determine. kPreconditionFailed where no node image is ready.
Result<fleet::Pool> make_pool(Call& call, const std::string& cluster, const fleet::PoolRequest& request,
                              const boost::json::object& properties, const FeatureState& feature);

// nodes.cc
Result<http::Response> list_nodes(Call& call);
Result<http::Response> get_node(Call& call);
Result<http::Response> get_node_evidence(Call& call);
Result<http::Response> get_node_result(Call& call);

// upgrade_profiles.cc
Result<http::Response> list_kubernetes_versions(Call& call);
Result<http::Response> list_vm_sizes(Call& call);
Result<http::Response> get_upgrade_profile(Call& call);
Result<http::Response> get_pool_upgrade_profile(Call& call);
Result<http::Response> list_pool_versions(Call& call);

// role_assignments.cc
Result<http::Response> list_role_definitions(Call& call);
Result<http::Response> get_role_definition(Call& call);
Result<http::Response> list_role_assignments(Call& call);
Result<http::Response> get_role_assignment(Call& call);
Result<http::Response> put_role_assignment(Call& call);
Result<http::Response> delete_role_assignment(Call& call);
// kPreconditionFailed if the assignments for which `goes` is true were the last that make somebody Owner of the whole
// subscription; otherwise adds to `transaction` that one of the others is still there.
Status require_an_owner(Call& call, const std::function<bool(const RoleAssignment&)>& goes,
                        store::Transaction& transaction);
// Adds to `transaction` that roles on `scope` and below it end: what is made new there is nobody's from before.
Status forget_roles_below(Call& call, std::string_view scope, store::Transaction& transaction);

// directory.cc
Result<http::Response> list_applications(Call& call);
Result<http::Response> create_application(Call& call);
Result<http::Response> get_application(Call& call);
Result<http::Response> patch_application(Call& call);
Result<http::Response> add_password(Call& call);
Result<http::Response> list_service_principals(Call& call);
Result<http::Response> create_service_principal(Call& call);
Result<http::Response> get_service_principal(Call& call);
Result<http::Response> delete_client(Call& call);
Result<http::Response> find_directory_objects(Call& call);

// activity.cc
Result<http::Response> list_activity(Call& call);

// operations.cc
Result<http::Response> get_operation(Call& call);
Result<http::Response> get_operation_result(Call& call);

}  // namespace slipway::api
