#include <gtest/gtest.h>

#include "bootchain/efi_variable.h"
#include "bootchain/events_for_tests.h"
#include "bootchain/variable_update.h"

// What is written is read back to the same value, whatever it holds. The event logs, the IMA log, signature lists, SBAT
// and load options have theirs beside their other tests.
namespace slipway::bootchain {
namespace {

EfiGuid any_guid(Arbitrary& arbitrary) {
  EfiGuid guid;
  for (std::uint8_t& byte : guid.bytes) byte = static_cast<std::uint8_t>(arbitrary.number(256));
  return guid;
}

TEST(RoundTrip, OfVariableData) {
  Arbitrary arbitrary(143);
  for (int round = 0; round < 500; ++round) {
    const EfiVariable written{any_guid(arbitrary), arbitrary.text(256), arbitrary.some_bytes(300)};
    const Bytes bytes = encode_variable_data(written);
    const auto read = decode_variable_data(bytes);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->vendor, written.vendor);
    EXPECT_EQ(read->name, written.name);
    EXPECT_EQ(read->value, written.value);
    EXPECT_EQ(encode_variable_data(*read), bytes);
  }
}

TEST(RoundTrip, OfVariableUpdates) {
  Arbitrary arbitrary(144);
  constexpr std::int64_t kHundredYears = 3'155'760'000;
  for (int round = 0; round < 500; ++round) {
    UnverifiedVariableUpdate written;
    if (arbitrary.flag()) {
      written.time = Time(seconds(static_cast<std::int64_t>(arbitrary.number64() % kHundredYears)));
      const auto bytes = encode_efi_time(written.time);
      written.time_bytes.assign(bytes.begin(), bytes.end());
    } else {
      written.time_bytes = arbitrary.bytes(16);
      written.time = read_efi_time(written.time_bytes);
    }
    written.signature = arbitrary.some_bytes(200);
    written.value = arbitrary.some_bytes(200);
    const Bytes bytes = encode_variable_update(written);
    const auto read = read_variable_update(bytes);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->time_bytes, written.time_bytes);
    EXPECT_EQ(read->time, written.time);
    EXPECT_EQ(read->signature, written.signature);
    EXPECT_EQ(read->value, written.value);
    EXPECT_EQ(encode_variable_update(*read), bytes);
  }
}

}  // namespace
}  // namespace slipway::bootchain
