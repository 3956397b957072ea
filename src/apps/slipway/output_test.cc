#include "apps/slipway/output.h"

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include "apps/slipway/arguments.h"
#include "apps/slipway/arm_client.h"

namespace slipway::cli {
namespace {

namespace json = boost::json;

std::string text(const Result<json::value>& value) {
  return value ? json::serialize(*value) : "error: " + value.error().message;
}

OutputOptions format(const std::string& name, const std::string& query = {}) {
  OutputOptions options;
  options.format = name;
  options.query = query;
  return options;
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

TEST(Render, GivesJsonTableAndTsv) {
  const json::value value = json::parse(R"([{"name": "a", "n": 1, "more": {}}, {"name": "ü-long", "n": null}])");
  const std::vector<Column> columns = {{"Name", "name"}, {"N", "n"}};
  EXPECT_EQ(render(value, format("json", "[0]"), columns).value(),
            "{\n  \"name\": \"a\",\n  \"n\": 1,\n  \"more\": {}\n}\n");
  EXPECT_EQ(render(value, format("table"), columns).value(),
            "Name    N\n"
            "------  -\n"
            "a       1\n"
            "ü-long\n");
  EXPECT_EQ(render(value, format("tsv", "[].name"), columns).value(), "a\nü-long\n");
  EXPECT_EQ(render(json::value("Registered"), format("tsv"), {}).value(), "Registered\n");
  EXPECT_EQ(render(json::array{}, format("table"), columns).value(), "Name  N\n----  -\n");
}

TEST(Flatten, PutsMembersIntoTheOrderOfTheAlphabet) {
  const json::value flat =
      flatten(json::parse(R"({"name": "n", "id": "i", "properties": {"count": 1, "b": {"z": 1, "a": 2}}})"));
  EXPECT_EQ(json::serialize(flat), R"({"b":{"a":2,"z":1},"count":1,"id":"i","name":"n"})");
}

TEST(Render, ATableThatNobodyChoseHasTheValuesOwnColumns) {
  const json::value value =
      json::parse(R"([{"id": "x", "name": "a", "n": 1, "more": {}, "type": "t"}, {"name": "b"}])");
  EXPECT_EQ(render(value, format("table"), {}).value(), "Name  N\n----  -\na     1\nb\n");
  EXPECT_EQ(render(value, format("table", "[].{first: name, second: n}"), {{"Name", "name"}}).value(),
            "First  Second\n-----  ------\na      1\nb\n");
  EXPECT_EQ(render(value, format("table", "[].[name, n]"), {}).value(),
            "Column1  Column2\n-------  -------\na        1\nb\n");
  EXPECT_EQ(render(json::value("x"), format("table"), {}).value(), "Result\n------\nx\n");
  EXPECT_EQ(render(nullptr, format("table"), {}).value(), "");
}

TEST(Render, TsvIsThatOfAz) {
  const json::value value = json::parse(R"([["a", true, null, [1, 2], {"x": 1}], "b"])");
  EXPECT_EQ(render(value, format("tsv"), {}).value(), "a\ttrue\t\t2\t\nb\n");
  EXPECT_EQ(render(nullptr, format("tsv"), {}).value(), "");
}

TEST(Render, YamlIsReadBackAsTheSameValue) {
  const json::value value = json::parse(
      R"({"name": "c", "count": 2, "on": true, "text": "true", "version": "1.20", "none": null, "list": ["a: b", "", "- x"], "empty": {}, "nothing": [], "lines": "a\nb"})");
  const std::string text = render(value, format("yaml"), {}).value();
  const YAML::Node back = YAML::Load(text);
  EXPECT_EQ(back["name"].as<std::string>(), "c");
  EXPECT_EQ(back["count"].Tag(), "?");
  EXPECT_EQ(back["on"].Tag(), "?");
  for (const char* quoted : {"text", "version"}) EXPECT_EQ(back[quoted].Tag(), "!") << text;
  EXPECT_EQ(back["version"].as<std::string>(), "1.20");
  EXPECT_TRUE(back["none"].IsNull());
  EXPECT_EQ(back["list"][0].as<std::string>(), "a: b");
  EXPECT_EQ(back["list"][1].as<std::string>(), "");
  EXPECT_EQ(back["list"][2].as<std::string>(), "- x");
  EXPECT_TRUE(back["empty"].IsMap());
  EXPECT_TRUE(back["nothing"].IsSequence());
  EXPECT_EQ(back["lines"].as<std::string>(), "a\nb");
}

TEST(Render, NoneIsNothing) { EXPECT_EQ(render(kCluster, format("none"), {}).value(), ""); }

TEST(Render, NoControlCharacterReachesTheTerminal) {
  const json::value value = json::object{{"name",
                                          "a\x1b[2Jb\x7f\xc2\x9b"
                                          "1m\n"}};
  for (const std::string name : {"table", "tsv", "yaml"}) {
    const std::string shown = render(value, format(name), {{"Name", "name"}}).value();
    EXPECT_EQ(shown.find('\x1b'), std::string::npos);
    EXPECT_EQ(shown.find('\x7f'), std::string::npos);
    EXPECT_EQ(shown.find("\xc2\x9b"), std::string::npos);
    const bool is_escaped = name == "yaml";
    EXPECT_TRUE(is_escaped || shown.find("a?[2Jb??1m?") != std::string::npos) << shown;
  }
  EXPECT_EQ(render(value, format("json"), {}).value().find('\x1b'), std::string::npos);
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
