#include "host/libvirt/domain_xml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "host/process.h"

namespace slipway::host {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

DomainPlan node_plan() {
  DomainPlan plan;
  plan.uuid = "11111111-2222-4333-8444-555555555555";
  plan.name = "aks-pool-1";
  plan.installation = "3f9a12bc";
  plan.accelerator = "tcg";
  plan.machine_type = "pc-q35-7.2";
  plan.firmware = "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd";
  plan.variable_store = "/var/vm/variables.fd";
  plan.console = "/var/vm/console.log";
  plan.vtpm = true;
  plan.disk = DomainDisk{"/var/vm/disk.qcow2", "/var/vm/base.qcow2"};
  plan.network = "slipway-3f9a";
  plan.bootstrap = "/var/vm/bootstrap";
  return plan;
}

// libvirt's own schema, as installed with its client tools.
void expect_valid(const std::string& xml) {
  const std::string file = testing::TempDir() + "/domain.xml";
  std::ofstream(file) << xml;
  const auto result = run_process({.argv = {"virt-xml-validate", file, "domain"}});
  ASSERT_TRUE(result) << "virt-xml-validate (package libvirt-clients) is not installed; tools/install-packages unit";
  EXPECT_EQ(result->exit_code, 0) << result->output << result->error_output << xml;
}

TEST(DomainXml, IsWhatLibvirtsSchemaAllows) { expect_valid(domain_xml(node_plan())); }

TEST(DomainXml, CalibrationIsValidAndSealed) {
  DomainPlan plan = node_plan();
  plan.disk.reset();
  plan.network.clear();
  plan.bootstrap.clear();
  const std::string xml = domain_xml(plan);
  expect_valid(xml);
  EXPECT_THAT(xml, Not(HasSubstr("<disk")));
  EXPECT_THAT(xml, Not(HasSubstr("<interface")));
  EXPECT_THAT(xml, Not(HasSubstr("commandline")));
}

TEST(DomainXml, FirmwareIsLockedAndNothingBootsFromTheNetwork) {
  const std::string xml = domain_xml(node_plan());
  EXPECT_THAT(xml, HasSubstr("<loader readonly=\"yes\" secure=\"yes\" type=\"pflash\">"));
  EXPECT_THAT(xml, HasSubstr("<smm state=\"on\""));
  EXPECT_THAT(xml, HasSubstr("<rom enabled=\"no\""));
  EXPECT_THAT(xml, Not(HasSubstr("dev=\"network\"")));
  EXPECT_THAT(xml, Not(HasSubstr("<graphics")));
}

TEST(DomainXml, WithoutVtpmHasNone) {
  DomainPlan plan = node_plan();
  plan.vtpm = false;
  EXPECT_THAT(domain_xml(plan), Not(HasSubstr("<tpm")));
}

TEST(DomainXml, PathsAreEscapedForXmlAndForQemu) {
  DomainPlan plan = node_plan();
  plan.bootstrap = "/var/a,b & c/<boot>";
  const std::string xml = domain_xml(plan);
  EXPECT_THAT(xml, HasSubstr("type=11,path=/var/a,,b &amp; c/&lt;boot>"));
  expect_valid(xml);
}

TEST(DomainXml, CarriesItsInstallation) {
  EXPECT_EQ(installation_of(domain_xml(node_plan())), "3f9a12bc");
  EXPECT_EQ(installation_of("<domain type='kvm'><name>other</name></domain>"), "");
  EXPECT_EQ(installation_of("not xml"), "");
}

TEST(DomainXml, AnAddressDecidesWhoTheVmIsInTheNetwork) {
  DomainPlan plan = node_plan();
  plan.address = "10.77.3.11";
  EXPECT_THAT(domain_xml(plan), HasSubstr("<mac address=\"52:54:0a:4d:03:0b\""));
  EXPECT_THAT(domain_xml(plan), Not(HasSubstr("filterref")));
  plan.traffic_filter = "clean-traffic";
  const std::string xml = domain_xml(plan);
  EXPECT_THAT(xml, HasSubstr("<filterref filter=\"clean-traffic\">"));
  EXPECT_THAT(xml, HasSubstr("<parameter name=\"IP\" value=\"10.77.3.11\""));
  expect_valid(xml);
  plan.address.clear();
  EXPECT_THAT(domain_xml(plan), Not(HasSubstr("filterref")));
}

TEST(MacAddress, IsUnicastLocalAndTheSameForOneInstance) {
  EXPECT_EQ(mac_address("a"), mac_address("a"));
  EXPECT_NE(mac_address("a"), mac_address("b"));
  EXPECT_EQ(mac_address("a").substr(0, 6), "52:54:");
  EXPECT_EQ(mac_address("a").size(), 17U);
}

}  // namespace
}  // namespace slipway::host
