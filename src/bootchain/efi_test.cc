#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/refusals_for_tests.h"
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
  const auto named = [](std::size_t letters) {
    return refusal_of(decode_variable_data(encode_variable_data({{}, std::string(letters, 'n'), {}})));
  };
  EXPECT_EQ(named(256), "");
  EXPECT_EQ(named(257), "at offset 16: expected a variable's name of at most 256 characters, but it has 257");
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
  const auto good = predict(
      "# comment\nset args='quiet'\nset empty=\"\"\n"
      "linux ${prefix}/vmlinuz \"$args\" 'two words' # why\nboot");
  ASSERT_TRUE(good) << good.error().message;
  EXPECT_EQ(good->commands.at(6), "linux (hd0,gpt1)/EFI/debian/vmlinuz quiet two words");
  EXPECT_EQ(good->kernel_command_line, "(hd0,gpt1)/EFI/debian/vmlinuz quiet \"two words\"");
}

// A good grub.cfg, and how it is refused with one thing changed.
struct Config {
  std::string before, linux = "linux $prefix/vmlinuz quiet\n", initrd = "initrd $prefix/initrd\n", boot = "boot\n";

  std::string refusal() const { return refusal_of(predict("set timeout=0\n" + before + linux + initrd + boot)); }
};
std::string with_line(const std::string& line) { return Config{line + "\n"}.refusal(); }
std::string with_linux(const std::string& line) { return Config{"", line}.refusal(); }
std::string with_initrd(const std::string& line) { return Config{"", "linux $prefix/vmlinuz quiet\n", line}.refusal(); }
std::string with_boot(const std::string& lines) {
  Config config;
  config.boot = lines;
  return config.refusal();
}

TEST(GrubPrediction, RefusesWhatItCannotKnow) {
  ASSERT_EQ(with_line("set a=b # comment"), "");
  ASSERT_EQ(with_line("set a=b\ntrue (hd0,gpt1)/$a${a}\"$a 'c'\"'\"d\"\\'"), "");
  ASSERT_EQ(with_boot("boot\nhalt\n"), "");
  expect_refusals({
      {"if", with_line("if true"), "grub.cfg line 2: the command `if` is not understood"},
      {"menuentry", with_line("menuentry x"), "line 2: the command `menuentry` is not understood"},
      {"search", with_line("search --set=root --file /x"), "line 2: the command `search` is not understood"},
      {"source", with_line("source /other.cfg"), "line 2: the command `source` is not understood"},
      {"insmod", with_line("insmod /x.mod"), "line 2: the command `insmod` is not understood"},
      {"another root", with_line("set root=hd1"), "line 2: $root must stay as GRUB set it"},
      {"another prefix", with_line("set prefix=/x"), "line 2: $prefix must stay as GRUB set it"},
      {"set alone", with_line("set"), "line 2: `set` takes one NAME=VALUE"},
      {"set without a value", with_line("set a"), "line 2: `set` takes one NAME=VALUE"},
      {"set without a name", with_line("set =b"), "line 2: `set` takes one NAME=VALUE"},
      {"set of two", with_line("set a=b c=d"), "line 2: `set` takes one NAME=VALUE"},
      {"an unknown variable", with_line("true $unknown"), "line 2: the variable $unknown is not known"},
      {"one that holds a space", with_line("set a='b c'\ntrue $a"), "line 3: the variable $a holds a space"},
      {"one that holds a tab", with_line("set a='b\tc'\ntrue $a"), "line 3: the variable $a holds a space"},
      {"$ at the end", with_line("true $"), "line 2: a '$' without a variable's name"},
      {"$ before no name", with_line("true $/x"), "line 2: a '$' without a variable's name"},
      {"braces around no name", with_line("true ${}"), "line 2: a '$' without a variable's name"},
      {"an open brace", with_line("true ${root"), "line 2: a '$' without a variable's name"},
      {"an open brace in a word", with_line("true ${root/x"), "line 2: a '$' without a variable's name"},
      {"a backslash", with_line("true a\\b"), "line 2: '\\' is not understood"},
      {"a backslash in quotes", with_line("true \"a\\b\""), "line 2: '\\' is not understood"},
      {"an open quote", with_line("true 'a"), "line 2: a quote is not closed on its line"},
      {"an open double quote", with_line("true \"a"), "line 2: a quote is not closed on its line"},
      {"a control character", with_line("true a\x1f"), "line 2: a control or non-ASCII character"},
      {"a character of DEL", with_line("true a\x7f"), "line 2: a control or non-ASCII character"},
      {"a letter outside of ASCII", with_line("true \u00e9"), "line 2: a control or non-ASCII character"},
      {"a kernel of another disk", with_linux("linux (hd1,gpt1)/vmlinuz\n"), "line 2: \"(hd1,gpt1)/vmlinuz\" is not a"},
      {"a kernel of another folder", with_linux("linux /a/../vmlinuz\n"), "is not a file on the boot partition"},
      {"a kernel without a folder", with_linux("linux vmlinuz\n"), "is not a file on the boot partition"},
      {"no name of a kernel", with_linux("linux\n"), "line 2: exactly one `linux` with a kernel is needed"},
      {"two kernels", with_linux("linux /a\nlinux /b\n"), "line 3: exactly one `linux` with a kernel is needed"},
      {"no kernel for an initrd", with_linux(""), "line 2: `initrd` needs a file, and a kernel before it"},
      {"no name of an initrd", with_initrd("initrd\n"), "line 3: `initrd` needs a file, and a kernel before it"},
      {"an initrd of another disk", with_initrd("initrd (hd1,gpt1)/i\n"), "line 3: \"(hd1,gpt1)/i\" is not a file"},
      {"no kernel at all", Config{"", "", ""}.refusal(), "line 2: it must load a kernel with `linux` and end with"},
      {"no boot", with_boot(""), "line 3: it must load a kernel with `linux` and end with `boot`"},
      {"more than halt", with_boot("boot\nhalt\nset a=b\n"), "line 6: a command other than `halt` follows `boot`"},
  });
}

TEST(GrubPrediction, RefusesEveryCharacterThatMeansMoreToGrub) {
  for (const char character : std::string("{}|&<>;`*?[]~"))
    EXPECT_THAT(with_line(fmt::format("true a{}b", character)),
                HasSubstr(fmt::format("line 2: '{}' is not understood", character)));
}

TEST(GrubPrediction, IsOfAtMostSixtyFourKib) {
  const std::string config = "linux $prefix/vmlinuz\nboot\n#";
  const std::string largest = config + std::string((64U << 10) - config.size(), '#');
  ASSERT_EQ(refusal_of(predict(largest)), "");
  EXPECT_EQ(refusal_of(predict(largest + "#")), "grub.cfg is longer than 64 KiB");
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
