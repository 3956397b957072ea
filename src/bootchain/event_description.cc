#include "bootchain/event_description.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/byte_reader.h"
#include "bootchain/efi_guid.h"
#include "bootchain/event_data.h"
#include "bootchain/event_describers.h"
#include "bootchain/event_text.h"

namespace slipway::bootchain {
namespace {

// What firmware gives as the text of an event whose digest is over something else.
std::optional<std::string> any_text(ByteView data) {
  if (auto text = ascii_text(data)) return text;
  return printable_utf16_text(data);
}

EventDescription raw(ByteView data) { return {fmt::format("{} bytes", data.size()), {}}; }

EventDescription text_or_raw(ByteView data) {
  auto text = any_text(data);
  if (!text || text->empty()) return raw(data);
  EventDescription description{one_line(*text), {}};
  description.fields.push_back({"text", *std::move(text)});
  return description;
}

// A text, or the address of what was measured (section 10.2.5 allows both).
Description text_or_blob(ByteView data) {
  if (any_text(data)) return text_or_raw(data);
  if (data.size() == 16) return describe_firmware_blob(data);
  return raw(data);
}

Description describe_version(ByteView data) {
  // A NUL alone is a version too: the empty text.
  if (auto text = printable_utf16_text(data)) {
    EventDescription description{text->empty() ? "no version" : one_line(*text), {}};
    description.fields.push_back({"version", *std::move(text)});
    return description;
  }
  if (auto text = ascii_text(data)) return EventDescription{one_line(*text), {{"version", *text}}};
  ByteReader reader(data);
  if (data.size() == 16) {
    SLIPWAY_ASSIGN(const EfiGuid guid, read_guid(reader, "version GUID"));
    return EventDescription{to_string(guid), {{"version", to_string(guid)}}};
  }
  return raw(data);
}

Description describe_separator(ByteView data) {
  ByteReader reader(data);
  SLIPWAY_ASSIGN(const std::uint32_t value, reader.u32_le("separator's value"));
  SLIPWAY_TRY(reader.expect_end("the separator"));
  // Section 10.4.1: 0 and 0xffffffff are the separator, any other value is an error's.
  const bool error = value != 0 && value != 0xffffffff;
  return EventDescription{error ? fmt::format("error {:#x} instead of a separator", value) : "separator",
                          {{"value", std::uint64_t{value}}, {"error", error}}};
}

// TCG_PCClientTaggedEvent (section 10.2.7).
Description describe_tagged_event(ByteView data) {
  ByteReader reader(data);
  SLIPWAY_ASSIGN(const std::uint32_t id, reader.u32_le("tagged event's ID"));
  SLIPWAY_ASSIGN(const std::uint32_t size, reader.u32_le("tagged event's size"));
  SLIPWAY_ASSIGN(const ByteView content, reader.take(size, "tagged event's data"));
  EventDescription description = text_or_raw(content);
  description.text = fmt::format("tag {:#x}: {}", id, description.text);
  description.fields.insert(description.fields.begin(), {"tag", fmt::format("{:#010x}", id)});
  if (description.fields.size() == 1) description.fields.push_back({"tagData", to_bytes(content)});
  return description;
}

EventDescription named(std::string_view what, std::string kind, std::string field, std::string value) {
  return {fmt::format("{}: {}", what, one_line(value)),
          {{"kind", std::move(kind)}, {std::move(field), std::move(value)}}};
}

bool is_shim_variable(std::string_view text) {
  return text.substr(0, 3) == "Mok" || text == "SbatLevel" || text == "vendor_db" || text == "Shim";
}

// Boot loaders' events: GRUB's texts and files, shim's variables, texts of others.
EventDescription describe_ipl(const UnverifiedEvent& event) {
  const GrubText grub = grub_text(event);
  switch (grub.kind) {
    case GrubText::Kind::kCommand:
      return named("GRUB command", "grubCommand", "text", utf8_text(as_bytes(grub.text)));
    case GrubText::Kind::kKernelCommandLine:
      return named("kernel command line", "kernelCommandLine", "text", utf8_text(as_bytes(grub.text)));
    case GrubText::Kind::kModuleCommandLine:
      return named("module command line", "moduleCommandLine", "text", utf8_text(as_bytes(grub.text)));
    case GrubText::Kind::kNone:
      break;
  }
  const ByteView data = event.data;
  const auto ascii = ascii_text(data);
  if (ascii && is_shim_variable(*ascii)) return named("variable of shim", "shimVariable", "name", *ascii);
  if (ascii && event.pcr == 9) return named("file", "file", "path", *ascii);
  return text_or_raw(data);
}

Description decode(const UnverifiedEvent& event) {
  const ByteView data = event.data;
  switch (event.type) {
    case kEvNoAction:
      return describe_no_action(data);
    case kEvSeparator:
      return describe_separator(data);
    case kEvSCrtmVersion:
      return describe_version(data);
    case kEvPostCode:
    case kEvSCrtmContents:
      return text_or_blob(data);
    case kEvPostCode2:
    case kEvEfiPlatformFirmwareBlob2:
      return describe_firmware_blob2(data);
    case kEvEfiPlatformFirmwareBlob:
      return describe_firmware_blob(data);
    case kEvEventTag:
      return describe_tagged_event(data);
    case kEvIpl:
      return describe_ipl(event);
    case kEvEfiVariableDriverConfig:
    case kEvEfiVariableBoot:
    case kEvEfiVariableBoot2:
    case kEvEfiSpdmDevicePolicy:
      return describe_variable_event(data, false);
    case kEvEfiVariableAuthority:
    case kEvEfiSpdmDeviceAuthority:
      return describe_variable_event(data, true);
    case kEvEfiSpdmFirmwareBlob:
    case kEvEfiSpdmFirmwareConfig:
      return is_device_security(data) ? describe_device_security(data) : text_or_raw(data);
    case kEvEfiBootServicesApplication:
    case kEvEfiBootServicesDriver:
    case kEvEfiRuntimeServicesDriver:
      return describe_image_load(data);
    case kEvEfiGptEvent:
    case kEvEfiGptEvent2:
      return describe_partition_table(data);
    case kEvEfiHandoffTables:
      return describe_handoff_tables(data);
    case kEvEfiHandoffTables2:
      return describe_handoff_tables2(data);
    default:
      return text_or_raw(data);
  }
}

}  // namespace

EventDescription describe_event_data(const UnverifiedEvent& event) {
  Description description = decode(event);
  // A device path that ends at once has no text, for example.
  if (description && description->text.empty()) description->text = "empty";
  if (description) return *std::move(description);
  const std::string& reason = description.error().message;
  return {one_line(fmt::format("{} bytes that do not decode: {}", event.data.size(), reason)), {{"undecoded", reason}}};
}

}  // namespace slipway::bootchain
