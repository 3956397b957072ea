#include <gtest/gtest.h>

#include "base/refusals_for_tests.h"
#include "bootchain/efi_variable.h"
#include "bootchain/event_log.h"
#include "bootchain/events_for_tests.h"
#include "bootchain/gpt.h"
#include "bootchain/ima_log.h"
#include "bootchain/partition_table_for_tests.h"
#include "bootchain/pe_image_for_tests.h"
#include "bootchain/replay.h"
#include "bootchain/shim_state.h"
#include "bootchain/signature_list.h"

// What the readers of this room promise to refuse, one row for each promise: a good input with one thing changed, so
// that no other check stands in the way.
namespace slipway::bootchain {
namespace {

std::string log_with_banks(std::vector<LogBank> banks) {
  return refusal_of(parse_event_log(encode_event_log({std::move(banks), {}})));
}

std::vector<LogBank> banks_counted(std::uint16_t count) {
  std::vector<LogBank> banks;
  for (std::uint16_t i = 0; i < count; ++i) banks.push_back({static_cast<std::uint16_t>(kSha256Bank + i), 32});
  return banks;
}

std::string log_with_digests(EventDigests digests) {
  const std::vector<LogBank> banks{{kSha1Bank, 20}, {kSha256Bank, 32}};
  return refusal_of(
      parse_event_log(encode_event_log({banks, {{0, 4, kEvSeparator, std::move(digests), Bytes(4, 0)}}})));
}

std::string log_with_byte(std::size_t at, std::uint8_t value) {
  Bytes bytes = encode_event_log(make_log({make_event(4, kEvSeparator, Bytes(4, 0))}));
  bytes[at] = value;
  return refusal_of(parse_event_log(bytes));
}

// One event that makes the log this long.
std::string log_of_size(std::size_t size) {
  const std::size_t rest = encode_event_log(make_log({make_event(4, kEvIpl, {})})).size();
  const Bytes bytes = encode_event_log(make_log({make_event(4, kEvIpl, Bytes(size - rest, 0))}));
  EXPECT_EQ(bytes.size(), size);
  return refusal_of(parse_event_log(bytes));
}

TEST(Refusals, OfEventLogs) {
  const EventDigest sha1{kSha1Bank, Bytes(20, 1)}, sha256{kSha256Bank, Bytes(32, 1)}, sha384{kSha384Bank, Bytes(48, 1)};
  ASSERT_EQ(log_with_banks(banks_counted(1)), "");
  ASSERT_EQ(log_with_banks(banks_counted(8)), "");
  ASSERT_EQ(log_with_banks({{kSha256Bank, 1}}), "");
  ASSERT_EQ(log_with_banks({{kSha512Bank, 64}}), "");
  ASSERT_EQ(log_with_digests({sha1, sha256}), "");
  ASSERT_EQ(log_with_digests({sha256, sha1}), "");
  ASSERT_EQ(log_with_byte(0, 0), "");
  ASSERT_EQ(log_of_size(kMaximumEventLogSize), "");
  expect_refusals({
      {"more than 1 MiB", log_of_size(kMaximumEventLogSize + 1),
       "at offset 1048576: expected the end of an event log of at most 1 MiB, but it has 1048577 bytes"},
      {"no bank", log_with_banks({}), "a number of banks from 1 to 8, but it is 0"},
      {"nine banks", log_with_banks(banks_counted(9)), "a number of banks from 1 to 8, but it is 9"},
      {"a bank twice", log_with_banks({{kSha256Bank, 32}, {kSha256Bank, 32}}), "or stands there twice"},
      {"digests of no byte", log_with_banks({{kSha256Bank, 0}}), "has digests of 0 bytes"},
      {"digests of 65 bytes", log_with_banks({{kSha512Bank, 65}}), "has digests of 65 bytes"},
      {"another PCR of the header", log_with_byte(0, 1), "at offset 0: expected an EV_NO_ACTION event of PCR 0"},
      {"another type of the header", log_with_byte(4, 4), "at offset 0: expected an EV_NO_ACTION event of PCR 0"},
      {"another signature", log_with_byte(32, 's'), "at offset 32: expected \"Spec ID Event03\""},
      {"another version in the signature", log_with_byte(32 + 14, '2'), "at offset 32: expected \"Spec ID Event03\""},
      {"one digest too few", log_with_digests({sha1}), "one digest for each of the log's 2 banks"},
      {"one digest too many", log_with_digests({sha1, sha256, sha256}), "one digest for each of the log's 2 banks"},
      {"a digest of a foreign bank", log_with_digests({sha1, sha384}), "but it is of bank 0x000c"},
      {"two digests of one bank", log_with_digests({sha256, sha256}), "but it is of bank 0x000b"},
  });
}

std::string replayed(std::uint32_t pcr, std::uint8_t locality) {
  Bytes data = to_bytes(std::string_view("StartupLocality\0", 16));
  data.push_back(locality);
  return refusal_of(replay(make_log({make_event(pcr, kEvNoAction, data)}), kSha256Bank));
}

TEST(Refusals, OfReplay) {
  for (const std::uint8_t locality : Bytes{0, 3, 4}) ASSERT_EQ(replayed(0, locality), "");
  expect_refusals({
      {"a startup locality of PCR 1", replayed(1, 3), "a startup locality of 3 for PCR 1"},
      {"a startup locality of PCR 17", replayed(17, 4), "a startup locality of 4 for PCR 17"},
      {"a startup locality of no PCR", replayed(0xffffffff, 0), "a startup locality of 0 for PCR 4294967295"},
      {"a startup locality that is none", replayed(0, 1), "a startup locality of 1 for PCR 0"},
  });
}

UnverifiedImaEntry ima_entry(std::string name, Bytes data) {
  UnverifiedImaEntry entry;
  entry.pcr = 10;
  entry.template_name = std::move(name);
  entry.template_sha1 = crypto::digest(crypto::HashAlgorithm::kSha1, data);
  entry.template_data = std::move(data);
  return entry;
}

std::string ima_log(UnverifiedImaEntry entry, std::size_t times = 1) {
  return refusal_of(parse_ima_log(encode_ima_log(std::vector<UnverifiedImaEntry>(times, std::move(entry)))));
}

TEST(Refusals, OfImaLogs) {
  // 59 bytes each: 71,089 of them would be 4 MiB, so the number of entries is reached first.
  const UnverifiedImaEntry small = ima_entry("ima-ng", Bytes(21, 1));
  const UnverifiedImaEntry large = ima_entry("ima-ng", Bytes(64U << 10, 1));
  UnverifiedImaEntry other_pcr = small, other_digest = small;
  other_pcr.pcr = 11;
  other_digest.template_sha1[0] ^= 1;
  ASSERT_EQ(ima_log(small), "");
  ASSERT_EQ(ima_log(small, kMaximumImaEntries), "");
  ASSERT_EQ(ima_log(large, 63), "");
  ASSERT_EQ(ima_log(ima_entry(std::string(32, 'n'), {})), "");
  expect_refusals({
      {"more than 4 MiB", ima_log(large, 64), "at offset 4194304: expected the end of an IMA log of at most 4 MiB"},
      {"one entry too many", ima_log(small, kMaximumImaEntries + 1), "which has more than 65536 entries"},
      {"a name of no byte", ima_log(ima_entry("", {})), "name of 1 to 32 bytes, but it has 0"},
      {"a name of 33 bytes", ima_log(ima_entry(std::string(33, 'n'), {})), "name of 1 to 32 bytes, but it has 33"},
      {"data over 64 KiB", ima_log(ima_entry("ima-ng", Bytes((64U << 10) + 1, 1))), "but they have 65537 bytes"},
      {"another PCR", ima_log(other_pcr), "at offset 0: expected PCR 10"},
      {"another digest", ima_log(other_digest), "at offset 4: expected the SHA-1 digest"},
  });
}

std::string ima_measurement(std::string_view digest, std::string name = "ima-ng", std::size_t more = 0) {
  Bytes data;
  put_u32_le(data, static_cast<std::uint32_t>(digest.size()));
  put_bytes(data, as_bytes(digest));
  put_u32_le(data, 6);
  put_bytes(data, as_bytes(std::string_view("/init\0", 6)));
  data.resize(data.size() + more, 0);
  return refusal_of(read_ima_measurement(ima_entry(std::move(name), data)));
}

TEST(Refusals, OfImaMeasurements) {
  ASSERT_EQ(ima_measurement({"sha256:\0digest", 14}), "");
  ASSERT_EQ(ima_measurement({"sha256:\0", 8}), "");
  ASSERT_EQ(ima_measurement({"sha256:\0digest", 14}, "ima-sig", 4), "");
  const char* const no_algorithm = "an IMA entry's file digest does not name its algorithm";
  expect_refusals({
      {"no colon", ima_measurement({"sha256\0digest", 13}), no_algorithm},
      {"no digest", ima_measurement(""), no_algorithm},
      {"a colon at the end", ima_measurement("sha256:"), no_algorithm},
      {"no NUL behind the colon", ima_measurement("sha256:digest"), no_algorithm},
      {"another template", ima_measurement({"sha256:\0digest", 14}, "ima-buf"), "template \"ima-buf\" is not known"},
      {"no signature", ima_measurement({"sha256:\0digest", 14}, "ima-sig"), "size of the file's signature"},
      {"bytes behind the path", ima_measurement({"sha256:\0digest", 14}, "ima-ng", 1), "expected the end of the IMA"},
  });
}

// Each row is a table whose checksums are right for it.
TEST(Refusals, OfPartitionTables) {
  GptPartition partition;
  partition.number = 3;
  partition.type = guid_from_text(kEfiSystemPartition).value();
  partition.first_block = 34;
  partition.last_block = 99;
  const Bytes good = testing::make_partition_table({partition});
  const auto table = read_partition_table(good);
  ASSERT_TRUE(table) << table.error().message;
  ASSERT_EQ(table->partitions.size(), 1u);
  EXPECT_EQ(table->partitions[0].number, 3);
  EXPECT_EQ(table->partitions[0].last_block, 99u);
  const auto with_field = [&](std::size_t at, std::uint8_t value) {
    Bytes changed = good;
    changed[at] = value;
    return refusal_of(read_partition_table(testing::with_checksums(changed)));
  };
  ASSERT_EQ(with_field(testing::kGptEntryCount, 127), "");
  expect_refusals({
      {"another signature", with_field(testing::kGptHeader, 'e'), "partition table"},
      {"a header of 93 bytes", with_field(testing::kGptHeaderSizeField, 93), "header"},
      {"entries at block 3", with_field(testing::kGptEntriesBlock, 3), "entries"},
      {"entries of 129 bytes", with_field(testing::kGptEntrySizeField, 129), "entries"},
      {"129 entries", with_field(testing::kGptEntryCount, 129), "entries"},
  });
}

struct Shim {
  Bytes authorized = {0x30, 0x03, 1, 2, 3};
  Bytes revoked;
  std::string level = "sbat,1,2024010900\ngrub,4\n";
  std::string original_level = "sbat,1,2021030218\n";
  bool has_certificate = true, has_level = true;

  Bytes image() const {
    std::vector<std::pair<std::string, Bytes>> sections{{".text", Bytes(32, 't')}};
    if (has_certificate) sections.emplace_back(".vendor_cert", testing::vendor_section(authorized, revoked));
    if (has_level) sections.emplace_back(".sbatlevel", testing::level_section(level, "sbat,1,2025021800\ngrub,5\n"));
    sections.emplace_back(".data", to_bytes(original_level));
    return testing::make_pe_image(sections);
  }
  template <typename Change>
  static std::string with(Change change) {
    Shim shim;
    change(shim);
    return refusal_of(read_shim_state(shim.image()));
  }
};

EfiSignature one_signature() {
  return {guid_from_text(kSha256Signature).value(), guid_from_text(kShimVariables).value(), Bytes(32, 7)};
}

TEST(ShimState, IsWhatItsSectionsHold) {
  Shim shim;
  shim.revoked = encode_signature_lists({one_signature()});
  const auto state = read_shim_state(shim.image());
  ASSERT_TRUE(state) << state.error().message;
  const EfiGuid owner = guid_from_text(kShimVariables).value();
  const auto variable = [&](const char* name, ByteView value) {
    return crypto::sha256(encode_variable_data({owner, name, to_bytes(value)}));
  };
  EfiSignature certificate{guid_from_text(kX509Signature).value(), owner, shim.authorized};
  EXPECT_EQ(state->mok_list, crypto::sha256(encode_signature_lists({certificate})));
  EXPECT_EQ(state->mok_list_x, crypto::sha256(shim.revoked));
  EXPECT_EQ(state->mok_list_trusted, crypto::sha256(Bytes{1}));
  EXPECT_EQ(state->sbat_level, variable("SbatLevel", as_bytes(shim.level)));
  EXPECT_EQ(state->sbat_level_unenforced, variable("SbatLevel", as_bytes(shim.original_level)));
  Bytes vouching = to_bytes(ByteView(owner.bytes));
  put_bytes(vouching, shim.authorized);
  EXPECT_EQ(state->vendor_authority, variable("MokListRT", vouching));
}

TEST(Refusals, OfShimStates) {
  ASSERT_EQ(Shim::with([](Shim&) {}), "");
  expect_refusals({
      {"no PE image", refusal_of(read_shim_state(as_bytes("no PE image"))), "PE image"},
      {"no .vendor_cert", Shim::with([](Shim& it) { it.has_certificate = false; }), "expected a section .vendor_cert"},
      {"no .sbatlevel", Shim::with([](Shim& it) { it.has_level = false; }), "no section .sbatlevel"},
      {"signature lists for a certificate",
       Shim::with([](Shim& it) { it.authorized = encode_signature_lists({one_signature()}); }),
       "not one X.509 certificate"},
      {"no certificate", Shim::with([](Shim& it) { it.authorized.clear(); }), "not one X.509 certificate"},
      {"revocations that are no lists", Shim::with([](Shim& it) { it.revoked = Bytes(5, 1); }), "at offset "},
      {"a level that is none", Shim::with([](Shim& it) { it.level = "no level"; }), "at offset "},
      {"another first level", Shim::with([](Shim& it) { it.original_level = "sbat,1,2021030219\n"; }),
       "does not hold the SBAT level that it sets without Secure Boot"},
  });
}

}  // namespace
}  // namespace slipway::bootchain
