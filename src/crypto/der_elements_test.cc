#include "crypto/der_elements.h"

#include <gtest/gtest.h>

#include "base/byte_reader.h"

namespace slipway::crypto {
namespace {

Bytes wrapped(std::uint8_t tag, const Bytes& content) {
  Bytes out{tag, 0x83};
  for (const int shift : {16, 8, 0}) out.push_back(static_cast<std::uint8_t>(content.size() >> shift));
  put_bytes(out, content);
  return out;
}

Bytes nulls(std::size_t count) {
  Bytes out;
  for (std::size_t i = 0; i < count; ++i) put_bytes(out, Bytes{0x05, 0x00});
  return out;
}

TEST(DerElements, AreTakenOneByOne) {
  const Bytes bytes = from_hex("0201070481020a0b3000").value();
  ByteView rest = bytes;
  EXPECT_EQ(to_bytes(take_element(rest).value()), Bytes{7});
  EXPECT_EQ(to_bytes(take_element(rest).value()), (Bytes{0x0a, 0x0b}));
  EXPECT_TRUE(take_element(rest).value().empty());
  EXPECT_FALSE(take_element(rest));
  for (const char* none : {"", "30", "3001", "3081", "308201", "3080", "1f", "1f81", "3089010203040506070809"}) {
    const Bytes broken = from_hex(none).value();
    ByteView view = broken;
    EXPECT_FALSE(take_element(view)) << none;
  }
  const Bytes long_tag = from_hex("1f810102aabb").value();
  ByteView view = long_tag;
  EXPECT_EQ(to_bytes(take_element(view).value()), (Bytes{0xaa, 0xbb}));
}

// Wherever they stand.
TEST(DerElements, AreFewOrTooMany) {
  EXPECT_TRUE(has_few_elements({}));
  EXPECT_TRUE(has_few_elements(nulls(kMaximumDerElements)));
  EXPECT_FALSE(has_few_elements(nulls(kMaximumDerElements + 1)));
  for (const std::uint8_t tag : Bytes{0x30, 0x31, 0xa0, 0x04}) {
    EXPECT_TRUE(has_few_elements(wrapped(tag, nulls(kMaximumDerElements - 1)))) << int{tag};
    EXPECT_FALSE(has_few_elements(wrapped(tag, nulls(kMaximumDerElements)))) << int{tag};
  }
  Bytes indefinite{0x30, 0x80};
  put_bytes(indefinite, nulls(kMaximumDerElements));
  EXPECT_FALSE(has_few_elements(indefinite));
  // A text of as many bytes is one element.
  EXPECT_TRUE(has_few_elements(wrapped(0x0c, nulls(kMaximumDerElements))));
}

TEST(DerElements, DoNotLieDeepInEachOther) {
  Bytes nested;
  for (int depth = 0; depth < 60; ++depth) nested = wrapped(0x30, nested);
  EXPECT_TRUE(has_few_elements(nested));
  for (int depth = 0; depth < 60; ++depth) nested = wrapped(0x30, nested);
  EXPECT_FALSE(has_few_elements(nested));
}

}  // namespace
}  // namespace slipway::crypto
