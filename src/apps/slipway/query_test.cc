#include "apps/slipway/query.h"

#include <gtest/gtest.h>

namespace slipway::cli {
namespace {

namespace json = boost::json;

const json::value kClusters = json::parse(R"([
  {"name": "one", "count": 1, "securityProfile": {"enableVtpm": true}, "tags": {"a-b": "x", "kubernetes.io/y": "z"},
   "pools": [{"name": "p", "nodes": ["n1", "n2"]}, {"name": "q", "nodes": []}]},
  {"name": "two", "count": 2, "securityProfile": {"enableVtpm": false}, "pools": [{"name": "r", "nodes": ["n3"]}]},
  {"name": "three", "count": 2}])");

std::string of(std::string_view text, const json::value& value = kClusters) {
  const auto found = query(value, text);
  return found ? json::serialize(*found) : "error: " + found.error().message;
}

TEST(Query, TakesMembersAndElements) {
  EXPECT_EQ(of("[0].name"), R"("one")");
  EXPECT_EQ(of("[-1].name"), R"("three")");
  EXPECT_EQ(of("[7]"), "null");
  EXPECT_EQ(of("[0].pools[1].name"), R"("q")");
  EXPECT_EQ(of("[0].nothing.here"), "null");
  EXPECT_EQ(of("@", 7), "7");
  EXPECT_EQ(of("name"), "null") << "an array has no members";
}

TEST(Query, QuotedNamesMayHaveAnyCharacter) {
  EXPECT_EQ(of(R"([0].tags."a-b")"), R"("x")");
  EXPECT_EQ(of(R"([0].tags."kubernetes.io/y")"), R"("z")");
}

TEST(Query, AProjectionTakesEachElementAndLeavesOutNull) {
  EXPECT_EQ(of("[].name"), R"(["one","two","three"])");
  EXPECT_EQ(of("[*].securityProfile.enableVtpm"), "[true,false]");
  EXPECT_EQ(of("[*].pools[*].name"), R"([["p","q"],["r"]])");
  EXPECT_EQ(of("[].pools[].name"), R"(["p","q","r"])");
  EXPECT_EQ(of("[].pools[].nodes[]"), R"(["n1","n2","n3"])");
  EXPECT_EQ(of("[].pools[0].name"), R"(["p","r"])");
  EXPECT_EQ(of("[]", json::parse("[[1, [2]], 3]")), "[1,[2],3]");
  EXPECT_EQ(of("a[]", json::parse(R"({"a": 1})")), "null");
}

TEST(Query, APipeEndsAProjection) {
  EXPECT_EQ(of("[].name | [0]"), R"("one")");
  EXPECT_EQ(of("[].name[0]"), "[]");
}

TEST(Query, AFilterKeepsWhatItHoldsFor) {
  EXPECT_EQ(of("[?name=='two'].count"), "[2]");
  EXPECT_EQ(of("[?name == 'two'] | [0].count"), "2");
  EXPECT_EQ(of("[?count==`2`].name"), R"(["two","three"])");
  EXPECT_EQ(of("[?count!=`2`].name"), R"(["one"])");
  EXPECT_EQ(of("[?securityProfile.enableVtpm].name"), R"(["one"])");
  EXPECT_EQ(of("[?securityProfile.enableVtpm==`true`].name"), R"(["one"])");
  EXPECT_EQ(of("[?name=='nobody']"), "[]");
  EXPECT_EQ(of("[?name==name].count"), "[1,2,2]");
  EXPECT_EQ(of("pools[?name=='q']", kClusters.at(0)), R"([{"name":"q","nodes":[]}])");
}

TEST(Query, MakesObjectsAndArrays) {
  EXPECT_EQ(of("[].{n: name, v: securityProfile.enableVtpm}"),
            R"([{"n":"one","v":true},{"n":"two","v":false},{"n":"three","v":null}])");
  EXPECT_EQ(of("[?count==`1`].{n:name}"), R"([{"n":"one"}])");
  EXPECT_EQ(of("{n: name, \"a b\": count}", kClusters.at(0)), R"({"n":"one","a b":1})");
  EXPECT_EQ(of("[].[name, count]"), R"([["one",1],["two",2],["three",2]])");
  EXPECT_EQ(of("[name, count]", kClusters.at(0)), R"(["one",1])");
  EXPECT_EQ(of("nothing.{x: y}", kClusters.at(0)), "null");
}

TEST(Query, NamesWhatItRefusesAndWhere) {
  const std::pair<std::string_view, std::pair<std::string_view, std::string_view>> refused[] = {
      {"length(@)", {"offset 0:", "the function length()"}},
      {"[].sort_by(@, &a)", {"offset 3:", "the function sort_by()"}},
      {"[0:2]", {"offset 2:", "the slice ':'"}},
      {"[:2]", {"offset 1:", "the slice ':'"}},
      {"a.*", {"offset 2:", "the wildcard '*'"}},
      {"[?a<`2`]", {"offset 3:", "the operator '<'"}},
      {"[?a=='x' && b]", {"offset 9:", "the operator '&&'"}},
      {"[?!a]", {"offset 2:", "the operator '!'"}},
      {"a || b", {"offset 2:", "the operator '||'"}},
      {"(a)", {"offset 0:", "parenthesis"}},
      {"a-b", {"offset 0:", "double quotes"}},
      {"a[", {"offset 2:", "ends"}},
      {"a..b", {"offset 2:", "'.b' is not expected"}},
      {"", {"offset 0:", "ends"}},
      {"[?a=='x]", {"offset 5:", "never closed"}},
      {"\"a", {"offset 0:", "never closed"}},
      {"[?a==`{`]", {"offset 5:", "no JSON"}},
      {"a b", {"offset 2:", "'b' is not expected"}},
      {"[99999999999]", {"offset 1:", "not expected"}},
  };
  for (const auto& [text, says] : refused) {
    const auto found = Query::parse(text);
    ASSERT_FALSE(found) << text;
    EXPECT_EQ(found.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(found.error().message.find("--query"), std::string::npos) << "the command line names the option already";
    EXPECT_NE(found.error().message.find(says.first), std::string::npos) << text << ": " << found.error().message;
    EXPECT_NE(found.error().message.find(says.second), std::string::npos) << text << ": " << found.error().message;
  }
}

TEST(Query, IsBounded) {
  EXPECT_FALSE(Query::parse(std::string(4097, 'a')));
  EXPECT_TRUE(Query::parse(std::string(4096, 'a')));
  std::string deep;
  for (int i = 0; i < 17; ++i) deep += "[?";
  EXPECT_NE(Query::parse(deep).error().message.find("16 levels"), std::string::npos);
}

TEST(Query, MakesAValueAtMostSoManyTimesLarger) {
  std::string doubling = "@";
  for (int i = 0; i < 6; ++i) doubling += ".[@, @]";
  EXPECT_TRUE(Query::parse(doubling)) << "64 times";
  EXPECT_NE(
      Query::parse(doubling + ".{a: @, b: @}").error().message.find("at offset 56: a query that makes more than 64"),
      std::string::npos);
  // Inside a filter nothing of it is given, but it is made; one behind the other makes nothing larger.
  EXPECT_FALSE(Query::parse("[?" + doubling + ".[@, @]]"));
  EXPECT_FALSE(Query::parse("[?a==" + doubling + ".[@, @]]"));
  EXPECT_FALSE(Query::parse("[?" + doubling + "].[@, @]"));
  std::string filters;
  for (int i = 0; i < 400; ++i) filters += "[?a=='x']";
  EXPECT_TRUE(Query::parse(filters));
  // What 65 members are taken of is as many times larger as one behind the other would be.
  std::string wide = "[a";
  for (int i = 1; i < 64; ++i) wide += ",a";
  EXPECT_TRUE(Query::parse(wide + "]"));
  EXPECT_FALSE(Query::parse(wide + ",a]"));
}

}  // namespace
}  // namespace slipway::cli
