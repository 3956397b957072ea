#include "bootchain/event_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/byte_reader.h"

namespace slipway::bootchain {
namespace {

constexpr std::string_view kSpecIdSignature{"Spec ID Event03\0", 16};
constexpr std::size_t kSha1Size = 20;
constexpr std::size_t kMaximumDigestSize = 64;

constexpr std::array<std::pair<std::uint32_t, std::string_view>, 20> kEventTypeNames{{
    {kEvPostCode, "EV_POST_CODE"},
    {kEvNoAction, "EV_NO_ACTION"},
    {kEvSeparator, "EV_SEPARATOR"},
    {kEvAction, "EV_ACTION"},
    {kEvSCrtmVersion, "EV_S_CRTM_VERSION"},
    {kEvPlatformConfigFlags, "EV_PLATFORM_CONFIG_FLAGS"},
    {kEvIpl, "EV_IPL"},
    {kEvOmitBootDeviceEvents, "EV_OMIT_BOOT_DEVICE_EVENTS"},
    {kEvEfiVariableDriverConfig, "EV_EFI_VARIABLE_DRIVER_CONFIG"},
    {kEvEfiVariableBoot, "EV_EFI_VARIABLE_BOOT"},
    {kEvEfiBootServicesApplication, "EV_EFI_BOOT_SERVICES_APPLICATION"},
    {kEvEfiBootServicesDriver, "EV_EFI_BOOT_SERVICES_DRIVER"},
    {kEvEfiRuntimeServicesDriver, "EV_EFI_RUNTIME_SERVICES_DRIVER"},
    {kEvEfiGptEvent, "EV_EFI_GPT_EVENT"},
    {kEvEfiAction, "EV_EFI_ACTION"},
    {kEvEfiPlatformFirmwareBlob, "EV_EFI_PLATFORM_FIRMWARE_BLOB"},
    {kEvEfiHandoffTables, "EV_EFI_HANDOFF_TABLES"},
    {kEvEfiPlatformFirmwareBlob2, "EV_EFI_PLATFORM_FIRMWARE_BLOB2"},
    {kEvEfiVariableBoot2, "EV_EFI_VARIABLE_BOOT2"},
    {kEvEfiVariableAuthority, "EV_EFI_VARIABLE_AUTHORITY"},
}};

Result<std::vector<LogBank>> read_spec_id(ByteView event_data, std::size_t offset) {
  ByteReader reader(event_data, offset);
  SLIPWAY_ASSIGN(const ByteView signature, reader.take(kSpecIdSignature.size(), "signature of the header event"));
  if (as_text(signature) != kSpecIdSignature)
    return fail(ErrorCode::kMalformed, "the event log does not begin with \"Spec ID Event03\": it is not crypto-agile");
  SLIPWAY_TRY(reader.take(8, "platform class and specification version"));
  SLIPWAY_ASSIGN(const std::uint32_t count, reader.u32_le("number of banks"));
  if (count == 0 || count > kMaximumBanks)
    return fail(ErrorCode::kMalformed, fmt::format("the event log claims {} banks; 1 to 8 are allowed", count));
  std::vector<LogBank> banks;
  for (std::uint32_t i = 0; i < count; ++i) {
    LogBank bank;
    SLIPWAY_ASSIGN(bank.bank, reader.u16_le("bank's algorithm"));
    SLIPWAY_ASSIGN(bank.digest_size, reader.u16_le("bank's digest size"));
    const bool known_twice =
        std::any_of(banks.begin(), banks.end(), [&](const LogBank& other) { return other.bank == bank.bank; });
    if (bank.digest_size == 0 || bank.digest_size > kMaximumDigestSize || known_twice)
      return fail(ErrorCode::kMalformed, fmt::format("the event log's bank {:#06x} has digests of {} bytes or stands "
                                                     "there twice",
                                                     bank.bank, bank.digest_size));
    banks.push_back(bank);
  }
  SLIPWAY_ASSIGN(const std::uint8_t vendor_size, reader.u8("size of vendor information"));
  SLIPWAY_TRY(reader.take(vendor_size, "vendor information"));
  SLIPWAY_TRY(reader.expect_end("the header event"));
  return banks;
}

Result<std::vector<LogBank>> read_header(ByteReader& reader) {
  SLIPWAY_ASSIGN(const std::uint32_t pcr, reader.u32_le("PCR of the header event"));
  SLIPWAY_ASSIGN(const std::uint32_t type, reader.u32_le("type of the header event"));
  SLIPWAY_TRY(reader.take(kSha1Size, "digest of the header event"));
  SLIPWAY_ASSIGN(const std::uint32_t size, reader.u32_le("size of the header event"));
  if (pcr != 0 || type != kEvNoAction)
    return fail(ErrorCode::kMalformed, "the event log does not begin with an EV_NO_ACTION event of PCR 0");
  const std::size_t offset = reader.offset();
  SLIPWAY_ASSIGN(const ByteView data, reader.take(size, "data of the header event"));
  return read_spec_id(data, offset);
}

Result<std::vector<EventDigest>> read_digests(ByteReader& reader, const std::vector<LogBank>& banks) {
  const std::size_t offset = reader.offset();
  SLIPWAY_ASSIGN(const std::uint32_t count, reader.u32_le("number of digests"));
  if (count != banks.size())
    return fail(ErrorCode::kMalformed, fmt::format("at offset {}: an event has {} digests, but the log has {} banks",
                                                   offset, count, banks.size()));
  std::vector<EventDigest> digests;
  digests.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    SLIPWAY_ASSIGN(const std::uint16_t id, reader.u16_le("digest's algorithm"));
    const auto bank = std::find_if(banks.begin(), banks.end(), [id](const LogBank& it) { return it.bank == id; });
    const bool twice = std::any_of(digests.begin(), digests.end(), [id](const auto& it) { return it.bank == id; });
    if (bank == banks.end() || twice)
      return fail(ErrorCode::kMalformed, fmt::format("at offset {}: an event has a digest of bank {:#06x}, which the "
                                                     "header does not name or which it has already",
                                                     reader.offset(), id));
    SLIPWAY_ASSIGN(const ByteView digest, reader.take(bank->digest_size, "digest"));
    digests.push_back({id, to_bytes(digest)});
  }
  return digests;
}

Result<UnverifiedEvent> read_event(ByteReader& reader, const std::vector<LogBank>& banks) {
  UnverifiedEvent event;
  SLIPWAY_ASSIGN(event.pcr, reader.u32_le("event's PCR"));
  SLIPWAY_ASSIGN(event.type, reader.u32_le("event's type"));
  SLIPWAY_ASSIGN(event.digests, read_digests(reader, banks));
  SLIPWAY_ASSIGN(const std::uint32_t size, reader.u32_le("event's size"));
  SLIPWAY_ASSIGN(const ByteView data, reader.take(size, "event's data"));
  event.data = to_bytes(data);
  return event;
}

Result<UnverifiedEventLog> parse(ByteView bytes, bool whole) {
  if (bytes.size() > kMaximumEventLogSize)
    return fail(ErrorCode::kMalformed, fmt::format("the event log has {} bytes; at most 1 MiB is read", bytes.size()));
  ByteReader reader(bytes);
  UnverifiedEventLog log;
  SLIPWAY_ASSIGN(log.banks, read_header(reader));
  while (!reader.empty()) {
    if (log.events.size() == kMaximumEvents)
      return fail(ErrorCode::kMalformed, fmt::format("the event log has more than {} events", kMaximumEvents));
    Result<UnverifiedEvent> event = read_event(reader, log.banks);
    if (!event && !whole) break;
    if (!event) return fail(std::move(event).error());
    event->index = static_cast<int>(log.events.size()) + 1;
    log.events.push_back(*std::move(event));
  }
  return log;
}

}  // namespace

std::string event_type_name(std::uint32_t type) {
  for (const auto& [known, name] : kEventTypeNames)
    if (known == type) return std::string(name);
  return fmt::format("event type {:#x}", type);
}

const Bytes* find_digest(const UnverifiedEvent& event, std::uint16_t bank) {
  for (const EventDigest& digest : event.digests)
    if (digest.bank == bank) return &digest.digest;
  return nullptr;
}

Result<UnverifiedEventLog> parse_event_log(ByteView bytes) { return parse(bytes, true); }

Result<UnverifiedEventLog> parse_event_log_from_memory(ByteView bytes) {
  return parse(bytes.subspan(0, std::min(bytes.size(), kMaximumEventLogSize)), false);
}

Bytes encode_event_log(const UnverifiedEventLog& log) {
  Bytes header;
  put_bytes(header, as_bytes(kSpecIdSignature));
  put_u32_le(header, 0);                                                                    // platform class: client
  for (const int byte : {0, 2, 105, 2}) header.push_back(static_cast<std::uint8_t>(byte));  // 2.0, errata 105, UINT64
  put_u32_le(header, static_cast<std::uint32_t>(log.banks.size()));
  for (const LogBank& bank : log.banks) {
    put_u16_le(header, bank.bank);
    put_u16_le(header, bank.digest_size);
  }
  header.push_back(0);

  Bytes out;
  put_u32_le(out, 0);
  put_u32_le(out, kEvNoAction);
  out.insert(out.end(), kSha1Size, 0);
  put_u32_le(out, static_cast<std::uint32_t>(header.size()));
  put_bytes(out, header);
  for (const UnverifiedEvent& event : log.events) {
    put_u32_le(out, event.pcr);
    put_u32_le(out, event.type);
    put_u32_le(out, static_cast<std::uint32_t>(event.digests.size()));
    for (const EventDigest& digest : event.digests) {
      put_u16_le(out, digest.bank);
      put_bytes(out, digest.digest);
    }
    put_u32_le(out, static_cast<std::uint32_t>(event.data.size()));
    put_bytes(out, event.data);
  }
  return out;
}

}  // namespace slipway::bootchain
