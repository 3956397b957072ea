// slipwayd, killed at ten points of an update that makes every node of a pool again, finishes it when it is started
// again: no node is made twice, no name comes back, and of the old nodes nothing stays, their TPMs included.
#include <set>

#include "slipwayd_process.h"

namespace slipway {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

constexpr int kNodes = 3;
constexpr int kPoints = 10;
const std::string kCluster = "/resourceGroups/group/providers/Microsoft.ContainerService/managedClusters/cluster";

class KillUpdate : public PreparedSlipwayd {
 protected:
  // A cluster of three nodes with a vTPM and without Secure Boot, all Ready.
  void SetUp() override {
    PreparedSlipwayd::SetUp();
    if (HasFatalFailure()) return;
    Process process(root_ / "prepared", listen_);
    ASSERT_TRUE(wait_for([&] { return answers(root_ / "prepared"); })) << process.log();
    Client client(root_ / "prepared");
    const json::array pools{json::object{
        {"name", "nodepool1"}, {"count", kNodes}, {"mode", "System"}, {"securityProfile", {{"enableVTPM", true}}}}};
    const json::object cluster{{"location", "local"}, {"properties", {{"agentPoolProfiles", pools}}}};
    ASSERT_EQ(client.call("PUT", kCluster, json::serialize(cluster)).first, 201);
    ASSERT_TRUE(wait_for([&] { return operation_status(client, client.operation()) == "Succeeded"; })) << process.log();
    EXPECT_EQ(process.end(SIGTERM), 0);
    const auto store = store::open_sqlite_store((root_ / "prepared" / "slipway.db").string());
    ASSERT_TRUE(store) << store.error().message;
    for (const fleet::Node& node : nodes(**store)) {
      old_names_.insert(node.name);
      old_instances_.insert(node.instance);
      old_keys_.insert(node.endorsement_key);
    }
    ASSERT_EQ(old_names_.size(), static_cast<std::size_t>(kNodes));
  }

  static std::vector<fleet::Node> nodes(store::Store& store) {
    std::vector<fleet::Node> result;
    const std::vector<store::Document> documents = store.list(fleet::node_key("")).value();
    for (const store::Document& document : documents) {
      result.push_back(fleet::node_from_json(document.value).value());
    }
    return result;
  }

  static int put_update(Client& client) {
    return client
        .call("PUT", kCluster + "/agentPools/nodepool1",
              R"({"properties":{"securityProfile":{"enableSecureBoot":true}}})")
        .first;
  }

  // After the process has ended.
  void expect_made_again_once(const fs::path& state) const {
    const auto store = store::open_sqlite_store((state / "slipway.db").string());
    ASSERT_TRUE(store) << store.error().message;
    std::set<std::string> instances, names;
    std::set<Bytes> keys;
    for (const fleet::Node& node : nodes(**store)) {
      instances.insert(node.instance);
      names.insert(node.name);
      keys.insert(node.endorsement_key);
      EXPECT_TRUE(node.vtpm && node.secure_boot) << node.name;
      EXPECT_EQ(node.phase, fleet::NodePhase::kReady) << node.name << ": " << node.explanation;
      EXPECT_TRUE(node.labels_applied && !node.draining) << node.name;
      EXPECT_FALSE(old_names_.contains(node.name)) << "a name came back";
      EXPECT_FALSE(old_instances_.contains(node.instance));
      EXPECT_FALSE(old_keys_.contains(node.endorsement_key)) << "a TPM came back";
      // Each node was made again once: a number that was given out and not used would be one that was lost.
      EXPECT_EQ((*store)->get(fleet::node_number_key(node.cluster, node.pool)).value().value,
                std::to_string(2 * kNodes));
    }
    EXPECT_EQ(instances.size(), static_cast<std::size_t>(kNodes));
    EXPECT_EQ(names.size(), instances.size());
    EXPECT_EQ(keys.size(), instances.size());
    std::set<std::string> on_host;
    for (const auto& entry : fs::directory_iterator(state / "host" / "instances")) {
      on_host.insert(entry.path().filename().string());
    }
    EXPECT_EQ(on_host, instances) << "of an old node something stayed on the host";
  }

  std::set<std::string> old_names_, old_instances_;
  std::set<Bytes> old_keys_;
};

TEST_F(KillUpdate, FinishesAfterSigkillAtTenPointsAndMakesNothingTwice) {
  // Undisturbed: how many commits an update is.
  std::int64_t commits = 0;
  {
    const fs::path state = fresh_state("undisturbed");
    Process process(state, listen_);
    ASSERT_TRUE(wait_for([&] { return answers(state); })) << process.log();
    Client client(state);
    const auto store = store::open_sqlite_store((state / "slipway.db").string());
    ASSERT_TRUE(store) << store.error().message;
    // The Kubernetes in memory forgot its nodes; their kubelets report again.
    ASSERT_TRUE(wait_for([&] { return all_ready(**store); })) << process.log();
    const std::int64_t before = revision(**store);
    ASSERT_EQ(put_update(client), 200);
    ASSERT_TRUE(wait_for([&] { return operation_status(client, client.operation()) != "InProgress"; }))
        << process.log();
    EXPECT_EQ(operation_status(client, client.operation()), "Succeeded") << process.log();
    commits = revision(**store) - before;
    EXPECT_EQ(process.end(SIGTERM), 0);
    expect_made_again_once(state);
  }
  ASSERT_GT(commits, kPoints);

  int in_the_middle = 0;
  for (int point = 1; point <= kPoints; ++point) {
    SCOPED_TRACE("point " + std::to_string(point) + " of " + std::to_string(kPoints));
    const fs::path state = fresh_state("point" + std::to_string(point));
    auto process = std::make_unique<Process>(state, listen_);
    ASSERT_TRUE(wait_for([&] { return answers(state); })) << process->log();
    auto client = std::make_unique<Client>(state);
    const auto store = store::open_sqlite_store((state / "slipway.db").string());
    ASSERT_TRUE(store) << store.error().message;
    ASSERT_TRUE(wait_for([&] { return all_ready(**store); })) << process->log();
    const std::int64_t target = revision(**store) + point * commits / (kPoints + 1);
    ASSERT_EQ(put_update(*client), 200);
    const std::string operation = client->operation(), key = client->operation_key();
    for (const auto end = std::chrono::steady_clock::now() + kPatience;
         revision(**store) < target && std::chrono::steady_clock::now() < end;) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    process->end(SIGKILL);
    const auto interrupted = fleet::operation_from_json((*store)->get(key).value().value);
    in_the_middle += interrupted && interrupted->status == "InProgress" ? 1 : 0;

    process = std::make_unique<Process>(state, listen_);
    ASSERT_TRUE(wait_for([&] { return answers(state); })) << process->log();
    client = std::make_unique<Client>(state);
    EXPECT_TRUE(wait_for([&] { return operation_status(*client, operation) != "InProgress"; })) << process->log();
    EXPECT_EQ(operation_status(*client, operation), "Succeeded") << process->log();
    EXPECT_TRUE(wait_for([&] { return all_ready(**store); })) << process->log();
    EXPECT_EQ(process->end(SIGTERM), 0);
    expect_made_again_once(state);
  }
  // A test whose kills all came too late would prove nothing.
  EXPECT_GE(in_the_middle, kPoints - 2);
}

}  // namespace
}  // namespace slipway
