#include "kube/node_registration.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "base/time.h"
#include "kube/cluster_api.h"
#include "kube/pki/authorities.h"

namespace slipway::kube {
namespace {

namespace json = boost::json;

constexpr int kLeaseSeconds = 40;

ClusterApi api_of(const NodeRegistration& node) {
  http::ClientOptions options;
  options.ca_pem = node.cluster_ca;
  options.client_certificate_pem = node.client_certificate_pem;
  options.client_key_pem = node.client_key_pem;
  return ClusterApi(node.api_server, std::move(options));
}

std::string node_object(const NodeRegistration& node) {
  json::object labels;
  for (const auto& [key, value] : node.labels) labels[key] = value;
  return json::serialize(json::object{
      {"apiVersion", "v1"}, {"kind", "Node"}, {"metadata", json::object{{"name", node.node}, {"labels", labels}}}});
}

std::string ready_status(const NodeRegistration& node, const std::string& now) {
  const json::object ready{{"type", "Ready"},          {"status", "True"},
                           {"reason", "KubeletReady"}, {"message", "simulated node"},
                           {"lastHeartbeatTime", now}, {"lastTransitionTime", now}};
  json::array addresses;
  if (!node.internal_ip.empty())
    addresses.push_back(json::object{{"type", "InternalIP"}, {"address", node.internal_ip}});
  addresses.push_back(json::object{{"type", "Hostname"}, {"address", node.node}});
  const json::object resources{{"cpu", "2"}, {"memory", "2Gi"}, {"pods", "110"}};
  return json::serialize(
      json::object{{"status", json::object{{"conditions", json::array{ready}},
                                           {"addresses", addresses},
                                           {"capacity", resources},
                                           {"allocatable", resources},
                                           {"nodeInfo", json::object{{"kubeletVersion", node.kubelet_version},
                                                                     {"operatingSystem", "linux"},
                                                                     {"architecture", "amd64"}}}}}});
}

std::string running_status() {
  const std::string now = to_rfc3339(SystemClock().now()).substr(0, 19) + "Z";
  json::array conditions;
  for (const char* type : {"PodScheduled", "Initialized", "ContainersReady", "Ready"})
    conditions.push_back(json::object{{"type", type}, {"status", "True"}, {"lastTransitionTime", now}});
  return json::serialize(json::object{
      {"status", json::object{{"phase", "Running"}, {"startTime", now}, {"conditions", std::move(conditions)}}}});
}

class HttpsNodeRegistrar final : public NodeRegistrar {
 public:
  Status register_node(const NodeRegistration& node) override {
    if (!is_node_name(node.node))
      return fail(ErrorCode::kInvalidArgument, fmt::format("'{}' cannot be a node's name", node.node));
    const Result<std::string> created = api_of(node).call("POST", "/api/v1/nodes", node_object(node));
    if (!created && created.error().code != ErrorCode::kConflict) return fail(created.error());
    return heartbeat(node);
  }

  Status tend_pods(const NodeRegistration& node) override {
    const ClusterApi api = api_of(node);
    SLIPWAY_ASSIGN(const std::vector<Pod> pods, api.list_pods(node.node));
    for (const Pod& pod : pods) {
      const std::string path = fmt::format("/api/v1/namespaces/{}/pods/{}", pod.space, pod.name);
      Result<std::string> done = std::string();
      if (pod.is_terminating) {
        const json::object now{{"gracePeriodSeconds", 0}, {"preconditions", json::object{{"uid", pod.uid}}}};
        done = api.call("DELETE", path, json::serialize(now));
      } else if (!pod.is_finished && !pod.is_ready) {
        done = api.call("PATCH", path + "/status", running_status(), "application/strategic-merge-patch+json");
      }
      const bool is_gone =
          !done && (done.error().code == ErrorCode::kNotFound || done.error().code == ErrorCode::kConflict);
      if (!done && !is_gone) return fail(done.error());
    }
    return {};
  }

  Status heartbeat(const NodeRegistration& node) override {
    if (!is_node_name(node.node))
      return fail(ErrorCode::kInvalidArgument, fmt::format("'{}' cannot be a node's name", node.node));
    const ClusterApi api = api_of(node);
    const Time now = SystemClock().now();
    // The API's metav1.Time has whole seconds.
    const std::string whole_seconds = to_rfc3339(now).substr(0, 19) + "Z";
    SLIPWAY_TRY(api.call("PATCH", "/api/v1/nodes/" + node.node + "/status", ready_status(node, whole_seconds),
                         "application/strategic-merge-patch+json"));
    return renew_lease(api, node.node, now);
  }

 private:
  static Status renew_lease(const ClusterApi& api, const std::string& node, Time now) {
    const std::string leases = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
    std::string renewed = to_rfc3339(now);
    renewed.insert(renewed.size() - 1, "000");  // MicroTime wants six digits
    json::object spec{{"holderIdentity", node}, {"leaseDurationSeconds", kLeaseSeconds}, {"renewTime", renewed}};
    const Result<std::string> patched = api.call(
        "PATCH", leases + "/" + node, json::serialize(json::object{{"spec", spec}}), "application/merge-patch+json");
    if (patched) return {};
    if (patched.error().code != ErrorCode::kNotFound) return fail(patched.error());
    const json::object lease{{"apiVersion", "coordination.k8s.io/v1"},
                             {"kind", "Lease"},
                             {"metadata", json::object{{"name", node}, {"namespace", "kube-node-lease"}}},
                             {"spec", spec}};
    SLIPWAY_TRY(api.call("POST", leases, json::serialize(lease)));
    return {};
  }
};

}  // namespace

std::unique_ptr<NodeRegistrar> make_https_node_registrar() { return std::make_unique<HttpsNodeRegistrar>(); }

}  // namespace slipway::kube
