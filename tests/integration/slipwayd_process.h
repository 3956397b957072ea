#pragma once

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
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/source_folder_for_tests.h"
#include "fleet/types.h"
#include "http/client.h"
#include "store/sqlite.h"

extern char** environ;

// A slipwayd process over a state folder of its own, and a client of its API: for tests that kill it.
namespace slipway {

inline constexpr std::chrono::seconds kPatience{240};

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// One slipwayd process over a state folder.
class Process {
 public:
  Process(const std::filesystem::path& state, const std::string& listen,
          const std::vector<std::string>& kubernetes = {"--kubernetes", "memory:"})
      : log_(state.string() + ".log") {
    const std::string program = programs_folder() + "/slipwayd";
    std::vector<std::string> words = {program, "--state", state.string(), "--listen", listen, "--host", "memory:"};
    words.insert(words.end(), kubernetes.begin(), kubernetes.end());
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
  explicit Client(const std::filesystem::path& state) {
    const boost::json::object admin = boost::json::parse(read_file(state / "admin.json")).as_object();
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

  std::pair<int, boost::json::value> call(const std::string& method, const std::string& path,
                                          const std::string& body = {}) {
    return send(method, endpoint_ + subscription_ + path + "?api-version=2025-03-01", body, "application/json");
  }
  // The URL of the operation that the last answer named.
  const std::string& operation() const { return operation_; }
  // Its key in the store.
  std::string operation_key() const {
    return fleet::operation_key(std::filesystem::path(operation_.substr(0, operation_.find('?'))).filename().string());
  }
  std::pair<int, boost::json::value> poll(const std::string& url) { return send("GET", url, {}, "application/json"); }

 private:
  std::pair<int, boost::json::value> send(const std::string& method, const std::string& url, const std::string& body,
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
    boost::json::error_code code;
    return {response->status, response->body.empty() ? boost::json::value() : boost::json::parse(response->body, code)};
  }

  http::ClientOptions options_;
  std::string endpoint_, subscription_, token_, operation_;
};

template <typename Condition>
bool wait_for(const Condition& condition) {
  for (const auto end = std::chrono::steady_clock::now() + kPatience; std::chrono::steady_clock::now() < end;) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return false;
}

inline bool answers(const std::filesystem::path& state) {
  if (!std::filesystem::exists(state / "admin.json")) return false;
  const boost::json::object admin = boost::json::parse(read_file(state / "admin.json")).as_object();
  http::ClientOptions options;
  options.ca_pem = read_file(state / "ca.pem");
  http::ClientRequest request;
  request.url = std::string(admin.at("endpoint").as_string()) + "/metadata/endpoints?api-version=2022-09-01";
  return http::Client(options).send(request).has_value();
}

// The youngest commit that any document shows.
inline std::int64_t revision(store::Store& store) {
  const auto documents = store.list("/");
  std::int64_t youngest = 0;
  for (const auto& document : documents.value_or(std::vector<store::Document>{})) {
    youngest = std::max(youngest, document.revision);
  }
  return youngest;
}

inline std::string operation_status(Client& client, const std::string& url) {
  const auto [status, body] = client.poll(url);
  return status == 200 ? std::string(body.at("status").as_string()) : "no answer";
}

inline bool all_ready(store::Store& store) {
  const auto nodes = store.list(fleet::node_key("")).value();
  return std::all_of(nodes.begin(), nodes.end(), [](const store::Document& document) {
    const auto node = fleet::node_from_json(document.value);
    return node && node->phase == fleet::NodePhase::kReady;
  });
}

// A state folder with the feature registered and a resource group, to be copied for each start.
class PreparedSlipwayd : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "slipway-kill-XXXXXX").string();
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
    if (!HasFailure()) std::filesystem::remove_all(root_);
  }

  std::filesystem::path fresh_state(const std::string& name) {
    std::filesystem::copy(root_ / "prepared", root_ / name, std::filesystem::copy_options::recursive);
    std::filesystem::permissions(root_ / name, std::filesystem::perms::owner_all);
    return root_ / name;
  }

  std::filesystem::path root_;
  std::string listen_;
};

}  // namespace slipway
