// Wrong requests, one row each in bad_input.json, against a slipwayd with everything behind it but VMs: each is refused
// with its status, code and words, and after all of them the store is as it was, byte for byte.
#include <fmt/format.h>

#include <map>
#include <set>

#include "api/access.h"
#include "api/token.h"
#include "base/random.h"
#include "base/source_folder_for_tests.h"
#include "crypto/jws.h"
#include "crypto/secret_hash.h"
#include "slipwayd_process.h"

namespace slipway {
namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

constexpr std::size_t kLeastRows = 150;
constexpr const char* kSecret = "s3cret-of-a-test";
// The rows with a wrong secret stay below the limit of failed logins.
constexpr const char* kForm = "application/x-www-form-urlencoded";

std::string text_of(const json::object& row, std::string_view key, std::string otherwise = {}) {
  const json::value* const found = row.if_contains(key);
  return found ? std::string(found->as_string()) : std::move(otherwise);
}

std::string replaced(std::string text, const std::map<std::string, std::string>& words) {
  // Longer names first: "$TOKEN_CUT" is not "$TOKEN".
  for (auto word = words.rbegin(); word != words.rend(); ++word) {
    for (std::size_t at = text.find(word->first); at != std::string::npos; at = text.find(word->first, at)) {
      text.replace(at, word->first.size(), word->second);
      at += word->second.size();
    }
  }
  return text;
}

std::string body_of(const json::object& row) {
  if (const json::value* const body = row.if_contains("body")) return json::serialize(*body);
  if (const json::value* const hex = row.if_contains("hex")) {
    return std::string(as_text(from_hex(std::string(hex->as_string())).value()));
  }
  if (const json::value* const repeat = row.if_contains("repeat")) {
    const json::array& parts = repeat->as_array();
    std::string text(parts.at(0).as_string());
    for (std::int64_t i = 0; i < parts.at(2).as_int64(); ++i) text += std::string_view(parts.at(1).as_string());
    return text + std::string(parts.at(3).as_string());
  }
  return text_of(row, "text");
}

class BadInput : public PreparedSlipwayd {
 protected:
  void SetUp() override {
    PreparedSlipwayd::SetUp();
    if (HasFatalFailure()) return;
    state_ = root_ / "prepared";
    start();
    const json::object admin = json::parse(read_file(state_ / "admin.json")).as_object();
    const auto text = [&](const char* key) { return std::string(admin.at(key).as_string()); };
    endpoint_ = text("endpoint");
    const std::string subscription = "/subscriptions/" + text("subscriptionId"),
                      group = subscription + "/resourceGroups/group",
                      clusters = group + "/providers/Microsoft.ContainerService/managedClusters";
    words_ = {{"$S", subscription},
              {"$G", group},
              {"$MC", clusters},
              {"$C", clusters + "/cluster"},
              {"$P", clusters + "/cluster/agentPools"},
              {"$F", subscription + "/providers/Microsoft.Features/providers/Microsoft.ContainerService/features/"
                                    "TrustedLaunchPreview"},
              {"$T", text("tenantId")},
              {"$CLIENT", text("clientId")}};
    options_.ca_pem = read_file(state_ / "ca.pem");
    tokens_["owner"] = token_of(text("clientId"), text("clientSecret"));
    make_pools();
    make_strangers(subscription);
    const std::string& good = tokens_.at("owner");
    const std::string claims = good.substr(0, good.rfind('.'));
    words_["$TOKEN"] = good;
    words_["$TOKEN_CUT"] = good.substr(0, good.size() - 4);
    words_["$TOKEN_CHANGED"] = good.substr(0, good.size() - 4) + "AAAA";
    words_["$TOKEN_FOREIGN"] =
        crypto::sign_jws(crypto::PrivateKey::generate_p256(), "key", "at+jwt", R"({"sub":"owner"})").value();
    // {"alg":"none"}, and no signature.
    words_["$TOKEN_UNSIGNED"] = "eyJhbGciOiJub25lIn0" + claims.substr(claims.find('.')) + ".";
  }
  void TearDown() override {
    process_.reset();
    PreparedSlipwayd::TearDown();
  }

  void start() {
    process_ = std::make_unique<Process>(state_, listen_);
    ASSERT_TRUE(wait_for([&] { return answers(state_); })) << process_->log();
  }

  std::string token_of(const std::string& client, const std::string& secret) {
    http::ClientRequest request{"POST",
                                endpoint_ + "/adfs/oauth2/token",
                                {{"Content-Type", kForm}},
                                "grant_type=client_credentials&client_id=" + client + "&client_secret=" + secret};
    const auto response = http::Client(options_).send(request);
    EXPECT_TRUE(response && response->status == 200) << client;
    if (!response || response->status != 200) return {};
    return std::string(json::parse(response->body).at("access_token").as_string());
  }

  // "early" was made before the feature, "trusted" after it; nothing of them changes by itself, since they have no
  // node that sends evidence.
  void make_pools() {
    Client client(state_);
    const std::string feature = words_.at("$F").substr(words_.at("$S").size());
    const std::string cluster = words_.at("$C").substr(words_.at("$S").size());
    ASSERT_EQ(client.call("POST", feature + "/unregister").first, 200);
    ASSERT_EQ(client
                  .call("PUT", cluster,
                        R"({"location":"local","properties":{"agentPoolProfiles":[
                            {"name":"early","mode":"System","count":1}]}})")
                  .first,
              201);
    ASSERT_TRUE(wait_for([&] { return operation_status(client, client.operation()) == "Succeeded"; }))
        << process_->log();
    ASSERT_EQ(client.call("POST", feature + "/register").first, 200);
    ASSERT_TRUE(wait_for(
        [&] { return client.call("GET", feature).second.at("properties").at("state").as_string() == "Registered"; }));
    ASSERT_EQ(client.call("POST", "/providers/Microsoft.ContainerService/register").first, 200);
    ASSERT_EQ(client.call("PUT", cluster + "/agentPools/trusted", R"({"properties":{"count":0}})").first, 201);
    ASSERT_TRUE(wait_for([&] { return operation_status(client, client.operation()) == "Succeeded"; }))
        << process_->log();
  }

  // Clients who may not do everything, and one that is gone.
  void make_strangers(const std::string& subscription) {
    const auto store = store::open_sqlite_store((state_ / "slipway.db").string());
    ASSERT_TRUE(store) << store.error().message;
    SystemRandom random;
    const auto make = [&](const std::string& name, const std::string& role, const std::string& scope) {
      api::StoredPrincipal principal;
      principal.client = name;
      principal.secret_hash = crypto::hash_secret(kSecret, random);
      principal.name = name;
      api::RoleAssignment assignment;
      assignment.id = make_uuid(random);
      assignment.principal = name;
      assignment.role = role;
      assignment.scope = scope;
      ASSERT_TRUE((*store)->commit({{},
                                    {{api::principal_key(name), api::to_json(principal)},
                                     {api::role_assignment_key(assignment.id), api::to_json(assignment)}},
                                    {}}));
      tokens_[name] = token_of(name, kSecret);
    };
    make("reader", "Reader", "/");
    make("neighbour", "Contributor", subscription + "/resourceGroups/group2");
    make("deleted", "Owner", "/");
    ASSERT_TRUE((*store)->commit({{}, {}, {api::principal_key("deleted")}}));
  }

  http::ClientRequest request_of(const json::object& row) const {
    const std::string line = text_of(row, "request");
    const std::size_t space = line.find(' ');
    http::ClientRequest request;
    request.method = line.substr(0, space);
    const std::string query = text_of(row, "query", "api-version=2025-03-01");
    request.url = endpoint_ + replaced(line.substr(space + 1), words_) + (query.empty() ? "" : "?" + query);
    request.body = replaced(body_of(row), words_);
    if (!request.body.empty()) request.headers["Content-Type"] = text_of(row, "type", "application/json");
    const std::string authorization =
        text_of(row, "authorization", "Bearer " + tokens_.at(text_of(row, "as", "owner")));
    if (authorization != "none") request.headers["Authorization"] = replaced(authorization, words_);
    if (const json::value* const headers = row.if_contains("headers")) {
      for (const auto& [name, value] : headers->as_object()) {
        request.headers[std::string(name)] = std::string(value.as_string());
      }
    }
    return request;
  }

  void expect_refused(const json::object& row) const {
    SCOPED_TRACE(text_of(row, "row"));
    const auto response = http::Client(options_).send(request_of(row));
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->status, row.at("status").as_int64()) << response->body;
    json::error_code code;
    const json::value answer = json::parse(response->body, code);
    ASSERT_TRUE(!code && answer.is_object()) << "no JSON object: " << response->body;
    // OAuth's errors are two texts, ARM's an object.
    const json::value& error = answer.as_object().contains("error") ? answer.at("error") : answer;
    std::string found_code, message;
    if (error.is_object()) {
      found_code = text_of(error.as_object(), "code");
      message = text_of(error.as_object(), "message");
    } else if (error.is_string()) {
      found_code = std::string(error.as_string());
      message = text_of(answer.as_object(), "error_description");
    }
    const std::string wanted = text_of(row, "code"), says = text_of(row, "says");
    if (!wanted.empty()) {
      EXPECT_EQ(found_code, wanted) << response->body;
    }
    EXPECT_FALSE(found_code.empty() || message.empty()) << response->body;
    EXPECT_NE(message.find(says), std::string::npos) << "does not say '" << says << "': " << message;
    if (const json::value* const details = row.if_contains("details")) {
      const json::value* const list = error.as_object().if_contains("details");
      EXPECT_TRUE(list && list->as_array().size() == static_cast<std::size_t>(details->as_int64())) << response->body;
    }
    EXPECT_EQ(response->body.find("/src/"), std::string::npos) << "an answer shows where it was made";
  }

  // Every document with its revision.
  std::string whole_store() const {
    const auto store = store::open_sqlite_store((state_ / "slipway.db").string());
    std::string text;
    const std::vector<store::Document> documents = (*store)->list("/").value();
    for (const store::Document& document : documents) {
      text += fmt::format("{} @{} {}\n", document.key, document.revision, document.value);
    }
    return text;
  }

  fs::path state_;
  std::unique_ptr<Process> process_;
  std::string endpoint_;
  http::ClientOptions options_;
  std::map<std::string, std::string> words_, tokens_;
};

TEST_F(BadInput, IsRefusedAndChangesNothing) {
  const json::value table = json::parse(read_file(fs::path(source_folder()) / "tests/integration/bad_input.json"));
  const json::array& rows = table.as_array();
  ASSERT_GE(rows.size(), kLeastRows);
  std::set<std::string> names;
  for (const json::value& row : rows) {
    EXPECT_TRUE(names.insert(text_of(row.as_object(), "row")).second) << text_of(row.as_object(), "row") << " twice";
  }
  const std::string before = whole_store();
  ASSERT_NE(before.find("/pools/"), std::string::npos);
  for (const json::value& row : rows) {
    expect_refused(row.as_object());
    ASSERT_EQ(whole_store(), before) << "changed by: " << text_of(row.as_object(), "row");
  }
  // It has not fallen over meanwhile, and does what is right.
  Client client(state_);
  EXPECT_EQ(client.call("GET", words_.at("$C").substr(words_.at("$S").size())).first, 200);
  EXPECT_EQ(process_->end(SIGTERM), 0);
  EXPECT_EQ(whole_store(), before);
}

}  // namespace
}  // namespace slipway
