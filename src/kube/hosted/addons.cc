#include "kube/hosted/addons.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "kube/hosted/cluster_files.h"
#include "kube/kubeconfig.h"

namespace slipway::kube {
namespace {

namespace json = boost::json;

Addon bind_group(const std::string& name, const std::string& role, const std::string& group) {
  json::array subjects;
  subjects.push_back(json::object{{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "Group"}, {"name", group}});
  const json::object object{
      {"apiVersion", "rbac.authorization.k8s.io/v1"},
      {"kind", "ClusterRoleBinding"},
      {"metadata", json::object{{"name", name}}},
      {"roleRef", json::object{{"apiGroup", "rbac.authorization.k8s.io"}, {"kind", "ClusterRole"}, {"name", role}}},
      {"subjects", subjects}};
  return {"/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/" + name, json::serialize(object)};
}

Addon label_guard(const ClusterRecord& record, const Authorities& authorities) {
  const json::object client{{"url", fmt::format("https://127.0.0.1:{}/review", record.ports.webhook)},
                            {"caBundle", to_base64(as_bytes(authorities.serving.certificate.pem()))}};
  json::array rules, webhooks;
  rules.push_back(json::object{{"apiGroups", json::array{""}},
                               {"apiVersions", json::array{"*"}},
                               {"operations", json::array{"CREATE", "UPDATE"}},
                               {"resources", json::array{"nodes", "nodes/status"}},
                               {"scope", "*"}});
  webhooks.push_back(json::object{{"name", "labels.slipway.local"},
                                  {"clientConfig", client},
                                  {"rules", rules},
                                  {"failurePolicy", "Fail"},
                                  {"matchPolicy", "Equivalent"},
                                  {"sideEffects", "None"},
                                  {"timeoutSeconds", 10},
                                  {"admissionReviewVersions", json::array{"v1"}}});
  const json::object object{{"apiVersion", "admissionregistration.k8s.io/v1"},
                            {"kind", "ValidatingWebhookConfiguration"},
                            {"metadata", json::object{{"name", "slipway-label-guard"}}},
                            {"webhooks", webhooks}};
  return {"/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/slipway-label-guard",
          json::serialize(object)};
}

}  // namespace

std::vector<Addon> addons_of(const ClusterRecord& record, const Authorities& authorities) {
  return {label_guard(record, authorities),
          // kube-proxy on a node works with the node's own certificate: the node needs no second credential.
          bind_group("slipway:node-proxier", "system:node-proxier", "system:nodes"),
          bind_group("slipway:kubelet-clients", "system:kubelet-api-admin", kKubeletClientsGroup),
          bind_group("slipway:cluster-users", "cluster-admin", kClusterUserGroup)};
}

}  // namespace slipway::kube
