#include "apps/slipway/variables_document.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "apps/slipway/event_log_document.h"
#include "apps/slipway/output.h"
#include "base/byte_reader.h"
#include "bootchain/boot_policy.h"
#include "bootchain/efi_variable.h"
#include "bootchain/event_description.h"
#include "bootchain/signature_list.h"

namespace slipway::cli {
namespace {

namespace json = boost::json;
using bootchain::StoredVariable;

// UEFI 2.10, 8.2.1.
constexpr std::array<std::pair<std::uint32_t, std::string_view>, 6> kAttributes{{
    {0x01, "nonVolatile"},
    {0x02, "bootService"},
    {0x04, "runtime"},
    {0x08, "hardwareError"},
    {0x20, "timeBasedAuthentication"},
    {0x40, "append"},
}};

std::vector<std::string> attribute_names(std::uint32_t attributes) {
  std::vector<std::string> names;
  for (const auto& [bit, name] : kAttributes) {
    if ((attributes & bit) != 0) names.emplace_back(name);
    attributes &= ~bit;
  }
  if (attributes != 0) names.push_back(fmt::format("{:#x}", attributes));
  return names;
}

bootchain::EventDescription describe(const StoredVariable& variable) {
  return bootchain::describe_variable_value(to_string(variable.vendor), variable.name, variable.data);
}

std::string_view secure_boot_state(const ReadVariables& read) {
  if (!read.whole_store) return "unknown";
  return bootchain::enforces_secure_boot(read.variables) ? "enabled" : "disabled";
}

json::value revocations(const ReadVariables& read) {
  const auto* dbx = bootchain::find_variable(read.variables, bootchain::kImageSecurityDatabase, "dbx");
  if (dbx == nullptr) return read.whole_store ? json::value(0) : json::value(nullptr);
  const auto signatures = bootchain::read_signature_lists(dbx->data);
  return signatures ? json::value(signatures->size()) : json::value(nullptr);
}

std::string vendor_text(const StoredVariable& variable) {
  const std::string guid = to_string(variable.vendor);
  const std::string_view known = bootchain::known_guid_name(guid);
  return known.empty() ? guid : std::string(known);
}

}  // namespace

json::object variables_document(const ReadVariables& read) {
  json::array shown;
  for (const StoredVariable& variable : read.variables) {
    const auto description = describe(variable);
    const auto attributes = attribute_names(variable.attributes);
    shown.push_back({{"name", variable.name},
                     {"vendor", to_string(variable.vendor)},
                     {"attributes", json::array(attributes.begin(), attributes.end())},
                     {"description", description.text},
                     {"fields", to_json(description.fields)},
                     {"data", to_hex(variable.data)}});
  }
  return {{"secureBoot", secure_boot_state(read)}, {"revocations", revocations(read)}, {"variables", std::move(shown)}};
}

std::string variables_table(const ReadVariables& read) {
  std::vector<std::vector<std::string>> rows;
  for (const StoredVariable& variable : read.variables)
    rows.push_back(
        {variable.name, vendor_text(variable), fmt::format("{}", variable.data.size()), describe(variable).text});
  const json::value revoked = revocations(read);
  return fmt::format("{}\nSecure Boot: {}; revocations (dbx): {}\n",
                     to_table({"Name", "Vendor", "Bytes", "What"}, rows), secure_boot_state(read),
                     revoked.is_null() ? "unknown" : json::serialize(revoked));
}

Result<StoredVariable> read_variable_file(std::string_view file_name, ByteView content) {
  constexpr std::size_t kGuidSize = 36;
  const auto other_name = [&] {
    return fail(ErrorCode::kInvalidArgument, fmt::format("\"{}\" is not of the form NAME-GUID", file_name));
  };
  if (file_name.size() < kGuidSize + 2 || file_name[file_name.size() - kGuidSize - 1] != '-') return other_name();
  const auto vendor = bootchain::guid_from_text(file_name.substr(file_name.size() - kGuidSize));
  if (!vendor) return other_name();
  ByteReader reader(content);
  StoredVariable variable;
  variable.vendor = *vendor;
  variable.name = std::string(file_name.substr(0, file_name.size() - kGuidSize - 1));
  SLIPWAY_ASSIGN(variable.attributes, reader.u32_le("attributes of the variable"));
  variable.data = to_bytes(reader.rest());
  return variable;
}

}  // namespace slipway::cli
