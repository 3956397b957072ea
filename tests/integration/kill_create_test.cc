// slipwayd, killed at ten points of a create and started again, finishes it, and nothing is made twice. The points are
// spread evenly over the commits that an undisturbed create makes.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "fleet/types.h"
#include "http/client.h"
#include "store/sqlite.h"

extern char** environ;

namespace slipway {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int kNodes = 3;
constexpr int kPoints = 10;
constexpr std::chrono::seconds kPatience{240};

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// One slipwayd process over a state folder.
class Process {
 public:
  Process(const fs::path& state, const std::string& listen) : log_(state.string() + ".log") {
    const std::string program = std::string(SLIPWAY_PROGRAMS_DIR) + "/slipwayd";
    std::vector<std::string> words = {program,  "--state", state.string(), "--listen", listen,
                                      "--host", "memory:", "--kubernetes", "memory:"};
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 2, log_.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    EXPECT_EQ(posix_spawn(&pid_, program.c_str(), &actions, nullptr, arguments.data(), environ), 0) << program;
    posix_spawn_file_actions_destroy(&actions);
  }
  ~Process() {
    if (pid_ > 0) end(SIGKILL);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // The wait status.
  int end(int signal) {
    ::kill(pid_, signal);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return status;
  }
  std::string log() const { return read_file(log_); }

 private:
  pid_t pid_ = -1;
  std::string log_;
};

// A client of the API, with what admin.json says.
class Client {
 public:
  explicit Client(const fs::path& state) {
    const json::object admin = json::parse(read_file(state / "admin.json")).as_object();
    const auto text = [&](const char* key) { return std::string(admin.at(key).as_string()); };
    endpoint_ = text("endpoint");
    subscription_ = "/subscriptions/" + text("subscriptionId");
    options_.ca_pem = read_file(state / "ca.pem");
    const auto [status, body] =
        send("POST", endpoint_ + "/" + text("tenantId") + "/oauth2/v2.0/token",
             "grant_type=client_credentials&scope=slipway%2F.default&client_id=" + text("clientId") +
                 "&client_secret=" + text("clientSecret"),
             "application/x-www-form-urlencoded");
    EXPECT_EQ(status, 200);
    if (body.is_object() && body.as_object().contains("access_token")) {
      token_ = std::string(body.at("access_token").as_string());
    }
  }

  std::pair<int, json::value> call(const std::string& method, const std::string& path, const std::string& body = {}) {
    return send(method, endpoint_ + subscription_ + path + "?api-version=2025-03-01", body, "application/json");
  }
  // The URL of the operation that the last answer named.
  const std::string& operation() const { return operation_; }
  std::pair<int, json::value> poll(const std::string& url) { return send("GET", url, {}, "application/json"); }

 private:
  std::pair<int, json::value> send(const std::string& method, const std::string& url, const std::string& body,
                                   const std::string& type) {
    http::ClientRequest request;
    request.method = method;
    request.url = url;
    request.headers["Content-Type"] = type;
    if (!token_.empty()) request.headers["Authorization"] = "Bearer " + token_;
    request.body = body;
    const auto response = http::Client(options_).send(request);
    if (!response) return {0, nullptr};
    if (const auto found = response->headers.find("Azure-AsyncOperation"); found != response->headers.end()) {
      operation_ = found->second;
    }
    json::error_code code;
    return {response->status, response->body.empty() ? json::value() : json::parse(response->body, code)};
  }

  http::ClientOptions options_;
  std::string endpoint_, subscription_, token_, operation_;
};

template <typename Condition>
bool wait_for(const Condition& condition) {
  for (const auto end = Clock::now() + kPatience; Clock::now() < end;) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return false;
}

bool answers(const fs::path& state) {
  if (!fs::exists(state / "admin.json")) return false;
  const json::object admin = json::parse(read_file(state / "admin.json")).as_object();
  http::ClientOptions options;
  options.ca_pem = read_file(state / "ca.pem");
  http::ClientRequest request;
  request.url = std::string(admin.at("endpoint").as_string()) + "/metadata/endpoints?api-version=2022-09-01";
  return http::Client(options).send(request).has_value();
}

// The youngest commit that any document shows.
std::int64_t revision(store::Store& store) {
  const auto documents = store.list("/");
  std::int64_t youngest = 0;
  for (const auto& document : documents.value_or(std::vector<store::Document>{})) {
    youngest = std::max(youngest, document.revision);
  }
  return youngest;
}

std::string operation_status(Client& client, const std::string& url) {
  const auto [status, body] = client.poll(url);
  return status == 200 ? std::string(body.at("status").as_string()) : "no answer";
}

bool all_ready(store::Store& store) {
  const auto nodes = store.list(fleet::node_key("")).value();
  return std::all_of(nodes.begin(), nodes.end(), [](const store::Document& document) {
    const auto node = fleet::node_from_json(document.value);
    return node && node->phase == fleet::NodePhase::kReady;
  });
}

class KillCreate : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "slipway-kill-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    // The port that the first start is given is what admin.json says for good.
    listen_ = "127.0.0.1:" + std::to_string(20000 + getpid() % 10000);
    Process process(root_ / "prepared", listen_);
    ASSERT_TRUE(wait_for([&] { return answers(root_ / "prepared"); })) << process.log();
    Client client(root_ / "prepared");
    const std::string feature =
        "/providers/Microsoft.Features/providers/Microsoft.ContainerService/features/TrustedLaunchPreview";
    ASSERT_EQ(client.call("POST", feature + "/register").first, 200);
    ASSERT_TRUE(wait_for(
        [&] { return client.call("GET", feature).second.at("properties").at("state").as_string() == "Registered"; }));
    ASSERT_EQ(client.call("POST", "/providers/Microsoft.ContainerService/register").first, 200);
    ASSERT_EQ(client.call("PUT", "/resourcegroups/group", R"({"location":"local"})").first, 201);
    EXPECT_EQ(process.end(SIGTERM), 0);
  }
  void TearDown() override {
    if (!HasFailure()) fs::remove_all(root_);
  }

  fs::path fresh_state(const std::string& name) {
    fs::copy(root_ / "prepared", root_ / name, fs::copy_options::recursive);
    fs::permissions(root_ / name, fs::perms::owner_all);
    return root_ / name;
  }

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

  fs::path root_;
  std::string listen_;
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
