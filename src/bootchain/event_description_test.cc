#include "bootchain/event_description.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/byte_reader.h"
#include "bootchain/corpus_for_tests.h"
#include "bootchain/efi_guid.h"
#include "bootchain/efi_variable.h"
#include "bootchain/events_for_tests.h"
#include "bootchain/legacy_event_log.h"
#include "bootchain/signature_list.h"

namespace slipway::bootchain {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

EventDescription described(std::uint32_t type, Bytes data, std::uint32_t pcr = 0) {
  return describe_event_data(make_event(pcr, type, std::move(data)));
}

template <typename T>
T field(const EventDescription& description, std::string_view name) {
  for (const Field& entry : description.fields) {
    if (entry.name != name) continue;
    if (const T* value = std::get_if<T>(&entry.value)) return *value;
    ADD_FAILURE() << name << " is of another type";
    return T{};
  }
  ADD_FAILURE() << "no field " << name << " in: " << description.text;
  return T{};
}
std::string text(const EventDescription& description, std::string_view name) {
  return field<std::string>(description, name);
}
std::string row_text(const FieldRow& row, std::string_view name) {
  for (const FieldRowEntry& entry : row)
    if (entry.name == name && std::holds_alternative<std::string>(entry.value))
      return std::get<std::string>(entry.value);
  return "no such text";
}

const UnverifiedEvent& event_at(const std::vector<UnverifiedEvent>& events, int index) {
  return events.at(static_cast<std::size_t>(index));
}
std::vector<UnverifiedEvent> events_of(const std::string& path) {
  return read_recorded_log(read_corpus(path)).value().log.events;
}
EventDescription real(const std::string& path, int index) {
  return describe_event_data(event_at(events_of(path), index));
}

TEST(EventDescription, DecodesEveryEventOfEveryRealLog) {
  for (const std::string& path : log_paths())
    for (const UnverifiedEvent& event : events_of(path)) {
      const EventDescription description = describe_event_data(event);
      for (const Field& entry : description.fields)
        EXPECT_NE(entry.name, "undecoded") << path << " event " << event.index << ": " << description.text;
      EXPECT_FALSE(description.text.empty()) << path << " event " << event.index;
      EXPECT_LE(description.text.size(), 300u);
      EXPECT_EQ(std::count_if(description.text.begin(), description.text.end(),
                              [](char c) { return static_cast<unsigned char>(c) < 0x20; }),
                0);
    }
}

TEST(EventDescription, OfTheHeader) {
  const auto description = real("eventlogs/keylime-host.bin", 0);
  EXPECT_EQ(description.text, "event log of specification 2.0 errata 0, sha1 + sha256");
  const auto banks = field<std::vector<FieldRow>>(description, "banks");
  ASSERT_EQ(banks.size(), 2u);
  EXPECT_EQ(row_text(banks[1], "algorithm"), "sha256");
}

TEST(EventDescription, OfAStartupLocality) {
  const auto description = real("eventlogs/keylime-host.bin", 1);
  EXPECT_EQ(field<std::uint64_t>(description, "locality"), 3u);
}

TEST(EventDescription, OfFirmwareVersionsAndContents) {
  EXPECT_EQ(text(real("eventlogs/keylime-host.bin", 2), "text"), "Boot Guard Measured S-CRTM");
  EXPECT_THAT(text(real("eventlogs/keylime-host.bin", 3), "version"), StartsWith("N40ET41W"));
  EXPECT_EQ(text(real("eventlogs/rhel9-qemu-ovmf-secureboot.bin", 1), "version"), "edk2-20240524-7.el9");
  EXPECT_EQ(text(described(kEvSCrtmVersion, {0, 0}), "version"), "");
  EXPECT_EQ(text(described(kEvSCrtmVersion, to_bytes("1.2.3")), "version"), "1.2.3");
  EXPECT_EQ(text(described(kEvSCrtmVersion, from_hex("28732ac11ff8d211ba4b00a0c93ec93b").value()), "version"),
            "c12a7328-f81f-11d2-ba4b-00a0c93ec93b");
}

TEST(EventDescription, OfFirmwareBlobs) {
  const auto description = real("boots/debian12-ovmf-verity/log.bin", 2);
  EXPECT_EQ(text(description, "address"), "0x820000");
  EXPECT_EQ(field<std::uint64_t>(description, "length"), 0xe0000u);
  Bytes second{3, 'D', 'X', 'E'};
  put_u64_le(second, 0x900000);
  put_u64_le(second, 0xc00000);
  for (const std::uint32_t type : {kEvEfiPlatformFirmwareBlob2, kEvPostCode2}) {
    EXPECT_EQ(text(described(type, second), "blob"), "DXE");
    EXPECT_EQ(text(described(type, second), "address"), "0x900000");
  }
}

TEST(EventDescription, OfAPostCodeThatIsTextOrAnAddress) {
  EXPECT_EQ(text(described(kEvPostCode, to_bytes("ACPI DATA")), "text"), "ACPI DATA");
  Bytes blob;
  put_u64_le(blob, 0xfff00000);
  put_u64_le(blob, 0x1000);
  EXPECT_EQ(text(described(kEvPostCode, blob), "address"), "0xfff00000");
}

TEST(EventDescription, OfHandoffTables) {
  const auto description = real("eventlogs/keylime-host.bin", 49);
  const auto tables = field<std::vector<FieldRow>>(description, "tables");
  ASSERT_EQ(tables.size(), 1u);
  EXPECT_EQ(row_text(tables[0], "name"), "SMBIOS 3");
  Bytes second{4, 'A', 'C', 'P', 'I'};
  put_u64_le(second, 1);
  put_bytes(second, guid_from_text("8868e871-e4f1-11d3-bc22-0080c73c8881")->bytes);
  put_u64_le(second, 0x1000);
  const auto again = described(kEvEfiHandoffTables2, second);
  EXPECT_EQ(text(again, "description"), "ACPI");
  EXPECT_EQ(row_text(field<std::vector<FieldRow>>(again, "tables").at(0), "name"), "ACPI 2.0");
}

TEST(EventDescription, OfSeparators) {
  EXPECT_FALSE(field<bool>(described(kEvSeparator, Bytes(4, 0)), "error"));
  EXPECT_FALSE(field<bool>(described(kEvSeparator, Bytes(4, 0xff)), "error"));
  EXPECT_TRUE(field<bool>(described(kEvSeparator, {1, 0, 0, 0}), "error"));
}

TEST(EventDescription, OfImagesWithTheirDevicePaths) {
  const auto shim = real("boots/debian12-ovmf-verity/log.bin", 32);
  EXPECT_THAT(text(shim, "devicePath"), StartsWith("PciRoot(0x0)/Pci("));
  EXPECT_THAT(text(shim, "devicePath"), HasSubstr("/HD(1,GPT,"));
  EXPECT_THAT(text(shim, "devicePath"), ::testing::EndsWith("/\\EFI\\BOOT\\BOOTX64.EFI"));
  EXPECT_EQ(field<std::uint64_t>(shim, "imageLength"), 1048504u);
  // The kernel that GRUB handed to shim came from memory.
  EXPECT_THAT(real("boots/debian12-ovmf-verity/log.bin", 47).text, HasSubstr("in memory"));
}

TEST(EventDescription, OfAPartitionTable) {
  const auto events = events_of("boots/debian12-ovmf-verity/log.bin");
  const auto table = std::find_if(events.begin(), events.end(), [](const auto& e) { return e.type == kEvEfiGptEvent; });
  const auto rows = field<std::vector<FieldRow>>(describe_event_data(*table), "partitions");
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(row_text(rows[0], "typeName"), "EFI system partition");
}

TEST(EventDescription, OfVariables) {
  const auto events = events_of("boots/debian12-ovmf-verity/log.bin");
  std::vector<std::string> names;
  for (const UnverifiedEvent& event : events) {
    if (event.type != kEvEfiVariableDriverConfig && event.type != kEvEfiVariableAuthority) continue;
    const EventDescription description = describe_event_data(event);
    names.push_back(text(description, "name"));
    if (names.back() == "SecureBoot") {
      EXPECT_TRUE(field<bool>(description, "enabled"));
    }
    if (names.back() == "SbatLevel") {
      EXPECT_THAT(text(description, "text"), StartsWith("sbat,1,"));
    }
    if (names.back() == "MokListRT") {
      EXPECT_THAT(text(description, "subject"), HasSubstr("Debian"));
    }
    if (names.back() != "db") continue;
    if (event.type == kEvEfiVariableAuthority) {
      EXPECT_THAT(text(description, "subject"), HasSubstr("Microsoft Corporation UEFI CA 2011"));
    } else {
      const auto signatures = field<std::vector<FieldRow>>(description, "signatures");
      ASSERT_EQ(signatures.size(), 2u);
      EXPECT_EQ(row_text(signatures[0], "type"), "x509");
      EXPECT_THAT(row_text(signatures[1], "subject"), HasSubstr("Microsoft Corporation UEFI CA 2011"));
    }
  }
  EXPECT_THAT(names, ElementsAre("SecureBoot", "PK", "KEK", "db", "dbx", "db", "SbatLevel", "MokListRT"));
}

TEST(EventDescription, OfBootEntries) {
  const auto order = real("eventlogs/keylime-host.bin", 27);
  EXPECT_EQ(field<std::vector<std::string>>(order, "order").size(), 13u);
  EXPECT_EQ(field<std::vector<std::string>>(order, "order").at(0), "Boot0000");
  const auto entry = real("eventlogs/keylime-host.bin", 28);
  EXPECT_EQ(text(entry, "title"), "Fedora");
  EXPECT_TRUE(field<bool>(entry, "active"));
  EXPECT_THAT(text(entry, "devicePath"), HasSubstr("/\\EFI\\fedora\\shimx64.efi"));
}

TEST(EventDescription, KeepsAVariableOfAnyOtherName) {
  const EfiVariable other{guid_from_text("b7c64d2a-41f5-45dd-b46f-2dd334c1cf65").value(), "Anything", {1, 2, 3}};
  const auto description = described(kEvEfiVariableDriverConfig, encode_variable_data(other));
  EXPECT_EQ(text(description, "name"), "Anything");
  EXPECT_EQ(field<Bytes>(description, "value"), (Bytes{1, 2, 3}));
  // A known name of another vendor is another variable.
  const EfiVariable same_name{other.vendor, "SecureBoot", {1}};
  EXPECT_EQ(field<Bytes>(described(kEvEfiVariableDriverConfig, encode_variable_data(same_name)), "value"), Bytes{1});
}

TEST(EventDescription, OfBootLoaders) {
  const auto command = described(kEvIpl, to_bytes(std::string("grub_cmd: menuentry 'a' {\n\tboot\n}") + '\0'), 8);
  EXPECT_EQ(text(command, "kind"), "grubCommand");
  EXPECT_EQ(text(command, "text"), "menuentry 'a' {\n\tboot\n}");
  EXPECT_EQ(command.text, "GRUB command: menuentry 'a' {\\x0a\\x09boot\\x0a}");
  EXPECT_EQ(text(described(kEvIpl, to_bytes(std::string("grub_kernel_cmdline /vmlinuz ro") + '\0'), 8), "kind"),
            "kernelCommandLine");
  const auto file = described(kEvIpl, to_bytes(std::string("(hd0,gpt1)/EFI/debian/grub.cfg") + '\0'), 9);
  EXPECT_EQ(text(file, "path"), "(hd0,gpt1)/EFI/debian/grub.cfg");
  EXPECT_EQ(text(described(kEvIpl, to_bytes(std::string("MokListTrusted") + '\0'), 14), "name"), "MokListTrusted");
  // A unified kernel image's stub logs UCS-2; other loaders anything.
  EXPECT_EQ(text(described(kEvIpl, from_hex("2e006c0069006e00750078000000").value(), 11), "text"), ".linux");
  EXPECT_EQ(described(kEvIpl, {1, 2, 3}, 12).text, "3 bytes");
}

TEST(EventDescription, OfTaggedEvents) {
  Bytes data;
  put_u32_le(data, 0x8f3b22ec);
  put_u32_le(data, 26);
  put_bytes(data, as_bytes("LOADED_IMAGE::LoadOptions\0"));
  data.push_back(0);
  const auto description = described(kEvEventTag, data, 9);
  EXPECT_EQ(text(description, "tag"), "0x8f3b22ec");
  EXPECT_EQ(text(description, "text"), "LOADED_IMAGE::LoadOptions");
  Bytes lying = data;
  lying[4] = 0xff;
  EXPECT_THAT(text(described(kEvEventTag, lying), "undecoded"), HasSubstr("at offset 8: expected tagged event's data"));
}

void put_locator(Bytes& out, std::uint32_t type, ByteView locator) {
  put_u32_le(out, type);
  put_u32_le(out, static_cast<std::uint32_t>(locator.size()));
  put_bytes(out, locator);
}

// A measurement of DMTF's form.
Bytes measurement(std::uint8_t index, std::uint8_t byte) {
  return {index, 1, 7, 0, 0x81, 4, 0, byte, byte, byte, byte};
}

// The path of a PCI device, and what firmware says of it: version, length, vendor, device, revision, class, subsystem.
Bytes pci_path() {
  return from_hex(
             "02010c00d041030a00000000"
             "010106000102"
             "7fff0400")
      .value();
}
Bytes pci_context() { return from_hex("010010008680341201000002ffffffff").value(); }

void put_path(Bytes& out, ByteView path) {
  put_u64_le(out, path.size());
  put_bytes(out, path);
}

Bytes second_structure(std::uint32_t type, ByteView sub_header) {
  Bytes data = to_bytes("SPDM Device Sec2");
  put_u16_le(data, 2);
  put_bytes(data, Bytes{2, 0});
  put_u32_le(data, 0);
  put_u32_le(data, 1);  // PCI
  put_u32_le(data, type);
  put_u32_le(data, static_cast<std::uint32_t>(sub_header.size()));
  put_u64_le(data, 0xabc);
  put_path(data, pci_path());
  put_bytes(data, sub_header);
  put_bytes(data, pci_context());
  return data;
}

Bytes two_measurements() {
  Bytes sub_header{0x12, 0, 2, 0, 2, 0, 0, 0};
  put_bytes(sub_header, measurement(1, 0xaa));
  put_bytes(sub_header, measurement(2, 0xbb));
  return sub_header;
}

TEST(EventDescription, OfDevicesThatSpeakSpdm) {
  Bytes first = to_bytes(std::string("SPDM Device Sec\0", 16));
  put_u16_le(first, 1);
  put_u16_le(first, 0);
  put_u32_le(first, 2);
  put_u32_le(first, 1);
  put_bytes(first, measurement(3, 0xcc));
  put_path(first, pci_path());
  put_bytes(first, pci_context());
  const auto blob = described(kEvEfiSpdmFirmwareBlob, first, 2);
  EXPECT_EQ(blob.text, "1 measurement of a device (PCI) PciRoot(0x0)/Pci(0x2,0x1)");
  EXPECT_EQ(text(blob, "structure"), "SPDM Device Sec");
  EXPECT_EQ(field<std::uint64_t>(blob, "structureVersion"), 1u);
  EXPECT_EQ(text(blob, "devicePath"), "PciRoot(0x0)/Pci(0x2,0x1)");
  EXPECT_EQ(text(blob, "pciVendor"), "0x8086");
  EXPECT_EQ(text(blob, "pciDevice"), "0x1234");
  const auto rows = field<std::vector<FieldRow>>(blob, "measurements");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(row_text(rows[0], "valueType"), "0x81");
  EXPECT_EQ(std::get<Bytes>(rows[0].back().value), Bytes(4, 0xcc));

  const auto config = described(kEvEfiSpdmFirmwareConfig, second_structure(0, two_measurements()), 3);
  EXPECT_EQ(text(config, "structure"), "SPDM Device Sec2");
  EXPECT_EQ(text(config, "authentication"), "noBinding");
  EXPECT_EQ(text(config, "subHeaderId"), "0xabc");
  EXPECT_EQ(field<std::vector<FieldRow>>(config, "measurements").size(), 2u);
  const auto chain = described(kEvEfiSpdmFirmwareBlob, second_structure(1, Bytes{0x12, 0, 5, 0, 1, 0, 0, 0, 0x30, 0}));
  EXPECT_EQ(field<std::uint64_t>(chain, "slot"), 5u);
  EXPECT_EQ(field<Bytes>(chain, "certificateChain"), (Bytes{0x30, 0}));
  EXPECT_EQ(field<Bytes>(described(kEvEfiSpdmFirmwareBlob, second_structure(7, Bytes{1})), "subHeaderData"), Bytes{1});

  for (const Bytes& whole : {first, second_structure(0, two_measurements())})
    for (std::size_t size = 16; size + 16 < whole.size(); ++size)
      EXPECT_THAT(text(described(kEvEfiSpdmFirmwareBlob,
                                 Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))),
                       "undecoded"),
                  HasSubstr("at offset"))
          << size;
  EXPECT_THAT(text(described(kEvEfiSpdmFirmwareBlob, to_bytes("SPDM Device Sec3 and more")), "undecoded"),
              HasSubstr("at offset 0"));
}

TEST(EventDescription, OfNvIndices) {
  Bytes instance = to_bytes(std::string("NvIndexInstance\0", 16));
  put_bytes(instance, Bytes{1, 0, 0, 0, 0, 0, 0, 0});
  put_bytes(instance, second_structure(1, Bytes{0x12, 0, 0, 0, 1, 0, 0, 0, 0x30, 0}));
  const auto chain = described(kEvNoAction, instance);
  EXPECT_EQ(text(chain, "signature"), "NvIndexInstance");
  EXPECT_EQ(text(chain, "structure"), "SPDM Device Sec2");
  EXPECT_THAT(chain.text, StartsWith("extended an NV index: certificate chain of a device (PCI"));
  EXPECT_THAT(text(described(kEvNoAction, Bytes(instance.begin(), instance.begin() + 30)), "undecoded"),
              HasSubstr("at offset 24: expected"));

  Bytes dynamic = to_bytes(std::string("NvIndexDynamic \0", 16));
  put_bytes(dynamic, Bytes{1, 0, 0, 0, 0, 0, 0, 0});
  put_u64_le(dynamic, 0xabc);
  put_u16_le(dynamic, 15);
  put_bytes(dynamic, as_bytes(std::string_view("SPDM CHALLENGE\0", 15)));
  put_u16_le(dynamic, 2);
  put_bytes(dynamic, Bytes{7, 8});
  const auto nonce = described(kEvNoAction, dynamic);
  EXPECT_EQ(text(nonce, "signature"), "NvIndexDynamic");
  EXPECT_EQ(text(nonce, "description"), "SPDM CHALLENGE");
  EXPECT_EQ(text(nonce, "id"), "0xabc");
  EXPECT_EQ(field<Bytes>(nonce, "content"), (Bytes{7, 8}));
  dynamic.push_back(0);
  EXPECT_THAT(text(described(kEvNoAction, dynamic), "undecoded"), HasSubstr("expected the end"));
}

TEST(EventDescription, OfNoActionEvents) {
  const Bytes first = to_bytes(std::string("SP800-155 Event\0", 16) + std::string(20, '\x01'));
  EXPECT_EQ(text(described(kEvNoAction, first), "referenceManifest"), "01010101-0101-0101-0101-010101010101");
  Bytes third = to_bytes(std::string("SP800-155 Event3", 16) + std::string(20, '\x01'));
  for (const char* part : {"Maker", "Model", "Version", "Firmware maker"}) {
    third.push_back(static_cast<std::uint8_t>(std::string_view(part).size() + 1));
    put_bytes(third, as_bytes(part));
    third.push_back(0);
  }
  put_u32_le(third, 42);
  put_bytes(third, Bytes{4, '1', '.', '0', 0});
  const Bytes without_locators = third;
  EXPECT_THAT(text(described(kEvNoAction, third), "undecoded"), HasSubstr("referenceManifestLocatorType"));
  put_locator(third, 1, as_bytes("https://maker.example/rim"));
  Bytes variable(16, 0x22);
  put_bytes(variable, Bytes{'P', 0, 'C', 0, 0, 0});
  put_locator(third, 3, variable);
  const auto description = described(kEvNoAction, third);
  EXPECT_EQ(text(description, "referenceManifestLocatorType"), "uri");
  EXPECT_EQ(text(description, "referenceManifestLocator"), "https://maker.example/rim");
  EXPECT_EQ(text(description, "platformCertificateLocatorType"), "variable");
  EXPECT_EQ(text(description, "platformCertificateLocator"), "PC-22222222-2222-2222-2222-222222222222");
  Bytes other = without_locators;
  put_locator(other, 2, Bytes{0x7f, 0xff, 4});
  put_locator(other, 9, Bytes{1, 2});
  const auto odd = described(kEvNoAction, other);
  EXPECT_EQ(field<Bytes>(odd, "referenceManifestLocator"), (Bytes{0x7f, 0xff, 4})) << "a path that does not decode";
  EXPECT_EQ(text(odd, "platformCertificateLocatorType"), "0x9");
  EXPECT_EQ(field<Bytes>(odd, "platformCertificateLocator"), (Bytes{1, 2}));
  EXPECT_EQ(text(description, "platformModel"), "Model");
  EXPECT_EQ(text(description, "firmwareVersion"), "1.0");
  EXPECT_EQ(text(described(kEvNoAction, to_bytes(std::string("What is this?\0\0\0more", 20))), "signature"),
            "What is this?");
  EXPECT_EQ(described(kEvNoAction, Bytes(20, 0)).text, "20 bytes");
  Bytes legacy = to_bytes(std::string("Spec ID Event02\0", 16));
  put_bytes(legacy, Bytes{0, 0, 0, 0, 20, 1, 0, 2, 0});
  EXPECT_EQ(text(described(kEvNoAction, legacy), "specification"), "1.20 errata 0");
}

TEST(EventDescription, OfAnyOtherType) {
  EXPECT_EQ(described(0x8401, Bytes{1}).text, "1 bytes");
  EXPECT_EQ(text(described(0x401, to_bytes("what")), "text"), "what");
  for (const std::uint32_t type :
       {kEvCpuMicrocode, kEvTableOfDevices, kEvCompactHash, kEvNonhostCode, kEvNonhostConfig, kEvNonhostInfo,
        kEvIplPartitionData, kEvOmitBootDeviceEvents, kEvAction, kEvEfiAction, kEvEfiHcrtmEvent, kEvPlatformConfigFlags,
        kEvPrebootCert, kEvUnused, kEvEfiSpdmFirmwareBlob, kEvEfiSpdmFirmwareConfig})
    EXPECT_EQ(text(described(type, to_bytes("text")), "text"), "text") << type;
}

// Found by fuzzing: a NUL alone is UCS-2 for nothing.
TEST(EventDescription, AlwaysSaysSomething) {
  EXPECT_EQ(described(0x84024000, {0, 0}).text, "2 bytes");
  Bytes image(32, 0);
  image[24] = 4;
  put_bytes(image, Bytes{0x7f, 0xff, 4, 0});
  EXPECT_EQ(described(kEvEfiBootServicesApplication, image).text, "empty");
  EXPECT_EQ(described(kEvEfiAction, {}).text, "0 bytes");
  EXPECT_EQ(describe_variable_value(kEfiGlobalVariables, "BootOrder", {}).text, "empty");
}

// Every type, on every prefix of data that have its form: the reason is said, and nothing else breaks.
TEST(EventDescription, SaysWhereDataDoNotHaveTheirTypesForm) {
  for (const std::string& path : {log_paths()[1], log_paths()[5]})
    for (UnverifiedEvent event : events_of(path)) {
      for (std::size_t size = 0; size < std::min<std::size_t>(event.data.size(), 120); ++size) {
        UnverifiedEvent shorter = event;
        shorter.data.resize(size);
        const EventDescription description = describe_event_data(shorter);
        for (const Field& entry : description.fields)
          if (entry.name == "undecoded") {
            EXPECT_THAT(std::get<std::string>(entry.value), HasSubstr("offset"));
          }
      }
    }
}

TEST(VariableDescription, ShowsWhereTheConsoleIs) {
  const Bytes path = from_hex(
                         "02010c00d041030a00000000"
                         "010106000001"
                         "7fff0400")
                         .value();
  EXPECT_EQ(text(describe_variable_value(kEfiGlobalVariables, "ConOut", path), "devicePath"),
            "PciRoot(0x0)/Pci(0x1,0x0)");
}

TEST(VariableDescription, ShowsSignaturesThatAreNoCertificates) {
  const auto dbx = read_corpus("boots/debian12-ovmf-verity/var-dbx.bin");
  const auto description = describe_variable_value(kImageSecurityDatabase, "dbx", ByteView(dbx).subspan(4));
  EXPECT_EQ(description.text, "0 certificates and 1 other signature");
  EXPECT_EQ(row_text(field<std::vector<FieldRow>>(description, "signatures").at(0), "type"), "sha256");
}

TEST(VariableDescription, ShowsSignaturesOfTypesThatNobodyKnows) {
  EfiSignature unknown;
  unknown.type.bytes.fill(0x11);
  unknown.owner.bytes.fill(0x22);
  unknown.data = {1, 2, 3};
  const auto description =
      describe_variable_value(kImageSecurityDatabase, "db", encode_signature_lists({unknown, unknown}));
  EXPECT_EQ(description.text, "0 certificates and 2 other signatures");
  const auto rows = field<std::vector<FieldRow>>(description, "signatures");
  ASSERT_EQ(rows.size(), 2u);
  ASSERT_EQ(rows[1].size(), 4u);
  EXPECT_EQ(rows[1][0].name, "type");
  EXPECT_EQ(std::get<EfiGuid>(rows[1][0].value), unknown.type);
  EXPECT_EQ(std::get<EfiGuid>(rows[1][1].value), unknown.owner);
  EXPECT_EQ(row_text(rows[1], "meaning"), "not known");
  EXPECT_EQ(std::get<Bytes>(rows[1][3].value), unknown.data);
}

}  // namespace
}  // namespace slipway::bootchain
