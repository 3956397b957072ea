#include "api/api_test_bench.h"

// The article's walk, request by request, and what each answer must hold for az and the SDKs.
namespace slipway::api {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST_F(ApiTest, CloudRegistrationAndLogin) {
  token_.clear();
  const auto metadata = send("GET", "/metadata/endpoints");
  ASSERT_EQ(metadata.status, 200);
  EXPECT_EQ(at(metadata, "/authentication/loginEndpoint"), "https://127.0.0.1:18443");
  EXPECT_EQ(at(metadata, "/authentication/audiences/0"), "https://127.0.0.1:18443/");

  const auto openid = send("GET", std::string("/") + kTenant + "/v2.0/.well-known/openid-configuration");
  ASSERT_EQ(openid.status, 200);
  EXPECT_EQ(at(openid, "/token_endpoint"), std::string("https://127.0.0.1:18443/") + kTenant + "/oauth2/v2.0/token");
  EXPECT_THAT(at(openid, "/issuer"), HasSubstr(kTenant));
  EXPECT_EQ(at(send("GET", "/adfs/.well-known/openid-configuration"), "/token_endpoint"),
            "https://127.0.0.1:18443/adfs/oauth2/token");
  EXPECT_EQ(send("GET", "/adfs/other/v2.0/.well-known/openid-configuration").status, 404);
  EXPECT_EQ(at(send("GET", std::string("/") + kTenant + "/discovery/v2.0/keys"), "/keys/0/alg"), "ES256");

  const std::string form =
      "grant_type=client_credentials&client_id=owner&client_secret=s3cret&client_info=1&scope="
      "https%3A%2F%2F127.0.0.1%3A18443%2F%2F.default";
  for (const std::string& path :
       {std::string("/") + kTenant + "/oauth2/v2.0/token", std::string("/adfs/oauth2/token")}) {
    const auto reply = send("POST", path, form);
    ASSERT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(at(reply, "/token_type"), "Bearer");
    EXPECT_EQ(at(reply, "/expires_in"), "3600");
    token_ = at(reply, "/access_token");
    EXPECT_EQ(at(send("GET", "/subscriptions"), "/value/0/subscriptionId"), kSubscription);
    token_.clear();
  }
  const auto basic = send("POST", "/adfs/oauth2/token", "grant_type=client_credentials",
                          {{"Authorization", "Basic " + to_base64(as_bytes("owner:s3cret"))}});
  EXPECT_EQ(basic.status, 200);
}

TEST_F(ApiTest, FeatureIsRegisteringFirstAndTakesEffectAfterTheProvider) {
  EXPECT_EQ(at(send("GET", feature_path()), "/properties/state"), "NotRegistered");
  const auto asked = send("POST", feature_path("/register"));
  EXPECT_EQ(at(asked, "/properties/state"), "Registering");
  EXPECT_EQ(at(asked, "/name"), "Microsoft.ContainerService/TrustedLaunchPreview");
  EXPECT_EQ(at(asked, "/properties/preview"), "true");
  // Out of order: the provider before Registered.
  EXPECT_EQ(send("POST", subscription_path("/providers/Microsoft.ContainerService/register")).status, 200);
  clock_.advance(seconds(2));
  EXPECT_EQ(at(send("GET", feature_path()), "/properties/state"), "Registering");
  clock_.advance(seconds(4));
  EXPECT_EQ(at(send("GET", feature_path()), "/properties/state"), "Registered");
  EXPECT_EQ(at(send("GET", feature_path()), "/properties/effective"), "false");
  create_group();
  const auto early = send("PUT", cluster_path("/c"), create_body());
  EXPECT_EQ(early.status, 400);
  EXPECT_EQ(error_code(early), "BadRequest");
  EXPECT_THAT(at(early, "/error/message"), HasSubstr("provider register"));

  const auto provider = send("POST", subscription_path("/providers/microsoft.containerservice/register"));
  EXPECT_EQ(at(provider, "/registrationState"), "Registered");
  EXPECT_EQ(at(send("GET", feature_path()), "/properties/effective"), "true");
  EXPECT_EQ(send("PUT", cluster_path("/c"), create_body()).status, 201);
  EXPECT_EQ(at(send("POST", feature_path("/register")), "/properties/state"), "Registered");

  EXPECT_EQ(at(send("POST", feature_path("/unregister")), "/properties/state"), "Unregistered");
  EXPECT_EQ(send("PUT", cluster_path("/d"), create_body()).status, 400);
  const auto list =
      send("GET", subscription_path("/providers/Microsoft.Features/providers/Microsoft.ContainerService/features"));
  EXPECT_EQ(at(list, "/value/0/properties/state"), "Unregistered");
}

TEST_F(ApiTest, ResourceGroups) {
  const std::string path = subscription_path("/resourcegroups/myResourceGroup");
  EXPECT_EQ(send("HEAD", path).status, 404);
  EXPECT_EQ(send("PUT", path, R"({"location":"local","tags":{"a":"b"}})").status, 201);
  EXPECT_EQ(send("HEAD", path).status, 204);
  EXPECT_EQ(send("PUT", path, R"({"location":"LOCAL"})").status, 200);
  EXPECT_EQ(error_code(send("PUT", path, R"({"location":"other"})")), "InvalidResourceGroupLocation");
  EXPECT_EQ(error_code(send("PUT", path, "{}")), "LocationRequired");
  EXPECT_EQ(at(send("GET", subscription_path("/RESOURCEGROUPS/MYRESOURCEGROUP")), "/name"), "myResourceGroup");
  EXPECT_EQ(at(send("GET", subscription_path("/resourcegroups")), "/value/0/properties/provisioningState"),
            "Succeeded");
  EXPECT_EQ(send("DELETE", path).status, 200);
  EXPECT_EQ(error_code(send("GET", path)), "ResourceGroupNotFound");
  EXPECT_EQ(error_code(send("PUT", subscription_path("/resourcegroups/a."), R"({"location":"x"})")),
            "InvalidParameter");
}

TEST_F(ApiTest, CreateWritesWhatIsWantedAndAnOperation) {
  create_group();
  enable_feature();
  const auto created = send("PUT", cluster_path("/myAKSCluster"), create_body());
  ASSERT_EQ(created.status, 201) << created.body;
  EXPECT_EQ(created.headers.at("Retry-After"), "1");
  EXPECT_EQ(created.headers.count("Location"), 0U);

  const auto cluster = only<fleet::Cluster>("/clusters/", fleet::cluster_from_json);
  EXPECT_EQ(cluster.name, "myAKSCluster");
  EXPECT_EQ(cluster.resource_group, "myResourceGroup");
  EXPECT_EQ(cluster.kubernetes_version, "1.20.2");
  EXPECT_EQ(cluster.state, fleet::ProvisioningState::kCreating);
  EXPECT_THAT(cluster.body, Not(HasSubstr("hunter2")));
  EXPECT_EQ(changed_, std::vector<std::string>{cluster.id});
  EXPECT_EQ(store_->get(fleet::cluster_name_key(kSubscription, "MYRESOURCEGROUP", "MYAKSCLUSTER"))->value, cluster.id);
  const auto pool = only<fleet::Pool>("/pools/", fleet::pool_from_json);
  EXPECT_EQ(pool.cluster, cluster.id);
  EXPECT_EQ(pool.name, "nodepool1");
  EXPECT_EQ(pool.count, 1);
  EXPECT_TRUE(pool.vtpm && pool.secure_boot);
  EXPECT_EQ(pool.vm_size, "Slipway_S2");
  EXPECT_EQ(pool.memory_mib, 2048);
  EXPECT_THAT(pool.node_image_version, HasSubstr("TL"));
  const auto operation = only<fleet::Operation>("/operations/", fleet::operation_from_json);
  EXPECT_EQ(operation.kind, "CreateCluster");
  EXPECT_EQ(operation.cluster, cluster.id);
  EXPECT_EQ(cluster.operation, operation.id);

  EXPECT_EQ(at(created, "/properties/provisioningState"), "Creating");
  EXPECT_EQ(at(created, "/properties/servicePrincipalProfile/clientId"), "msi");
  EXPECT_EQ(at(created, "/properties/agentPoolProfiles/0/name"), "nodepool1");
  EXPECT_EQ(at(created, "/properties/agentPoolProfiles/0/securityProfile/enableVTPM"), "true");
  EXPECT_EQ(at(created, "/properties/agentPoolProfiles/0/orchestratorVersion"), "1.20.2");
  EXPECT_THAT(at(created, "/id"), HasSubstr("/resourcegroups/myResourceGroup/"));
  EXPECT_EQ(at(created, "/properties/nodeResourceGroup"), "MC_myResourceGroup_myAKSCluster_local");
  EXPECT_EQ(at(created, "/properties/linuxProfile/adminUsername"), "azureuser");
}

TEST_F(ApiTest, TheOperationTellsItsProgressAndItsEnd) {
  create_group();
  enable_feature();
  const auto created = send("PUT", cluster_path("/myAKSCluster"), create_body());
  std::string path = created.headers.at("Azure-AsyncOperation");
  ASSERT_EQ(path.rfind("https://127.0.0.1:18443/", 0), 0U);
  path = path.substr(std::string("https://127.0.0.1:18443").size());
  path = path.substr(0, path.find('?'));
  auto operation = only<fleet::Operation>("/operations/", fleet::operation_from_json);
  operation.progress = "1 of 1 nodes booting (34 s)";
  ASSERT_TRUE(store_->commit({{}, {{fleet::operation_key(operation.id), to_json(operation)}}, {}}));
  const auto running = send("GET", path);
  EXPECT_EQ(running.status, 200);
  EXPECT_EQ(running.headers.at("Retry-After"), "1");
  EXPECT_EQ(at(running, "/status"), "InProgress");
  EXPECT_EQ(at(running, "/properties/progress"), "1 of 1 nodes booting (34 s)");
  EXPECT_EQ(at(running, "/endTime"), "(absent)");
  std::string result_path = path;
  result_path.replace(result_path.find("/operations/"), 12, "/operationresults/");
  EXPECT_EQ(send("GET", result_path).status, 202);

  finish_cluster();
  EXPECT_EQ(at(send("GET", path), "/status"), "Succeeded");
  EXPECT_EQ(send("GET", path).headers.count("Retry-After"), 0U);
  EXPECT_EQ(at(send("GET", result_path), "/name"), "myAKSCluster");

  operation.status = "Failed";
  operation.error_code = "NodeBootRefused";
  operation.error_message = "shim was refused";
  ASSERT_TRUE(store_->commit({{}, {{fleet::operation_key(operation.id), to_json(operation)}}, {}}));
  const auto failed = send("GET", path);
  EXPECT_EQ(failed.status, 200);
  EXPECT_EQ(error_code(failed), "NodeBootRefused");
  EXPECT_EQ(error_code(send("GET", result_path)), "NodeBootRefused");
  EXPECT_EQ(send("GET", path + "0").status, 404);
}

TEST_F(ApiTest, CredentialsAreForARunningCluster) {
  create_cluster();
  EXPECT_EQ(send("POST", cluster_path("/myAKSCluster/listClusterUserCredential")).status, 409);
  finish_cluster();
  const auto user = send("POST", cluster_path("/myakscluster/listClusterUserCredential"));
  ASSERT_EQ(user.status, 200);
  EXPECT_EQ(at(user, "/kubeconfigs/0/name"), "clusterUser");
  const std::string id = only<fleet::Cluster>("/clusters/", fleet::cluster_from_json).id;
  EXPECT_EQ(as_text(from_base64(at(user, "/kubeconfigs/0/value")).value()),
            id + " clusterUser_myResourceGroup_myAKSCluster");
  const auto admin = send("POST", cluster_path("/myAKSCluster/listClusterAdminCredential"));
  EXPECT_EQ(at(admin, "/kubeconfigs/0/name"), "clusterAdmin");
}

TEST_F(ApiTest, NodePoolsAreAddedScaledAndDeleted) {
  create_cluster();
  const std::string path = cluster_path("/myAKSCluster/agentPools/mynodepool");
  const std::string body =
      R"({"properties":{"vmSize":"","mode":"User","orchestratorVersion":"","securityProfile":{"enableVTPM":true}}})";
  EXPECT_EQ(error_code(send("PUT", path, body)), "OperationNotAllowed");  // the cluster is Creating
  finish_cluster();
  const auto added = send("PUT", path, body);
  ASSERT_EQ(added.status, 201) << added.body;
  EXPECT_EQ(at(added, "/properties/count"), "3");  // S73
  EXPECT_EQ(at(added, "/properties/securityProfile/enableVTPM"), "true");
  EXPECT_EQ(at(added, "/properties/securityProfile/enableSecureBoot"), "false");
  EXPECT_EQ(at(added, "/properties/provisioningState"), "Creating");
  const std::string store_before = whole_store();
  const auto again = send("PUT", path, body);
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(again.headers.at("Azure-AsyncOperation"), added.headers.at("Azure-AsyncOperation"));
  EXPECT_EQ(whole_store(), store_before);
  EXPECT_EQ(error_code(send("PUT", path, R"({"properties":{"count":5}})")), "OperationNotAllowed");
  const auto listed = send("GET", cluster_path("/myAKSCluster/agentPools"));
  EXPECT_EQ(at(listed, "/value/0/name"), "mynodepool");
  EXPECT_EQ(at(listed, "/value/1/name"), "nodepool1");

  fleet::Cluster cluster = only<fleet::Cluster>("/clusters/", fleet::cluster_from_json);
  const std::string key = fleet::pool_key(cluster.id, "mynodepool");
  fleet::Pool pool = fleet::pool_from_json(store_->get(key)->value).value();
  EXPECT_EQ(pool.operation.empty(), false);
  pool.operation.clear();
  pool.state = fleet::ProvisioningState::kSucceeded;
  ASSERT_TRUE(store_->commit({{}, {{key, to_json(pool)}}, {}}));
  const auto scaled = send("PUT", path, R"({"properties":{"count":5}})");
  ASSERT_EQ(scaled.status, 200) << scaled.body;
  EXPECT_EQ(at(scaled, "/properties/count"), "5");
  EXPECT_EQ(at(scaled, "/properties/securityProfile/enableVTPM"), "true");
  EXPECT_EQ(at(scaled, "/properties/provisioningState"), "Scaling");

  const auto deleted = send("DELETE", path);
  EXPECT_EQ(deleted.status, 202);
  EXPECT_EQ(deleted.headers.count("Location"), 1U);
  EXPECT_EQ(deleted.headers.count("Azure-AsyncOperation"), 1U);
  pool = fleet::pool_from_json(store_->get(key)->value).value();
  EXPECT_TRUE(pool.deletion_requested);
  std::string scaling = scaled.headers.at("Azure-AsyncOperation").substr(std::string("https://127.0.0.1:18443").size());
  EXPECT_EQ(at(send("GET", scaling.substr(0, scaling.find('?'))), "/status"), "Canceled");
  EXPECT_EQ(send("DELETE", path).headers.at("Azure-AsyncOperation"), deleted.headers.at("Azure-AsyncOperation"));
  EXPECT_EQ(send("DELETE", cluster_path("/myAKSCluster/agentPools/other")).status, 204);
}

TEST_F(ApiTest, ClustersAreDeletedOnceWhateverRuns) {
  create_cluster();
  const auto deleted = send("DELETE", cluster_path("/myAKSCluster"));
  EXPECT_EQ(deleted.status, 202);
  const auto cluster = only<fleet::Cluster>("/clusters/", fleet::cluster_from_json);
  EXPECT_TRUE(cluster.deletion_requested);
  EXPECT_EQ(cluster.state, fleet::ProvisioningState::kDeleting);
  EXPECT_EQ(fleet::operation_from_json(store_->get(fleet::operation_key(cluster.operation))->value)->kind,
            "DeleteCluster");
  int canceled = 0;
  const std::vector<store::Document> operations = store_->list("/operations/").value();
  for (const auto& document : operations) canceled += fleet::operation_from_json(document.value)->status == "Canceled";
  EXPECT_EQ(canceled, 1);
  const std::string before = whole_store();
  EXPECT_EQ(send("DELETE", cluster_path("/myAKSCluster")).headers.at("Location"), deleted.headers.at("Location"));
  EXPECT_EQ(error_code(send("PUT", cluster_path("/myAKSCluster"), create_body())), "OperationNotAllowed");
  EXPECT_EQ(error_code(send("PUT", cluster_path("/myAKSCluster/agentPools/p"), "{}")), "OperationNotAllowed");
  EXPECT_EQ(whole_store(), before);
  EXPECT_EQ(send("DELETE", cluster_path("/other")).status, 204);
}

TEST_F(ApiTest, AClusterPutAgainIsTheSameOperationThenAnUpdate) {
  create_cluster();
  const std::string before = whole_store();
  const auto again = send("PUT", cluster_path("/myAKSCluster"), create_body());
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(again.headers.count("Azure-AsyncOperation"), 1U);
  EXPECT_EQ(whole_store(), before);
  finish_cluster();
  const auto tagged =
      send("PUT", cluster_path("/myAKSCluster"), R"({"location":"local","tags":{"a":"b"},"properties":{}})");
  ASSERT_EQ(tagged.status, 200) << tagged.body;
  EXPECT_EQ(at(tagged, "/tags/a"), "b");
  EXPECT_EQ(at(tagged, "/properties/linuxProfile/adminUsername"), "azureuser");
  EXPECT_EQ(at(tagged, "/properties/provisioningState"), "Updating");
  finish_cluster();
  EXPECT_EQ(at(send("PATCH", cluster_path("/myAKSCluster"), R"({"tags":{"c":"d"}})"), "/tags/c"), "d");
  for (const char* change :
       {R"({"location":"moon","properties":{}})", R"({"properties":{"kubernetesVersion":"1.19.16"}})",
        R"({"properties":{"agentPoolProfiles":[{"name":"nodepool1","count":2}]}})",
        R"({"properties":{"agentPoolProfiles":[{"name":"new","count":2}]}})"}) {
    const auto refused = send("PUT", cluster_path("/myAKSCluster"), change);
    EXPECT_EQ(refused.status, 400) << change;
    EXPECT_EQ(error_code(refused), "PropertyChangeNotAllowed") << change;
  }
}

TEST_F(ApiTest, ListsAndVersions) {
  create_cluster();
  EXPECT_EQ(at(send("GET", cluster_path()), "/value/0/name"), "myAKSCluster");
  EXPECT_EQ(
      at(send("GET", subscription_path("/providers/Microsoft.ContainerService/managedClusters")), "/value/0/name"),
      "myAKSCluster");
  const auto versions =
      send("GET", subscription_path("/providers/Microsoft.ContainerService/locations/local/kubernetesVersions"));
  EXPECT_EQ(at(versions, "/values/1/version"), "1.20");
  EXPECT_EQ(at(versions, "/values/1/isDefault"), "true");
  EXPECT_EQ(at(versions, "/values/1/patchVersions/1.20.2"), R"({"upgrades":[]})");
}

TEST_F(ApiTest, NodesTellTheirStateAndTheirBootReport) {
  create_cluster();
  const auto cluster = only<fleet::Cluster>("/clusters/", fleet::cluster_from_json);
  EXPECT_EQ(at(send("GET", cluster_path("/myAKSCluster/nodes")), "/value"), "[]");
  fleet::Node node;
  node.instance = make_uuid(random_);
  node.cluster = cluster.id;
  node.pool = "nodepool1";
  node.name = "aks-nodepool1-vmss000000";
  node.vtpm = node.secure_boot = true;
  node.phase = fleet::NodePhase::kReady;
  node.ip = "10.77.0.10";
  node.verdict = R"({"verdict":"trusted","components":[{"name":"shim"}]})";
  fleet::Node other = node;
  other.instance = make_uuid(random_);
  other.cluster = "celsewhere";
  ASSERT_TRUE(store_->commit(
      {{}, {{fleet::node_key(node.instance), to_json(node)}, {fleet::node_key(other.instance), to_json(other)}}, {}}));
  const auto list = send("GET", cluster_path("/myAKSCluster/nodes"));
  EXPECT_EQ(at(list, "/value/0/properties/verdict"), "trusted");
  EXPECT_EQ(at(list, "/value/0/properties/ready"), "true");
  EXPECT_EQ(at(list, "/value/0/properties/bootReport"), "(absent)");
  EXPECT_EQ(at(list, "/value/1"), "(absent)");
  const auto one = send("GET", cluster_path("/myAKSCluster/nodes/aks-nodepool1-vmss000000"));
  EXPECT_EQ(at(one, "/properties/bootReport/components/0/name"), "shim");
  EXPECT_EQ(at(one, "/properties/internalIp"), "10.77.0.10");
  EXPECT_EQ(at(one, "/properties/attestationResult"), "jwt." + node.instance);
  EXPECT_EQ(at(list, "/value/0/properties/attestationResult"), "(absent)");
  const std::string path = "/myAKSCluster/nodes/aks-nodepool1-vmss000000";
  EXPECT_EQ(at(send("GET", cluster_path(path + "/evidence")), "/instance"), node.instance);
  EXPECT_EQ(at(send("GET", cluster_path(path + "/attestationResult")), "/token"), "jwt." + node.instance);
  EXPECT_EQ(send("GET", cluster_path("/myAKSCluster/nodes/x/evidence")).status, 404);
  // The keys are for everybody, evidence is for clients.
  token_ = "none";
  EXPECT_EQ(send("GET", cluster_path(path + "/evidence")).status, 401);
  EXPECT_EQ(at(send("GET", "/.well-known/jwks.json"), "/keys"), "[]");
  become("owner");
  const auto missing = send("GET", cluster_path("/myAKSCluster/nodes/x"));
  EXPECT_EQ(missing.status, 404);
  EXPECT_THAT(at(missing, "/error/message"), HasSubstr("aks-nodepool1-vmss000000"));
}

TEST_F(ApiTest, TheImageFollowsThePoolAndTheFeature) {
  create_group();
  ASSERT_EQ(send("PUT", cluster_path("/before"), create_body("")).status, 201);
  EXPECT_THAT(only<fleet::Pool>("/pools/", fleet::pool_from_json).node_image_version, Not(HasSubstr("TL")));
  enable_feature();
  const auto after = send("PUT", cluster_path("/after"), create_body(""));
  EXPECT_THAT(at(after, "/properties/agentPoolProfiles/0/nodeImageVersion"), HasSubstr("TL"));  // S88
  EXPECT_EQ(at(after, "/properties/agentPoolProfiles/0/securityProfile"),
            R"({"enableVTPM":false,"enableSecureBoot":false})");
  catalog_.images.pop_back();
  const std::string before = whole_store();
  const auto no_image = send("PUT", cluster_path("/none"), create_body());
  EXPECT_EQ(error_code(no_image), "NodeImageNotFound");
  EXPECT_THAT(at(no_image, "/error/message"), HasSubstr("slipway image build"));
  EXPECT_EQ(whole_store(), before);
}

}  // namespace
}  // namespace slipway::api
