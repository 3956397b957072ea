#include "control/documents.h"

#include <gtest/gtest.h>

#include "store/memory.h"

namespace slipway::control {
namespace {

const Time kNow = from_rfc3339("2026-11-23T14:00:00Z").value();

class DocumentsTest : public testing::Test {
 protected:
  DocumentsTest() {
    cluster_.id = "c3f9a2b1";
    cluster_.subscription = "sub";
    cluster_.resource_group = "group";
    cluster_.name = "cluster";
    cluster_.operation = "o1";
    pool_.cluster = cluster_.id;
    pool_.name = "nodepool1";
    pool_.count = 2;
    operation_.id = "o1";
    operation_.cluster = cluster_.id;
    operation_.kind = "CreateCluster";
    put(fleet::cluster_key(cluster_.id), fleet::to_json(cluster_));
    put(fleet::cluster_name_key("sub", "group", "cluster"), cluster_.id);
    put(fleet::pool_key(cluster_.id, pool_.name), fleet::to_json(pool_));
    put(fleet::operation_key("o1"), fleet::to_json(operation_));
  }
  void put(const std::string& key, const std::string& value) { ASSERT_TRUE(store_->commit({{}, {{key, value}}, {}})); }
  void erase(const std::string& key) { ASSERT_TRUE(store_->commit({{}, {}, {key}})); }
  Result<fleet::Node> create(const std::string& instance) {
    return create_node(*store_, cluster_.id, pool_.name, instance, kNow);
  }
  fleet::Snapshot snapshot() { return load_cluster(*store_, cluster_.id).value(); }

  std::unique_ptr<store::Store> store_ = store::make_memory_store();
  fleet::Cluster cluster_;
  fleet::Pool pool_;
  fleet::Operation operation_;
};

TEST_F(DocumentsTest, GivesEachNodeANumberAndASubnetOfItsOwn) {
  const auto first = create("i1"), second = create("i2");
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->name, "aks-nodepool1-3f9a2b1-vmss000000");
  EXPECT_EQ(second->name, "aks-nodepool1-3f9a2b1-vmss000001");
  EXPECT_NE(first->pod_subnet, second->pod_subnet);
  EXPECT_EQ(snapshot().pools[0].next_node_number, 2);
  // The pool has its two: a third is not made, whoever asks.
  EXPECT_EQ(create("i3").error().code, ErrorCode::kConflict);
  EXPECT_EQ(snapshot().nodes.size(), 2U);
}

TEST_F(DocumentsTest, NeverUsesANameTwice) {
  ASSERT_TRUE(create("i1"));
  erase(fleet::node_key("i1"));
  EXPECT_EQ(create("i2")->name, "aks-nodepool1-3f9a2b1-vmss000001");
  // The pool is deleted and comes back under its name: its counter does not begin again.
  erase(fleet::node_key("i2"));
  put(fleet::pool_key(cluster_.id, pool_.name), fleet::to_json(pool_));
  EXPECT_EQ(create("i3")->name, "aks-nodepool1-3f9a2b1-vmss000002");
}

TEST_F(DocumentsTest, ChangesUnderTheRevisionThatItRead) {
  ASSERT_TRUE(create("i1"));
  int calls = 0;
  const auto changed = change_node(*store_, "i1", [&](fleet::Node& node) -> Status {
    // Somebody else is faster, once.
    if (++calls == 1) {
      fleet::Node other = node;
      other.ip = "10.77.0.9";
      put(fleet::node_key("i1"), fleet::to_json(other));
    }
    node.explanation = "changed";
    return {};
  });
  ASSERT_TRUE(changed);
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(changed->ip, "10.77.0.9");
  EXPECT_EQ(get_node(*store_, "i1")->explanation, "changed");
  EXPECT_EQ(change_node(*store_, "nobody", [](fleet::Node&) -> Status { return {}; }).error().code,
            ErrorCode::kNotFound);
}

TEST_F(DocumentsTest, OneUnreadableDocumentCostsNoOtherItsCare) {
  ASSERT_TRUE(create("i1"));
  ASSERT_TRUE(create("i2"));
  const std::string good = store_->get(fleet::node_key("i1"))->value;
  // As a guest once could have it written: read all the same.
  std::string written = good;
  written.replace(written.find("Its VM"), 3, "\xff\xfe");
  put(fleet::node_key("i1"), written);
  ASSERT_EQ(snapshot().nodes.size(), 2U);
  EXPECT_FALSE(snapshot().nodes[0].unreadable);
  ASSERT_TRUE(change_node(*store_, "i1", [](fleet::Node& node) -> Status {
    node.ip = "10.77.0.9";
    return {};
  }));
  // Of another form: known by its name, trusted with nothing, and its place is not given away.
  std::string broken = good;
  broken.replace(broken.find("\"ip\""), 4, "\"if\"");
  put(fleet::node_key("i1"), broken);
  ASSERT_EQ(snapshot().nodes.size(), 2U);
  EXPECT_TRUE(snapshot().nodes[0].unreadable);
  EXPECT_EQ(snapshot().nodes[0].instance, "i1");
  EXPECT_EQ(snapshot().nodes[0].phase, fleet::NodePhase::kUntrusted);
  EXPECT_EQ(create("i3").error().code, ErrorCode::kConflict);
  EXPECT_FALSE(get_node(*store_, "i1"));
  // No document at all: of no cluster.
  put(fleet::node_key("i9"), "\xff");
  EXPECT_EQ(snapshot().nodes.size(), 2U);
  put(fleet::operation_key("o9"), "{");
  EXPECT_EQ(snapshot().operations.size(), 1U);
  // Nodes of a pool that is not there would be deleted.
  put(fleet::pool_key(cluster_.id, pool_.name), "{");
  EXPECT_EQ(load_cluster(*store_, cluster_.id).error().code, ErrorCode::kMalformed);
}

TEST_F(DocumentsTest, EndsACreateWithAllThatItCovers) {
  ASSERT_TRUE(finish_operation(*store_, cluster_.id, {"o1", "CreateCluster", "", "Succeeded", "", ""}, kNow));
  EXPECT_TRUE(snapshot().operations.empty());
  EXPECT_EQ(snapshot().cluster.state, fleet::ProvisioningState::kSucceeded);
  EXPECT_TRUE(snapshot().cluster.operation.empty());
  EXPECT_EQ(snapshot().pools[0].state, fleet::ProvisioningState::kSucceeded);
  const auto ended = fleet::operation_from_json(store_->get(fleet::operation_key("o1"))->value);
  EXPECT_EQ(ended->status, "Succeeded");
  EXPECT_EQ(ended->ended, kNow);
}

TEST_F(DocumentsTest, APoolWithAnOperationOfItsOwnIsNotTheClusters) {
  pool_.operation = "o2";
  put(fleet::pool_key(cluster_.id, pool_.name), fleet::to_json(pool_));
  ASSERT_TRUE(finish_operation(*store_, cluster_.id, {"o1", "CreateCluster", "", "Failed", "NodeSilent", "why"}, kNow));
  EXPECT_EQ(snapshot().cluster.error, "why");
  EXPECT_EQ(snapshot().pools[0].state, fleet::ProvisioningState::kCreating);
  EXPECT_EQ(snapshot().pools[0].operation, "o2");
}

// What the API canceled meanwhile stays canceled.
TEST_F(DocumentsTest, DoesNotEndAnOperationTwice) {
  operation_.status = "Canceled";
  put(fleet::operation_key("o1"), fleet::to_json(operation_));
  ASSERT_TRUE(finish_operation(*store_, cluster_.id, {"o1", "CreateCluster", "", "Succeeded", "", ""}, kNow));
  EXPECT_EQ(fleet::operation_from_json(store_->get(fleet::operation_key("o1"))->value)->status, "Canceled");
  EXPECT_EQ(snapshot().cluster.state, fleet::ProvisioningState::kCreating);
}

TEST_F(DocumentsTest, ADeletedClusterLeavesItsOperationAlone) {
  ASSERT_TRUE(create("i1"));
  erase(fleet::node_key("i1"));
  operation_.kind = "DeleteCluster";
  put(fleet::operation_key("o1"), fleet::to_json(operation_));
  ASSERT_TRUE(finish_operation(*store_, cluster_.id, {"o1", "DeleteCluster", "", "Succeeded", "", ""}, kNow));
  const auto left = store_->list("/").value();
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].key, fleet::operation_key("o1"));
  EXPECT_EQ(load_cluster(*store_, cluster_.id).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace slipway::control
