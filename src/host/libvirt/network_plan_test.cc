#include "host/libvirt/network_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "host/process.h"

namespace slipway::host {
namespace {

using ::testing::HasSubstr;

TEST(PlanNetwork, TakesTheFirstSubnetThatTouchesNothing) {
  EXPECT_EQ(plan_network("3f9a", {})->cidr, "10.77.0.0/24");
  const std::vector<AddressRange> in_use{address_range("10.77.0.1", 24).value(), address_range("10.77.1.7", 32).value(),
                                         address_range("192.0.2.2", 24).value()};
  const Network network = plan_network("3f9a", in_use).value();
  EXPECT_EQ(network.cidr, "10.77.2.0/24");
  EXPECT_EQ(network.gateway, "10.77.2.1");
  EXPECT_EQ(network.name, "slipway-3f9a");
  EXPECT_LE(network.bridge.size(), 15U);
}

TEST(PlanNetwork, SaysSoWhereNoneIsFree) {
  const auto none = plan_network("3f9a", {address_range("10.0.0.0", 8).value()});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::kResourceExhausted);
}

TEST(AddressRange, RefusesWhatIsNoNetwork) {
  EXPECT_FALSE(address_range("10.77.0", 24));
  EXPECT_FALSE(address_range("10.77.0.1", 33));
  EXPECT_EQ(address_range("10.77.3.9", 24)->last, 0x0a4d03ffU);
  EXPECT_EQ(address_range("10.77.3.9", 0)->last, 0xffffffffU);
}

TEST(RangesOfRoutes, LeavesDefaultRoutesOut) {
  const auto ranges = ranges_of_routes(
      "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
      "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
      "eth0\t00004D0A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
      "broken\n");
  ASSERT_EQ(ranges.size(), 1U);
  EXPECT_EQ(ranges[0].first, 0x0a4d0000U);
  EXPECT_EQ(ranges[0].last, 0x0a4d00ffU);
}

TEST(RangesOfNetworkXml, ReadsNetmaskAndPrefix) {
  const auto ranges = ranges_of_network_xml(
      "<network><ip address='192.168.122.1' netmask='255.255.255.0'/><ip address='10.1.0.1' prefix='16'/>"
      "<ip family='ipv6' address='fd00::1' prefix='64'/></network>");
  ASSERT_EQ(ranges.size(), 2U);
  EXPECT_EQ(ranges[0].last, 0xc0a87affU);
  EXPECT_EQ(ranges[1].last, 0x0a01ffffU);
}

TEST(RangesOfNetworkXml, WhatItPlannedItself) {
  const Network network = plan_network("3f9a", {}).value();
  const auto ranges = ranges_of_network_xml(network_xml(network));
  ASSERT_EQ(ranges.size(), 1U);
  EXPECT_EQ(plan_network("4444", ranges)->cidr, "10.77.1.0/24");
}

TEST(NetworkXml, GivesEachAddressToOneMachineAndNothingToOthers) {
  const Network network = plan_network("3f9a", {}).value();
  EXPECT_TRUE(network.binds_addresses);
  const std::string xml = network_xml(network);
  EXPECT_THAT(xml, HasSubstr("<host mac=\"52:54:0a:4d:00:02\" ip=\"10.77.0.2\""));
  EXPECT_THAT(xml, HasSubstr("<host mac=\"52:54:0a:4d:00:fe\" ip=\"10.77.0.254\""));
  EXPECT_THAT(xml, ::testing::Not(HasSubstr("<range")));
  EXPECT_EQ(machine_address(network, 1).value(), "10.77.0.2");
  EXPECT_FALSE(machine_address(network, 0));
  EXPECT_FALSE(machine_address(network, kNetworkMachines + 1));
  const std::string file = testing::TempDir() + "/network.xml";
  std::ofstream(file) << xml;
  const auto result = run_process({.argv = {"virt-xml-validate", file, "network"}});
  if (!result) GTEST_SKIP() << "virt-xml-validate (package libvirt-clients) is not installed";
  EXPECT_EQ(result->exit_code, 0) << result->output << result->error_output << xml;
}

TEST(RecordedNetwork, SurvivesJson) {
  const RecordedNetwork record{"/subscriptions/a/c1", plan_network("3f9a", {}).value(), {15443, 16443}};
  const RecordedNetwork read = recorded_network_from_json(to_json(record)).value();
  EXPECT_EQ(read.cluster, record.cluster);
  EXPECT_EQ(read.network.bridge, record.network.bridge);
  EXPECT_EQ(read.network.gateway, record.network.gateway);
  EXPECT_EQ(read.ports, record.ports);
  EXPECT_TRUE(read.network.binds_addresses);
  const std::string earlier = R"({"cluster":"c","name":"n","bridge":"b","gateway":"10.77.0.1","cidr":"10.77.0.0/24"})";
  EXPECT_FALSE(recorded_network_from_json(earlier)->network.binds_addresses);
  EXPECT_FALSE(recorded_network_from_json("{}"));
  EXPECT_FALSE(recorded_network_from_json("["));
}

TEST(FirewallRules, NameBridgeGatewayAndPorts) {
  const std::string rules = firewall_rules({"c", plan_network("3f9a", {}).value(), {15443}});
  EXPECT_THAT(rules, HasSubstr("iifname \"slpw-3f9a\""));
  EXPECT_THAT(rules, HasSubstr("ip daddr 10.77.0.1 tcp dport { 53, 15443 } accept"));
}

TEST(FirewallRules, AreWhatNftUnderstands) {
  const RecordedNetwork record{"c", plan_network("3f9a", {}).value(), {15443, 16443}};
  const auto checked = run_process({.argv = {"nft", "--check", "--file", "-"}, .input = firewall_rules(record)});
  ASSERT_TRUE(checked) << "nft (package nftables) is not installed; tools/install-packages unit";
  if (checked->error_output.find("Operation not permitted") != std::string::npos) GTEST_SKIP() << "this is not root";
  EXPECT_EQ(checked->exit_code, 0) << checked->error_output;
}

}  // namespace
}  // namespace slipway::host
