#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/byte_reader.h"
#include "bootchain/device_path.h"
#include "bootchain/efi_guid.h"
#include "bootchain/efi_variable.h"
#include "bootchain/event_describers.h"
#include "bootchain/event_text.h"
#include "bootchain/load_option.h"
#include "bootchain/signature_list.h"
#include "crypto/certificate_subject.h"

namespace slipway::bootchain {
namespace {

template <typename Names>
bool is_one_of(std::string_view name, const Names& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

constexpr std::array<std::string_view, 14> kSignatureDatabases{
    "PK",      "KEK",      "db",        "dbx",        "dbt",       "dbr",        "PKDefault",
    "MokList", "MokListX", "MokListRT", "MokListXRT", "vendor_db", "vendor_dbx", "devdb"};
constexpr std::array<std::string_view, 8> kSwitches{"SecureBoot",       "SetupMode",  "AuditMode",  "DeployedMode",
                                                    "SecureBootEnable", "VendorKeys", "CustomMode", "MokSBState"};
constexpr std::array<std::string_view, 4> kOrders{"BootOrder", "DriverOrder", "SysPrepOrder", "PlatformRecoveryOrder"};
constexpr std::array<std::string_view, 4> kOptions{"Boot", "Driver", "SysPrep", "PlatformRecovery"};
constexpr std::array<std::string_view, 6> kDevicePaths{"ConIn",    "ConOut",    "ErrOut",
                                                       "ConInDev", "ConOutDev", "ErrOutDev"};
constexpr std::array<std::string_view, 4> kNumbers{"BootCurrent", "BootNext", "Timeout", "BootOptionSupport"};
constexpr std::array<std::string_view, 4> kTexts{"SbatLevel", "SbatLevelRT", "PlatformLang", "Lang"};

// The name without four hexadecimal digits behind it, or nothing.
std::string_view option_of(std::string_view name) {
  constexpr std::size_t kDigits = 4;
  if (name.size() <= kDigits) return {};
  const std::string_view digits = name.substr(name.size() - kDigits);
  const bool hexadecimal = std::all_of(digits.begin(), digits.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
  });
  const std::string_view kind = name.substr(0, name.size() - kDigits);
  return hexadecimal && is_one_of(kind, kOptions) ? kind : std::string_view();
}

std::string counted(std::size_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

// The type of signatures, looked up once for all that follow each other.
struct SignatureType {
  EfiGuid guid;
  bool certificate = false;
  FieldScalar shown;  // its name, or the GUID itself
};

SignatureType signature_type(const EfiGuid& guid) {
  const std::string text = to_string(guid);
  const std::string_view known = known_guid_name(text);
  return {guid, text == kX509Signature, known.empty() ? FieldScalar(guid) : FieldScalar(std::string(known))};
}

// Rows and fields are moved into their lists one by one: an initializer list would copy each, and a hostile database
// has thousands. GUIDs stay what they are until they are shown.
FieldRow signature_row(EfiSignature signature, const SignatureType& type, std::string description) {
  FieldRow row;
  row.reserve(type.certificate ? 3 : 4);
  row.push_back({"type", type.shown});
  row.push_back({"owner", signature.owner});
  row.push_back({type.certificate ? "subject" : "meaning", std::move(description)});
  if (!type.certificate) row.push_back({"data", std::move(signature.data)});
  return row;
}

Description describe_signature_lists(ByteView value) {
  SLIPWAY_ASSIGN(auto signatures, read_signature_lists(value));
  std::vector<FieldRow> rows;
  rows.reserve(signatures.size());
  std::string subjects;
  std::size_t certificates = 0;
  SignatureType type = signature_type({});
  for (EfiSignature& signature : signatures) {
    if (signature.type != type.guid) type = signature_type(signature.type);
    // Of a type that means nothing to anybody the row has the type already.
    const bool known = meaning_of(signature).kind != SignatureMeaning::Kind::kOther;
    std::string description = known ? describe(signature) : "not known";
    if (type.certificate) {
      ++certificates;
      constexpr std::size_t kNamed = 3;
      if (certificates <= kNamed) subjects += (subjects.empty() ? ": " : "; ") + description;
    }
    rows.push_back(signature_row(std::move(signature), type, std::move(description)));
  }
  std::string text = signatures.empty()
                         ? "empty"
                         : fmt::format("{} and {}{}", counted(certificates, "certificate"),
                                       counted(signatures.size() - certificates, "other signature"), subjects);
  EventDescription description{one_line(text), {}};
  description.fields.push_back({"signatures", std::move(rows)});
  return description;
}

// "Boot001A". Written digit by digit: a hostile order has tens of thousands of them.
std::string load_option_name(std::string_view kind, std::uint16_t number) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string name(kind);
  for (int shift = 12; shift >= 0; shift -= 4) name += kDigits[static_cast<std::size_t>(number >> shift & 0xf)];
  return name;
}

Description describe_order(std::string_view name, ByteView value) {
  const std::string_view kind = name.substr(0, name.size() - std::string_view("Order").size());
  constexpr std::size_t kNamed = 32;  // more than a line holds
  std::vector<std::string> entries;
  entries.reserve(value.size() / 2);
  ByteReader reader(value);
  while (!reader.empty()) {
    SLIPWAY_ASSIGN(const std::uint16_t number, reader.u16_le("number of a load option"));
    entries.push_back(load_option_name(kind, number));
  }
  const auto named = entries.begin() + static_cast<std::ptrdiff_t>(std::min(entries.size(), kNamed));
  std::string text = one_line(fmt::format("{}", fmt::join(entries.begin(), named, ", ")));
  return described(std::move(text), Field{"order", std::move(entries)});
}

Description describe_load_option(ByteView value) {
  SLIPWAY_ASSIGN(LoadOption option, parse_load_option(value));
  auto path = device_path_text(option.device_path);
  EventDescription description;
  description.text = one_line(fmt::format("{}{}: {}", option.description, option.active() ? "" : " (inactive)",
                                          path ? *path : "a device path that does not decode"));
  description.fields = {{"active", option.active()},
                        {"attributes", std::uint64_t{option.attributes}},
                        {"title", std::move(option.description)}};
  description.fields.push_back({path ? "devicePath" : "devicePathData",
                                path ? FieldValue(*std::move(path)) : FieldValue(std::move(option.device_path))});
  if (!option.optional_data.empty()) description.fields.push_back({"optionalData", std::move(option.optional_data)});
  return description;
}

Description describe_device_path(ByteView value) {
  SLIPWAY_ASSIGN(std::string path, device_path_text(value));
  return EventDescription{one_line(path), {{"devicePath", std::move(path)}}};
}

Description describe_switch(ByteView value) {
  if (value.empty()) return EventDescription{"not set", {}};
  ByteReader reader(value);
  SLIPWAY_ASSIGN(const std::uint8_t state, reader.u8("switch"));
  SLIPWAY_TRY(reader.expect_end("the switch"));
  const bool on = state == 1;
  return EventDescription{on ? "on" : fmt::format("off ({})", state), {{"enabled", on}}};
}

Description describe_number(ByteView value) {
  ByteReader reader(value);
  std::uint64_t number = 0;
  if (value.size() == 4) {
    SLIPWAY_ASSIGN(number, reader.u32_le("number"));
  } else {
    SLIPWAY_ASSIGN(number, reader.u16_le("number"));
  }
  SLIPWAY_TRY(reader.expect_end("the number"));
  return EventDescription{fmt::format("{}", number), {{"number", number}}};
}

Description decode_value(std::string_view name, ByteView value) {
  if (is_one_of(name, kSignatureDatabases)) return describe_signature_lists(value);
  if (is_one_of(name, kSwitches)) return describe_switch(value);
  if (is_one_of(name, kOrders)) return describe_order(name, value);
  if (!option_of(name).empty()) return describe_load_option(value);
  if (is_one_of(name, kDevicePaths)) return describe_device_path(value);
  if (is_one_of(name, kNumbers)) return describe_number(value);
  if (is_one_of(name, kTexts)) {
    std::string text = utf8_text(value);
    return EventDescription{one_line(text), {{"text", std::move(text)}}};
  }
  return EventDescription{fmt::format("{} bytes", value.size()), {}};
}

bool is_known_vendor(std::string_view vendor) {
  return vendor == kEfiGlobalVariables || vendor == kImageSecurityDatabase || vendor == kShimVariables ||
         vendor == "f0a30bc7-af08-4556-99c4-001009c93a44" || vendor == "c076ec0c-7028-4399-a072-71ee5c448b9f" ||
         vendor == "9073e4e0-60ec-4b6e-9903-4c223c260f3c";
}

// EFI_SIGNATURE_DATA without its list: the owner, then a certificate or a digest. shim before 15.3 left the owner out.
Description describe_authority(ByteView value) {
  if (auto subject = crypto::subject_of_certificate(value))
    return EventDescription{one_line(*subject), {{"subject", *std::move(subject)}}};
  ByteReader reader(value);
  SLIPWAY_ASSIGN(const EfiGuid owner, read_guid(reader, "owner of the signature"));
  const ByteView data = reader.rest();
  EventDescription description;
  description.fields.push_back({"owner", to_string(owner)});
  if (auto subject = crypto::subject_of_certificate(data)) {
    description.text = one_line(*subject);
    description.fields.push_back({"subject", *std::move(subject)});
  } else {
    description.text = one_line(to_hex(data));
    description.fields.push_back({"signature", to_bytes(data)});
  }
  return description;
}

}  // namespace

EventDescription describe_variable_value(std::string_view vendor, std::string_view name, ByteView value) {
  if (!is_known_vendor(vendor)) return {fmt::format("{} bytes", value.size()), {}};
  Description description = decode_value(name, value);
  if (description && description->text.empty()) description->text = "empty";
  if (description) return *std::move(description);
  const std::string& reason = description.error().message;
  return {one_line(fmt::format("{} bytes that do not decode: {}", value.size(), reason)), {{"undecoded", reason}}};
}

Description describe_variable_event(ByteView data, bool authority) {
  SLIPWAY_ASSIGN(const EfiVariable variable, decode_variable_data(data));
  const std::string vendor = to_string(variable.vendor);
  EventDescription value;
  // SbatLevel is logged as an authority, but its value is a text.
  const bool signature = authority && !is_one_of(variable.name, kTexts) && !is_one_of(variable.name, kSwitches);
  auto vouching = signature ? describe_authority(variable.value) : Description(EventDescription{});
  value = signature && vouching ? *std::move(vouching) : describe_variable_value(vendor, variable.name, variable.value);

  EventDescription description;
  description.text = one_line(fmt::format("{} = {}", variable.name, value.text));
  const std::string_view known = known_guid_name(vendor);
  if (known.empty())
    description.fields = {{"vendor", vendor}, {"name", variable.name}};
  else
    description.fields = {{"vendor", vendor}, {"vendorName", std::string(known)}, {"name", variable.name}};
  if (value.fields.empty()) value.fields.push_back({"value", variable.value});
  std::move(value.fields.begin(), value.fields.end(), std::back_inserter(description.fields));
  return description;
}

}  // namespace slipway::bootchain
