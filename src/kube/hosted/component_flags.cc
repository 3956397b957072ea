#include "kube/hosted/component_flags.h"

#include <fmt/format.h>

#include <charconv>

namespace slipway::kube {
namespace {

constexpr int kOldestMinor = 20;
constexpr int kNewestMinor = 32;

struct Flag {
  Component component;
  std::string_view text;
  int since = kOldestMinor, until = kNewestMinor;  // minor versions, both inclusive
};

using enum Component;

// Files are named from the run folder, where every program runs. docs/threat-model.md, "The hosted control plane".
constexpr Flag kFlags[] = {
    {kEtcd, "--name=slipway"},
    {kEtcd, "--data-dir=etcd"},
    {kEtcd, "--listen-client-urls=https://127.0.0.1:{etcd_port}"},
    {kEtcd, "--advertise-client-urls=https://127.0.0.1:{etcd_port}"},
    {kEtcd, "--listen-peer-urls=https://127.0.0.1:{etcd_peer_port}"},
    {kEtcd, "--initial-advertise-peer-urls=https://127.0.0.1:{etcd_peer_port}"},
    {kEtcd, "--initial-cluster=slipway=https://127.0.0.1:{etcd_peer_port}"},
    {kEtcd, "--client-cert-auth=true"},
    {kEtcd, "--trusted-ca-file=pki/etcd-ca.pem"},
    {kEtcd, "--cert-file=pki/etcd-server.pem"},
    {kEtcd, "--key-file=pki/etcd-server.key"},
    {kEtcd, "--peer-client-cert-auth=true"},
    {kEtcd, "--peer-trusted-ca-file=pki/etcd-ca.pem"},
    {kEtcd, "--peer-cert-file=pki/etcd-server.pem"},
    {kEtcd, "--peer-key-file=pki/etcd-server.key"},
    {kEtcd, "--logger=zap"},
    {kEtcd, "--log-outputs=stderr"},

    {kApiserver, "--bind-address={advertise_address}"},
    {kApiserver, "--advertise-address={advertise_address}"},
    {kApiserver, "--secure-port={apiserver_port}"},
    {kApiserver, "--insecure-port=0", 20, 23},
    {kApiserver, "--endpoint-reconciler-type={endpoint_reconciler}"},
    {kApiserver, "--etcd-servers=https://127.0.0.1:{etcd_port}"},
    {kApiserver, "--etcd-cafile=pki/etcd-ca.pem"},
    {kApiserver, "--etcd-certfile=pki/apiserver-etcd.pem"},
    {kApiserver, "--etcd-keyfile=pki/apiserver-etcd.key"},
    {kApiserver, "--encryption-provider-config=encryption.json"},
    {kApiserver, "--tls-cert-file=pki/apiserver.pem"},
    {kApiserver, "--tls-private-key-file=pki/apiserver.key"},
    {kApiserver, "--tls-min-version=VersionTLS12"},
    {kApiserver, "--anonymous-auth=false"},
    {kApiserver, "--client-ca-file=pki/client-ca.pem"},
    {kApiserver, "--authorization-mode=Node,RBAC"},
    {kApiserver, "--enable-admission-plugins=NodeRestriction"},
    {kApiserver, "--admission-control-config-file=admission.json"},
    {kApiserver, "--kubelet-certificate-authority=pki/kubelet-serving-ca.pem"},
    {kApiserver, "--kubelet-client-certificate=pki/apiserver-kubelet.pem"},
    {kApiserver, "--kubelet-client-key=pki/apiserver-kubelet.key"},
    {kApiserver, "--kubelet-preferred-address-types=InternalIP"},
    {kApiserver, "--requestheader-client-ca-file=pki/front-proxy-ca.pem"},
    {kApiserver, "--requestheader-allowed-names=slipway:front-proxy"},
    {kApiserver, "--requestheader-username-headers=X-Remote-User"},
    {kApiserver, "--requestheader-group-headers=X-Remote-Group"},
    {kApiserver, "--requestheader-extra-headers-prefix=X-Remote-Extra-"},
    {kApiserver, "--proxy-client-cert-file=pki/front-proxy.pem"},
    {kApiserver, "--proxy-client-key-file=pki/front-proxy.key"},
    {kApiserver, "--service-account-issuer=https://kubernetes.default.svc.cluster.local"},
    {kApiserver, "--service-account-key-file=pki/service-account.pub"},
    {kApiserver, "--service-account-signing-key-file=pki/service-account.key"},
    {kApiserver, "--service-cluster-ip-range={service_cidr}"},
    {kApiserver, "--allow-privileged=true"},
    {kApiserver, "--audit-policy-file=audit-policy.json"},
    {kApiserver, "--audit-log-path=logs/audit.log"},
    {kApiserver, "--audit-log-maxsize=50"},
    {kApiserver, "--audit-log-maxbackup=4"},
    {kApiserver, "--profiling=false"},

    {kControllerManager, "--kubeconfig=pki/controller-manager.kubeconfig"},
    {kControllerManager, "--controllers=*,-csrsigning,-csrapproving,-bootstrapsigner,-tokencleaner"},
    {kControllerManager, "--use-service-account-credentials=true"},
    {kControllerManager, "--service-account-private-key-file=pki/service-account.key"},
    {kControllerManager, "--root-ca-file=pki/serving-ca.pem"},
    // Slipway gives each node its range of pod addresses.
    {kControllerManager, "--allocate-node-cidrs=false"},
    {kControllerManager, "--leader-elect=false"},
    {kControllerManager, "--bind-address=127.0.0.1"},
    {kControllerManager, "--port=0", 20, 23},
    {kControllerManager, "--secure-port=0"},
    {kControllerManager, "--profiling=false"},

    {kScheduler, "--kubeconfig=pki/scheduler.kubeconfig"},
    {kScheduler, "--leader-elect=false"},
    {kScheduler, "--bind-address=127.0.0.1"},
    {kScheduler, "--port=0", 20, 23},
    {kScheduler, "--secure-port=0"},
    {kScheduler, "--profiling=false"},
};

Result<std::string> fill(std::string_view text, const std::map<std::string, std::string>& values) {
  std::string result;
  while (!text.empty()) {
    const std::size_t open = text.find('{');
    result += text.substr(0, open);
    if (open == std::string_view::npos) break;
    const std::size_t close = text.find('}', open);
    const std::string name(text.substr(open + 1, close - open - 1));
    const auto value = values.find(name);
    if (close == std::string_view::npos || value == values.end())
      return fail(ErrorCode::kInternal, fmt::format("the flag table names {}, which nobody fills in", name));
    result += value->second;
    text.remove_prefix(close + 1);
  }
  return result;
}

}  // namespace

Result<int> minor_version(std::string_view folder_name) {
  constexpr std::string_view kPrefix = "v1.";
  int minor = 0;
  if (folder_name.starts_with(kPrefix)) {
    const char* end = folder_name.data() + folder_name.size();
    const auto parsed = std::from_chars(folder_name.data() + kPrefix.size(), end, minor);
    if (parsed.ec != std::errc() || parsed.ptr == end || *parsed.ptr != '.') minor = 0;
  }
  if (minor < kOldestMinor || minor > kNewestMinor)
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("the folder of Kubernetes programs is named '{}'; Slipway takes v1.{} to v1.{}, in a folder "
                    "that packaging/kubernetes/fetch makes",
                    folder_name, kOldestMinor, kNewestMinor));
  return minor;
}

Result<std::vector<std::string>> component_arguments(Component component, int minor,
                                                     const std::map<std::string, std::string>& values) {
  std::vector<std::string> arguments;
  for (const Flag& flag : kFlags) {
    if (flag.component != component || minor < flag.since || minor > flag.until) continue;
    SLIPWAY_ASSIGN(std::string argument, fill(flag.text, values));
    arguments.push_back(std::move(argument));
  }
  return arguments;
}

}  // namespace slipway::kube
