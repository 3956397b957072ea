#include "apps/slipway/output.h"

#include <gtest/gtest.h>

#include "apps/slipway/arguments.h"
#include "apps/slipway/arm_client.h"

namespace slipway::cli {
namespace {

namespace json = boost::json;

std::string text(const Result<json::value>& value) {
  return value ? json::serialize(*value) : "error: " + value.error().message;
}

const json::value kCluster = json::parse(R"({
  "id": "/subscriptions/s/resourcegroups/My-Group/providers/Microsoft.ContainerService/managedClusters/c",
  "name": "c", "properties": {"provisioningState": "Succeeded", "name": "not this one", "enableRBAC": true,
  "agentPoolProfiles": [{"name": "p", "count": 1, "securityProfile": {"enableVTPM": true, "enableSecureBoot": false}},
                        {"name": "q", "count": 2}]}})");

TEST(Flatten, BringsPropertiesUpAsAzPrintsThem) {
  const json::value flat = flatten(kCluster);
  EXPECT_EQ(text(query(flat, "provisioningState")), R"("Succeeded")");
  EXPECT_EQ(text(query(flat, "name")), R"("c")");
  EXPECT_EQ(text(query(flat, "resourceGroup")), R"("My-Group")");
  EXPECT_EQ(text(query(flat, "enableRbac")), "true");
  EXPECT_EQ(text(query(flat, "agentPoolProfiles[0].securityProfile.enableVtpm")), "true");
  EXPECT_EQ(text(query(flat, "properties")), "null");
}

TEST(Query, WalksNamesIndexesAndEachElement) {
  EXPECT_EQ(text(query(kCluster, "properties.agentPoolProfiles[1].name")), R"("q")");
  EXPECT_EQ(text(query(kCluster, "properties.agentPoolProfiles[].name")), R"(["p","q"])");
  EXPECT_EQ(text(query(kCluster, "properties.agentPoolProfiles[2].name")), "null");
  EXPECT_EQ(text(query(kCluster, "nothing.here")), "null");
  EXPECT_EQ(text(query(json::array{1, 2}, "[1]")), "2");
}

TEST(Query, RefusesWhatItDoesNotUnderstand) {
  for (const std::string_view bad : {"a[?b=='c']", "length(@)", "a | b", "{x: a}", "a[-1]", "a[", "a..b", "[*].a"}) {
    const auto found = query(kCluster, bad);
    ASSERT_FALSE(found) << bad;
    EXPECT_EQ(found.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(found.error().message.find("jq"), std::string::npos);
  }
}

TEST(Render, GivesJsonTableAndTsv) {
  const json::value value = json::parse(R"([{"name": "a", "n": 1, "more": {}}, {"name": "ü-long", "n": null}])");
  const std::vector<Column> columns = {{"Name", "name"}, {"N", "n"}};
  EXPECT_EQ(render(value, {"json", "[0]"}, columns).value(), "{\n  \"name\": \"a\",\n  \"n\": 1,\n  \"more\": {}\n}\n");
  EXPECT_EQ(render(value, {"table", ""}, columns).value(),
            "Name    N\n"
            "------  -\n"
            "a       1\n"
            "ü-long\n");
  EXPECT_EQ(render(value, {"tsv", "[].name"}, columns).value(), "a\nü-long\n");
  EXPECT_EQ(render(json::value("Registered"), {"tsv", ""}, {}).value(), "Registered\n");
  EXPECT_EQ(render(json::array{}, {"table", ""}, columns).value(), "Name  N\n----  -\n");
}

TEST(Render, NoControlCharacterReachesTheTerminal) {
  const json::value value = json::object{{"name",
                                          "a\x1b[2Jb\x7f\xc2\x9b"
                                          "1m\n"}};
  for (const std::string format : {"table", "tsv"}) {
    const std::string shown = render(value, {format, ""}, {{"Name", "name"}}).value();
    EXPECT_EQ(shown.find('\x1b'), std::string::npos);
    EXPECT_EQ(shown.find('\x7f'), std::string::npos);
    EXPECT_EQ(shown.find("\xc2\x9b"), std::string::npos);
    EXPECT_NE(shown.find("a?[2Jb??1m?"), std::string::npos) << shown;
  }
  EXPECT_EQ(render(value, {"json", ""}, {}).value().find('\x1b'), std::string::npos);
}

TEST(Printable, StopsAtItsLimit) { EXPECT_EQ(printable("abcdef", 3), "abc"); }

TEST(EncodeSegment, LeavesNothingThatChangesThePath) {
  EXPECT_EQ(encode_segment("a-b_c.d~1"), "a-b_c.d~1");
  EXPECT_EQ(encode_segment("../x?y#z %"), "..%2Fx%3Fy%23z%20%25");
}

TEST(CheckDashes, NamesTheDashAndTheRightSpelling) {
  const auto refusal = [](const std::string& word) {
    const std::string words[] = {"aks", word};
    const Status status = check_dashes(words);
    return status ? std::string() : status.error().message;
  };
  EXPECT_NE(refusal("\u2013enable-vtpm").find("an en dash (U+2013)"), std::string::npos);
  EXPECT_NE(refusal("\u2013enable-vtpm").find("type --enable-vtpm"), std::string::npos);
  EXPECT_NE(refusal("\u2014name").find("type --name"), std::string::npos);
  EXPECT_NE(refusal("-\u2013name=x").find("type --name=x"), std::string::npos);
  EXPECT_NE(refusal("\u2013g").find("type -g"), std::string::npos);
  EXPECT_EQ(refusal("--enable-vtpm"), "");
  EXPECT_EQ(refusal("a\u2013b"), "");
  EXPECT_EQ(refusal("-"), "");
}

}  // namespace
}  // namespace slipway::cli
