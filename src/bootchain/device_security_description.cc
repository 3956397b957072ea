#include <fmt/format.h>

#include "base/byte_reader.h"
#include "bootchain/device_path.h"
#include "bootchain/event_describers.h"
#include "bootchain/event_text.h"

// What firmware measures of devices that speak SPDM (TCG PC Client Platform Firmware Profile 1.06, 10.2.7, and DMTF
// DSP0274).
namespace slipway::bootchain {
namespace {

constexpr std::string_view kFirst = "SPDM Device Sec", kSecond = "SPDM Device Sec2";
constexpr std::size_t kSignatureSize = 16;
constexpr std::uint32_t kPci = 1, kUsb = 2;
constexpr std::uint32_t kMeasurements = 0, kCertificateChain = 1;
constexpr std::size_t kPciContextSize = 16;

std::string device_type(std::uint32_t type) {
  if (type == kPci) return "PCI";
  if (type == kUsb) return "USB";
  return type == 0 ? "none" : fmt::format("{:#x}", type);
}

std::string authentication(std::uint8_t state) {
  switch (state) {
    case 0:
      return "success";
    case 1:
      return "noAuthentication";
    case 2:
      return "noBinding";
    case 3:
      return "noSignature";
    case 4:
      return "invalidSignature";
    case 0xff:
      return "noSpdm";
    default:
      return fmt::format("{:#x}", state);
  }
}

// A measurement block; of DMTF's form its type and value apart.
Result<FieldRow> measurement_row(ByteReader& reader) {
  SLIPWAY_ASSIGN(const std::uint8_t index, reader.u8("index of a measurement"));
  SLIPWAY_ASSIGN(const std::uint8_t specification, reader.u8("specification of a measurement"));
  SLIPWAY_ASSIGN(const std::uint16_t size, reader.u16_le("size of a measurement"));
  SLIPWAY_ASSIGN(const ByteView content, reader.take(size, "measurement"));
  constexpr std::size_t kDmtfHeader = 3;
  if (specification != 1 || content.size() < kDmtfHeader)
    return FieldRow{
        {"index", std::uint64_t{index}}, {"specification", std::uint64_t{specification}}, {"value", to_bytes(content)}};
  return FieldRow{{"index", std::uint64_t{index}},
                  {"specification", std::uint64_t{specification}},
                  {"valueType", fmt::format("{:#04x}", content[0])},
                  {"value", to_bytes(content.subspan(kDmtfHeader))}};
}

Status read_device_path(ByteReader& reader, EventDescription& description, std::string& shown) {
  SLIPWAY_ASSIGN(const std::uint64_t size, reader.u64_le("size of the device's path"));
  SLIPWAY_ASSIGN(const ByteView path, reader.take(size, "device's path"));
  if (path.empty()) return {};
  auto text = device_path_text(path);
  shown = text ? " " + *text : std::string();
  if (text)
    description.fields.push_back({"devicePath", *std::move(text)});
  else
    description.fields.push_back({"devicePathData", to_bytes(path)});
  return {};
}

Status read_context(ByteReader& reader, std::uint32_t type, EventDescription& description) {
  const ByteView context = reader.rest();
  if (type == kPci && context.size() >= kPciContextSize) {
    ByteReader pci(context, reader.offset() - context.size());
    SLIPWAY_TRY(pci.take(4, "version and length of the device's context"));
    SLIPWAY_ASSIGN(const std::uint16_t vendor, pci.u16_le("PCI vendor"));
    SLIPWAY_ASSIGN(const std::uint16_t device, pci.u16_le("PCI device"));
    description.fields.push_back({"pciVendor", fmt::format("{:#06x}", vendor)});
    description.fields.push_back({"pciDevice", fmt::format("{:#06x}", device)});
  }
  if (!context.empty()) description.fields.push_back({"deviceContext", to_bytes(context)});
  return {};
}

Description describe_first(ByteReader& reader) {
  EventDescription description;
  SLIPWAY_ASSIGN(const std::uint16_t version, reader.u16_le("version of the structure"));
  SLIPWAY_TRY(reader.u16_le("length of the structure"));
  SLIPWAY_ASSIGN(const std::uint32_t hash, reader.u32_le("SPDM hash algorithm"));
  SLIPWAY_ASSIGN(const std::uint32_t type, reader.u32_le("type of the device"));
  description.fields = {{"structure", std::string(kFirst)},
                        {"structureVersion", std::uint64_t{version}},
                        {"deviceType", device_type(type)},
                        {"spdmHashAlgorithm", fmt::format("{:#x}", hash)}};
  std::vector<FieldRow> rows(1);
  SLIPWAY_ASSIGN(rows[0], measurement_row(reader));
  description.fields.push_back({"measurements", std::move(rows)});
  std::string path;
  SLIPWAY_TRY(read_device_path(reader, description, path));
  SLIPWAY_TRY(read_context(reader, type, description));
  description.text = one_line(fmt::format("1 measurement of a device ({}){}", device_type(type), path));
  return description;
}

// What stands in the sub-header; gives the words for it.
Result<std::string> read_sub_header(std::uint32_t type, ByteReader reader, EventDescription& description) {
  if (type != kMeasurements && type != kCertificateChain) {
    description.fields.push_back({"subHeaderData", to_bytes(reader.rest())});
    return fmt::format("data of type {:#x}", type);
  }
  SLIPWAY_ASSIGN(const std::uint16_t version, reader.u16_le("SPDM version"));
  SLIPWAY_ASSIGN(const std::uint8_t number, reader.u8("number of measurements, or slot"));
  SLIPWAY_TRY(reader.u8("reserved byte"));
  SLIPWAY_ASSIGN(const std::uint32_t hash, reader.u32_le("SPDM hash algorithm"));
  description.fields.push_back({"spdmVersion", fmt::format("{:#06x}", version)});
  description.fields.push_back({"spdmHashAlgorithm", fmt::format("{:#x}", hash)});
  if (type == kCertificateChain) {
    description.fields.push_back({"slot", std::uint64_t{number}});
    description.fields.push_back({"certificateChain", to_bytes(reader.rest())});
    return std::string("certificate chain");
  }
  std::vector<FieldRow> rows;
  for (int i = 0; i < number; ++i) {
    SLIPWAY_ASSIGN(FieldRow row, measurement_row(reader));
    rows.push_back(std::move(row));
  }
  SLIPWAY_TRY(reader.expect_end("the measurements"));
  description.fields.push_back({"measurements", std::move(rows)});
  return fmt::format("{} measurement{}", number, number == 1 ? "" : "s");
}

Description describe_second(ByteReader& reader) {
  EventDescription description;
  SLIPWAY_ASSIGN(const std::uint16_t version, reader.u16_le("version of the structure"));
  SLIPWAY_ASSIGN(const std::uint8_t state, reader.u8("state of the device's authentication"));
  SLIPWAY_TRY(reader.u8("reserved byte"));
  SLIPWAY_TRY(reader.u32_le("length of what follows"));
  SLIPWAY_ASSIGN(const std::uint32_t type, reader.u32_le("type of the device"));
  SLIPWAY_ASSIGN(const std::uint32_t sub_type, reader.u32_le("type of the sub-header"));
  SLIPWAY_ASSIGN(const std::uint32_t sub_size, reader.u32_le("length of the sub-header"));
  SLIPWAY_ASSIGN(const std::uint64_t id, reader.u64_le("identifier of the sub-header"));
  description.fields = {{"structure", std::string(kSecond)},
                        {"structureVersion", std::uint64_t{version}},
                        {"deviceType", device_type(type)},
                        {"authentication", authentication(state)},
                        {"subHeaderId", fmt::format("{:#x}", id)}};
  std::string path;
  SLIPWAY_TRY(read_device_path(reader, description, path));
  const std::size_t offset = reader.offset();
  SLIPWAY_ASSIGN(const ByteView sub_header, reader.take(sub_size, "sub-header"));
  SLIPWAY_ASSIGN(const std::string words, read_sub_header(sub_type, ByteReader(sub_header, offset), description));
  SLIPWAY_TRY(read_context(reader, type, description));
  description.text = one_line(
      fmt::format("{} of a device ({}, authentication: {}){}", words, device_type(type), authentication(state), path));
  return description;
}

}  // namespace

bool is_device_security(ByteView data) { return as_text(data).substr(0, kFirst.size()) == kFirst; }

Description describe_device_security(ByteView data, std::size_t base_offset) {
  ByteReader reader(data, base_offset);
  SLIPWAY_ASSIGN(const ByteView signature, reader.take(kSignatureSize, "signature of a device's measurements"));
  if (as_text(signature) == kSecond) return describe_second(reader);
  if (is_device_security(signature) && signature.back() == 0) return describe_first(reader);
  return fail(ErrorCode::kMalformed,
              fmt::format("at offset {}: expected \"{}\" or \"{}\"", base_offset, kFirst, kSecond));
}

Description describe_nv_index(ByteView data, std::string signature) {
  ByteReader reader(data);
  SLIPWAY_TRY(reader.take(kSignatureSize, "signature"));
  SLIPWAY_ASSIGN(const std::uint16_t version, reader.u16_le("version"));
  SLIPWAY_TRY(reader.take(6, "reserved bytes"));
  if (signature == "NvIndexInstance") {
    const std::size_t offset = reader.offset();
    SLIPWAY_ASSIGN(EventDescription description, describe_device_security(reader.rest(), offset));
    description.text = one_line("extended an NV index: " + description.text);
    description.fields.insert(description.fields.begin(), {"version", std::uint64_t{version}});
    description.fields.insert(description.fields.begin(), {"signature", std::move(signature)});
    return description;
  }
  SLIPWAY_ASSIGN(const std::uint64_t id, reader.u64_le("identifier"));
  SLIPWAY_ASSIGN(const std::uint16_t name_size, reader.u16_le("size of the description"));
  SLIPWAY_ASSIGN(const ByteView name, reader.take(name_size, "description"));
  SLIPWAY_ASSIGN(const std::uint16_t size, reader.u16_le("size of the data"));
  SLIPWAY_ASSIGN(const ByteView content, reader.take(size, "data"));
  SLIPWAY_TRY(reader.expect_end("the event"));
  std::string text = utf8_text(name);
  EventDescription description{one_line(fmt::format("extended an NV index: {}, {} bytes", text, size)), {}};
  description.fields = {{"signature", std::move(signature)},
                        {"version", std::uint64_t{version}},
                        {"id", fmt::format("{:#x}", id)},
                        {"description", std::move(text)},
                        {"content", to_bytes(content)}};
  return description;
}

}  // namespace slipway::bootchain
