// slipwayd, killed at ten points of a create and started again, finishes it, and nothing is made twice. The points are
// spread evenly over the commits that an undisturbed create makes.
#include <set>

#include "slipwayd_process.h"

namespace slipway {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int kNodes = 3;
constexpr int kPoints = 10;

class KillCreate : public PreparedSlipwayd {
 protected:
  static int put_cluster(Client& client) {
    json::array pools{json::object{{"name", "nodepool1"},
                                   {"count", kNodes},
                                   {"mode", "System"},
                                   {"securityProfile", {{"enableVTPM", true}, {"enableSecureBoot", true}}}}};
    const json::object cluster{{"location", "local"},
                               {"properties", {{"kubernetesVersion", ""}, {"agentPoolProfiles", pools}}}};
    return client
        .call("PUT", "/resourceGroups/group/providers/Microsoft.ContainerService/managedClusters/cluster",
              json::serialize(cluster))
        .first;
  }

  // One of everything that there must be one of, after the process has ended.
  static void expect_made_once(const fs::path& state) {
    const auto store = store::open_sqlite_store((state / "slipway.db").string());
    ASSERT_TRUE(store) << store.error().message;
    EXPECT_EQ((*store)->list(fleet::cluster_key("")).value().size(), 1U);
    const auto nodes = (*store)->list(fleet::node_key("")).value();
    EXPECT_EQ(nodes.size(), static_cast<std::size_t>(kNodes));
    std::set<std::string> instances, names;
    std::set<Bytes> endorsement_keys, attestation_keys;
    for (const store::Document& document : nodes) {
      const fleet::Node node = fleet::node_from_json(document.value).value();
      instances.insert(node.instance);
      names.insert(node.name);
      endorsement_keys.insert(node.endorsement_key);
      attestation_keys.insert(node.attestation_key_name);
      EXPECT_EQ(node.phase, fleet::NodePhase::kReady) << node.name << ": " << node.explanation;
      EXPECT_TRUE(node.labels_applied) << node.name;
      // A number that was given out and not used would be a node that was made and lost.
      const std::string counter = (*store)->get(fleet::node_number_key(node.cluster, node.pool)).value().value;
      EXPECT_EQ(counter, std::to_string(kNodes));
    }
    EXPECT_EQ(names.size(), instances.size());
    EXPECT_EQ(endorsement_keys.size(), instances.size());
    EXPECT_EQ(attestation_keys.size(), instances.size());
    std::set<std::string> on_host;
    for (const auto& entry : fs::directory_iterator(state / "host" / "instances")) {
      on_host.insert(entry.path().filename().string());
    }
    EXPECT_EQ(on_host, instances);
  }
};

TEST_F(KillCreate, FinishesAfterSigkillAtTenPointsAndMakesNothingTwice) {
  // Undisturbed: how many commits a create is.
  std::int64_t commits = 0;
  {
    const fs::path state = fresh_state("undisturbed");
    Process process(state, listen_);
    ASSERT_TRUE(wait_for([&] { return answers(state); })) << process.log();
    Client client(state);
    const auto store = store::open_sqlite_store((state / "slipway.db").string());
    ASSERT_TRUE(store) << store.error().message;
    const std::int64_t before = revision(**store);
    ASSERT_EQ(put_cluster(client), 201);
    ASSERT_TRUE(wait_for([&] { return operation_status(client, client.operation()) == "Succeeded"; })) << process.log();
    commits = revision(**store) - before;
    EXPECT_EQ(process.end(SIGTERM), 0);
    expect_made_once(state);
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
    const std::int64_t target = revision(**store) + point * commits / (kPoints + 1);
    ASSERT_EQ(put_cluster(*client), 201);
    const std::string operation = client->operation();
    for (const auto end = Clock::now() + kPatience; revision(**store) < target && Clock::now() < end;) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    process->end(SIGKILL);
    const auto interrupted = fleet::operation_from_json(
        (*store)
            ->get(fleet::operation_key(fs::path(operation.substr(0, operation.find('?'))).filename().string()))
            .value()
            .value);
    in_the_middle += interrupted && interrupted->status == "InProgress" ? 1 : 0;

    process = std::make_unique<Process>(state, listen_);
    ASSERT_TRUE(wait_for([&] { return answers(state); })) << process->log();
    client = std::make_unique<Client>(state);
    EXPECT_TRUE(wait_for([&] { return operation_status(*client, operation) != "InProgress"; })) << process->log();
    EXPECT_EQ(operation_status(*client, operation), "Succeeded") << process->log();
    // A create that had finished before the kill: its nodes are Ready again once their kubelets report to the
    // Kubernetes in memory, which forgot them.
    EXPECT_TRUE(wait_for([&] { return all_ready(**store); })) << process->log();
    EXPECT_EQ(process->end(SIGTERM), 0);
    expect_made_once(state);
  }
  // A test whose kills all came too late would prove nothing.
  EXPECT_GE(in_the_middle, kPoints - 1);
}

}  // namespace
}  // namespace slipway
