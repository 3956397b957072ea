#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bootchain/corpus_for_tests.h"
#include "bootchain/efi_guid.h"
#include "bootchain/efi_variable.h"
#include "bootchain/event_log.h"
#include "bootchain/gpt.h"
#include "bootchain/grub_for_tests.h"
#include "bootchain/grub_script.h"
#include "bootchain/signature_list.h"
#include "crypto/digest.h"

namespace slipway::bootchain {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kBoot = "boots/debian12-ovmf-verity/";

// A variable as the guest's efivarfs shows it: 4 bytes of attributes, then the value.
Bytes variable_value(const std::string& name) {
  const Bytes file = read_corpus(kBoot + "var-" + name + ".bin");
  return {file.begin() + 4, file.end()};
}

TEST(EfiGuidText, HasItsFirstThreeFieldsReversed) {
  const auto guid = guid_from_text("c12a7328-f81f-11d2-ba4b-00a0c93ec93b");
  ASSERT_TRUE(guid);
  EXPECT_EQ(to_hex(guid->bytes), "28732ac11ff8d211ba4b00a0c93ec93b");
  EXPECT_EQ(to_string(*guid), "c12a7328-f81f-11d2-ba4b-00a0c93ec93b");
  EXPECT_FALSE(guid_from_text("c12a7328-f81f-11d2-ba4b-00a0c93ec93"));
  EXPECT_FALSE(guid_from_text("c12a7328-f81f-11d2-ba4b+00a0c93ec93b"));
}

TEST(EfiVariableData, OfTheEventLogIsTheVariableThatTheGuestSees) {
  const auto log = parse_event_log(read_corpus(kBoot + "log.bin"));
  ASSERT_TRUE(log);
  int compared = 0;
  for (const UnverifiedEvent& event : log->events) {
    if (event.type != kEvEfiVariableDriverConfig) continue;
    const auto variable = decode_variable_data(event.data);
    ASSERT_TRUE(variable);
    EXPECT_EQ(variable->value, variable_value(variable->name)) << variable->name;
    EXPECT_EQ(encode_variable_data(*variable), event.data);
    ++compared;
  }
  EXPECT_EQ(compared, 5);
}

TEST(EfiVariableData, RefusesLyingSizes) {
  const EfiVariable variable{{}, "PK", to_bytes("value")};
  Bytes data = encode_variable_data(variable);
  EXPECT_TRUE(decode_variable_data(data));
  data[24] += 1;
  EXPECT_FALSE(decode_variable_data(data));
  data[24] -= 1;
  data[17] = 2;
  EXPECT_FALSE(decode_variable_data(data));
  EXPECT_FALSE(decode_variable_data({}));
}

TEST(SignatureLists, OfARealDbNameMicrosoftsAuthorities) {
  const auto db = read_signature_lists(variable_value("db"));
  ASSERT_TRUE(db) << db.error().message;
  std::vector<std::string> subjects;
  for (const EfiSignature& signature : *db) subjects.push_back(describe(signature));
  EXPECT_THAT(subjects, ElementsAre(HasSubstr("Microsoft Windows Production PCA 2011"),
                                    HasSubstr("Microsoft Corporation UEFI CA 2011")));
  const auto dbx = read_signature_lists(variable_value("dbx"));
  ASSERT_TRUE(dbx);
  EXPECT_EQ(describe(dbx->at(0)), "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(SignatureLists, RefuseSizesThatContradictEachOther) {
  const Bytes db = variable_value("db");
  for (const std::size_t field : {16u, 20u, 24u}) {
    Bytes forged = db;
    forged[field] ^= 0x15;
    EXPECT_FALSE(read_signature_lists(forged)) << field;
  }
  EXPECT_FALSE(read_signature_lists(ByteView(db).subspan(0, db.size() - 1)));
  EXPECT_TRUE(read_signature_lists({})->empty());
}

Result<GrubMeasurements> predict(std::string_view config) {
  return predict_grub(as_bytes(testing::kBuiltInGrubScript), config, {"hd0,gpt1", "/EFI/debian", "x86_64-efi"});
}

// The events that the same grub.cfg gave in a real boot.
TEST(GrubPrediction, IsWhatARealBootMeasured) {
  const auto prediction = predict(as_text(read_corpus(kBoot + "grub.cfg")));
  ASSERT_TRUE(prediction) << prediction.error().message;
  std::vector<Bytes> expected;
  for (std::size_t i = 0; i < prediction->commands.size(); ++i) {
    if (i == prediction->commands_before_kernel)
      expected.push_back(crypto::sha256(as_bytes(prediction->kernel_command_line)));
    expected.push_back(crypto::sha256(as_bytes(prediction->commands[i])));
  }
  std::vector<Bytes> measured;
  const auto log = parse_event_log(read_corpus(kBoot + "log.bin"));
  for (const UnverifiedEvent& event : log->events)
    if (event.pcr == 8) measured.push_back(event.digests[0].digest.bytes());
  EXPECT_EQ(measured, expected);
  EXPECT_THAT(prediction->files, ElementsAre("/EFI/debian/grub.cfg", "/EFI/debian/vmlinuz", "/EFI/debian/initrd"));
}

TEST(GrubPrediction, NeedsTheBuiltInScriptThatItKnows) {
  const auto result = predict_grub(as_bytes("another GRUB"), "boot\n", {"hd0,gpt1", "/EFI/debian", "x86_64-efi"});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kPreconditionFailed);
}

TEST(GrubPrediction, ExpandsVariablesAndQuotes) {
  const auto prediction = predict(
      "# comment\nset args='quiet'\nset empty=\"\"\n"
      "linux ${prefix}/vmlinuz \"$args\"  a\\b\n");
  ASSERT_FALSE(prediction);
  const auto good = predict("set args='quiet'\nlinux ${prefix}/vmlinuz \"$args\" 'two words' # why\nboot");
  ASSERT_TRUE(good) << good.error().message;
  EXPECT_EQ(good->commands.at(5), "linux (hd0,gpt1)/EFI/debian/vmlinuz quiet two words");
  EXPECT_EQ(good->kernel_command_line, "(hd0,gpt1)/EFI/debian/vmlinuz quiet \"two words\"");
}

TEST(GrubPrediction, RefusesWhatItCannotKnow) {
  for (const char* config :
       {"if true; then boot; fi\n", "menuentry x { boot }\n", "search --set=root --file /x\nboot\n", "set root=hd1\n",
        "linux $unknown/vmlinuz\nboot\n", "linux (hd1,gpt1)/vmlinuz\nboot\n", "linux /../vmlinuz\nboot\n",
        "linux /a\nlinux /b\nboot\n", "initrd /a\nboot\n", "linux /a\n", "boot\n", "linux /a\nboot\nset a=1\n",
        "linux /a 'open\nboot\n", "source /other.cfg\nlinux /a\nboot\n", "linux /a; boot\n", "linux /a &\nboot\n"})
    EXPECT_FALSE(predict(config)) << config;
}

// A table that sfdisk made: 4 partitions on 800 MiB would need its file, so the table of a real boot's event is put
// back on a disk's first blocks.
TEST(PartitionTableReader, GivesTheDataOfTheEvent) {
  const auto log = parse_event_log(read_corpus(kBoot + "log.bin"));
  Bytes event_data;
  for (const UnverifiedEvent& event : log->events)
    if (event.type == kEvEfiGptEvent) event_data = event.data;
  ASSERT_EQ(event_data.size(), 612u);
  Bytes disk(kPartitionTableBytes, 0);
  std::copy(event_data.begin(), event_data.begin() + 92, disk.begin() + 512);
  std::copy(event_data.begin() + 100, event_data.end(), disk.begin() + 1024);

  const auto table = read_partition_table(disk);
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_EQ(table->event_data, event_data);
  ASSERT_EQ(table->partitions.size(), 4u);
  EXPECT_EQ(to_string(table->partitions[0].type), kEfiSystemPartition);
  EXPECT_EQ(table->partitions[0].first_block, 2048u);

  for (const std::size_t at : {512u + 40u, 512u + 16u, 512u + 84u, 1024u + 33u, 1024u + 2000u, 512u}) {
    Bytes forged = disk;
    forged[at] ^= 1;
    EXPECT_FALSE(read_partition_table(forged)) << at;
  }
  EXPECT_FALSE(read_partition_table(ByteView(disk).subspan(0, 1000)));
}

}  // namespace
}  // namespace slipway::bootchain
