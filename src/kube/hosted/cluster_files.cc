#include "kube/hosted/cluster_files.h"

#include <fmt/format.h>

#include <boost/json.hpp>

#include "crypto/digest.h"
#include "kube/kubeconfig.h"

namespace slipway::kube {
namespace {

namespace json = boost::json;
using crypto::CertificateUse;

constexpr seconds kLeafLifetime{365 * 24 * 3600};
constexpr const char* kIssuedFile = "issued.json";

// A certificate that a hosted program holds.
struct Leaf {
  const char* name;  // pki/<name>.pem and .key, or pki/<name>.kubeconfig
  const crypto::Identity* authority;
  CertificateUse use;
  std::string common_name;
  std::vector<std::string> organizations, dns_names, ip_addresses;
  std::vector<std::string> programs;  // which read it
  bool kubeconfig = false;
  std::string user = {}, server = {};  // of the kubeconfig, where it is not for the apiserver
};

Result<std::vector<Leaf>> leaves_of(const ClusterRecord& record, const Authorities& authorities) {
  SLIPWAY_ASSIGN(const std::string service_address, first_address(record.spec.service_cidr));
  const std::string loopback = "127.0.0.1", webhook = fmt::format("127.0.0.1:{}", record.ports.webhook);
  return std::vector<Leaf>{
      {"etcd-server",
       &authorities.etcd,
       CertificateUse::kClientAndServer,
       "slipway:etcd",
       {},
       {"localhost"},
       {loopback},
       {"etcd"}},
      {"apiserver-etcd",
       &authorities.etcd,
       CertificateUse::kClient,
       "slipway:apiserver",
       {},
       {},
       {},
       {"kube-apiserver"}},
      {"apiserver",
       &authorities.serving,
       CertificateUse::kServer,
       "kube-apiserver",
       {},
       {"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
        "localhost"},
       {record.spec.advertise_address, service_address, loopback},
       {"kube-apiserver"}},
      {"apiserver-kubelet",
       &authorities.client,
       CertificateUse::kClient,
       "slipway:apiserver",
       {kKubeletClientsGroup},
       {},
       {},
       {"kube-apiserver"}},
      {"front-proxy",
       &authorities.front_proxy,
       CertificateUse::kClient,
       "slipway:front-proxy",
       {},
       {},
       {},
       {"kube-apiserver"}},
      {"webhook",
       &authorities.serving,
       CertificateUse::kServer,
       "slipway-label-webhook",
       {},
       {"localhost"},
       {loopback},
       {"slipway-label-webhook"}},
      // By whom the webhook knows the apiserver. The apiserver looks for it under the webhook's address, so that it
      // shows it to no other webhook.
      {"webhook-client",
       &authorities.front_proxy,
       CertificateUse::kClient,
       "slipway:webhook-client",
       {},
       {},
       {},
       {"kube-apiserver"},
       true,
       webhook,
       "https://" + webhook},
      {"controller-manager",
       &authorities.client,
       CertificateUse::kClient,
       "system:kube-controller-manager",
       {},
       {},
       {},
       {"kube-controller-manager"},
       true},
      {"scheduler",
       &authorities.client,
       CertificateUse::kClient,
       "system:kube-scheduler",
       {},
       {},
       {},
       {"kube-scheduler"},
       true},
  };
}

// What a leaf says and who signs it: issued again when this changes.
std::string fingerprint(const Leaf& leaf, const std::string& server) {
  const std::string text =
      fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n{}\n", leaf.common_name, fmt::join(leaf.organizations, ","),
                  fmt::join(leaf.dns_names, ","), fmt::join(leaf.ip_addresses, ","), static_cast<int>(leaf.use),
                  !leaf.kubeconfig      ? ""
                  : leaf.server.empty() ? server
                                        : leaf.server,
                  to_hex(crypto::sha256(leaf.authority->certificate.der())));
  return to_hex(crypto::sha256(as_bytes(text)));
}

struct Issued {
  std::string fingerprint;
  Time until;
};

Result<std::map<std::string, Issued>> load_issued(const PrivateFolder& folder) {
  std::map<std::string, Issued> result;
  SLIPWAY_ASSIGN(const std::optional<std::string> text, folder.read(kIssuedFile));
  if (!text) return result;
  json::error_code error;
  const json::value document = json::parse(*text, error);
  const json::object* object = error ? nullptr : document.if_object();
  if (object == nullptr) return result;  // then all are issued again
  for (const auto& [name, value] : *object) {
    const json::object* entry = value.if_object();
    const json::value* print = entry == nullptr ? nullptr : entry->if_contains("fingerprint");
    const json::value* until = entry == nullptr ? nullptr : entry->if_contains("until");
    if (print == nullptr || until == nullptr || !print->is_string() || !until->is_string()) continue;
    const Result<Time> time = from_rfc3339(std::string_view(until->get_string()));
    if (time) result[std::string(name)] = Issued{std::string(print->get_string()), *time};
  }
  return result;
}

Status save_issued(const PrivateFolder& folder, const std::map<std::string, Issued>& issued) {
  json::object object;
  for (const auto& [name, entry] : issued)
    object[name] = json::object{{"fingerprint", entry.fingerprint}, {"until", to_rfc3339(entry.until)}};
  return folder.write(kIssuedFile, json::serialize(object));
}

Status write_leaf(const PrivateFolder& folder, const Leaf& leaf, const Endpoints& endpoints, Time now, Random& random) {
  crypto::CertificateTemplate content;
  content.common_name = leaf.common_name;
  content.organizations = leaf.organizations;
  content.dns_names = leaf.dns_names;
  content.ip_addresses = leaf.ip_addresses;
  content.use = leaf.use;
  content.not_before = now - seconds(60);
  content.not_after = now + kLeafLifetime;
  SLIPWAY_ASSIGN(crypto::Identity identity, crypto::issue_identity(*leaf.authority, content, random));
  const std::string base = fmt::format("pki/{}", leaf.name);
  if (leaf.kubeconfig)
    return folder.write(base + ".kubeconfig",
                        render_kubeconfig({"slipway", leaf.user.empty() ? leaf.common_name : leaf.user, "slipway",
                                           leaf.server.empty() ? endpoints.local_api_server : leaf.server, endpoints.ca,
                                           std::move(identity)}));
  SLIPWAY_TRY(folder.write(base + ".key", identity.key.pem()));
  return folder.write(base + ".pem", identity.certificate.pem());
}

Status write_if_missing(const PrivateFolder& folder, const std::string& name, const std::string& content) {
  SLIPWAY_ASSIGN(const std::optional<std::string> present, folder.read(name));
  return present ? Status() : folder.write(name, content);
}

Status write_if_different(const PrivateFolder& folder, const std::string& name, const std::string& content) {
  SLIPWAY_ASSIGN(const std::optional<std::string> present, folder.read(name));
  return present == content ? Status() : folder.write(name, content);
}

// The key that Secrets are encrypted with, and the key of service accounts' tokens: lost, what they protect is lost.
Status ensure_lasting_keys(const PrivateFolder& folder, Random& random) {
  json::array keys, resources, providers;
  keys.push_back(json::object{{"name", "first"}, {"secret", to_base64(random.bytes(32))}});
  providers.push_back(json::object{{"secretbox", json::object{{"keys", keys}}}});
  providers.push_back(json::object{{"identity", json::object{}}});
  resources.push_back(json::object{{"resources", json::array{"secrets"}}, {"providers", providers}});
  SLIPWAY_TRY(write_if_missing(folder, "encryption.json",
                               json::serialize(json::object{{"apiVersion", "apiserver.config.k8s.io/v1"},
                                                            {"kind", "EncryptionConfiguration"},
                                                            {"resources", resources}})));
  SLIPWAY_TRY(write_if_missing(folder, "pki/service-account.key", crypto::PrivateKey::generate_p256().pem()));
  SLIPWAY_ASSIGN(const std::optional<std::string> key, folder.read("pki/service-account.key"));
  SLIPWAY_ASSIGN(const crypto::PrivateKey parsed, crypto::PrivateKey::from_pem(key.value_or("")));
  return write_if_different(folder, "pki/service-account.pub", parsed.public_key().pem());
}

std::string audit_policy() {
  json::array rules, leases;
  rules.push_back(
      json::object{{"level", "None"}, {"nonResourceURLs", json::array{"/healthz*", "/livez*", "/readyz*"}}});
  leases.push_back(json::object{{"group", "coordination.k8s.io"}, {"resources", json::array{"leases"}}});
  leases.push_back(json::object{{"group", ""}, {"resources", json::array{"events"}}});
  rules.push_back(json::object{{"level", "None"}, {"resources", leases}});
  rules.push_back(json::object{{"level", "Metadata"}});
  return json::serialize(json::object{{"apiVersion", "audit.k8s.io/v1"},
                                      {"kind", "Policy"},
                                      {"omitStages", json::array{"RequestReceived"}},
                                      {"rules", rules}});
}

// What the apiserver shows webhooks. It takes absolute paths alone, and runs in its own folder.
std::string admission_configuration() {
  json::array plugins;
  for (const char* name : {"MutatingAdmissionWebhook", "ValidatingAdmissionWebhook"}) {
    plugins.push_back(json::object{
        {"name", name},
        {"configuration", json::object{{"apiVersion", "apiserver.config.k8s.io/v1"},
                                       {"kind", "WebhookAdmissionConfiguration"},
                                       {"kubeConfigFile", "/proc/self/cwd/pki/webhook-client.kubeconfig"}}}});
  }
  return json::serialize(json::object{
      {"apiVersion", "apiserver.config.k8s.io/v1"}, {"kind", "AdmissionConfiguration"}, {"plugins", plugins}});
}

}  // namespace

Result<std::map<std::string, std::string>> ensure_cluster_files(const PrivateFolder& cluster_folder,
                                                                const PrivateFolder& run_folder,
                                                                const ClusterRecord& record,
                                                                const Authorities& authorities, Time now,
                                                                Random& random) {
  for (const char* name : {"pki", "logs", "etcd"}) SLIPWAY_TRY(run_folder.make_folder(name));
  const std::pair<const char*, const crypto::Identity*> certificates[] = {
      {"etcd-ca", &authorities.etcd},
      {"client-ca", &authorities.client},
      {"front-proxy-ca", &authorities.front_proxy},
      {"serving-ca", &authorities.serving},
      {"kubelet-serving-ca", &authorities.kubelet_serving}};
  for (const auto& [name, authority] : certificates)
    SLIPWAY_TRY(write_if_different(run_folder, fmt::format("pki/{}.pem", name), authority->certificate.pem()));
  SLIPWAY_TRY(ensure_lasting_keys(run_folder, random));
  SLIPWAY_TRY(write_if_different(run_folder, "audit-policy.json", audit_policy()));
  SLIPWAY_TRY(write_if_different(run_folder, "admission.json", admission_configuration()));

  const Endpoints endpoints = endpoints_of(record, authorities);
  SLIPWAY_ASSIGN(const std::vector<Leaf> leaves, leaves_of(record, authorities));
  SLIPWAY_ASSIGN(auto issued, load_issued(cluster_folder));
  std::map<std::string, std::string> revisions;
  for (const Leaf& leaf : leaves) {
    const std::string wanted = fingerprint(leaf, endpoints.local_api_server);
    const auto present = issued.find(leaf.name);
    if (present == issued.end() || present->second.fingerprint != wanted ||
        present->second.until - now < kLeafLifetime / 3) {
      SLIPWAY_TRY(write_leaf(run_folder, leaf, endpoints, now, random));
      issued[leaf.name] = Issued{wanted, now + kLeafLifetime};
      SLIPWAY_TRY(save_issued(cluster_folder, issued));
    }
    for (const std::string& program : leaf.programs)
      revisions[program] +=
          fmt::format("{}:{}:{};", leaf.name, wanted.substr(0, 16), to_rfc3339(issued[leaf.name].until));
  }
  return revisions;
}

}  // namespace slipway::kube
