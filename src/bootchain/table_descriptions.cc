#include <fmt/format.h>

#include <array>

#include "base/byte_reader.h"
#include "bootchain/device_path.h"
#include "bootchain/efi_guid.h"
#include "bootchain/event_describers.h"
#include "bootchain/event_text.h"

namespace slipway::bootchain {
namespace {

constexpr std::size_t kGptHeaderSize = 92;
constexpr std::size_t kGptEntrySize = 128;
constexpr std::size_t kPartitionNameSize = 72;

std::string address(std::uint64_t value) { return fmt::format("{:#x}", value); }

Result<FieldRow> partition_row(ByteReader& reader) {
  FieldRow row;
  SLIPWAY_ASSIGN(const EfiGuid type, read_guid(reader, "partition's type"));
  SLIPWAY_ASSIGN(const EfiGuid unique, read_guid(reader, "partition's GUID"));
  SLIPWAY_ASSIGN(const std::uint64_t first, reader.u64_le("partition's first block"));
  SLIPWAY_ASSIGN(const std::uint64_t last, reader.u64_le("partition's last block"));
  SLIPWAY_ASSIGN(const std::uint64_t attributes, reader.u64_le("partition's attributes"));
  SLIPWAY_ASSIGN(const ByteView name, reader.take(kPartitionNameSize, "partition's name"));
  row = {{"type", to_string(type)}, {"guid", to_string(unique)},         {"firstBlock", first},
         {"lastBlock", last},       {"attributes", address(attributes)}, {"name", utf16_text(name)}};
  if (const std::string_view known = known_guid_name(to_string(type)); !known.empty())
    row.insert(row.begin() + 1, {"typeName", std::string(known)});
  return row;
}

Result<std::vector<FieldRow>> table_rows(ByteReader& reader, std::string& names) {
  SLIPWAY_ASSIGN(const std::uint64_t count, reader.u64_le("number of tables"));
  std::vector<FieldRow> rows;
  for (std::uint64_t i = 0; i < count; ++i) {
    SLIPWAY_ASSIGN(const EfiGuid guid, read_guid(reader, "table's GUID"));
    SLIPWAY_ASSIGN(const std::uint64_t at, reader.u64_le("table's address"));
    const std::string text = to_string(guid);
    const std::string_view known = known_guid_name(text);
    if (i < 4) names += fmt::format("{}{}", names.empty() ? "" : ", ", known.empty() ? text : known);
    // One by one: an initializer list would copy each of thousands.
    FieldRow row;
    row.reserve(3);
    row.push_back({"guid", text});
    if (!known.empty()) row.push_back({"name", std::string(known)});
    row.push_back({"address", address(at)});
    rows.push_back(std::move(row));
  }
  SLIPWAY_TRY(reader.expect_end("the tables"));
  return rows;
}

Result<std::string> sized_text(ByteReader& reader, std::string_view what) {
  SLIPWAY_ASSIGN(const std::uint8_t size, reader.u8(what));
  SLIPWAY_ASSIGN(const ByteView text, reader.take(size, what));
  return utf8_text(text);
}

Description describe_spec_id(ByteReader& reader, std::string signature) {
  SLIPWAY_ASSIGN(const std::uint32_t platform, reader.u32_le("platform class"));
  SLIPWAY_ASSIGN(const ByteView version, reader.take(4, "specification version"));
  EventDescription description;
  const std::string specification = fmt::format("{}.{} errata {}", version[1], version[0], version[2]);
  description.text = fmt::format("event log of specification {}", specification);
  description.fields = {{"signature", signature},
                        {"platformClass", std::uint64_t{platform}},
                        {"specification", specification},
                        {"uintnSize", std::uint64_t{version[3]}}};
  if (signature != "Spec ID Event03") {
    if (reader.empty()) return description;
    SLIPWAY_ASSIGN(const std::uint8_t size, reader.u8("size of vendor information"));
    SLIPWAY_ASSIGN(const ByteView vendor, reader.take(size, "vendor information"));
    description.fields.push_back({"vendorInfo", to_bytes(vendor)});
    return description;
  }
  SLIPWAY_ASSIGN(const std::uint32_t count, reader.u32_le("number of banks"));
  std::vector<FieldRow> rows;
  for (std::uint32_t i = 0; i < count; ++i) {
    SLIPWAY_ASSIGN(const std::uint16_t bank, reader.u16_le("bank's algorithm"));
    SLIPWAY_ASSIGN(const std::uint16_t size, reader.u16_le("bank's digest size"));
    rows.push_back({{"algorithm", bank_name(bank)}, {"digestSize", std::uint64_t{size}}});
    description.text += (i == 0 ? ", " : " + ") + bank_name(bank);
  }
  SLIPWAY_ASSIGN(const std::uint8_t size, reader.u8("size of vendor information"));
  SLIPWAY_ASSIGN(const ByteView vendor, reader.take(size, "vendor information"));
  description.text = one_line(description.text);
  description.fields.push_back({"banks", std::move(rows)});
  description.fields.push_back({"vendorInfo", to_bytes(vendor)});
  return description;
}

// Where something is to be found: type, length, and by the type a URI, a device path, a variable or the thing itself.
Status read_locator(ByteReader& reader, std::string_view type_name, std::string_view name,
                    EventDescription& description) {
  constexpr std::array<std::string_view, 4> kKinds{"raw", "uri", "devicePath", "variable"};
  constexpr std::uint32_t kUri = 1, kDevicePath = 2, kVariable = 3;
  SLIPWAY_ASSIGN(const std::uint32_t type, reader.u32_le(type_name));
  SLIPWAY_ASSIGN(const std::uint32_t size, reader.u32_le("locator's length"));
  const std::size_t offset = reader.offset();
  SLIPWAY_ASSIGN(const ByteView locator, reader.take(size, name));
  description.fields.push_back(
      {std::string(type_name), type < kKinds.size() ? std::string(kKinds[type]) : fmt::format("{:#x}", type)});
  if (type == kUri) {
    description.fields.push_back({std::string(name), utf8_text(locator)});
    return {};
  }
  if (auto path = device_path_text(locator); type == kDevicePath && path) {
    description.fields.push_back({std::string(name), *std::move(path)});
    return {};
  }
  if (type == kVariable) {
    ByteReader variable(locator, offset);
    SLIPWAY_ASSIGN(const EfiGuid vendor, read_guid(variable, "vendor of a variable"));
    description.fields.push_back(
        {std::string(name), fmt::format("{}-{}", utf16_text(variable.rest()), to_string(vendor))});
    return {};
  }
  description.fields.push_back({std::string(name), to_bytes(locator)});
  return {};
}

// TCG_Sp800_155_PlatformId_Event, 2 and 3: where a manufacturer keeps its reference values.
Description describe_reference_manifest(ByteReader& reader, std::string signature) {
  SLIPWAY_ASSIGN(const std::uint32_t vendor, reader.u32_le("vendor's ID"));
  SLIPWAY_ASSIGN(const EfiGuid manifest, read_guid(reader, "reference manifest's GUID"));
  EventDescription description;
  description.fields = {
      {"signature", signature}, {"vendorId", std::uint64_t{vendor}}, {"referenceManifest", to_string(manifest)}};
  std::string maker;
  if (signature != "SP800-155 Event") {
    for (const char* field : {"platformManufacturer", "platformModel", "platformVersion", "firmwareManufacturer"}) {
      SLIPWAY_ASSIGN(std::string text, sized_text(reader, field));
      if (maker.empty()) maker = text;
      description.fields.push_back({field, std::move(text)});
    }
    SLIPWAY_ASSIGN(const std::uint32_t firmware, reader.u32_le("firmware manufacturer's ID"));
    description.fields.push_back({"firmwareManufacturerId", std::uint64_t{firmware}});
    SLIPWAY_ASSIGN(std::string version, sized_text(reader, "firmwareVersion"));
    description.fields.push_back({"firmwareVersion", std::move(version)});
  }
  if (signature == "SP800-155 Event3") {
    SLIPWAY_TRY(read_locator(reader, "referenceManifestLocatorType", "referenceManifestLocator", description));
    SLIPWAY_TRY(read_locator(reader, "platformCertificateLocatorType", "platformCertificateLocator", description));
    SLIPWAY_TRY(reader.expect_end("the locators"));
  }
  description.text = one_line(fmt::format("reference manifest {} {}", to_string(manifest), maker));
  return description;
}

}  // namespace

Description describe_partition_table(ByteView data) {
  ByteReader reader(data);
  SLIPWAY_ASSIGN(const ByteView signature, reader.take(8, "GPT signature"));
  if (as_text(signature) != "EFI PART")
    return fail(ErrorCode::kMalformed, "at offset 0: expected \"EFI PART\", with which a GPT header begins");
  SLIPWAY_TRY(reader.take(40 - 8, "GPT header"));
  SLIPWAY_ASSIGN(const std::uint64_t first, reader.u64_le("first usable block"));
  SLIPWAY_ASSIGN(const std::uint64_t last, reader.u64_le("last usable block"));
  SLIPWAY_ASSIGN(const EfiGuid disk, read_guid(reader, "disk's GUID"));
  SLIPWAY_TRY(reader.take(kGptHeaderSize - reader.offset(), "GPT header"));
  SLIPWAY_ASSIGN(const std::uint64_t count, reader.u64_le("number of partitions"));
  if (count > reader.remaining() / kGptEntrySize)
    return fail(ErrorCode::kMalformed, fmt::format("at offset {}: expected {} partitions, but {} bytes are left",
                                                   reader.offset(), count, reader.remaining()));
  std::vector<FieldRow> rows;
  for (std::uint64_t i = 0; i < count; ++i) {
    SLIPWAY_ASSIGN(FieldRow row, partition_row(reader));
    rows.push_back(std::move(row));
  }
  SLIPWAY_TRY(reader.expect_end("the partition table"));
  return described(fmt::format("partition table of disk {}, {} partitions", to_string(disk), count),
                   Field{"diskGuid", to_string(disk)}, Field{"firstUsableBlock", first}, Field{"lastUsableBlock", last},
                   Field{"partitions", std::move(rows)});
}

Description describe_image_load(ByteView data) {
  ByteReader reader(data);
  SLIPWAY_ASSIGN(const std::uint64_t location, reader.u64_le("image's address"));
  SLIPWAY_ASSIGN(const std::uint64_t length, reader.u64_le("image's length"));
  SLIPWAY_ASSIGN(const std::uint64_t link_time, reader.u64_le("image's link-time address"));
  SLIPWAY_ASSIGN(const std::uint64_t path_size, reader.u64_le("size of the image's device path"));
  SLIPWAY_ASSIGN(const ByteView path, reader.take(path_size, "image's device path"));
  EventDescription description;
  description.fields = {
      {"imageAddress", address(location)}, {"imageLength", length}, {"linkTimeAddress", address(link_time)}};
  auto text = device_path_text(path);
  if (path.empty()) {
    description.text = fmt::format("image of {} bytes in memory", length);
  } else if (text) {
    description.text = one_line(*text);
    description.fields.push_back({"devicePath", *std::move(text)});
  } else {
    description.text = one_line("an image's device path that does not decode: " + text.error().message);
    description.fields.push_back({"devicePathData", to_bytes(path)});
  }
  return description;
}

Description describe_firmware_blob(ByteView data) {
  ByteReader reader(data);
  SLIPWAY_ASSIGN(const std::uint64_t base, reader.u64_le("blob's address"));
  SLIPWAY_ASSIGN(const std::uint64_t length, reader.u64_le("blob's length"));
  SLIPWAY_TRY(reader.expect_end("the firmware blob"));
  return EventDescription{fmt::format("{} bytes at {:#x}", length, base),
                          {{"address", address(base)}, {"length", length}}};
}

Description describe_firmware_blob2(ByteView data) {
  ByteReader reader(data);
  SLIPWAY_ASSIGN(std::string name, sized_text(reader, "blob's description"));
  SLIPWAY_ASSIGN(EventDescription description, describe_firmware_blob(reader.rest()));
  description.text = one_line(fmt::format("{}: {}", name, description.text));
  description.fields.insert(description.fields.begin(), {"blob", std::move(name)});
  return description;
}

Description describe_handoff_tables(ByteView data) {
  ByteReader reader(data);
  std::string names;
  SLIPWAY_ASSIGN(auto rows, table_rows(reader, names));
  std::string text = one_line(fmt::format("{} tables: {}", rows.size(), names));
  return described(std::move(text), Field{"tables", std::move(rows)});
}

Description describe_handoff_tables2(ByteView data) {
  ByteReader reader(data);
  SLIPWAY_ASSIGN(std::string name, sized_text(reader, "tables' description"));
  std::string names;
  SLIPWAY_ASSIGN(auto rows, table_rows(reader, names));
  std::string text = one_line(fmt::format("{}: {} tables: {}", name, rows.size(), names));
  return described(std::move(text), Field{"description", std::move(name)}, Field{"tables", std::move(rows)});
}

Description describe_no_action(ByteView data) {
  constexpr std::size_t kSignatureSize = 16;
  ByteReader reader(data);
  SLIPWAY_ASSIGN(const ByteView bytes, reader.take(kSignatureSize, "signature of an EV_NO_ACTION event"));
  const std::string_view text = as_text(bytes);
  const std::string_view trimmed = text.substr(0, std::min(text.find('\0'), text.size()));
  const std::string signature = ascii_text(as_bytes(trimmed)).value_or("");
  if (signature.empty()) return EventDescription{fmt::format("{} bytes", data.size()), {}};
  if (signature == "StartupLocality" && reader.remaining() == 1) {
    SLIPWAY_ASSIGN(const std::uint8_t locality, reader.u8("locality"));
    return EventDescription{fmt::format("the TPM was started from locality {}", locality),
                            {{"signature", signature}, {"locality", std::uint64_t{locality}}}};
  }
  if (signature.substr(0, 13) == "Spec ID Event") return describe_spec_id(reader, signature);
  if (signature.substr(0, 15) == "SP800-155 Event") return describe_reference_manifest(reader, signature);
  if (signature == "NvIndexInstance") return describe_nv_index(data, signature);
  // Its signature has a blank where others end.
  if (signature.substr(0, 14) == "NvIndexDynamic") return describe_nv_index(data, "NvIndexDynamic");
  return EventDescription{one_line(signature), {{"signature", signature}, {"signatureData", to_bytes(reader.rest())}}};
}

}  // namespace slipway::bootchain
