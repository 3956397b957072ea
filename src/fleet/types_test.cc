#include "fleet/types.h"

#include <gtest/gtest.h>

namespace slipway::fleet {
namespace {

Node full_node() {
  Node node;
  node.instance = "0e9d6a2c-8f8b-4f3a-9c55-2f8f6f6b1a11";
  node.cluster = "c3f9a2b1";
  node.pool = "nodepool1";
  node.name = "aks-nodepool1-3f9a2b1-vmss000007";
  node.secure_boot = true;
  node.vtpm = true;
  node.vcpus = 4;
  node.memory_mib = 4096;
  node.image_version = "SlipwayDebian-12-gen2TLcontainerd-202611.23.0";
  node.phase = NodePhase::kAdmitted;
  node.explanation = "a \"quoted\" line\n";
  node.draining = from_rfc3339("2026-11-23T14:06:00.000Z").value();
  node.drain_reason = "The pool's settings changed.";
  node.pod_subnet = 9;
  node.address = node.ip = "10.77.0.12";
  node.created = from_rfc3339("2026-11-23T14:05:09.120Z").value();
  node.booted = from_rfc3339("2026-11-23T14:05:10.000Z").value();
  node.endorsement_key = {0, 1, 0xff};
  node.attestation_key_name = {0, 11, 2};
  node.secret_hash = "scrypt$...";
  node.secret_used = true;
  node.disk_inspected = Time{} + seconds(7);
  node.disk_report = "/EFI/debian/grub.cfg differs";
  node.disk_told = true;
  node.secret_holder = Bytes{0x30, 0x59};
  node.client_key = {48, 89};
  node.certificate_expires = from_rfc3339("2026-11-23T15:05:09.120Z").value();
  node.last_evidence = from_rfc3339("2026-11-23T14:10:09.120Z").value();
  node.verdict = R"({"class":"trusted"})";
  node.labels_applied = true;
  return node;
}

TEST(FleetJson, NodeRoundTrips) {
  const std::string json = to_json(full_node());
  const auto read = node_from_json(json);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(to_json(*read), json);
  EXPECT_EQ(read->phase, NodePhase::kAdmitted);
  EXPECT_EQ(read->endorsement_key, (Bytes{0, 1, 0xff}));
  EXPECT_FALSE(read->last_good_verdict.has_value());
  EXPECT_EQ(read->booted, full_node().booted);
  EXPECT_EQ(read->explanation, full_node().explanation);
  EXPECT_EQ(read->pod_subnet, 9);
}

TEST(FleetJson, EveryRecordRoundTrips) {
  ResourceGroup group{"sub", "Group", "local", R"({"a":"b"})"};
  EXPECT_EQ(to_json(resource_group_from_json(to_json(group)).value()), to_json(group));
  Feature feature{"sub",
                  "Microsoft.ContainerService",
                  "TrustedLaunchPreview",
                  "Registering",
                  from_rfc3339("2026-11-23T14:05:09.120Z").value(),
                  true};
  EXPECT_EQ(to_json(feature_from_json(to_json(feature)).value()), to_json(feature));
  Provider provider{"sub", "Microsoft.ContainerService", "Registered"};
  EXPECT_EQ(to_json(provider_from_json(to_json(provider)).value()), to_json(provider));
  Cluster cluster;
  cluster.id = "c3f9a2b1";
  cluster.state = ProvisioningState::kDeleting;
  cluster.api_server_port = 16443;
  EXPECT_EQ(to_json(cluster_from_json(to_json(cluster)).value()), to_json(cluster));
  Pool pool;
  pool.cluster = "c3f9a2b1";
  pool.name = "nodepool1";
  pool.next_node_number = 12;
  pool.state = ProvisioningState::kUpgradingNodeImageVersion;
  pool.feature_at_creation = true;
  pool.drain_timeout_minutes = 7;
  EXPECT_EQ(to_json(pool_from_json(to_json(pool)).value()), to_json(pool));
  Operation operation;
  operation.id = "0e9d6a2c";
  operation.ended = from_rfc3339("2026-11-23T14:05:09.120Z").value();
  operation.error_code = "BootRefused";
  EXPECT_EQ(to_json(operation_from_json(to_json(operation)).value()), to_json(operation));
}

// One byte in a sentence must not cost a record: neither where it is written, nor where it was written before.
TEST(FleetJson, OfBytesThatAreNoTextCanBeRead) {
  Node node = full_node();
  node.verdict = node.explanation = node.refusal = "a\xff";
  const auto written = node_from_json(to_json(node));
  ASSERT_TRUE(written) << written.error().message;
  EXPECT_EQ(written->verdict, "a\xef\xbf\xbd");

  std::string stored = to_json(full_node());
  stored.replace(stored.find("grub.cfg"), 1, "\xff");
  const auto read = node_from_json(stored);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->disk_report, "/EFI/debian/\xef\xbf\xbdrub.cfg differs");
  EXPECT_EQ(read->phase, full_node().phase);
}

TEST(FleetJson, ANodeThatCannotBeReadIsTrustedWithNothing) {
  std::string stored = to_json(full_node());
  stored.replace(stored.find("\"ip\""), 4, "\"if\"");
  const auto refused = node_from_json(stored);
  ASSERT_FALSE(refused);
  const Node node = salvaged_node("i1", stored, refused.error());
  EXPECT_TRUE(node.unreadable);
  EXPECT_EQ(node.instance, "i1");
  EXPECT_EQ(node.cluster, full_node().cluster);
  EXPECT_EQ(node.pool, full_node().pool);
  EXPECT_EQ(node.name, full_node().name);
  EXPECT_EQ(node.pod_subnet, 9);
  EXPECT_EQ(node.phase, NodePhase::kUntrusted);
  EXPECT_TRUE(node.verdict.empty());
  EXPECT_FALSE(node.certificate_expires || node.last_good_verdict);
  EXPECT_NE(node.explanation.find("\"ip\""), std::string::npos) << node.explanation;
  for (const char* other : {"", "[]", "\xff", R"({"cluster":1,"podSubnet":"x"})"}) {
    EXPECT_EQ(salvaged_node("i1", other, refused.error()).cluster, "") << other;
  }
}

TEST(FleetJson, ReadsNothingButItsOwnForm) {
  const std::string good = to_json(full_node());
  const auto with = [&](std::string_view from, std::string_view to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return node_from_json(text);
  };
  EXPECT_NE(with("\"podSubnet\":9", "\"podSubnet\":\"9\"").error().message.find("podSubnet"), std::string::npos);
  EXPECT_NE(with("\"podSubnet\":9,", "").error().message.find("missing"), std::string::npos);
  EXPECT_NE(with("\"podSubnet\":9", "\"podSubnet\":9,\"extra\":1").error().message.find("extra"), std::string::npos);
  EXPECT_EQ(with("\"podSubnet\":9", "\"podSubnet\":4294967296").error().code, ErrorCode::kMalformed);
  EXPECT_EQ(with("\"Admitted\"", "\"admitted\"").error().code, ErrorCode::kMalformed);
  EXPECT_EQ(with("\"vtpm\":true", "\"vtpm\":1").error().code, ErrorCode::kMalformed);
  EXPECT_EQ(with("14:10:09.120Z", "14:10:09.120+01:00").error().code, ErrorCode::kMalformed);
  EXPECT_EQ(with("\"AAH/\"", "\"AAH\"").error().code, ErrorCode::kMalformed);
  EXPECT_EQ(node_from_json("").error().code, ErrorCode::kMalformed);
  EXPECT_EQ(node_from_json("[]").error().code, ErrorCode::kMalformed);
  EXPECT_EQ(node_from_json(good + "x").error().code, ErrorCode::kMalformed);
}

TEST(FleetKeys, CompareWithoutCase) {
  EXPECT_EQ(cluster_name_key("SUB", "MyGroup", "MyCluster"), cluster_name_key("sub", "mygroup", "mycluster"));
  EXPECT_EQ(pool_key("c1", "NodePool1"), pool_key("c1", "nodepool1"));
  EXPECT_EQ(resource_group_key("sub", "A"), "/groups/sub/a");
  // A list by prefix of one cluster's pools must not take in another's whose id begins alike.
  EXPECT_NE(pool_key("c1", "").back(), '1');
}

}  // namespace
}  // namespace slipway::fleet
