#include "apps/slipway/event_log_document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apps/slipway/output.h"
#include "apps/slipway/variables_document.h"
#include "base/byte_reader.h"
#include "bootchain/corpus_for_tests.h"
#include "bootchain/efi_variable.h"
#include "bootchain/events_for_tests.h"

namespace slipway::cli {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;

bootchain::RecordedLog recorded(const std::string& path) {
  return bootchain::read_recorded_log(bootchain::read_corpus(path)).value();
}

// The value at a JSON pointer (RFC 6901), or "null".
std::string at(const json::value& document, std::string_view pointer) {
  std::error_code error;
  const json::value* found = document.find_pointer(pointer, error);
  return found == nullptr ? "null" : json::serialize(*found);
}

TEST(EventLogDocument, HasTheDocumentedMembers) {
  const json::value document = event_log_document(recorded("boots/debian12-ovmf-verity/log.bin"));
  EXPECT_EQ(at(document, "/format"), R"("cryptoAgile")");
  EXPECT_EQ(at(document, "/secureBoot"), R"("enabled")");
  EXPECT_EQ(at(document, "/pcrs/sha256/8"), R"("d618e052758607b3b27858ae837dda606078801408dc343367982be86eca964c")");
  EXPECT_EQ(at(document, "/pcrs/sha1"), "null");
  EXPECT_EQ(at(document, "/events/0/index"), "0");
  EXPECT_EQ(at(document, "/events/0/type"), R"("EV_NO_ACTION")");
  EXPECT_EQ(at(document, "/events/0/digestMatchesData"), "null");
  EXPECT_EQ(at(document, "/events/1/type"), R"("EV_S_CRTM_VERSION")");
  EXPECT_EQ(at(document, "/events/1/digestMatchesData"), "true");
  EXPECT_EQ(at(document, "/events/1/digests/sha256"),
            R"("96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7")");
  EXPECT_EQ(at(document, "/events/2/fields/address"), R"("0x820000")");
  EXPECT_EQ(at(document, "/events/2/data"), R"("000082000000000000000e0000000000")");
  EXPECT_EQ(document.at("events").as_array().size(), 55u);
}

TEST(EventLogDocument, SaysWhichDataWereChanged) {
  auto log = recorded("boots/debian12-ovmf-verity/log.bin");
  auto& events = log.log.events;
  const auto table = std::find_if(events.begin(), events.end(),
                                  [](const auto& event) { return event.type == bootchain::kEvEfiGptEvent; });
  table->data[60] ^= 1;
  const json::value document = event_log_document(log);
  int changed = 0;
  for (const json::value& event : document.at("events").as_array()) {
    if (event.at("digestMatchesData") != json::value(false)) continue;
    ++changed;
    EXPECT_EQ(event.at("type").as_string(), "EV_EFI_GPT_EVENT");
  }
  EXPECT_EQ(changed, 1);
  EXPECT_THAT(event_log_table(log), HasSubstr("NO"));
}

TEST(EventLogDocument, IsJsonWhateverTheEventsHold) {
  bootchain::Arbitrary arbitrary(6);
  bootchain::RecordedLog log;
  log.log.banks = {{bootchain::kSha256Bank, 32}};
  for (int i = 0; i < 300; ++i) log.log.events.push_back(arbitrary.event(log.log.banks));
  log.log.events.push_back(bootchain::make_event(8, bootchain::kEvIpl, to_bytes("grub_cmd: \xff\x1b[31m\xc3")));
  std::error_code error;
  const json::value again = json::parse(to_pretty_json(event_log_document(log)), error);
  ASSERT_FALSE(error) << error.message();
  EXPECT_EQ(again.at("events").as_array().size(), 301u);
  EXPECT_EQ(event_log_table(log).find('\x1b'), std::string::npos);
}

TEST(EventLogTable, EndsWithPcrsAndSecureBoot) {
  const std::string table = event_log_table(recorded("eventlogs/keylime-host.bin"));
  EXPECT_THAT(table, HasSubstr("EV_EFI_VARIABLE_BOOT"));
  EXPECT_THAT(table, HasSubstr("Boot0000 = Fedora: HD(1,GPT,"));
  EXPECT_THAT(table, HasSubstr("Secure Boot: disabled"));
}

TEST(ImaLogDocument, ShowsFilesAndPcr10) {
  const auto entries = bootchain::parse_ima_log(bootchain::read_corpus("boots/debian12-ovmf-verity/ima.bin"),
                                                bootchain::ImaTemplates::kAll);
  const json::value document = ima_log_document(entries.value());
  EXPECT_EQ(document.at("entries").as_array().size(), 443u);
  EXPECT_EQ(at(document, "/entries/0/path"), R"("boot_aggregate")");
  EXPECT_EQ(at(document, "/entries/0/template"), R"("ima-sig")");
  EXPECT_EQ(at(document, "/entries/0/violation"), "false");
  EXPECT_EQ(at(document, "/pcrs/sha256/10"), R"("ca973712e28a6fb0d6c47400e6a96ae39ce2facd4c441c86c51c17868833b0b5")");
  EXPECT_EQ(document.at("pcrs").as_object().size(), 4u);
  // As the kernel extends it: each bank with its own digest of the template's data.
  for (const auto bank :
       {crypto::HashAlgorithm::kSha1, crypto::HashAlgorithm::kSha384, crypto::HashAlgorithm::kSha512}) {
    Bytes value(crypto::digest_size(bank), 0);
    for (const bootchain::UnverifiedImaEntry& entry : *entries) {
      put_bytes(value, entry.violation ? Bytes(value.size(), 0xff) : crypto::digest(bank, entry.template_data));
      value = crypto::digest(bank, value);
    }
    EXPECT_EQ(at(document, "/pcrs/" + std::string(crypto::to_string(bank)) + "/10"), "\"" + to_hex(value) + "\"");
    EXPECT_THAT(ima_log_table(entries.value()), HasSubstr(to_hex(value)));
  }
  EXPECT_THAT(ima_log_table(entries.value()), HasSubstr("boot_aggregate"));
}

bootchain::StoredVariable variable(std::string_view vendor, const std::string& name, Bytes data) {
  return {bootchain::guid_from_text(vendor).value(), name, 0x27, std::move(data)};
}

TEST(VariablesDocument, SaysWhetherSecureBootWillBeOn) {
  const auto platform_key = variable(bootchain::kEfiGlobalVariables, "PK", {1});
  const auto state = [](std::vector<bootchain::StoredVariable> variables, bool whole = true) {
    return at(variables_document({std::move(variables), whole}), "/secureBoot");
  };
  const auto enable = [](Bytes value) {
    return variable(bootchain::kSecureBootEnableVendor, "SecureBootEnable", std::move(value));
  };
  EXPECT_EQ(state({}), R"("disabled")");
  EXPECT_EQ(state({}, false), R"("unknown")");
  EXPECT_EQ(state({platform_key}), R"("enabled")");
  EXPECT_EQ(state({platform_key, enable({1})}), R"("enabled")");
  EXPECT_EQ(state({platform_key, enable({0})}), R"("disabled")");
  EXPECT_EQ(state({enable({1})}), R"("disabled")");
  EXPECT_EQ(state({platform_key, enable({})}), R"("disabled")");
}

TEST(VariablesDocument, ReadsAFileOfEfivarfs) {
  const Bytes content = bootchain::read_corpus("boots/debian12-ovmf-verity/var-db.bin");
  const auto db = read_variable_file("db-d719b2cb-3d3a-4596-a3bc-dad00e67656f", content);
  ASSERT_TRUE(db) << db.error().message;
  const json::value document = variables_document({{*db}, false});
  EXPECT_EQ(at(document, "/variables/0/name"), R"("db")");
  EXPECT_EQ(at(document, "/variables/0/attributes"),
            R"(["nonVolatile","bootService","runtime","timeBasedAuthentication"])");
  EXPECT_EQ(document.at("variables").at(0).at("fields").at("signatures").as_array().size(), 2u);
  EXPECT_EQ(at(document, "/revocations"), "null");
  EXPECT_THAT(variables_table({{*db}, false}), HasSubstr("Microsoft Corporation UEFI CA 2011"));
  EXPECT_EQ(read_variable_file("var-db.bin", content).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(read_variable_file("db-d719b2cb-3d3a-4596-a3bc-dad00e67656f", Bytes{1, 2}).error().code,
            ErrorCode::kMalformed);
}

}  // namespace
}  // namespace slipway::cli
