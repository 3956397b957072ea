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

// The guard is asked twice. A validating webhook alone is not enough: up to 1.20.5 the apiserver overwrites the old
// node's metadata while it validates an update (CVE-2021-25735), so that a validating webhook sees no change of labels
// at all (seen on 1.20.2). A mutating webhook is asked before that and sees the true old node; it changes nothing, and
// is asked again where another one changed the node after it. The validating one has the last word on what is stored.
Addon label_guard(const ClusterRecord& record, const Authorities& authorities, bool mutating) {
  const json::object client{{"url", fmt::format("https://127.0.0.1:{}/review", record.ports.webhook)},
                            {"caBundle", to_base64(as_bytes(authorities.serving.certificate.pem()))}};
  json::array rules, webhooks;
  rules.push_back(json::object{{"apiGroups", json::array{""}},
                               {"apiVersions", json::array{"*"}},
                               {"operations", json::array{"CREATE", "UPDATE"}},
                               {"resources", json::array{"nodes", "nodes/status"}},
                               {"scope", "*"}});
  json::object webhook{{"name", mutating ? kLabelGuard : kFinalLabelGuard},
                       {"clientConfig", client},
                       {"rules", rules},
                       {"failurePolicy", "Fail"},
                       {"matchPolicy", "Equivalent"},
                       {"sideEffects", "None"},
                       {"timeoutSeconds", 10},
                       {"admissionReviewVersions", json::array{"v1"}}};
  if (mutating) webhook["reinvocationPolicy"] = "IfNeeded";
  webhooks.push_back(std::move(webhook));
  const json::object object{{"apiVersion", "admissionregistration.k8s.io/v1"},
                            {"kind", mutating ? "MutatingWebhookConfiguration" : "ValidatingWebhookConfiguration"},
                            {"metadata", json::object{{"name", "slipway-label-guard"}}},
                            {"webhooks", webhooks}};
  return {fmt::format("/apis/admissionregistration.k8s.io/v1/{}webhookconfigurations/slipway-label-guard",
                      mutating ? "mutating" : "validating"),
          json::serialize(object)};
}

}  // namespace

std::vector<Addon> addons_of(const ClusterRecord& record, const Authorities& authorities) {
  return {label_guard(record, authorities, false), label_guard(record, authorities, true),
          // kube-proxy on a node works with the node's own certificate: the node needs no second credential.
          bind_group("slipway:node-proxier", "system:node-proxier", "system:nodes"),
          bind_group("slipway:kubelet-clients", "system:kubelet-api-admin", kKubeletClientsGroup),
          bind_group("slipway:cluster-users", "cluster-admin", kClusterUserGroup)};
}

}  // namespace slipway::kube
