#include "agent/node_configuration.h"

#include <fmt/core.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <cctype>
#include <string_view>

#include "agent/node_file.h"

namespace slipway::agent {
namespace {

using boost::json::array;
using boost::json::object;

constexpr std::string_view kClusterDomain = "cluster.local";

std::string as_yaml(const object& value) { return boost::json::serialize(value) + "\n"; }

bool made_of(std::string_view text, std::string_view punctuation) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [punctuation](unsigned char character) {
    return (character < 0x80 && std::isalnum(character) != 0) ||
           punctuation.find(static_cast<char>(character)) != std::string_view::npos;
  });
}

// The server is the right one by its pinned key; its words still become flags of a root process.
Status check_words(const enrolment::Admission& admission) {
  const auto bad = [](std::string_view what) {
    return fail(ErrorCode::kMalformed,
                fmt::format("The server's admission has a {} that no configuration may hold.", what));
  };
  if (!made_of(admission.node_name, "-.") || admission.node_name.front() == '-') return bad("nodeName");
  if (!admission.api_server.starts_with("https://") || !made_of(admission.api_server, ":/.[]-"))
    return bad("apiServer");
  if (!made_of(admission.cluster_dns, ".:")) return bad("clusterDns");
  if (!made_of(admission.pod_cidr, ".:/")) return bad("podCidr");
  if (!made_of(admission.cluster_cidr, ".:/")) return bad("clusterCidr");
  for (const auto& [name, value] : admission.node_labels) {
    if (!made_of(name, "-_./") || !(value.empty() || made_of(value, "-_."))) return bad("node label");
    if (name.find("kubernetes.azure.com/") != std::string::npos) return bad("label under kubernetes.azure.com/");
  }
  return {};
}

std::string kubeconfig(const enrolment::Admission& admission, const NodePaths& paths) {
  const std::string pem = paths.client_pem().string();
  return as_yaml(
      {{"apiVersion", "v1"},
       {"kind", "Config"},
       {"clusters",
        array{object{{"name", "slipway"},
                     {"cluster", object{{"server", admission.api_server},
                                        {"certificate-authority", (paths.state / "pki/ca.pem").string()}}}}}},
       {"users", array{object{{"name", "node"}, {"user", object{{"client-certificate", pem}, {"client-key", pem}}}}}},
       {"contexts", array{object{{"name", "node"}, {"context", object{{"cluster", "slipway"}, {"user", "node"}}}}}},
       {"current-context", "node"}});
}

std::string kubelet_configuration(const enrolment::Admission& admission, const NodePaths& paths) {
  return as_yaml({{"apiVersion", "kubelet.config.k8s.io/v1beta1"},
                  {"kind", "KubeletConfiguration"},
                  {"authentication", object{{"anonymous", object{{"enabled", false}}},
                                            {"webhook", object{{"enabled", true}}},
                                            {"x509", object{{"clientCAFile", (paths.state / "pki/ca.pem").string()}}}}},
                  {"authorization", object{{"mode", "Webhook"}}},
                  {"tlsCertFile", (paths.state / "pki/serving.pem").string()},
                  {"tlsPrivateKeyFile", (paths.state / "pki/serving.key").string()},
                  {"rotateCertificates", false},
                  {"serverTLSBootstrap", false},
                  {"readOnlyPort", 0},
                  {"cgroupDriver", "systemd"},
                  {"clusterDNS", array{admission.cluster_dns}},
                  {"clusterDomain", kClusterDomain},
                  {"podCIDR", admission.pod_cidr},
                  {"resolvConf", paths.resolv_conf.string()},
                  {"failSwapOn", false}});
}

// kubelet.service adds what follows from the kubelet's version and from these paths.
std::string kubelet_environment(const enrolment::Admission& admission) {
  std::string labels;
  for (const auto& [name, value] : admission.node_labels) {
    labels += fmt::format("{}{}={}", labels.empty() ? "" : ",", name, value);
  }
  std::string arguments = fmt::format("--hostname-override={}", admission.node_name);
  if (!labels.empty()) arguments += " --node-labels=" + labels;
  return fmt::format("KUBELET_ARGS=\"{}\"\n", arguments);
}

std::string proxy_configuration(const enrolment::Admission& admission, const NodePaths& paths) {
  return as_yaml({{"apiVersion", "kubeproxy.config.k8s.io/v1alpha1"},
                  {"kind", "KubeProxyConfiguration"},
                  {"mode", "iptables"},
                  {"clusterCIDR", admission.cluster_cidr},
                  {"hostnameOverride", admission.node_name},
                  {"clientConnection", object{{"kubeconfig", (paths.state / "kubelet.kubeconfig").string()}}}});
}

std::string pod_network(const enrolment::Admission& admission) {
  const array ranges{array{object{{"subnet", admission.pod_cidr}}}};
  return as_yaml({{"cniVersion", "0.4.0"},
                  {"name", "slipway"},
                  {"plugins", array{object{{"type", "bridge"},
                                           {"bridge", "cni0"},
                                           {"isGateway", true},
                                           {"ipMasq", true},
                                           {"hairpinMode", true},
                                           {"ipam", object{{"type", "host-local"},
                                                           {"ranges", ranges},
                                                           {"routes", array{object{{"dst", "0.0.0.0/0"}}}}}}},
                                    object{{"type", "portmap"}, {"capabilities", object{{"portMappings", true}}}}}}});
}

}  // namespace

Result<std::vector<ConfigurationFile>> node_configuration(const enrolment::Admission& admission,
                                                          const enrolment::NodeKeys& keys, const NodePaths& paths) {
  SLIPWAY_TRY(check_words(admission));
  return std::vector<ConfigurationFile>{
      {paths.state / "pki/ca.pem", admission.cluster_ca, 0644},
      // One file for both, so that no reader meets a certificate with another key.
      {paths.client_pem(), admission.client_certificate + keys.client.pem(), 0600},
      {paths.state / "pki/serving.key", keys.serving.pem(), 0600},
      {paths.state / "pki/serving.pem", admission.serving_certificate, 0644},
      {paths.state / "kubelet.kubeconfig", kubeconfig(admission, paths), 0600},
      {paths.state / "kubelet-config.yaml", kubelet_configuration(admission, paths), 0644},
      {paths.state / "kubelet.env", kubelet_environment(admission), 0644},
      {paths.state / "kube-proxy.yaml", proxy_configuration(admission, paths), 0644},
      {paths.cni / "10-slipway.conflist", pod_network(admission), 0644},
      {paths.admitted(), admission.node_name + "\n", 0644},
  };
}

Status write_configuration(const std::vector<ConfigurationFile>& files) {
  for (const ConfigurationFile& file : files) SLIPWAY_TRY(write_node_file(file.path, file.content, file.mode));
  return {};
}

}  // namespace slipway::agent
