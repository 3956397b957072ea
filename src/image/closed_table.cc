#include "image/closed_table.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

#include "base/byte_reader.h"
#include "bootchain/efi_variable.h"
#include "bootchain/event_log.h"

namespace slipway::image {
namespace {

constexpr int kBootEntriesPcr = 1;
constexpr std::size_t kMaximumEntries = 64, kMaximumDescription = 128;
// mBdsAutoCreateBootOptionGuid of EDK II (MdeModulePkg, UefiBootManagerLib).
constexpr std::string_view kAutomaticEntry = "8108ac4e-9f11-4d59-850e-e21a522c59b2";

// Device path nodes (UEFI 2.10, 10.3), as type and subtype.
constexpr std::array<std::uint8_t, 2> kAcpiNode{0x02, 0x01}, kFirmwareVolume{0x04, 0x07}, kEndOfPath{0x7f, 0xff};
constexpr std::uint8_t kMediaDevicePath = 0x04, kFilePath = 0x04, kFirmwareFile = 0x06;

struct Node {
  std::array<std::uint8_t, 2> type{};
  ByteView data;
};

Result<std::vector<Node>> read_nodes(ByteView path) {
  ByteReader reader(path);
  std::vector<Node> nodes;
  while (!reader.empty()) {
    Node node;
    SLIPWAY_ASSIGN(node.type[0], reader.u8("type of a device path node"));
    SLIPWAY_ASSIGN(node.type[1], reader.u8("subtype of a device path node"));
    SLIPWAY_ASSIGN(const std::uint16_t length, reader.u16_le("length of a device path node"));
    if (length < 4) return fail(ErrorCode::kMalformed, "a device path node is shorter than its header");
    SLIPWAY_ASSIGN(node.data, reader.take(length - 4U, "device path node"));
    nodes.push_back(node);
  }
  return nodes;
}

bool is_own_device(ByteView path) {
  const auto nodes = read_nodes(path);
  if (!nodes || nodes->size() < 2 || nodes->back().type != kEndOfPath) return false;
  if (nodes->front().type == kFirmwareVolume) {
    const std::array<std::uint8_t, 2> file{kMediaDevicePath, kFirmwareFile};
    return nodes->size() == 3 && (*nodes)[1].type == file;
  }
  if (nodes->front().type != kAcpiNode) return false;
  return std::none_of(nodes->begin(), nodes->end() - 1, [](const Node& node) {
    return node.type == kEndOfPath || (node.type[0] == kMediaDevicePath && node.type[1] == kFilePath);
  });
}

// EFI_LOAD_OPTION (UEFI 2.10, 3.1.3).
bool is_automatic_entry(ByteView value) {
  ByteReader reader(value);
  const auto attributes = reader.u32_le("attributes of a load option");
  const auto path_size = reader.u16_le("length of a load option's device path");
  if (!attributes || !path_size) return false;
  for (std::size_t length = 0;; ++length) {
    const auto character = reader.u16_le("description of a load option");
    if (!character || length > kMaximumDescription) return false;
    if (*character == 0) break;
    if (*character < 0x20 || *character >= 0x7f) return false;
  }
  const auto path = reader.take(*path_size, "device path of a load option");
  if (!path || !is_own_device(*path)) return false;
  if (reader.empty()) return true;
  const auto mark = bootchain::read_guid(reader, "optional data of a load option");
  return mark && reader.empty() && to_string(*mark) == kAutomaticEntry;
}

bool is_boot_order(ByteView value) {
  if (value.empty() || value.size() % 2 != 0 || value.size() > 2 * kMaximumEntries) return false;
  std::set<int> numbers;
  for (std::size_t i = 0; i < value.size(); i += 2)
    if (!numbers.insert(value[i] | value[i + 1] << 8).second) return false;
  return true;
}

bool is_entry_name(std::string_view name) {
  return name.size() == 8 && name.substr(0, 4) == "Boot" && std::all_of(name.begin() + 4, name.end(), [](char digit) {
           return (digit >= '0' && digit <= '9') || (digit >= 'A' && digit <= 'F');
         });
}

}  // namespace

bool is_in_closed_table(int pcr, std::uint32_t type) {
  return pcr == kBootEntriesPcr && (type == bootchain::kEvEfiVariableBoot || type == bootchain::kEvEfiVariableBoot2);
}

bool may_vary(int pcr, std::uint32_t type, ByteView data) {
  if (!is_in_closed_table(pcr, type)) return false;
  const auto variable = bootchain::decode_variable_data(data);
  if (!variable || to_string(variable->vendor) != bootchain::kEfiGlobalVariables) return false;
  if (variable->name == "BootOrder") return is_boot_order(variable->value);
  return is_entry_name(variable->name) && is_automatic_entry(variable->value);
}

}  // namespace slipway::image
