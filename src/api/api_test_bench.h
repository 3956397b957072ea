#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <filesystem>
#include <memory>
#include <string>

#include "api/api.h"
#include "api/token.h"
#include "base/manual_clock_for_tests.h"
#include "base/temporary_folder_for_tests.h"
#include "crypto/secret_hash.h"
#include "fleet/types.h"
#include "store/memory.h"

// What the API's tests stand on: the API over a memory store, a clock moved by hand, and a Kubernetes that gives out
// kubeconfigs and nothing else.
namespace slipway::api {

class KubeconfigsOnly final : public kube::Kubernetes {
 public:
  Result<kube::Endpoints> ensure_cluster(const kube::ClusterSpec&) override { return unused(); }
  Status remove_cluster(const std::string&) override { return unused(); }
  Status check_label_guard(const std::string&) override { return unused(); }
  Result<crypto::Certificate> issue_kubelet_client(const std::string&, const std::string&, const crypto::PublicKey&,
                                                   Time, seconds) override {
    return unused();
  }
  Result<crypto::Certificate> issue_kubelet_serving(const std::string&, const std::string&,
                                                    const std::vector<std::string>&, const crypto::PublicKey&, Time,
                                                    seconds) override {
    return unused();
  }
  Result<std::string> kubeconfig(const std::string& cluster, kube::Credential credential,
                                 const std::string& resource_group, const std::string& name, Time) override {
    const std::string user = credential == kube::Credential::kClusterAdmin ? "clusterAdmin" : "clusterUser";
    return cluster + " " + user + "_" + resource_group + "_" + name;
  }
  Result<std::vector<kube::Node>> list_nodes(const std::string&) override { return unused(); }
  Result<std::optional<kube::Node>> get_node(const std::string&, const std::string&) override { return unused(); }
  Status set_labels(const std::string&, const std::string&,
                    const std::map<std::string, std::optional<std::string>>&) override {
    return unused();
  }
  Status cordon(const std::string&, const std::string&, bool) override { return unused(); }
  Result<std::vector<kube::Pod>> list_pods(const std::string&, const std::string&) override { return unused(); }
  Result<kube::Eviction> evict(const std::string&, const kube::Pod&) override { return unused(); }
  Status delete_node(const std::string&, const std::string&) override { return unused(); }

 private:
  static tl::unexpected<Error> unused() { return fail(ErrorCode::kInternal, "the API must not ask for this"); }
};

class ApiTest : public testing::Test {
 protected:
  static constexpr const char* kTenant = "11111111-1111-4111-8111-111111111111";
  static constexpr const char* kSubscription = "22222222-2222-4222-8222-222222222222";
  static constexpr const char* kSecret = "s3cret";

  ApiTest()
      : token_keys_(TokenKeys::in_memory(token_key(), clock_.now())),
        activity_log_(ActivityLog::open(log_folder_.path().string()).value()),
        api_(options(), *store_, kubernetes_, clock_, random_) {
    keep("owner", "Owner", "/", owner_hash());
    token_ = issue_token(options(), "owner", clock_.now()).value();
  }

  static const crypto::PrivateKey& token_key() {
    static const crypto::PrivateKey key = crypto::PrivateKey::generate_p256();
    return key;
  }
  // The slow hash is made once: it is slow.
  static const std::string& owner_hash() {
    static const std::string hash = [] {
      SystemRandom random;
      return crypto::hash_secret(kSecret, random);
    }();
    return hash;
  }
  ApiOptions options() {
    fleet::RulesProfile rules = fleet::built_in_rules_profile("preview").value();
    rules.minimum_kubernetes_version = "1.20.2";
    return {.tenant = kTenant,
            .subscription = kSubscription,
            .token_keys = token_keys_.get(),
            .activity_log = activity_log_.get(),
            .rules = std::move(rules),
            .sizes = fleet::built_in_vm_sizes(),
            .kubernetes_versions = {"1.19.16", "1.20.2"},
            .location = "local",
            .images = [this] { return catalog_; },
            .evidence_bundle = [](const std::string& instance) -> Result<std::string> {
              return R"({"instance":")" + instance + "\"}";
            },
            .attestation_result = [](const std::string& instance) -> Result<std::string> { return "jwt." + instance; },
            .result_keys = []() -> Result<std::string> { return R"({"keys":[]})"; },
            .on_change = [this](const std::string& cluster) { changed_.push_back(cluster); }};
  }
  // A client with one role.
  void keep(const std::string& client, const std::string& role, const std::string& scope,
            const std::string& secret_hash = {}) {
    const StoredPrincipal principal{client, secret_hash, client + "'s name", {}, {}};
    const RoleAssignment assignment{make_uuid(random_), client, role, scope, {}, ""};
    ASSERT_TRUE(store_->commit(
        {{},
         {{principal_key(client), to_json(principal)}, {role_assignment_key(assignment.id), to_json(assignment)}},
         {}}));
  }
  // From now on requests are this client's.
  void become(const std::string& client) { token_ = issue_token(options(), client, clock_.now()).value(); }

  http::Response send(const std::string& method, const std::string& path, const std::string& body = {},
                      http::Headers headers = {}) {
    http::Request request;
    request.method = method;
    request.path = path;
    request.query["api-version"] = "2025-03-01";
    request.headers = std::move(headers);
    if (!token_.empty()) request.headers.emplace("Authorization", "Bearer " + token_);
    request.body = body;
    request.peer = "192.0.2.1";
    request.base_url = "https://127.0.0.1:18443";
    return api_.handle(request);
  }
  static boost::json::value parsed(const http::Response& response) {
    boost::json::error_code error;
    boost::json::value value = boost::json::parse(response.body, error);
    EXPECT_FALSE(error) << response.body;
    return value;
  }
  // The text or other value at a JSON pointer; "(absent)" where there is none.
  static std::string at(const http::Response& response, const std::string& pointer) {
    const boost::json::value value = parsed(response);
    boost::json::error_code error;
    const boost::json::value* const found = value.find_pointer(pointer, error);
    if (found == nullptr) return "(absent)";
    return found->is_string() ? std::string(found->get_string()) : boost::json::serialize(*found);
  }
  static std::string error_code(const http::Response& response) { return at(response, "/error/code"); }

  static std::string subscription_path(const std::string& rest = {}) {
    return std::string("/subscriptions/") + kSubscription + rest;
  }
  static std::string cluster_path(const std::string& rest = {}) {
    return subscription_path("/resourceGroups/myResourceGroup/providers/Microsoft.ContainerService/managedClusters") +
           rest;
  }
  static std::string feature_path(const std::string& rest = {}) {
    return subscription_path(
               "/providers/Microsoft.Features/providers/Microsoft.ContainerService/features/TrustedLaunchPreview") +
           rest;
  }
  // What az sends for the article's create.
  static std::string create_body(const std::string& security = R"({"enableVTPM":true,"enableSecureBoot":true})",
                                 const std::string& more_of_pool = {}) {
    const std::string security_profile = security.empty() ? "" : R"(,"securityProfile":)" + security;
    return R"({"location":"local","identity":{"type":"SystemAssigned"},"properties":{"kubernetesVersion":"",)"
           R"("dnsPrefix":"myAKSClust","agentPoolProfiles":[{"count":1,"vmSize":"","osType":"Linux","name":"nodepool1",)"
           R"("type":"VirtualMachineScaleSets","mode":"System","enableAutoScaling":false,"scaleSetPriority":"Regular",)"
           R"("scaleSetEvictionPolicy":"Delete","spotMaxPrice":-1.0,"nodeTaints":[],"enableFIPS":false)" +
           security_profile + more_of_pool +
           R"(}],"linuxProfile":{"adminUsername":"azureuser","ssh":{"publicKeys":[{"keyData":"ssh-rsa A"}]}},)"
           R"("addonProfiles":{},"enableRBAC":true,"networkProfile":{"podCidr":"10.244.0.0/16",)"
           R"("serviceCidr":"10.0.0.0/16","dnsServiceIP":"10.0.0.10","outboundType":"loadBalancer",)"
           R"("loadBalancerSku":"standard"},"disableLocalAccounts":false,"storageProfile":{},)"
           R"("windowsProfile":{"adminPassword":"hunter2"}}})";
  }
  void create_group() {
    ASSERT_EQ(send("PUT", subscription_path("/resourcegroups/myResourceGroup"), R"({"location":"local"})").status, 201);
  }
  void enable_feature() {
    ASSERT_EQ(send("POST", feature_path("/register")).status, 200);
    clock_.advance(seconds(6));
    ASSERT_EQ(send("POST", subscription_path("/providers/Microsoft.ContainerService/register")).status, 200);
  }
  void create_cluster() {
    create_group();
    enable_feature();
    const http::Response response = send("PUT", cluster_path("/myAKSCluster"), create_body());
    ASSERT_EQ(response.status, 201) << response.body;
  }
  // What control does at the end of an operation.
  void finish_cluster() {
    fleet::Cluster cluster = only<fleet::Cluster>("/clusters/", fleet::cluster_from_json);
    fleet::Operation operation =
        fleet::operation_from_json(store_->get(fleet::operation_key(cluster.operation))->value).value();
    operation.status = "Succeeded";
    operation.ended = clock_.now();
    cluster.operation.clear();
    cluster.state = fleet::ProvisioningState::kSucceeded;
    cluster.api_server = "https://10.77.0.1:16443";
    store::Transaction transaction;
    transaction.puts = {{fleet::cluster_key(cluster.id), to_json(cluster)},
                        {fleet::operation_key(operation.id), to_json(operation)}};
    const std::vector<store::Document> pools = store_->list(fleet::pool_key(cluster.id, "")).value();
    for (const store::Document& document : pools) {
      fleet::Pool pool = fleet::pool_from_json(document.value).value();
      pool.state = fleet::ProvisioningState::kSucceeded;
      pool.operation.clear();
      transaction.puts.push_back({document.key, to_json(pool)});
    }
    ASSERT_TRUE(store_->commit(transaction));
  }
  template <typename Record>
  Record only(const std::string& prefix, Result<Record> (*decode)(std::string_view)) {
    const std::vector<store::Document> documents = store_->list(prefix).value();
    EXPECT_EQ(documents.size(), 1U) << prefix;
    return decode(documents.at(0).value).value();
  }
  // Everything in the store, for "nothing changed".
  std::string whole_store() {
    std::string text;
    const std::vector<store::Document> documents = store_->list("").value();
    for (const store::Document& document : documents) {
      text += document.key + "=" + document.value + "@" + std::to_string(document.revision) + "\n";
    }
    return text;
  }

  ManualClock clock_;
  SystemRandom random_;
  std::unique_ptr<store::Store> store_ = store::make_memory_store();
  KubeconfigsOnly kubernetes_;
  fleet::ImageCatalog catalog_{{{"SlipwayDebian-12-gen2containerd-202611.23.0", false},
                                {"SlipwayDebian-12-gen2TLcontainerd-202611.23.0", true}}};
  std::vector<std::string> changed_;
  TemporaryFolder log_folder_;
  std::unique_ptr<TokenKeys> token_keys_;
  std::unique_ptr<ActivityLog> activity_log_;
  Api api_;
  std::string token_;
};

}  // namespace slipway::api
