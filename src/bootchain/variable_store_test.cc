#include "bootchain/variable_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/refusals_for_tests.h"
#include "bootchain/efi_variable.h"

namespace slipway::bootchain {
namespace {

constexpr std::uint8_t kAdded = 0x3f, kReplaced = 0x3e, kDeleted = 0x3c, kHeaderOnly = 0x7f;

Bytes guid_bytes(std::string_view text) {
  const auto guid = guid_from_text(text).value();
  return {guid.bytes.begin(), guid.bytes.end()};
}

struct Entry {
  std::string name;
  Bytes data;
  std::uint8_t state = kAdded;
  std::string vendor = std::string(kEfiGlobalVariables);
};

Bytes variable(const Entry& entry) {
  Bytes out;
  put_u16_le(out, 0x55aa);
  out.push_back(entry.state);
  out.push_back(0);
  put_u32_le(out, 0x27);
  out.insert(out.end(), 8 + 16 + 4, 0);
  put_u32_le(out, static_cast<std::uint32_t>(2 * entry.name.size() + 2));
  put_u32_le(out, static_cast<std::uint32_t>(entry.data.size()));
  put_bytes(out, guid_bytes(entry.vendor));
  for (const char letter : entry.name) put_u16_le(out, static_cast<std::uint16_t>(letter));
  put_u16_le(out, 0);
  put_bytes(out, entry.data);
  while (out.size() % 4 != 0) out.push_back(0xff);
  return out;
}

void fix_checksum(Bytes& flash) {
  flash[50] = flash[51] = 0;
  std::uint16_t sum = 0;
  for (std::size_t i = 0; i < 72; i += 2) sum = static_cast<std::uint16_t>(sum + flash[i] + flash[i + 1] * 256);
  const auto checksum = static_cast<std::uint16_t>(-sum);
  flash[50] = static_cast<std::uint8_t>(checksum);
  flash[51] = static_cast<std::uint8_t>(checksum >> 8);
}

Bytes flash_with(const std::vector<Entry>& entries, std::size_t size = 4096) {
  Bytes flash(16, 0);
  put_bytes(flash, guid_bytes("fff12b8d-7696-4c8b-a985-2747075b4f50"));
  put_u64_le(flash, size);
  put_u32_le(flash, 0x4856465f);
  put_u32_le(flash, 0x4feff);
  put_u16_le(flash, 72);
  flash.resize(72, 0);
  fix_checksum(flash);
  put_bytes(flash, guid_bytes("aaf32c78-947b-439a-a180-2e144ec37792"));
  put_u32_le(flash, static_cast<std::uint32_t>(size - 72));
  flash.push_back(0x5a);
  flash.push_back(0xfe);
  flash.insert(flash.end(), 6, 0);
  for (const Entry& entry : entries) put_bytes(flash, variable(entry));
  flash.resize(size, 0xff);
  return flash;
}

TEST(VariableStore, GivesTheVariablesInForce) {
  const auto variables = read_variable_store(flash_with({
      {"PK", {1, 2, 3}},
      {"KEK", {4}, kDeleted},
      {"Half", {5}, kHeaderOnly},
      {"db", {6, 7}, kAdded, std::string(kImageSecurityDatabase)},
  }));
  ASSERT_TRUE(variables) << variables.error().message;
  ASSERT_EQ(variables->size(), 2U);
  const StoredVariable* platform_key = find_variable(*variables, kEfiGlobalVariables, "PK");
  ASSERT_NE(platform_key, nullptr);
  EXPECT_EQ(platform_key->data, (Bytes{1, 2, 3}));
  EXPECT_EQ(platform_key->attributes, 0x27U);
  EXPECT_NE(find_variable(*variables, kImageSecurityDatabase, "db"), nullptr);
  EXPECT_EQ(find_variable(*variables, kEfiGlobalVariables, "db"), nullptr) << "the vendor is part of the name";
  EXPECT_EQ(find_variable(*variables, kEfiGlobalVariables, "KEK"), nullptr) << "deleted";
}

TEST(VariableStore, OneBeingReplacedCountsUntilItsSuccessorIsWhole) {
  const auto before = read_variable_store(flash_with({{"PK", {1}, kReplaced}, {"PK", {2}, kHeaderOnly}})).value();
  EXPECT_EQ(find_variable(before, kEfiGlobalVariables, "PK")->data, Bytes{1});
  const auto after = read_variable_store(flash_with({{"PK", {1}, kReplaced}, {"PK", {2}, kAdded}})).value();
  ASSERT_EQ(after.size(), 1U);
  EXPECT_EQ(find_variable(after, kEfiGlobalVariables, "PK")->data, Bytes{2});
}

TEST(VariableStore, EmptyStoreHasNoVariables) { EXPECT_TRUE(read_variable_store(flash_with({}))->empty()); }

TEST(VariableStore, StoreThatIsFullToTheLastByteEndsThere) {
  const Entry entry{"PK", Bytes(8, 7)};
  EXPECT_EQ(read_variable_store(flash_with({entry}, 72 + 28 + variable(entry).size()))->size(), 1U);
}

TEST(VariableStore, NamesOutsideAsciiAreEscaped) {
  Bytes flash = flash_with({{"PK", {1}}});
  flash[72 + 28 + 60] = 0x1b;
  EXPECT_EQ(read_variable_store(flash)->front().name, "\\u001bK");
}

TEST(VariableStore, RefusesWhatDoesNotHold) {
  const Bytes good = flash_with({{"PK", {1, 2, 3}}});
  ASSERT_EQ(refusal_of(read_variable_store(good)), "");
  const auto with = [&](std::size_t offset, const Bytes& values, bool repair_checksum = false) {
    Bytes flash = good;
    std::copy(values.begin(), values.end(), flash.begin() + static_cast<std::ptrdiff_t>(offset));
    if (repair_checksum) fix_checksum(flash);
    return refusal_of(read_variable_store(flash));
  };
  constexpr std::size_t kFirst = 72 + 28;
  expect_refusals({
      {"another GUID of the volume", with(16, {0}, true), "at offset 16: expected the file system GUID"},
      {"another checksum", with(44, {1}), "at offset 50: expected the checksum"},
      {"another signature", with(40, {'-'}, true), "at offset 40: expected the signature _FVH"},
      {"a volume longer than the file", with(33, {0x20}, true),
       "at offset 32: expected the sizes of a firmware volume"},
      {"a header shorter than its fields", with(48, {48}, true), "at offset 32: expected the sizes"},
      {"a header of an odd size", with(48, {73}, true), "at offset 32: expected the sizes"},
      {"a header longer than the volume", with(48, {0x02, 0x10}, true), "at offset 32: expected the sizes"},
      {"another GUID of the store", with(72, {0}), "at offset 72: expected the GUID of a store of authenticated"},
      {"a store longer than the volume", with(72 + 16, {0xb9, 0x0f}), "at offset 88: expected the size of a variable"},
      {"a store shorter than its header", with(72 + 16, {27, 0}),
       "at offset 88: expected the size of a variable store"},
      {"a store that is not formatted", with(72 + 20, {0}), "at offset 92: expected format 0x5a"},
      {"a store that is not healthy", with(72 + 21, {0}), "at offset 92: expected format 0x5a"},
      {"neither a variable nor erased flash", with(kFirst, {0}), "at offset 100: expected the start of a variable"},
      {"a name longer than the store", with(kFirst + 38, {0xff}), "expected variable name"},
      {"data longer than the store", with(kFirst + 43, {0xff}), "expected variable data"},
      {"an odd name", with(kFirst + 36, {5}), "expected a variable's name in UCS-2, but it has 5 bytes"},
      {"a name of no letter", with(kFirst + 36, {0}), "expected a variable's name in UCS-2, but it has 0 bytes"},
      {"a name without its NUL", with(kFirst + 60 + 4, {'x'}), "expected the NUL behind the name"},
  });
  for (std::size_t size = 0; size < kFirst; ++size) EXPECT_FALSE(read_variable_store(ByteView(good).first(size)));
  Bytes padded = good;
  padded.resize(kMaximumVariableStore, 0);
  EXPECT_EQ(refusal_of(read_variable_store(padded)), "");
  padded.push_back(0);
  EXPECT_EQ(refusal_of(read_variable_store(padded)),
            "at offset 16777216: expected the end of a variable store, but it has 16777217 bytes");
}

}  // namespace
}  // namespace slipway::bootchain
