#include "agent/node_configuration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <cstdlib>
#include <fstream>

#include "base/temporary_folder_for_tests.h"
#include "files/file.h"

namespace slipway::agent {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

enrolment::Admission some_admission() {
  enrolment::Admission admission;
  admission.verdict = "trusted";
  admission.node_name = "aks-nodepool1-3f9a2b1-vmss000000";
  admission.client_certificate = "CLIENT CERTIFICATE\n";
  admission.serving_certificate = "SERVING CERTIFICATE\n";
  admission.cluster_ca = "CLUSTER CA\n";
  admission.api_server = "https://10.77.0.1:16443";
  admission.cluster_dns = "10.0.0.10";
  admission.pod_cidr = "10.244.1.0/24";
  admission.cluster_cidr = "10.244.0.0/16";
  admission.node_labels = {{"agentpool", "nodepool1"}, {"kubernetes.io/os", "linux"}};
  return admission;
}

class NodeConfigurationTest : public ::testing::Test {
 protected:
  NodeConfigurationTest() {
    paths_.state = folder_ / "state";
    paths_.cni = folder_ / "cni";
  }

  const ConfigurationFile& file(const std::vector<ConfigurationFile>& files, const std::string& name) {
    const auto found = std::find_if(files.begin(), files.end(),
                                    [&name](const auto& candidate) { return candidate.path.filename() == name; });
    EXPECT_NE(found, files.end()) << name;
    return *found;
  }

  TemporaryFolder temporary_{"slipway agent"};
  const fs::path folder_ = temporary_.path();
  NodePaths paths_;
  enrolment::NodeKeys keys_ = enrolment::generate_node_keys();
};

TEST_F(NodeConfigurationTest, AdmittedComesLastAndPrivateKeysAreForRootAlone) {
  const auto files = node_configuration(some_admission(), keys_, paths_).value();
  EXPECT_EQ(files.back().path, paths_.admitted());
  for (const ConfigurationFile& candidate : files) {
    if (candidate.content.find("PRIVATE KEY") != std::string::npos) {
      EXPECT_EQ(candidate.mode, 0600U) << candidate.path;
    }
  }
  EXPECT_EQ(file(files, "client.pem").content, "CLIENT CERTIFICATE\n" + keys_.client.pem());
  EXPECT_EQ(file(files, "serving.key").content, keys_.serving.pem());
  EXPECT_EQ(file(files, "serving.pem").content, "SERVING CERTIFICATE\n");
  EXPECT_EQ(file(files, "ca.pem").content, "CLUSTER CA\n");
}

TEST_F(NodeConfigurationTest, TheKubeletTrustsTheClusterAndNobodyElse) {
  const auto files = node_configuration(some_admission(), keys_, paths_).value();
  const auto kubelet = boost::json::parse(file(files, "kubelet-config.yaml").content).as_object();
  EXPECT_FALSE(kubelet.at("authentication").at("anonymous").at("enabled").as_bool());
  EXPECT_TRUE(kubelet.at("authentication").at("webhook").at("enabled").as_bool());
  EXPECT_EQ(kubelet.at("authentication").at("x509").at("clientCAFile").as_string(),
            (paths_.state / "pki/ca.pem").string());
  EXPECT_EQ(kubelet.at("authorization").at("mode").as_string(), "Webhook");
  EXPECT_FALSE(kubelet.at("rotateCertificates").as_bool());
  EXPECT_EQ(kubelet.at("readOnlyPort").as_int64(), 0);
  EXPECT_EQ(kubelet.at("tlsCertFile").as_string(), (paths_.state / "pki/serving.pem").string());
  EXPECT_EQ(kubelet.at("clusterDNS").at(0).as_string(), "10.0.0.10");
  EXPECT_EQ(kubelet.at("cgroupDriver").as_string(), "systemd");

  const auto config = boost::json::parse(file(files, "kubelet.kubeconfig").content).as_object();
  const auto& cluster = config.at("clusters").at(0).at("cluster");
  EXPECT_EQ(cluster.at("server").as_string(), "https://10.77.0.1:16443");
  EXPECT_EQ(cluster.at("certificate-authority").as_string(), (paths_.state / "pki/ca.pem").string());
  EXPECT_EQ(config.at("users").at(0).at("user").at("client-key").as_string(),
            (paths_.state / "pki/client.pem").string());

  EXPECT_EQ(file(files, "kubelet.env").content,
            "KUBELET_ARGS=\"--hostname-override=aks-nodepool1-3f9a2b1-vmss000000 "
            "--node-labels=agentpool=nodepool1,kubernetes.io/os=linux\"\n");
}

TEST_F(NodeConfigurationTest, ThePodNetworkIsOfThisNodesRange) {
  const auto files = node_configuration(some_admission(), keys_, paths_).value();
  const auto network = boost::json::parse(file(files, "10-slipway.conflist").content).as_object();
  const auto& bridge = network.at("plugins").at(0);
  EXPECT_EQ(bridge.at("type").as_string(), "bridge");
  EXPECT_EQ(bridge.at("ipam").at("ranges").at(0).at(0).at("subnet").as_string(), "10.244.1.0/24");
  EXPECT_EQ(network.at("plugins").at(1).at("type").as_string(), "portmap");
  const auto proxy = boost::json::parse(file(files, "kube-proxy.yaml").content).as_object();
  EXPECT_EQ(proxy.at("clusterCIDR").as_string(), "10.244.0.0/16");
  EXPECT_EQ(proxy.at("mode").as_string(), "iptables");
}

// No word of an admission becomes a second flag, a second line, or a trust label.
TEST_F(NodeConfigurationTest, WordsThatCouldBreakOutAreRefused) {
  const auto refused = [this](const auto& change) {
    enrolment::Admission admission = some_admission();
    change(admission);
    return !node_configuration(admission, keys_, paths_).has_value();
  };
  using enrolment::Admission;
  EXPECT_TRUE(refused([](Admission& a) { a.node_name = "node --anonymous-auth=true"; }));
  EXPECT_TRUE(refused([](Admission& a) { a.node_name = "node\"\nLD_PRELOAD=/x"; }));
  EXPECT_TRUE(refused([](Admission& a) { a.node_name = "--x"; }));
  EXPECT_TRUE(refused([](Admission& a) { a.node_name = ""; }));
  EXPECT_TRUE(refused([](Admission& a) { a.api_server = "http://10.77.0.1"; }));
  EXPECT_TRUE(refused([](Admission& a) { a.cluster_dns = "a b"; }));
  EXPECT_TRUE(refused([](Admission& a) { a.pod_cidr = ""; }));
  EXPECT_TRUE(refused([](Admission& a) { a.node_labels = {{"a", "b --x"}}; }));
  EXPECT_TRUE(refused([](Admission& a) { a.node_labels = {{"kubernetes.azure.com/trusted-launch", "true"}}; }));
  EXPECT_FALSE(refused([](Admission& a) { a.node_labels = {{"agentpool", ""}}; }));
}

TEST_F(NodeConfigurationTest, FilesAreReplacedWholeWithTheirMode) {
  ::umask(0);
  const auto files = node_configuration(some_admission(), keys_, paths_).value();
  ASSERT_TRUE(write_configuration(files).has_value());
  ASSERT_TRUE(write_configuration(files).has_value());
  for (const ConfigurationFile& candidate : files) {
    EXPECT_EQ(as_text(files::read_file(candidate.path, 1U << 20).value()), candidate.content);
    struct stat status {};
    ASSERT_EQ(::stat(candidate.path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, candidate.mode) << candidate.path;
  }
}

TEST_F(NodeConfigurationTest, AFolderThatCannotBeMadeIsNamed) {
  std::ofstream(folder_ / "state") << "a file where a folder must be";
  const auto files = node_configuration(some_admission(), keys_, paths_).value();
  const auto written = write_configuration(files);
  ASSERT_FALSE(written.has_value());
  EXPECT_THAT(written.error().message, HasSubstr((folder_ / "state").string()));
}

}  // namespace
}  // namespace slipway::agent
