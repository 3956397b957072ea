#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "attestation/evidence_for_tests.h"

// A guest chooses every text of its logs. Whatever it chooses: what stands in a verdict is short, printable and JSON.
namespace slipway::attestation {
namespace {

constexpr std::size_t kLongest = 1500;

bool is_printable(const std::string& text) {
  return text.size() <= kLongest && std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

void expect_harmless(const Verdict& verdict, const std::string& where) {
  for (const Finding& finding : verdict.findings) {
    for (const std::string* text : {&finding.rule, &finding.component, &finding.package, &finding.signer,
                                    &finding.expected, &finding.found, &finding.message, &finding.remedy})
      EXPECT_TRUE(is_printable(*text)) << where << ": " << finding.rule << ": " << text->substr(0, kLongest);
  }
  for (const Component& component : verdict.components) {
    for (const std::string* text :
         {&component.name, &component.path, &component.package, &component.measurement, &component.signer})
      EXPECT_TRUE(is_printable(*text)) << where << ": " << component.name;
  }
  const auto again = verdict_from_json(to_json(verdict));
  EXPECT_TRUE(again) << where << ": " << again.error().message;
}

struct ImaTexts {
  std::string template_name = "ima-sig", algorithm = "sha256", path = "/tmp/x.ko";
  Bytes digest = Bytes(32, 4), signature = {};
};

Bytes entry(const ImaTexts& texts) {
  Bytes data;
  put_u32_le(data, static_cast<std::uint32_t>(texts.algorithm.size() + 2 + texts.digest.size()));
  put_bytes(data, as_bytes(texts.algorithm + ":"));
  data.push_back(0);
  put_bytes(data, texts.digest);
  put_u32_le(data, static_cast<std::uint32_t>(texts.path.size()));
  put_bytes(data, as_bytes(texts.path));
  put_u32_le(data, static_cast<std::uint32_t>(texts.signature.size()));
  put_bytes(data, texts.signature);
  Bytes out;
  put_u32_le(out, 10);
  put_bytes(out, crypto::digest(crypto::HashAlgorithm::kSha1, data));
  put_u32_le(out, static_cast<std::uint32_t>(texts.template_name.size()));
  put_bytes(out, as_bytes(texts.template_name));
  put_u32_le(out, static_cast<std::uint32_t>(data.size()));
  put_bytes(out, data);
  return out;
}

void expect_harmless_ima(const ImaTexts& texts, const std::string& where, std::string_view rule) {
  SimulatedMachine machine = verity_machine();
  put_bytes(machine.ima_log, entry(texts));
  const Verdict verdict = judge(machine);
  EXPECT_THAT(rules_of(verdict), ::testing::Contains(std::string(rule))) << where;
  expect_harmless(verdict, where);
}

TEST(HostileText, InEachStringOfTheKernelsLog) {
  const std::string bad = "\xff\xfe\x1b[2J\n";
  expect_harmless_ima({.template_name = "ima" + bad}, "template", "ima.entry");
  expect_harmless_ima({.template_name = std::string(32, '\xff')}, "long template", "ima.entry");
  expect_harmless_ima({.algorithm = bad}, "algorithm", "ima.module");
  expect_harmless_ima({.algorithm = std::string(60000, '\xff')}, "long algorithm", "ima.module");
  expect_harmless_ima({.digest = Bytes(60000, 0xff)}, "long digest", "ima.module");
  expect_harmless_ima({.path = "/tmp/" + bad + ".ko"}, "path", "ima.module");
  expect_harmless_ima({.path = "/" + std::string(60000, '\xff') + ".ko"}, "long path", "ima.module");
  expect_harmless_ima({.signature = Bytes(1000, 0xff)}, "signature", "ima.module");
}

TEST(HostileText, InTheFirstEntryOfTheKernelsLog) {
  for (const ImaTexts& texts :
       {ImaTexts{.path = "boot_\xff"}, ImaTexts{.algorithm = "\xff", .path = "boot_aggregate"},
        ImaTexts{.path = "\xff", .digest = Bytes(60000, 0xff)}, ImaTexts{.template_name = "\xff"}}) {
    SimulatedMachine machine = verity_machine();
    machine.aggregate_follows = false;
    machine.ima_log = entry(texts);
    const Verdict verdict = judge(machine);
    EXPECT_THAT(rules_of(verdict), ::testing::Contains("ima.aggregate"));
    expect_harmless(verdict, "first entry");
  }
}

// The event as it would be logged if its data were these.
void set_data(bootchain::UnverifiedEvent& event, Bytes data) {
  event.data = std::move(data);
  const auto content = bootchain::determined_content(event);
  event.digests = {{bootchain::kSha256Bank, crypto::sha256(content.value_or(ByteView(event.data)))}};
}

TEST(HostileText, InEachEventOfTheFirmwaresLog) {
  const SimulatedMachine good = verity_machine();
  for (std::size_t at = 0; at < good.log.events.size(); ++at) {
    const bootchain::UnverifiedEvent& event = good.log.events[at];
    if (event.type == bootchain::kEvNoAction || event.data.empty()) continue;
    std::vector<Bytes> variants;
    for (const std::size_t part : {0, 1, 2, 3, 4}) {
      variants.push_back(event.data);
      variants.back()[(event.data.size() - 1) * part / 4] = 0xff;
    }
    // From behind GRUB's prefixes and from behind a variable's sizes on; and long.
    for (const std::size_t from : {10U, 16U, 32U}) {
      variants.push_back(event.data);
      if (from < event.data.size())
        std::fill(variants.back().begin() + static_cast<std::ptrdiff_t>(from), variants.back().end(),
                  std::uint8_t{0xff});
    }
    variants.push_back(event.data);
    variants.back().insert(variants.back().end(), 20000, 0xff);
    for (std::size_t variant = 0; variant < variants.size(); ++variant) {
      SimulatedMachine machine = verity_machine();
      set_data(machine.log.events[at], variants[variant]);
      expect_harmless(judge(machine), "event " + std::to_string(event.index) + ", variant " + std::to_string(variant));
    }
  }
}

// Of every type and in every PCR, where the prediction has no event.
TEST(HostileText, InEventsOfEveryType) {
  for (const std::uint32_t type : std::initializer_list<std::uint32_t>{
           bootchain::kEvIpl, bootchain::kEvEfiAction, bootchain::kEvAction, bootchain::kEvEfiVariableAuthority,
           bootchain::kEvEfiVariableDriverConfig, bootchain::kEvEfiVariableBoot, bootchain::kEvEfiVariableBoot2,
           bootchain::kEvSCrtmVersion, bootchain::kEvEfiBootServicesApplication, bootchain::kEvPostCode, 0xffffffffU}) {
    SimulatedMachine machine = verity_machine();
    for (const std::uint32_t pcr : {0U, 1U, 4U, 5U, 7U, 8U, 9U, 14U, 15U}) {
      machine.append(pcr, type, Bytes(300, 0xff));
      bootchain::EfiVariable variable;
      variable.name = std::string(256, '\xff');
      variable.value = Bytes(40, 0xff);
      machine.append(pcr, type, bootchain::encode_variable_data(variable));
      for (const char* prefix : {"grub_cmd: ", "kernel_cmdline: ", "module_cmdline: ", "grub_cmd "}) {
        machine.append(pcr, type, to_bytes(prefix + std::string(2000, '\xff')));
        set_data(machine.log.events.back(), machine.log.events.back().data);
      }
    }
    // EV_EFI_VARIABLE_BOOT covers the value alone.
    for (auto& event : machine.log.events)
      if (event.type == type && event.data.size() > 255) set_data(event, event.data);
    expect_harmless(judge(machine), "type " + std::to_string(type));
  }
}

}  // namespace
}  // namespace slipway::attestation
