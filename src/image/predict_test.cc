#include "image/predict.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "bootchain/boot_policy.h"
#include "bootchain/signature_list.h"
#include "crypto/certificate.h"
#include "crypto/certificate_details.h"
#include "image/boot_comparison.h"
#include "image/boots_for_tests.h"

namespace slipway::image {
namespace {

using bootchain::UnverifiedEventLog;
using ::testing::HasSubstr;

constexpr const char* kWritableCommandLine =
    "/boot/vmlinuz-6.1.0-50-cloud-amd64 root=UUID=11111111-2222-3333-4444-555555555555 rw console=ttyS0 "
    "ima_policy=tcb";

UnverifiedEventLog log_of(const std::string& boot) {
  return bootchain::parse_event_log(bootchain::read_corpus(boot + "/log.bin")).value();
}

// One line for each event that is neither equal nor a boot entry.
std::vector<std::string> differences(const Prediction& prediction, const UnverifiedEventLog& log) {
  std::vector<std::string> told;
  for (const ComparedEvent& line : compare_boot(prediction, log)) {
    if (line.match == Match::kEqual || line.match == Match::kMayVary) continue;
    told.push_back(std::string(to_string(line.match)) + " " +
                   (line.predicted != nullptr ? line.predicted->rule : std::to_string(line.actual->index)));
  }
  return told;
}

std::size_t count(const std::vector<ComparedEvent>& lines, Match match) {
  return static_cast<std::size_t>(
      std::count_if(lines.begin(), lines.end(), [match](const ComparedEvent& line) { return line.match == match; }));
}

Prediction minimal_on() {
  return predict(minimal_manifest(kMinimalOn), firmware_of(kMinimalOn), microsoft_variables()).value();
}

TEST(Predict, EveryEventOfARealBootWithSecureBoot) {
  const Prediction prediction = minimal_on();
  const UnverifiedEventLog log = log_of(kMinimalOn);
  EXPECT_TRUE(prediction.secure_boot);
  EXPECT_THAT(differences(prediction, log), ::testing::IsEmpty());
  const auto lines = compare_boot(prediction, log);
  EXPECT_TRUE(is_as_predicted(lines));
  EXPECT_EQ(count(lines, Match::kMayVary), 4u);
  EXPECT_EQ(count(lines, Match::kEqual), log.events.size() - 4);
}

TEST(Predict, EveryEventOfARealBootWithoutSecureBoot) {
  const auto prediction = predict(minimal_manifest(kMinimalOff), firmware_of(kMinimalOff), {});
  ASSERT_TRUE(prediction) << prediction.error().message;
  EXPECT_FALSE(prediction->secure_boot);
  EXPECT_THAT(differences(*prediction, log_of(kMinimalOff)), ::testing::IsEmpty());
}

TEST(Predict, EveryEventOfARealBootFromAVerityRoot) {
  const std::string path = "(hd0,gpt1)/EFI/debian/";
  const std::string hash = "aed5c6b8130b310806f8e5565f746da0ec591c921b1d4ecb94fcaa5f8cf3e3aa";
  const Manifest manifest = early_manifest(
      kVerityBoot, {"set timeout=0",
                    "linux " + path + "vmlinuz root=/dev/mapper/root rootfstype=erofs ro slipway.roothash=" + hash +
                        " console=ttyS0 panic=10 systemd.gpt_auto=0 ima_policy=tcb",
                    "initrd " + path + "initrd", "boot"});
  const auto prediction = predict(manifest, firmware_of(kVerityBoot), microsoft_variables(), kEarlyMachine);
  ASSERT_TRUE(prediction) << prediction.error().message;
  EXPECT_THAT(differences(*prediction, log_of(kVerityBoot)), ::testing::IsEmpty());
}

TEST(Predict, EveryEventOfARealBootFromAWritableRoot) {
  const Manifest manifest = early_manifest(
      kWritableBoot,
      {"set timeout=0", "search --no-floppy --fs-uuid --set=root 11111111-2222-3333-4444-555555555555",
       std::string("linux ") + kWritableCommandLine, "initrd /boot/initrd.img-6.1.0-50-cloud-amd64", "boot"});
  const auto prediction = predict(manifest, firmware_of(kWritableBoot), microsoft_variables(), kEarlyMachine);
  ASSERT_TRUE(prediction) << prediction.error().message;
  EXPECT_THAT(differences(*prediction, log_of(kWritableBoot)), ::testing::IsEmpty());
}

TEST(Predict, OnlyBootEntriesMayVaryAndOnlyThePeiVolumeIsCalibrated) {
  const Prediction prediction = minimal_on();
  std::vector<std::string> calibrated, varying;
  for (const PredictedEvent& event : prediction.events) {
    if (event.origin == Origin::kCalibrated) calibrated.push_back(event.component);
    if (event.origin == Origin::kMayVary) varying.push_back(event.component);
    EXPECT_EQ(event.sha256.size(), event.origin == Origin::kMayVary ? 0u : 32u) << event.component;
    EXPECT_FALSE(event.rule.empty());
  }
  EXPECT_THAT(calibrated, ::testing::ElementsAre("firmware, PEI volume"));
  EXPECT_THAT(varying, ::testing::ElementsAre("boot entries"));
}

// Any one event of the log changed, dropped or doubled is a difference.
TEST(Predict, NoEventOfTheLogCanChangeUnseen) {
  const Prediction prediction = minimal_on();
  const UnverifiedEventLog log = log_of(kMinimalOn);
  for (std::size_t i = 0; i < log.events.size(); ++i) {
    if (log.events[i].type == bootchain::kEvNoAction || log.events[i].type == bootchain::kEvEfiVariableBoot) continue;
    UnverifiedEventLog changed = log;
    changed.events[i].digests[0].digest[5] ^= 1;
    EXPECT_EQ(differences(prediction, changed).size(), 1u) << i;
    UnverifiedEventLog dropped = log;
    dropped.events.erase(dropped.events.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_EQ(differences(prediction, dropped).size(), 1u) << i;
    UnverifiedEventLog doubled = log;
    doubled.events.insert(doubled.events.begin() + static_cast<std::ptrdiff_t>(i), log.events[i]);
    EXPECT_EQ(differences(prediction, doubled).size(), 1u) << i;
  }
}

TEST(Predict, ABootEntryOfAnotherFormOrPlaceIsADifference) {
  const Prediction prediction = minimal_on();
  UnverifiedEventLog log = log_of(kMinimalOn);
  const auto entry = std::find_if(log.events.begin(), log.events.end(), [](const bootchain::UnverifiedEvent& event) {
    return event.type == bootchain::kEvEfiVariableBoot;
  });
  UnverifiedEventLog moved = log;
  moved.events.push_back(*entry);
  EXPECT_THAT(differences(prediction, moved), ::testing::ElementsAre("unexpected " + std::to_string(entry->index)));
  entry->data.back() ^= 1;
  entry->data.push_back(0);
  EXPECT_EQ(differences(prediction, log).size(), 1u);
  log.events.erase(entry);
  EXPECT_THAT(differences(prediction, log), ::testing::IsEmpty());
}

TEST(Predict, NamesTheFirmwareThatWasSwapped) {
  FirmwareFacts other = firmware_of(kMinimalOn);
  other.dxe_volume_sha256[0] ^= 1;
  const auto prediction = predict(minimal_manifest(kMinimalOn), other, microsoft_variables());
  EXPECT_THAT(differences(*prediction, log_of(kMinimalOn)), ::testing::ElementsAre("different pcr0.firmware"));
}

TEST(Predict, AnEventWithoutItsCalibrationIsNotAsPredicted) {
  FirmwareFacts facts = firmware_of(kMinimalOn);
  facts.calibrated_pei_volume_sha256.clear();
  const auto prediction = predict(minimal_manifest(kMinimalOn), facts, microsoft_variables());
  ASSERT_TRUE(prediction);
  const UnverifiedEventLog log = log_of(kMinimalOn);
  EXPECT_THAT(differences(*prediction, log), ::testing::ElementsAre("notCalibrated pcr0.firmware"));
  EXPECT_FALSE(is_as_predicted(compare_boot(*prediction, log)));
}

TEST(Predict, SecureBootIsWhatTheVariablesSay) {
  auto variables = microsoft_variables();
  EXPECT_TRUE(bootchain::enforces_secure_boot(variables));
  EXPECT_FALSE(bootchain::enforces_secure_boot({}));
  variables.push_back(
      {bootchain::guid_from_text(bootchain::kSecureBootEnableVendor).value(), "SecureBootEnable", 3, {0}});
  EXPECT_FALSE(bootchain::enforces_secure_boot(variables));
  const auto off = predict(minimal_manifest(kMinimalOn), firmware_of(kMinimalOn), variables);
  ASSERT_TRUE(off) << off.error().message;
  EXPECT_FALSE(off->secure_boot);
  variables.back().data = {1};
  EXPECT_TRUE(bootchain::enforces_secure_boot(variables));
}

TEST(Predict, FurtherDatabasesStandBehindDbx) {
  auto variables = microsoft_variables();
  variables.push_back({bootchain::guid_from_text(bootchain::kImageSecurityDatabase).value(), "dbt", 39, {1, 2}});
  const auto prediction = predict(minimal_manifest(kMinimalOn), firmware_of(kMinimalOn), variables);
  ASSERT_TRUE(prediction);
  std::vector<std::string> names;
  for (const PredictedEvent& event : prediction->events)
    if (event.rule == "secureBoot.variables") names.push_back(event.component);
  EXPECT_THAT(names, ::testing::ElementsAre("SecureBoot", "PK", "KEK", "db", "dbx", "dbt"));
}

TEST(Predict, RefusesAStoreThatDoesNotVouchForShim) {
  auto variables = microsoft_variables();
  variables[2].data = variables[0].data;
  const auto refused = predict(minimal_manifest(kMinimalOn), firmware_of(kMinimalOn), variables);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kPreconditionFailed);
  EXPECT_THAT(refused.error().message, HasSubstr("/EFI/BOOT/BOOTX64.EFI"));
}

// What prediction refuses with this entry in dbx; empty where it does not.
std::string refusal_with_revocation(std::string_view type, Bytes data) {
  auto variables = microsoft_variables();
  const bootchain::EfiSignature entry{bootchain::guid_from_text(type).value(), {}, std::move(data)};
  Bytes& dbx = variables[3].data;
  put_bytes(dbx, bootchain::encode_signature_lists({entry}));
  const auto refused = predict(minimal_manifest(kMinimalOn), firmware_of(kMinimalOn), variables);
  if (refused) return {};
  EXPECT_EQ(refused.error().code, ErrorCode::kPreconditionFailed);
  return refused.error().message;
}

TEST(Predict, RefusesAStoreThatRevokesShim) {
  ASSERT_EQ(microsoft_variables()[3].name, "dbx");
  const Manifest manifest = minimal_manifest(kMinimalOn);
  const Bytes& digest = find_boot_file(manifest, BootFileRole::kShim)->authenticode_sha256;
  EXPECT_THAT(
      refusal_with_revocation(bootchain::kSha256Signature, digest),
      HasSubstr("entry of dbx in the variable store, sha256:" + to_hex(digest) + ", forbids /EFI/BOOT/BOOTX64.EFI"));
  EXPECT_EQ(refusal_with_revocation(bootchain::kSha256Signature, Bytes(32, 1)), "");
}

TEST(Predict, RefusesAStoreThatRevokesACertificateOfShims) {
  const Manifest manifest = minimal_manifest(kMinimalOn);
  ASSERT_FALSE(manifest.shim_certificate_chains.empty());
  // The signer, and whoever stands above it: what the signature carries, and db's own entry.
  std::vector<Bytes> authorities = manifest.shim_certificate_chains.front();
  const auto db = bootchain::read_signature_lists(microsoft_variables()[2].data).value();
  authorities.push_back(db.back().data);
  for (const Bytes& authority : authorities)
    EXPECT_THAT(refusal_with_revocation(bootchain::kX509Signature, authority), HasSubstr("forbids"))
        << to_hex(authority);
  EXPECT_EQ(refusal_with_revocation(bootchain::kX509Signature, db.front().data), "") << "it vouches for Windows alone";

  const auto tbs = [](const Bytes& der) {
    Bytes data = crypto::tbs_digest(crypto::Certificate::from_der(der).value(), crypto::HashAlgorithm::kSha256);
    data.resize(data.size() + 16, 0);  // always
    return data;
  };
  EXPECT_THAT(refusal_with_revocation(bootchain::kX509Sha256Signature, tbs(authorities.front())), HasSubstr("forbids"));
  EXPECT_THAT(refusal_with_revocation(bootchain::kX509Sha256Signature, tbs(db.back().data)),
              HasSubstr("revokes the certificate of db"));
  EXPECT_EQ(refusal_with_revocation(bootchain::kX509Sha256Signature, tbs(db.front().data)), "");
}

// Without Secure Boot nobody asks dbx.
TEST(Predict, RevocationsSayNothingWithoutSecureBoot) {
  const Manifest manifest = minimal_manifest(kMinimalOn);
  auto variables = microsoft_variables();
  const Bytes& digest = find_boot_file(manifest, BootFileRole::kShim)->authenticode_sha256;
  const bootchain::EfiSignature entry{bootchain::guid_from_text(bootchain::kSha256Signature).value(), {}, digest};
  variables[3].data = bootchain::encode_signature_lists({entry});
  variables.push_back(
      {bootchain::guid_from_text(bootchain::kSecureBootEnableVendor).value(), "SecureBootEnable", 3, {0}});
  EXPECT_TRUE(predict(manifest, firmware_of(kMinimalOn), variables));
}

TEST(Predict, NamesADatabaseThatDoesNotParse) {
  for (const std::size_t index : {std::size_t{2}, std::size_t{3}}) {
    auto variables = microsoft_variables();
    variables[index].data.pop_back();
    const auto refused = predict(minimal_manifest(kMinimalOn), firmware_of(kMinimalOn), variables);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kMalformed);
    EXPECT_THAT(refused.error().message, HasSubstr("variable " + variables[index].name + " of the variable store: at"));
  }
}

TEST(Predict, AnEntryOfShimsDigestVouchesWhereNoCertificateDoes) {
  auto variables = microsoft_variables();
  const Manifest manifest = minimal_manifest(kMinimalOn);
  const bootchain::EfiGuid owner = bootchain::guid_from_text("77fa9abd-0359-4d32-bd60-28f4e78f784b").value();
  const Bytes& digest = find_boot_file(manifest, BootFileRole::kShim)->authenticode_sha256;
  Bytes list;
  put_bytes(list, bootchain::guid_from_text(bootchain::kSha256Signature).value().bytes);
  put_u32_le(list, 28 + 48);
  put_u32_le(list, 0);
  put_u32_le(list, 48);
  put_bytes(list, owner.bytes);
  put_bytes(list, digest);
  variables[2].data = list;
  const auto prediction = predict(manifest, firmware_of(kMinimalOn), variables);
  ASSERT_TRUE(prediction) << prediction.error().message;
  const auto authority = std::find_if(prediction->events.begin(), prediction->events.end(),
                                      [](const PredictedEvent& event) { return event.rule == "secureBoot.authority"; });
  Bytes entry(owner.bytes.begin(), owner.bytes.end());
  put_bytes(entry, digest);
  EXPECT_EQ(authority->sha256,
            crypto::sha256(bootchain::encode_variable_data(
                {bootchain::guid_from_text(bootchain::kImageSecurityDatabase).value(), "db", entry})));
}

TEST(Predict, RefusesAStoreWithKeysOfItsOwner) {
  for (const char* name : {"MokList", "MokListX", "MokListTrusted", "MokSBState", "MokDBState", "SbatLevel"}) {
    auto variables = microsoft_variables();
    variables.push_back({bootchain::guid_from_text(bootchain::kShimVariables).value(), name, 3, {1}});
    const auto refused = predict(minimal_manifest(kMinimalOn), firmware_of(kMinimalOn), variables);
    ASSERT_FALSE(refused) << name;
    EXPECT_THAT(refused.error().message, HasSubstr(name));
  }
}

TEST(Predict, RefusesIncompleteInputs) {
  const FirmwareFacts facts = firmware_of(kMinimalOn);
  const auto refused = [&](const std::function<void(Manifest&)>& change) {
    Manifest manifest = minimal_manifest(kMinimalOn);
    change(manifest);
    const auto prediction = predict(manifest, facts, microsoft_variables());
    return !prediction && prediction.error().code == ErrorCode::kInvalidArgument;
  };
  EXPECT_FALSE(refused([](Manifest&) {}));
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_TRUE(
        refused([i](Manifest& it) { it.boot_files.erase(it.boot_files.begin() + static_cast<std::ptrdiff_t>(i)); }));
    EXPECT_TRUE(refused([i](Manifest& it) { it.boot_files[i].sha256.pop_back(); }));
  }
  EXPECT_TRUE(refused([](Manifest& it) { it.boot_files[0].authenticode_sha256.clear(); }));
  EXPECT_TRUE(refused([](Manifest& it) { it.grub_commands.clear(); }));
  EXPECT_TRUE(refused([](Manifest& it) { it.kernel_command_line.clear(); }));
  EXPECT_TRUE(refused([](Manifest& it) { it.pcr14_sha256.pop_back(); }));
  EXPECT_TRUE(refused([](Manifest& it) { it.gpt_event_sha256.clear(); }));
  EXPECT_TRUE(refused([](Manifest& it) { it.sbat_level_event_sha256.clear(); }));
  EXPECT_TRUE(refused([](Manifest& it) { it.unenforced_sbat_level_event_sha256.clear(); }));
  EXPECT_TRUE(refused([](Manifest& it) { it.vendor_authority_event_sha256.clear(); }));
  FirmwareFacts broken = facts;
  broken.dxe_volume_sha256.clear();
  EXPECT_FALSE(predict(minimal_manifest(kMinimalOn), broken, microsoft_variables()));
  broken = facts;
  broken.calibrated_pei_volume_sha256 = {1};
  EXPECT_FALSE(predict(minimal_manifest(kMinimalOn), broken, microsoft_variables()));
  EXPECT_FALSE(predict(minimal_manifest(kMinimalOn), facts, microsoft_variables(), {.failing_boot_options = -1}));
}

TEST(PredictionJson, ComesBackByteForByteAndIsStrict) {
  const std::string json = to_json(minimal_on());
  const auto read = prediction_from_json(json);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(to_json(*read), json);
  EXPECT_TRUE(is_as_predicted(compare_boot(*read, log_of(kMinimalOn))));

  const auto replaced = [&](const std::string& what, const std::string& with) {
    std::string other = json;
    const std::size_t at = other.find(what);
    EXPECT_NE(at, std::string::npos) << what;
    other.replace(at, what.size(), with);
    const auto result = prediction_from_json(other);
    return result ? std::string() : result.error().message;
  };
  EXPECT_THAT(replaced("\"secureBoot\"", "\"secureboot\""), HasSubstr("\"secureBoot\""));
  EXPECT_THAT(replaced("{\"imageVersion\"", "{\"more\":1,\"imageVersion\""), HasSubstr("not known"));
  EXPECT_THAT(replaced("\"type\":\"EV_SEPARATOR\"", "\"type\":\"EV_POST_CODE\""), HasSubstr("\"type\""));
  EXPECT_THAT(replaced("\"origin\":\"computed\"", "\"origin\":\"learned\""), HasSubstr("\"origin\""));
  EXPECT_THAT(replaced("\"pcr\":14", "\"pcr\":10"), HasSubstr("\"pcr\""));
  EXPECT_THAT(replaced("\"origin\":\"mayVary\",\"sha256\":\"\"", "\"origin\":\"mayVary\",\"sha256\":\"00\""),
              HasSubstr("\"sha256\""));
  EXPECT_THAT(replaced("\"pcr\":1,\"type\":\"EV_EFI_VARIABLE_BOOT\",\"origin\":\"mayVary\"",
                       "\"pcr\":4,\"type\":\"EV_EFI_VARIABLE_BOOT\",\"origin\":\"mayVary\""),
              HasSubstr("PCR 1"));
  EXPECT_THAT(replaced("\"origin\":\"computed\",\"sha256\":\"96", "\"origin\":\"computed\",\"sha256\":\""),
              HasSubstr("event 0"));
  EXPECT_FALSE(prediction_from_json(std::string(100, '[')));
  EXPECT_FALSE(prediction_from_json(std::string(kMaximumPredictionSize + 1, ' ')));
}

TEST(Predict, NamesTheCertificatesOfWhatIsSigned) {
  Manifest manifest = minimal_manifest(kMinimalOn);
  manifest.kernel_certificate_chains = {{Bytes(3, 1), Bytes(4, 2)}, {Bytes(5, 3)}};
  const auto prediction = predict(manifest, firmware_of(kMinimalOn), microsoft_variables());
  ASSERT_TRUE(prediction) << prediction.error().message;
  ASSERT_EQ(prediction->signed_files.size(), 2u);
  EXPECT_EQ(prediction->signed_files[0].component, "/EFI/BOOT/BOOTX64.EFI");
  EXPECT_EQ(prediction->signed_files[0].certificate_chains, manifest.shim_certificate_chains);
  EXPECT_EQ(prediction->signed_files[1].component, find_boot_file(manifest, BootFileRole::kKernel)->path);
  EXPECT_EQ(prediction->signed_files[1].certificate_chains, manifest.kernel_certificate_chains);
}

TEST(PredictionJson, SignedFilesComeBackAndAreBounded) {
  Prediction prediction = minimal_on();
  prediction.signed_files = {{"/a", {{Bytes(3, 1), Bytes(4, 2)}, {}}}, {"/b", {}}};
  const auto read = prediction_from_json(to_json(prediction));
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->signed_files.size(), 2u);
  EXPECT_EQ(read->signed_files[0].component, "/a");
  EXPECT_EQ(read->signed_files[0].certificate_chains, prediction.signed_files[0].certificate_chains);

  const auto refused = [&](const std::vector<SignedFile>& files) {
    prediction.signed_files = files;
    const auto result = prediction_from_json(to_json(prediction));
    return result ? std::string() : result.error().message;
  };
  EXPECT_EQ(refused({}), "") << "predictions of before have none";
  EXPECT_THAT(refused(std::vector<SignedFile>(kMaximumSignedFiles + 1)), HasSubstr("\"signedFiles\""));
  EXPECT_THAT(refused({{"", CertificateChains(kMaximumChains + 1)}}), HasSubstr("\"certificateChains\""));
  EXPECT_THAT(refused({{"", {std::vector<Bytes>(kMaximumChainLength + 1)}}}), HasSubstr("\"certificateChains\""));
  prediction.signed_files = {{"/a", {{Bytes(3, 1)}}}};
  std::string other = to_json(prediction);
  other.replace(other.find("AQEB"), 4, "AQE!");
  EXPECT_THAT(prediction_from_json(other).error().message, HasSubstr("base64"));
}

TEST(PredictionJson, SeveralInOneDocument) {
  const auto off = predict(minimal_manifest(kMinimalOff), firmware_of(kMinimalOff), {});
  const std::string json = to_json(std::vector<Prediction>{minimal_on(), *off});
  const auto read = predictions_from_json(json);
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), 2u);
  EXPECT_TRUE(read->at(0).secure_boot);
  EXPECT_FALSE(read->at(1).secure_boot);
  EXPECT_EQ(to_json(*read), json);
  EXPECT_FALSE(predictions_from_json(to_json(*off)));
  EXPECT_FALSE(
      predictions_from_json(to_json(std::vector<Prediction>(17, Prediction{"", false, Bytes(32, 0), {}, {}}))));
}

}  // namespace
}  // namespace slipway::image
