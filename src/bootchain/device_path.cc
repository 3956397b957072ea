#include "bootchain/device_path.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "base/byte_reader.h"
#include "bootchain/efi_guid.h"
#include "bootchain/event_text.h"

namespace slipway::bootchain {
namespace {

enum NodeType : std::uint8_t { kHardware = 1, kAcpi = 2, kMessaging = 3, kMedia = 4, kBiosBoot = 5, kEnd = 0x7f };
constexpr std::uint8_t kEndEntire = 0xff;
constexpr std::uint8_t kEndInstance = 0x01;
constexpr std::size_t kNodeHeaderSize = 4;

using Text = Result<std::string>;

// An EISA id as UEFI packs it: three letters of five bits in the low half, four hexadecimal digits in the high one.
std::string eisa_id(std::uint32_t id) {
  const auto letter = [id](int shift) { return static_cast<char>('@' + (id >> shift & 0x1f)); };
  return fmt::format("{}{}{}{:04X}", letter(10), letter(5), letter(0), id >> 16);
}

Text guid_and_data(ByteReader& body, std::string_view name) {
  SLIPWAY_ASSIGN(const EfiGuid guid, read_guid(body, "vendor GUID"));
  const ByteView data = body.rest();
  if (data.empty()) return fmt::format("{}({})", name, to_string(guid));
  return fmt::format("{}({},{})", name, to_string(guid), to_hex(data));
}

Text hardware_node(std::uint8_t subtype, ByteReader& body) {
  switch (subtype) {
    case 1: {
      SLIPWAY_ASSIGN(const std::uint8_t function, body.u8("PCI function"));
      SLIPWAY_ASSIGN(const std::uint8_t device, body.u8("PCI device"));
      return fmt::format("Pci({:#x},{:#x})", device, function);
    }
    case 2: {
      SLIPWAY_ASSIGN(const std::uint8_t function, body.u8("PC card function"));
      return fmt::format("PcCard({:#x})", function);
    }
    case 3: {
      SLIPWAY_ASSIGN(const std::uint32_t type, body.u32_le("memory type"));
      SLIPWAY_ASSIGN(const std::uint64_t start, body.u64_le("start address"));
      SLIPWAY_ASSIGN(const std::uint64_t end, body.u64_le("end address"));
      return fmt::format("MemoryMapped({:#x},{:#x},{:#x})", type, start, end);
    }
    case 4:
      return guid_and_data(body, "VenHw");
    case 5: {
      SLIPWAY_ASSIGN(const std::uint32_t controller, body.u32_le("controller number"));
      return fmt::format("Ctrl({:#x})", controller);
    }
    default:
      return fail(ErrorCode::kNotFound, "no text form");
  }
}

constexpr std::array<std::pair<std::uint32_t, std::string_view>, 6> kAcpiNames{{
    {0x0a0341d0, "PciRoot"},
    {0x0a0841d0, "PcieRoot"},
    {0x060441d0, "Floppy"},
    {0x030141d0, "Keyboard"},
    {0x050141d0, "Serial"},
    {0x040141d0, "ParallelPort"},
}};

Text acpi_node(std::uint8_t subtype, ByteReader& body) {
  if (subtype == 3) {
    std::string text = "AcpiAdr(";
    while (body.remaining() >= 4) {
      SLIPWAY_ASSIGN(const std::uint32_t address, body.u32_le("_ADR"));
      fmt::format_to(std::back_inserter(text), "{}{:#x}", text.back() == '(' ? "" : ",", address);
    }
    return text + ")";
  }
  if (subtype != 1 && subtype != 2) return fail(ErrorCode::kNotFound, "no text form");
  SLIPWAY_ASSIGN(const std::uint32_t id, body.u32_le("_HID"));
  SLIPWAY_ASSIGN(const std::uint32_t unique, body.u32_le("_UID"));
  if (subtype == 2) {
    SLIPWAY_ASSIGN(const std::uint32_t compatible, body.u32_le("_CID"));
    return fmt::format("AcpiEx({},{},{:#x})", eisa_id(id), compatible == 0 ? "0" : eisa_id(compatible), unique);
  }
  for (const auto& [known, name] : kAcpiNames)
    if (known == id) return fmt::format("{}({:#x})", name, unique);
  return fmt::format("Acpi({},{:#x})", eisa_id(id), unique);
}

Text ip4_address(ByteReader& body, std::string_view what) {
  SLIPWAY_ASSIGN(const ByteView address, body.take(4, what));
  return fmt::format("{}.{}.{}.{}", address[0], address[1], address[2], address[3]);
}

Text ip6_address(ByteReader& body, std::string_view what) {
  SLIPWAY_ASSIGN(const ByteView address, body.take(16, what));
  std::string text;
  for (std::size_t i = 0; i < 16; i += 2)
    fmt::format_to(std::back_inserter(text), "{}{:x}", i == 0 ? "" : ":", address[i] << 8 | address[i + 1]);
  return text;
}

std::string protocol_name(std::uint16_t protocol) {
  if (protocol == 6) return "TCP";
  if (protocol == 17) return "UDP";
  return fmt::format("{:#x}", protocol);
}

Text ip4_node(ByteReader& body) {
  SLIPWAY_ASSIGN(const std::string local, ip4_address(body, "local address"));
  SLIPWAY_ASSIGN(const std::string remote, ip4_address(body, "remote address"));
  SLIPWAY_TRY(body.take(4, "ports"));
  SLIPWAY_ASSIGN(const std::uint16_t protocol, body.u16_le("protocol"));
  SLIPWAY_ASSIGN(const std::uint8_t is_static, body.u8("address origin"));
  // Gateway and mask came with UEFI 2.2.
  const auto gateway = ip4_address(body, "gateway");
  const auto mask = ip4_address(body, "mask");
  return fmt::format("IPv4({},{},{},{}{})", remote, protocol_name(protocol), is_static == 0 ? "DHCP" : "Static", local,
                     gateway && mask ? fmt::format(",{},{}", *gateway, *mask) : std::string());
}

Text ip6_node(ByteReader& body) {
  SLIPWAY_ASSIGN(const std::string local, ip6_address(body, "local address"));
  SLIPWAY_ASSIGN(const std::string remote, ip6_address(body, "remote address"));
  SLIPWAY_TRY(body.take(4, "ports"));
  SLIPWAY_ASSIGN(const std::uint16_t protocol, body.u16_le("protocol"));
  SLIPWAY_ASSIGN(const std::uint8_t origin, body.u8("address origin"));
  constexpr std::array<std::string_view, 3> kOrigins{"Static", "StatelessAutoConfigure", "StatefulAutoConfigure"};
  return fmt::format("IPv6({},{},{},{})", remote, protocol_name(protocol),
                     origin < kOrigins.size() ? kOrigins.at(origin) : "Unknown", local);
}

Text uart_node(ByteReader& body) {
  SLIPWAY_TRY(body.take(4, "reserved field"));
  SLIPWAY_ASSIGN(const std::uint64_t rate, body.u64_le("baud rate"));
  SLIPWAY_ASSIGN(const std::uint8_t bits, body.u8("data bits"));
  SLIPWAY_ASSIGN(const std::uint8_t parity, body.u8("parity"));
  SLIPWAY_ASSIGN(const std::uint8_t stop, body.u8("stop bits"));
  constexpr std::string_view kParities = "DNEOMS";
  constexpr std::array<std::string_view, 4> kStops{"D", "1", "1.5", "2"};
  return fmt::format("Uart({},{},{},{})", rate, bits, parity < kParities.size() ? kParities[parity] : '?',
                     stop < kStops.size() ? kStops.at(stop) : "?");
}

Text two_numbers(ByteReader& body, std::string_view name) {
  SLIPWAY_ASSIGN(const std::uint16_t first, body.u16_le("first number"));
  SLIPWAY_ASSIGN(const std::uint16_t second, body.u16_le("second number"));
  return fmt::format("{}({:#x},{:#x})", name, first, second);
}

Text disk_node(std::uint8_t subtype, ByteReader& body) {
  switch (subtype) {
    case 1: {
      SLIPWAY_ASSIGN(const std::uint8_t secondary, body.u8("ATA channel"));
      SLIPWAY_ASSIGN(const std::uint8_t slave, body.u8("ATA device"));
      SLIPWAY_ASSIGN(const std::uint16_t lun, body.u16_le("LUN"));
      return fmt::format("Ata({},{},{:#x})", secondary == 0 ? "Primary" : "Secondary", slave == 0 ? "Master" : "Slave",
                         lun);
    }
    case 2:
      return two_numbers(body, "Scsi");
    case 3: {
      SLIPWAY_TRY(body.take(4, "reserved field"));
      SLIPWAY_ASSIGN(const std::uint64_t name, body.u64_le("world wide name"));
      SLIPWAY_ASSIGN(const std::uint64_t lun, body.u64_le("LUN"));
      return fmt::format("Fibre({:#x},{:#x})", name, lun);
    }
    case 0x12: {
      SLIPWAY_ASSIGN(const std::uint16_t port, body.u16_le("HBA port"));
      SLIPWAY_ASSIGN(const std::uint16_t multiplier, body.u16_le("port multiplier's port"));
      SLIPWAY_ASSIGN(const std::uint16_t lun, body.u16_le("LUN"));
      return fmt::format("Sata({:#x},{:#x},{:#x})", port, multiplier, lun);
    }
    case 0x13: {
      SLIPWAY_ASSIGN(const std::uint16_t protocol, body.u16_le("protocol"));
      SLIPWAY_TRY(body.take(2, "login options"));
      SLIPWAY_ASSIGN(const ByteView lun, body.take(8, "LUN"));
      SLIPWAY_ASSIGN(const std::uint16_t group, body.u16_le("target portal group"));
      return fmt::format("iSCSI({},{:#x},0x{},{})", utf8_text(body.rest()), group, to_hex(lun),
                         protocol == 0 ? "TCP" : "reserved");
    }
    case 0x17: {
      SLIPWAY_ASSIGN(const std::uint32_t name_space, body.u32_le("NVMe namespace"));
      SLIPWAY_ASSIGN(const ByteView eui, body.take(8, "EUI-64"));
      std::string text;
      for (std::size_t i = 8; i-- > 0;) fmt::format_to(std::back_inserter(text), "{:02X}{}", eui[i], i == 0 ? "" : "-");
      return fmt::format("NVMe({:#x},{})", name_space, text);
    }
    default:
      return fail(ErrorCode::kNotFound, "no text form");
  }
}

Text messaging_node(std::uint8_t subtype, ByteReader& body) {
  switch (subtype) {
    case 5: {
      SLIPWAY_ASSIGN(const std::uint8_t port, body.u8("USB port"));
      SLIPWAY_ASSIGN(const std::uint8_t interface, body.u8("USB interface"));
      return fmt::format("USB({:#x},{:#x})", port, interface);
    }
    case 0x0a:
      return guid_and_data(body, "VenMsg");
    case 0x0b: {
      SLIPWAY_ASSIGN(const ByteView address, body.take(32, "MAC address"));
      SLIPWAY_ASSIGN(const std::uint8_t type, body.u8("interface type"));
      const bool ethernet = type <= 1;
      return fmt::format("MAC({},{:#x})", to_hex(address.first(ethernet ? 6 : 32)), type);
    }
    case 0x0c:
      return ip4_node(body);
    case 0x0d:
      return ip6_node(body);
    case 0x0e:
      return uart_node(body);
    case 0x0f: {
      SLIPWAY_ASSIGN(const std::uint16_t vendor, body.u16_le("vendor"));
      SLIPWAY_ASSIGN(const std::uint16_t product, body.u16_le("product"));
      SLIPWAY_ASSIGN(const ByteView kinds, body.take(3, "device class, subclass and protocol"));
      return fmt::format("UsbClass({:#x},{:#x},{:#x},{:#x},{:#x})", vendor, product, kinds[0], kinds[1], kinds[2]);
    }
    case 0x10: {
      SLIPWAY_ASSIGN(const std::uint16_t interface, body.u16_le("interface number"));
      SLIPWAY_ASSIGN(const std::uint16_t vendor, body.u16_le("vendor"));
      SLIPWAY_ASSIGN(const std::uint16_t product, body.u16_le("product"));
      return fmt::format("UsbWwid({:#x},{:#x},{:#x},\"{}\")", vendor, product, interface, utf16_text(body.rest()));
    }
    case 0x11: {
      SLIPWAY_ASSIGN(const std::uint8_t lun, body.u8("LUN"));
      return fmt::format("Unit({:#x})", lun);
    }
    case 0x14: {
      SLIPWAY_ASSIGN(const std::uint16_t vlan, body.u16_le("VLAN"));
      return fmt::format("Vlan({})", vlan);
    }
    case 0x18:
      return fmt::format("Uri({})", utf8_text(body.rest()));
    case 0x1a:
    case 0x1d: {
      SLIPWAY_ASSIGN(const std::uint8_t slot, body.u8("slot"));
      return fmt::format("{}({:#x})", subtype == 0x1a ? "SD" : "eMMC", slot);
    }
    default:
      return disk_node(subtype, body);
  }
}

Text partition_node(ByteReader& body) {
  SLIPWAY_ASSIGN(const std::uint32_t number, body.u32_le("partition number"));
  SLIPWAY_ASSIGN(const std::uint64_t start, body.u64_le("partition start"));
  SLIPWAY_ASSIGN(const std::uint64_t size, body.u64_le("partition size"));
  SLIPWAY_ASSIGN(const ByteView signature, body.take(16, "partition signature"));
  SLIPWAY_TRY(body.take(1, "partition format"));
  SLIPWAY_ASSIGN(const std::uint8_t kind, body.u8("signature type"));
  if (kind == 2) {
    ByteReader guid_reader(signature);
    SLIPWAY_ASSIGN(const EfiGuid guid, read_guid(guid_reader, "partition GUID"));
    return fmt::format("HD({},GPT,{},{:#x},{:#x})", number, to_string(guid), start, size);
  }
  if (kind == 1) {
    ByteReader serial_reader(signature);
    SLIPWAY_ASSIGN(const std::uint32_t serial, serial_reader.u32_le("MBR signature"));
    return fmt::format("HD({},MBR,{:#010x},{:#x},{:#x})", number, serial, start, size);
  }
  return fmt::format("HD({},{},0,{:#x},{:#x})", number, kind, start, size);
}

Text guid_node(ByteReader& body, std::string_view name) {
  SLIPWAY_ASSIGN(const EfiGuid guid, read_guid(body, "GUID"));
  return fmt::format("{}({})", name, to_string(guid));
}

Text media_node(std::uint8_t subtype, ByteReader& body) {
  switch (subtype) {
    case 1:
      return partition_node(body);
    case 2: {
      SLIPWAY_ASSIGN(const std::uint32_t entry, body.u32_le("boot entry"));
      SLIPWAY_ASSIGN(const std::uint64_t start, body.u64_le("start"));
      SLIPWAY_ASSIGN(const std::uint64_t size, body.u64_le("size"));
      return fmt::format("CDROM({:#x},{:#x},{:#x})", entry, start, size);
    }
    case 3:
      return guid_and_data(body, "VenMedia");
    case 4:
      return utf16_text(body.rest());
    case 5:
      return guid_node(body, "Media");
    case 6:
      return guid_node(body, "FvFile");
    case 7:
      return guid_node(body, "Fv");
    case 8: {
      SLIPWAY_TRY(body.take(4, "reserved field"));
      SLIPWAY_ASSIGN(const std::uint64_t start, body.u64_le("start"));
      SLIPWAY_ASSIGN(const std::uint64_t end, body.u64_le("end"));
      return fmt::format("Offset({:#x},{:#x})", start, end);
    }
    case 9: {
      SLIPWAY_ASSIGN(const std::uint64_t start, body.u64_le("start"));
      SLIPWAY_ASSIGN(const std::uint64_t end, body.u64_le("end"));
      SLIPWAY_ASSIGN(const EfiGuid type, read_guid(body, "RAM disk type"));
      SLIPWAY_ASSIGN(const std::uint16_t instance, body.u16_le("instance"));
      return fmt::format("RamDisk({:#x},{:#x},{:#x},{})", start, end, instance, to_string(type));
    }
    default:
      return fail(ErrorCode::kNotFound, "no text form");
  }
}

Text bios_boot_node(std::uint8_t subtype, ByteReader& body) {
  if (subtype != 1) return fail(ErrorCode::kNotFound, "no text form");
  SLIPWAY_ASSIGN(const std::uint16_t type, body.u16_le("device type"));
  SLIPWAY_ASSIGN(const std::uint16_t status, body.u16_le("status flag"));
  constexpr std::array<std::string_view, 7> kTypes{"", "Floppy", "HD", "CDROM", "PCMCIA", "USB", "Network"};
  const std::string name =
      type >= 1 && type < kTypes.size() ? std::string(kTypes.at(type)) : fmt::format("{:#x}", type);
  return fmt::format("BBS({},{},{:#x})", name, utf8_text(body.rest()), status);
}

std::string node_text(std::uint8_t type, std::uint8_t subtype, ByteView bytes) {
  ByteReader body(bytes);
  Text text = fail(ErrorCode::kNotFound, "no text form");
  switch (type) {
    case kHardware:
      text = hardware_node(subtype, body);
      break;
    case kAcpi:
      text = acpi_node(subtype, body);
      break;
    case kMessaging:
      text = messaging_node(subtype, body);
      break;
    case kMedia:
      text = media_node(subtype, body);
      break;
    case kBiosBoot:
      text = bios_boot_node(subtype, body);
      break;
    default:
      break;
  }
  if (text) return *std::move(text);
  return fmt::format("Path({},{},{})", type, subtype, to_hex(bytes));
}

}  // namespace

Result<std::string> device_path_text(ByteView path) {
  ByteReader reader(path);
  std::string text;
  std::size_t nodes = 0;
  char separator = '\0';
  while (!reader.empty()) {
    const std::size_t start = reader.offset();
    SLIPWAY_ASSIGN(const std::uint8_t type, reader.u8("type of a device path node"));
    SLIPWAY_ASSIGN(const std::uint8_t subtype, reader.u8("subtype of a device path node"));
    SLIPWAY_ASSIGN(const std::uint16_t length, reader.u16_le("length of a device path node"));
    if (length < kNodeHeaderSize)
      return fail(
          ErrorCode::kMalformed,
          fmt::format("at offset {}: expected a device path node of at least 4 bytes, but it says {}", start, length));
    SLIPWAY_ASSIGN(const ByteView body, reader.take(length - kNodeHeaderSize, "rest of a device path node"));
    if (type == kEnd && subtype == kEndEntire) {
      SLIPWAY_TRY(reader.expect_end("the device path"));
      return text;
    }
    if (type == kEnd && subtype == kEndInstance) {
      separator = ',';
      continue;
    }
    if (++nodes > kMaximumDevicePathNodes + 1) continue;
    if (separator != '\0') text.push_back(separator);
    text += nodes > kMaximumDevicePathNodes ? "..." : node_text(type, subtype, body);
    separator = '/';
  }
  // Some firmware leaves the end node out.
  return text;
}

}  // namespace slipway::bootchain
