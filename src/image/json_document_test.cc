#include "image/json_document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::image {
namespace {

using ::testing::StartsWith;

std::string refusal(std::string_view text) {
  const auto document = parse_json_document(text, 64, "the document");
  if (document) return {};
  EXPECT_EQ(document.error().code, ErrorCode::kMalformed);
  return document.error().message;
}

TEST(JsonDocument, SaysWhereItIsNoLongerJson) {
  EXPECT_EQ(refusal(R"({"a": [1, true, null, "x"]})"), "");
  EXPECT_THAT(refusal(R"({"a": 1,})"), StartsWith("at offset 8: the document is not JSON: "));
  EXPECT_THAT(refusal(R"({"a": nul})"), StartsWith("at offset 6: the document is not JSON: "));
  EXPECT_THAT(refusal(R"({"a": 1)"), StartsWith("at offset 7: the document is not JSON: "));
  EXPECT_THAT(refusal(""), StartsWith("at offset 0: "));
  EXPECT_THAT(refusal("{} x"), StartsWith("at offset 3: expected the end of the document"));
  EXPECT_THAT(refusal(std::string(9, '[')), StartsWith("at offset 8: the document is not JSON: "));
  EXPECT_THAT(refusal(std::string(65, ' ')), StartsWith("at offset 64: expected the end of the document"));
}

// A value costs more than its text: 64 KiB of the shortest would be 32768 of them.
TEST(JsonDocument, HasNoMoreValuesThanItsSizeAllows) {
  const auto array_of = [](std::size_t count) {
    std::string text = "[1";
    for (std::size_t i = 1; i < count; ++i) text += ",1";
    return text + "]";
  };
  EXPECT_TRUE(parse_json_document(array_of(4096), 1U << 20, "the document"));
  const auto refused = parse_json_document(array_of(6000), 1U << 20, "the document");
  ASSERT_FALSE(refused);
  // 12001 bytes: 4096 + 750 commas, and the next one is one too many.
  EXPECT_EQ(refused.error().message, "at offset 9695: the document has more values than such a document can have");
  EXPECT_TRUE(
      parse_json_document("[\"" + std::string(6000, ',') + "\\\"" + std::string(6000, ',') + "\"]", 1U << 20, "d"));
}

TEST(JsonDocument, KnowsWhereAValueStands) {
  const std::string_view text =
      R"( {"a" : [ 1, {"b\"": "]}", "c":{"d" : [[], [2,-3]]}}, "e"], "f":true, "a":7, "f" :[8] })";
  const auto at = [&](std::string_view path) { return text.substr(offset_in_json(text, path)); };
  EXPECT_THAT(std::string(at("")), StartsWith("{\"a\" :"));
  EXPECT_THAT(std::string(at("/a")), StartsWith("7,")) << "of two the last one counts";
  EXPECT_THAT(std::string(at("/f/0")), StartsWith("8]"));
  EXPECT_THAT(std::string(at("/f/1")), StartsWith("[8]")) << "there is no second one";
  EXPECT_THAT(std::string(at("/g/h")), StartsWith("{\"a\" :"));
  EXPECT_THAT(std::string(at("/a/b")), StartsWith("7,"));
  const std::string_view inner = R"({"a":[1,{"b\"":"]}","c":{"d":[[],[2,-3]]}},"e"]})";
  EXPECT_EQ(inner.substr(offset_in_json(inner, "/a/1/c/d/1/1")).substr(0, 2), "-3");
  EXPECT_EQ(inner.substr(offset_in_json(inner, "/a/2")), "\"e\"]}");
  EXPECT_EQ(offset_in_json("", "/a"), 0u);
}

// A text that is no JSON has no offsets worth anything, but an end.
TEST(JsonDocument, LooksNoFurtherThanTheText) {
  for (const std::string_view text :
       {"{", "{\"", "{\"a", "{\"a\"", "{\"a\":", "[", "[\"\\", "{\"a\":[", "]", "{\"a\":{]"})
    EXPECT_LE(offset_in_json(text, "/a/0"), text.size()) << text;
}

}  // namespace
}  // namespace slipway::image
