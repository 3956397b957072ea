#include "apps/slipway/yaml_document.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::cli {
namespace {

using Kind = YamlValue::Kind;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string repeated(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

YamlValue read(std::string_view text) { return read_yaml_document(text).value(); }

std::string message(std::string_view text) {
  const auto documents = read_yaml(text);
  return documents ? "no error" : documents.error().message;
}

ErrorCode code(std::string_view text) {
  const auto documents = read_yaml(text);
  return documents ? ErrorCode::kInternal : documents.error().code;
}

TEST(ReadYaml, TellsTextsFromWhatLooksLikeAnotherType) {
  const YamlValue map = read("{a: true, b: 'true', c: \"1\", d: , e: ~, f: null, g: 'null', h: [], i: {}}\n");
  ASSERT_EQ(map.members.size(), 9u);
  EXPECT_EQ(map.member("a").kind, Kind::kPlain);
  EXPECT_EQ(map.member("a").text, "true");
  EXPECT_EQ(map.member("b").kind, Kind::kText);
  EXPECT_EQ(map.member("c").kind, Kind::kText);
  for (const char* null : {"d", "e", "f"}) EXPECT_TRUE(map.member(null).is_null()) << null;
  EXPECT_EQ(map.member("g").kind, Kind::kText);
  EXPECT_TRUE(map.member("h").is_sequence());
  EXPECT_TRUE(map.member("i").is_map());
  EXPECT_EQ(read("a: |\n  1\n").member("a").kind, Kind::kText);
  EXPECT_EQ(read("a: >-\n  1\n  2\n").member("a").text, "1 2");
}

TEST(ReadYaml, ATagThatNamesATypeIsHeard) {
  const YamlValue list = read("[!!str 1, !!int \"1\", !!float '1', !!bool 'on', !!null '', !!int x, !mine 1, ! a]");
  const Kind kinds[] = {Kind::kText, Kind::kPlain, Kind::kPlain, Kind::kPlain,
                        Kind::kNull, Kind::kText,  Kind::kText,  Kind::kText};
  ASSERT_EQ(list.elements.size(), std::size(kinds));
  for (std::size_t i = 0; i < std::size(kinds); ++i) EXPECT_EQ(list.elements[i].kind, kinds[i]) << i;
}

TEST(ReadYaml, ReadsJson) {
  const YamlValue map = read("{\"a\":{\"b\":[1,\"2\",null,\"\\u00e9\\/\"]},\n\t\"c\":true}");
  const auto& list = map.member("a").member("b").elements;
  ASSERT_EQ(list.size(), 4u);
  EXPECT_EQ(list[0].kind, Kind::kPlain);
  EXPECT_EQ(list[1].kind, Kind::kText);
  EXPECT_TRUE(list[2].is_null());
  EXPECT_EQ(list[3].text, "\xc3\xa9/");
  EXPECT_EQ(map.member("c").text, "true");
}

TEST(ReadYaml, AKeyMayStandTwiceAndTheFirstIsFound) {
  const YamlValue map = read("{a: 1, [b]: 2, a: 3, ~: 4}");
  EXPECT_EQ(map.members.size(), 4u);
  EXPECT_EQ(map.member("a").text, "1");
  EXPECT_TRUE(map.member("b").is_null());
  EXPECT_TRUE(map.member("").is_null());
  EXPECT_TRUE(map.member("a").member("a").is_null());
}

TEST(ReadYaml, PlacesAreLinesOfAnEditorAndBytes) {
  // A byte order mark, characters of many bytes, and ends of lines that are none for an editor.
  const YamlValue map = read(
      "\xef\xbb\xbf"
      "gr\xc3\xb6\xc3\x9f"
      "e: {\xf0\x9f\x9a\xa2: 1}\r\nb: '\xe2\x80\xa8\r'\nc: 3");
  EXPECT_EQ(map.members[0].value.members[0].value.line, 1u);
  EXPECT_EQ(map.members[0].value.members[0].value.column, 20u);
  EXPECT_EQ(map.members[1].value.line, 2u);
  EXPECT_EQ(map.members[1].value.column, 4u);
  EXPECT_EQ(map.members[2].value.line, 3u);
  EXPECT_EQ(map.members[2].value.column, 4u);
  EXPECT_EQ(map.member("nothing").line, 0u);
}

TEST(ReadYaml, AnAliasIsACopy) {
  const YamlValue map = read("a: &x {k: [1]}\nb: *x\nc: &x 2\nd: *x\n*x : e\n");
  EXPECT_EQ(map.member("b").member("k").elements.at(0).text, "1");
  EXPECT_EQ(map.member("b").line, 1u);
  EXPECT_EQ(map.member("d").text, "2");
  EXPECT_EQ(map.member("2").text, "e");
}

TEST(ReadYaml, AnAliasNamesAFinishedValueOfItsDocument) {
  EXPECT_EQ(message("a: *b"), "line 1, column 4: expected an anchor \"&b\" before the alias \"*b\"");
  EXPECT_EQ(message("&b 1\n---\n*b"), "line 3, column 1: expected an anchor \"&b\" before the alias \"*b\"");
  EXPECT_EQ(message("a: &b\n- *b"), "line 2, column 3: the alias \"*b\" stands in the value that it names");
  EXPECT_EQ(message("[&b 1, &b [*b]]"), "line 1, column 12: the alias \"*b\" stands in the value that it names");
  EXPECT_EQ(code("a: *b"), ErrorCode::kMalformed);
  EXPECT_LT(message("*" + std::string(100000, 'a')).size(), 400u);
}

TEST(ReadYaml, ReadsEachDocument) {
  const auto documents = read_yaml("a: 1\n---\n---\n- b\n...\n--- c\n").value();
  ASSERT_EQ(documents.size(), 4u);
  EXPECT_TRUE(documents[0].is_map());
  EXPECT_TRUE(documents[1].is_null());
  EXPECT_TRUE(documents[2].is_sequence());
  EXPECT_EQ(documents[3].text, "c");
  EXPECT_TRUE(read_yaml("").value().empty());
  EXPECT_TRUE(read_yaml({}).value().empty());
  EXPECT_TRUE(read_yaml("# nothing\n").value().empty());
}

TEST(ReadYamlDocument, TakesOne) {
  EXPECT_TRUE(read("").is_null());
  EXPECT_TRUE(read("# nothing\n").is_null());
  EXPECT_EQ(read("---\na: 1\n---\n").member("a").text, "1");
  const auto two = read_yaml_document("a: 1\n---\nb: 2\n");
  ASSERT_FALSE(two);
  EXPECT_EQ(two.error().code, ErrorCode::kMalformed);
  EXPECT_EQ(two.error().message, "line 3, column 1: expected one document, and another begins here");
  EXPECT_FALSE(read_yaml_document("a: ["));
}

TEST(ReadYaml, SaysWhereAndWhatWasExpected) {
  EXPECT_EQ(message("a: [1\nb: 2\n"),
            "line 2, column 2: did not find expected ',' or ']' while parsing a flow sequence from line 1");
  EXPECT_EQ(message("a: b: c"), "line 1, column 5: mapping values are not allowed in this context");
  EXPECT_EQ(message("\xc3\xb6: b: c"), "line 1, column 6: mapping values are not allowed in this context");
  EXPECT_EQ(message("a:\nb: 'c\n"),
            "line 3, column 1: found unexpected end of stream while scanning a quoted scalar from line 2");
  EXPECT_EQ(message("a: \"\\q\""),
            "line 1, column 5: found unknown escape character while parsing a quoted scalar from line 1");
  EXPECT_EQ(
      message("a: 1\n\tb: 2"),
      "line 2, column 1: found a tab character that violates indentation while scanning a plain scalar from line 1");
  EXPECT_EQ(
      message("a: @"),
      "line 1, column 4: found character that cannot start any token while scanning for the next token from line 1");
  EXPECT_EQ(message("%YAML 3.0\n--- a"), "line 1, column 1: found incompatible YAML document");
  EXPECT_EQ(message("!x!y a"), "line 1, column 1: found undefined tag handle while parsing a node from line 1");
  EXPECT_EQ(code("a: ["), ErrorCode::kMalformed);
}

TEST(ReadYaml, TakesUtf8AndNoControlCharacters) {
  EXPECT_EQ(message("\xc3\xb6: \xff"), "line 1, column 5: invalid leading UTF-8 octet");
  EXPECT_EQ(message("\xef\xbb\xbf\xc3\xb6: \xff"), "line 1, column 8: invalid leading UTF-8 octet");
  EXPECT_EQ(message("\xef\xbb\xbf"
                    "a: b: c"),
            "line 1, column 8: mapping values are not allowed in this context");
  EXPECT_EQ(message("a: b\nc: \xc3"), "line 2, column 4: incomplete UTF-8 octet sequence");
  EXPECT_EQ(message(std::string_view("a: b\0", 5)), "line 1, column 5: control characters are not allowed");
  EXPECT_EQ(message("\xc3\xb6\n: \x1b[2J"), "line 2, column 3: control characters are not allowed");
  EXPECT_EQ(message("a: \xed\xa0\x80"), "line 1, column 4: invalid Unicode character");
  // UTF-16
  EXPECT_EQ(message(std::string_view("\xff\xfe\x61\x00", 4)), "line 1, column 1: invalid leading UTF-8 octet");
}

// yaml-cpp 0.7 stays in these 8 bytes for ever.
TEST(ReadYaml, ATagWithoutEndEnds) {
  EXPECT_EQ(message("!m*,chv`"),
            "line 1, column 4: did not find expected whitespace or line break while scanning a tag from line 1");
}

TEST(WriteYaml, WritesBlocks) {
  EXPECT_EQ(write_yaml(read("{a: {b: [1, '2', {c: d, e: ~}, [f]]}, g: [], h: {}, 'i j': k}")).value(),
            "a:\n  b:\n  - 1\n  - \"2\"\n  - c: d\n    e: null\n  - - f\ng: []\nh: {}\n\"i j\": k\n");
  EXPECT_EQ(write_yaml(read("text")).value(), "text\n");
  EXPECT_EQ(write_yaml(YamlValue()).value(), "null\n");
}

TEST(WriteYaml, WritesNothingThatIsNotPrintable) {
  const YamlValue value = read(R"(["\0\e\x7f\x85\u2028\uFEFF\uFFFE\U0010FFFF\n\t \xe9", "\U0001F6A2"])");
  const std::string text = write_yaml(value).value();
  EXPECT_EQ(text, "- \"\\0\\e\\x7F\\N\\L\\uFEFF\\uFFFE\\U0010FFFF\\n\\t \xc3\xa9\"\n- \"\\U0001F6A2\"\n");
  EXPECT_EQ(read(text).elements.at(0).text, value.elements.at(0).text);
}

TEST(WriteYaml, LinesAreNotBroken) {
  const std::string text = repeated("word ", 1000) + "end";
  EXPECT_EQ(write_yaml(yaml_text(text)).value(), text + "\n");
}

TEST(WriteYaml, RefusesWhatIsNoUtf8) {
  YamlValue value;
  value.kind = Kind::kText;
  value.text = "\xff";
  EXPECT_EQ(write_yaml(value).error().code, ErrorCode::kInternal);
}

TEST(YamlText, IsReadBackAsTheSameText) {
  for (const std::string_view text : {"",
                                      "a",
                                      "true",
                                      "1",
                                      "~",
                                      "...",
                                      "---",
                                      "- a",
                                      "a: b",
                                      "a #b",
                                      "#",
                                      "a\nb",
                                      " a",
                                      "a ",
                                      "'",
                                      "\"",
                                      "=",
                                      "<<",
                                      "&a",
                                      "2026-11-23",
                                      "a\xe2\x80\xa8",
                                      "\xc2\x85",
                                      "\xef\xbb\xbf",
                                      "gr\xc3\xb6\xc3\x9f",
                                      "\xf0\x9f\x9a\xa2",
                                      "[",
                                      "a]",
                                      "%a",
                                      "? a",
                                      "?a",
                                      ":a",
                                      "a:",
                                      "\x7f",
                                      "\xed\x9f\xbf"}) {
    const YamlValue value = read(write_yaml(yaml_text(text)).value());
    EXPECT_TRUE(value.is_scalar()) << text;
    EXPECT_EQ(value.text, text);
  }
  EXPECT_EQ(yaml_text("true").kind, Kind::kText);
  EXPECT_EQ(yaml_text("a").kind, Kind::kPlain);
  EXPECT_EQ(yaml_text("a\xff").text, "a\xef\xbf\xbd");
}

TEST(ReadYaml, BoundsBytesAndDocuments) {
  EXPECT_EQ(read_yaml(std::string(4U << 20, ' ')).value().size(), 0u);
  EXPECT_EQ(message(std::string((4U << 20) + 1, ' ')), "more than 4 MiB");
  EXPECT_EQ(read_yaml(repeated("---\n", 1000)).value().size(), 1000u);
  EXPECT_EQ(message(repeated("---\n", 1001)), "line 1001, column 1: more than 1000 documents");
  EXPECT_EQ(code(repeated("---\n", 1001)), ErrorCode::kResourceExhausted);
}

TEST(ReadYaml, BoundsLevels) {
  EXPECT_TRUE(read_yaml(repeated("[", 64) + repeated("]", 64)));
  EXPECT_EQ(message(repeated("[", 65) + repeated("]", 65)), "line 1, column 65: more than 64 levels");
  for (const char* opening : {"[", "{", "{a: ", "- ", "? ", "[? "})
    EXPECT_THAT(message(repeated(opening, 100000)), HasSubstr("more than 64 levels")) << opening;
  // Those that an alias brings along count too.
  const std::string half = "- &a " + repeated("[", 40) + repeated("]", 40) + "\n- ";
  EXPECT_TRUE(read_yaml(half + repeated("[", 23) + "*a" + repeated("]", 23)));
  EXPECT_EQ(message(half + repeated("[", 24) + "*a" + repeated("]", 24)), "line 2, column 27: more than 64 levels");
}

TEST(ReadYaml, BoundsValues) {
  EXPECT_EQ(read("[" + repeated("a,", 99999) + "]").elements.size(), 99999u);
  EXPECT_THAT(message("[" + repeated("a,", 100000) + "]"), HasSubstr("more than 100000 values"));
  // Each line doubles the one before: a thousand million values in 400 bytes.
  std::string bomb = "a0: &a0 [x, x]\n";
  for (int i = 1; i < 30; ++i) bomb += fmt::format("a{0}: &a{0} [*a{1}, *a{1}]\n", i, i - 1);
  EXPECT_THAT(message(bomb), HasSubstr("more than 100000 values"));
  EXPECT_EQ(code(bomb), ErrorCode::kResourceExhausted);
  // What an anchor keeps is a copy: 50 nested ones keep 50 of the innermost.
  std::string nested;
  for (int i = 0; i < 50; ++i) nested += fmt::format("&a{} [", i);
  EXPECT_THAT(message(nested + repeated("a,", 2100) + repeated("]", 50)), HasSubstr("more than 100000 values"));
}

TEST(ReadYaml, BoundsBytesOfScalarsAndTags) {
  const std::string mebibyte(1U << 20, 'a');
  EXPECT_TRUE(read_yaml("[&a " + mebibyte + ", *a, *a]"));
  EXPECT_THAT(message("[&a " + mebibyte + ", *a, *a, *a]"), HasSubstr("more than 4194304 bytes of scalars"));
  // libyaml makes the whole tag anew for each value that has it.
  EXPECT_THAT(message("%TAG !e! " + mebibyte + "\n--- [" + repeated("!e!x a,", 5) + "]"),
              HasSubstr("more than 4194304 bytes"));
  EXPECT_THAT(message("%TAG !e! " + mebibyte + "\n--- [" + repeated("!e!x [],", 5) + "]"),
              HasSubstr("more than 4194304 bytes"));
  EXPECT_THAT(message("%TAG !e! " + mebibyte + "\n--- [" + repeated("!e!x {},", 5) + "]"),
              HasSubstr("more than 4194304 bytes"));
}

TEST(ReadYaml, BoundsTagDirectives) {
  std::string directives;
  for (int i = 0; i < 1000; ++i) directives += fmt::format("%TAG !{}! a\n", i);
  EXPECT_TRUE(read_yaml(directives + "--- a"));
  EXPECT_EQ(message(directives + "%TAG !a! a\n--- a"), "more than 1000 %TAG directives");
  EXPECT_EQ(code(directives + "%TAG !a! a\n--- a"), ErrorCode::kResourceExhausted);
}

}  // namespace
}  // namespace slipway::cli
