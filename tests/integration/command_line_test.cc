// The real slipway against a real slipwayd with simulated VMs and Kubernetes: the walk that users take, exit codes, and
// what an operation does while slipwayd is dead.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <thread>

#include "base/source_folder_for_tests.h"

namespace slipway {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using testing::HasSubstr;
using testing::Not;

struct Outcome {
  int exit_code = -1;
  std::string out, err;
};

class CommandLine : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "slipway command XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    fs::create_directory(folder_ / "home");
    ::setenv("SLIPWAY_CONFIG_DIR", (folder_ / "config").c_str(), 1);
    ::setenv("HOME", (folder_ / "home").c_str(), 1);
    start_slipwayd("127.0.0.1:0");
  }

  void TearDown() override {
    stop_slipwayd(SIGTERM);
    if (HasFailure()) std::cerr << read(folder_ / "slipwayd.log");
    fs::remove_all(folder_);
  }

  void start_slipwayd(std::string listen) {
    const std::string log = (folder_ / "slipwayd.log").string();
    std::ofstream(log, std::ios::trunc).close();
    std::string words[] = {programs_folder() + "/slipwayd",
                           "--state",
                           (folder_ / "state").string(),
                           "--listen",
                           listen,
                           "--host",
                           "memory:",
                           "--kubernetes",
                           "memory:"};
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log.c_str(), O_WRONLY | O_APPEND, 0);
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    ASSERT_EQ(::posix_spawn(&slipwayd_, arguments[0], &actions, nullptr, arguments.data(), environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    ASSERT_TRUE(eventually([&] { return read(log).find(" ready ") != std::string::npos; })) << read(log);
  }

  void stop_slipwayd(int signal) {
    if (slipwayd_ <= 0) return;
    ::kill(slipwayd_, signal);
    ::waitpid(slipwayd_, nullptr, 0);
    slipwayd_ = -1;
  }

  template <typename Condition>
  static bool eventually(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (std::chrono::steady_clock::now() < deadline) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return false;
  }

  static std::string read(const fs::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  // Words are the shell's: the tests' own, none from outside.
  Outcome slipway(const std::string& words) const { return slipway_reading("/dev/null", words); }

  Outcome slipway_reading(const fs::path& input, const std::string& words) const {
    const std::string command = "'" + programs_folder() + "/slipway' " + words + " <'" + input.string() + "' >'" +
                                (folder_ / "out").string() + "' 2>'" + (folder_ / "err").string() + "'";
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read(folder_ / "out"), read(folder_ / "err")};
  }

  std::string succeed(const std::string& words) const {
    const Outcome outcome = slipway(words);
    EXPECT_EQ(outcome.exit_code, 0) << "slipway " << words << "\n" << outcome.err;
    return outcome.out;
  }

  void log_in_and_make_group() const {
    succeed("login --admin '" + (folder_ / "state/admin.json").string() + "'");
    succeed("feature register --namespace Microsoft.ContainerService --name TrustedLaunchPreview");
    ASSERT_TRUE(eventually([&] {
      return succeed(
                 "feature show --namespace Microsoft.ContainerService --name TrustedLaunchPreview "
                 "--query properties.state -o tsv") == "Registered\n";
    }));
    succeed("provider register --namespace Microsoft.ContainerService --wait");
    succeed("group create --name g --location local");
  }

  std::string endpoint_address() const {
    const json::value admin = json::parse(read(folder_ / "state/admin.json"));
    const std::string endpoint(admin.at("endpoint").as_string());
    return endpoint.substr(endpoint.rfind('/') + 1);
  }

  static constexpr const char* kCreate =
      "aks create --name c --resource-group g --node-count 1 --enable-secure-boot --enable-vtpm "
      "--enable-managed-identity --generate-ssh-keys";

  fs::path folder_;
  pid_t slipwayd_ = -1;
};

TEST_F(CommandLine, TakesTheWholeWalk) {
  log_in_and_make_group();
  const json::value cluster = json::parse(succeed(kCreate));
  EXPECT_EQ(cluster.at("provisioningState"), "Succeeded");
  EXPECT_EQ(cluster.at("resourceGroup"), "g");
  EXPECT_EQ(cluster.at("agentPoolProfiles").at(0).at("securityProfile").at("enableVtpm"), true);
  EXPECT_EQ(std::string(cluster.at("linuxProfile").at("ssh").at("publicKeys").at(0).at("keyData").as_string()) + "\n",
            read(folder_ / "home/.ssh/id_rsa.pub"));

  succeed("aks nodepool add -g g --cluster-name c -n second -c 2 --enable-vtpm");
  EXPECT_THAT(succeed("aks nodepool list -g g --cluster-name c -o table"), HasSubstr("second"));
  const json::value nodes = json::parse(succeed("node list -o json"));
  ASSERT_EQ(nodes.as_array().size(), 3u);
  for (const json::value& node : nodes.as_array()) EXPECT_EQ(node.at("verdict"), "trusted") << node;

  const std::string name(nodes.at(0).at("name").as_string());
  const std::string report = succeed("node boot " + name);
  for (const char* component : {"firmware", "shim", "grub", "kernel", "initrd", "trusted: every component"})
    EXPECT_THAT(report, HasSubstr(component));
  EXPECT_EQ(json::parse(succeed("node boot " + name + " -o json")).at("bootReport").at("verdict"), "trusted");

  succeed("aks get-credentials -g g -n c");
  EXPECT_THAT(read(folder_ / "home/.kube/config"), HasSubstr("current-context: c\n"));
  EXPECT_EQ(slipway("aks get-credentials -g g -n c").exit_code, 1);
  succeed("aks get-credentials -g g -n c --admin --overwrite-existing");
  EXPECT_THAT(read(folder_ / "home/.kube/config"), HasSubstr("current-context: c-admin\n"));
  EXPECT_THAT(succeed("aks get-credentials -g g -n c --file -"), HasSubstr("clusterUser_g_c"));

  succeed("aks nodepool delete -g g --cluster-name c -n second");
  EXPECT_EQ(json::parse(succeed("node list -o json")).as_array().size(), 1u);
  succeed("aks delete -g g -n c --yes");
  EXPECT_EQ(json::parse(succeed("aks list")).as_array().size(), 0u);
  succeed("group delete -n g --yes");
}

TEST_F(CommandLine, ExitCodesAreThoseOfAz) {
  log_in_and_make_group();
  const Outcome missing = slipway("aks show -g g -n nowhere");
  EXPECT_EQ(missing.exit_code, 3);
  EXPECT_THAT(missing.err, HasSubstr("(ResourceNotFound)"));
  const Outcome refused = slipway("aks create -g g -n c --node-count -1 --generate-ssh-keys");
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("ERROR: ("));
  for (const std::string wrong : {"aks show -g g", "aks show -g g -n c --colour", "aks", "aks create \u2013enable-vtpm",
                                  "aks list -o xml", "aks create -g g -n c --node-count many"})
    EXPECT_EQ(slipway(wrong).exit_code, 2) << wrong;
  EXPECT_EQ(slipway("aks create --help").exit_code, 0);
  EXPECT_THAT(slipway("help aks create").out, HasSubstr("Usage: slipway aks create ["));
  EXPECT_THAT(slipway("aks").err, HasSubstr("Usage: slipway aks ["));
  EXPECT_THAT(slipway("kubectl-check -f /dev/null").err, HasSubstr("no Kubernetes object"));
  EXPECT_EQ(slipway("aks get-credentials -g g -n nowhere").exit_code, 1) << "3 is for show alone";
  EXPECT_THAT(slipway("aks nodpool list").err, HasSubstr("Did you mean 'nodepool'?"));
  EXPECT_THAT(slipway("aks show -g g --nmae c").err, HasSubstr("Did you mean '--name'?"));
  EXPECT_EQ(slipway("aks delete -g g -n c").exit_code, 1) << "nobody is there to be asked";
}

TEST_F(CommandLine, LogsInAsAServicePrincipalThroughARegisteredCloud) {
  const json::value admin = json::parse(read(folder_ / "state/admin.json"));
  const auto of = [&](const char* name) { return std::string(admin.at(name).as_string()); };
  std::ofstream(folder_ / "secret") << of("clientSecret") << '\n';
  succeed("cloud register -n here --endpoint-resource-manager " + of("endpoint") + "/ --certificate-authority '" +
          (folder_ / "state/ca.pem").string() + "'");
  EXPECT_EQ(slipway("cloud register -n here --endpoint-resource-manager " + of("endpoint")).exit_code, 1);
  const std::string login = "login --service-principal -u " + of("clientId") + " --tenant " + of("tenantId");
  EXPECT_THAT(slipway(login).err, HasSubstr("SLIPWAY_CLIENT_SECRET")) << "nobody is there to be asked";
  EXPECT_EQ(slipway(login + " -p wrong").exit_code, 1);
  const Outcome done = slipway_reading(folder_ / "secret", login + " -p -");
  ASSERT_EQ(done.exit_code, 0) << done.err;
  EXPECT_EQ(json::parse(done.out).at(0).at("user").at("type"), "servicePrincipal");
  EXPECT_THAT(done.out + done.err, Not(HasSubstr(of("clientSecret"))));
  EXPECT_EQ(succeed("account show --query id -o tsv"), of("subscriptionId") + "\n");
  EXPECT_EQ(succeed("account list --query '[?isDefault].cloudName' -o tsv"), "here\n");
  EXPECT_EQ(succeed("context list --query '[].name' -o tsv"), "here\n");
  EXPECT_THAT(succeed("cloud show"), HasSubstr(of("endpoint")));
  EXPECT_EQ(slipway("cloud show -n hree").exit_code, 3);
  EXPECT_EQ(slipway("account set --subscription other").exit_code, 1);
  EXPECT_EQ(slipway("group list --subscription other").exit_code, 1);
  EXPECT_EQ(succeed("group list --subscription " + of("subscriptionId") + " -o tsv"), "");
  EXPECT_EQ(json::parse(succeed("account get-access-token")).at("tokenType"), "Bearer");
  succeed("logout");
  EXPECT_THAT(slipway("group list").err, HasSubstr("not logged in"));
}

TEST_F(CommandLine, AnswersInEachFormAndToEachQuery) {
  log_in_and_make_group();
  succeed(kCreate);
  EXPECT_EQ(succeed("aks show -g g -n c -o none"), "");
  EXPECT_THAT(succeed("aks show -g g -n c -o yaml"), HasSubstr("provisioningState: Succeeded\n"));
  EXPECT_EQ(
      succeed("aks list --query \"[?name=='c'].{n: name, v: agentPoolProfiles[0].securityProfile.enableVtpm}\" -o tsv"),
      "c\ttrue\n");
  const Outcome refused = slipway("aks list --query 'length(@)'");
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("the function length()"));
  const Outcome traced = slipway("aks list --debug --only-show-errors");
  EXPECT_THAT(traced.err, HasSubstr("GET https://"));
  EXPECT_THAT(traced.err, Not(HasSubstr("Bearer")));
  EXPECT_THAT(succeed("aks get-versions -l local -o table"), HasSubstr("KubernetesVersion"));
}

TEST_F(CommandLine, RefusesWhatContradictsItselfBeforeAnythingIsSent) {
  const Outcome outcome = slipway("aks nodepool update -g g --cluster-name c -n p --enable-vtpm --disable-vtpm");
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("exclude each other")) << "and not that nobody is logged in";
}

TEST_F(CommandLine, ABrokenKubeconfigIsNeverLost) {
  log_in_and_make_group();
  succeed(kCreate);
  fs::create_directory(folder_ / "home/.kube");
  std::ofstream(folder_ / "home/.kube/config") << "clusters: [";
  const Outcome outcome = slipway("aks get-credentials -g g -n c --overwrite-existing");
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.err, HasSubstr(".kube/config"));
  EXPECT_EQ(read(folder_ / "home/.kube/config"), "clusters: [");
  fs::remove(folder_ / "home/.kube/config");
  fs::create_symlink("elsewhere", folder_ / "home/.kube/config");
  succeed("aks get-credentials -g g -n c --context mine");
  EXPECT_TRUE(fs::is_symlink(folder_ / "home/.kube/config"));
  EXPECT_THAT(read(folder_ / "home/.kube/elsewhere"), HasSubstr("current-context: mine\n"));
}

TEST_F(CommandLine, AWaitOutlivesAKilledSlipwayd) {
  log_in_and_make_group();
  const std::string listen = endpoint_address();
  std::thread killer([&] {
    // As soon as the node is known: in the middle of the create.
    EXPECT_TRUE(eventually([&] { return read(folder_ / "slipwayd.log").find("node=") != std::string::npos; }));
    stop_slipwayd(SIGKILL);
    start_slipwayd(listen);
  });
  const Outcome created = slipway(kCreate);
  killer.join();
  EXPECT_EQ(created.exit_code, 0) << created.err;
  EXPECT_EQ(json::parse(created.out).at("provisioningState"), "Succeeded");
  EXPECT_EQ(json::parse(succeed("node list -o json")).as_array().size(), 1u);
}

}  // namespace
}  // namespace slipway
