#include "bootchain/event_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

#include "base/byte_reader.h"

namespace slipway::bootchain {
namespace {

constexpr std::string_view kSpecIdSignature{"Spec ID Event03\0", 16};
constexpr std::size_t kSha1Size = 20;
constexpr std::size_t kUsualEventSize = 128;  // fewer bytes than the average event of a real log has

constexpr std::array<std::pair<std::uint32_t, std::string_view>, 39> kEventTypeNames{{
    {kEvPrebootCert, "EV_PREBOOT_CERT"},
    {kEvPostCode, "EV_POST_CODE"},
    {kEvUnused, "EV_UNUSED"},
    {kEvNoAction, "EV_NO_ACTION"},
    {kEvSeparator, "EV_SEPARATOR"},
    {kEvAction, "EV_ACTION"},
    {kEvEventTag, "EV_EVENT_TAG"},
    {kEvSCrtmContents, "EV_S_CRTM_CONTENTS"},
    {kEvSCrtmVersion, "EV_S_CRTM_VERSION"},
    {kEvCpuMicrocode, "EV_CPU_MICROCODE"},
    {kEvPlatformConfigFlags, "EV_PLATFORM_CONFIG_FLAGS"},
    {kEvTableOfDevices, "EV_TABLE_OF_DEVICES"},
    {kEvCompactHash, "EV_COMPACT_HASH"},
    {kEvIpl, "EV_IPL"},
    {kEvIplPartitionData, "EV_IPL_PARTITION_DATA"},
    {kEvNonhostCode, "EV_NONHOST_CODE"},
    {kEvNonhostConfig, "EV_NONHOST_CONFIG"},
    {kEvNonhostInfo, "EV_NONHOST_INFO"},
    {kEvOmitBootDeviceEvents, "EV_OMIT_BOOT_DEVICE_EVENTS"},
    {kEvPostCode2, "EV_POST_CODE2"},
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
    {kEvEfiHandoffTables2, "EV_EFI_HANDOFF_TABLES2"},
    {kEvEfiVariableBoot2, "EV_EFI_VARIABLE_BOOT2"},
    {kEvEfiGptEvent2, "EV_EFI_GPT_EVENT2"},
    {kEvEfiHcrtmEvent, "EV_EFI_HCRTM_EVENT"},
    {kEvEfiVariableAuthority, "EV_EFI_VARIABLE_AUTHORITY"},
    {kEvEfiSpdmFirmwareBlob, "EV_EFI_SPDM_FIRMWARE_BLOB"},
    {kEvEfiSpdmFirmwareConfig, "EV_EFI_SPDM_FIRMWARE_CONFIG"},
    {kEvEfiSpdmDevicePolicy, "EV_EFI_SPDM_DEVICE_POLICY"},
    {kEvEfiSpdmDeviceAuthority, "EV_EFI_SPDM_DEVICE_AUTHORITY"},
}};

Result<std::vector<LogBank>> read_spec_id(ByteView event_data, std::size_t offset) {
  ByteReader reader(event_data, offset);
  SLIPWAY_ASSIGN(const ByteView signature, reader.take(kSpecIdSignature.size(), "signature of the header event"));
  if (as_text(signature) != kSpecIdSignature)
    return fail(ErrorCode::kMalformed, fmt::format("at offset {}: expected \"Spec ID Event03\", with which a "
                                                   "crypto-agile event log begins",
                                                   offset));
  SLIPWAY_TRY(reader.take(8, "platform class and specification version"));
  SLIPWAY_ASSIGN(const std::uint32_t count, reader.u32_le("number of banks"));
  if (count == 0 || count > kMaximumBanks)
    return fail(ErrorCode::kMalformed, fmt::format("at offset {}: expected a number of banks from 1 to 8, but it is {}",
                                                   reader.offset() - 4, count));
  std::vector<LogBank> banks;
  for (std::uint32_t i = 0; i < count; ++i) {
    LogBank bank;
    SLIPWAY_ASSIGN(bank.bank, reader.u16_le("bank's algorithm"));
    SLIPWAY_ASSIGN(bank.digest_size, reader.u16_le("bank's digest size"));
    const bool known_twice =
        std::any_of(banks.begin(), banks.end(), [&](const LogBank& other) { return other.bank == bank.bank; });
    if (bank.digest_size == 0 || bank.digest_size > kMaximumDigestSize || known_twice)
      return fail(
          ErrorCode::kMalformed,
          fmt::format("at offset {}: expected a bank named once with digests of 1 to 64 bytes, but bank {:#06x} "
                      "has digests of {} bytes or stands there twice",
                      reader.offset() - 4, bank.bank, bank.digest_size));
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
    return fail(ErrorCode::kMalformed,
                fmt::format("at offset 0: expected an EV_NO_ACTION event of PCR 0, with which a crypto-agile event log "
                            "begins, but it is of type {:#x} and PCR {}",
                            type, pcr));
  const std::size_t offset = reader.offset();
  SLIPWAY_ASSIGN(const ByteView data, reader.take(size, "data of the header event"));
  return read_spec_id(data, offset);
}

Status read_digests(ByteReader& reader, const std::vector<LogBank>& banks, EventDigests& digests) {
  const std::size_t offset = reader.offset();
  SLIPWAY_ASSIGN(const std::uint32_t count, reader.u32_le("number of digests"));
  if (count != banks.size())
    return fail(ErrorCode::kMalformed, fmt::format("at offset {}: expected one digest for each of the log's {} "
                                                   "banks, but the event has {}",
                                                   offset, banks.size(), count));
  digests.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    SLIPWAY_ASSIGN(const std::uint16_t id, reader.u16_le("digest's algorithm"));
    const auto bank = std::find_if(banks.begin(), banks.end(), [id](const LogBank& it) { return it.bank == id; });
    const bool twice = std::any_of(digests.begin(), digests.end(), [id](const auto& it) { return it.bank == id; });
    if (bank == banks.end() || twice)
      return fail(ErrorCode::kMalformed, fmt::format("at offset {}: expected a digest of another bank of the log's "
                                                     "header, but it is of bank {:#06x}",
                                                     reader.offset() - 2, id));
    SLIPWAY_ASSIGN(const ByteView digest, reader.take(bank->digest_size, "digest"));
    digests.push_back({id, digest});
  }
  return {};
}

Status read_event(ByteReader& reader, const std::vector<LogBank>& banks, UnverifiedEvent& event) {
  SLIPWAY_ASSIGN(event.pcr, reader.u32_le("event's PCR"));
  SLIPWAY_ASSIGN(event.type, reader.u32_le("event's type"));
  SLIPWAY_TRY(read_digests(reader, banks, event.digests));
  SLIPWAY_ASSIGN(const std::uint32_t size, reader.u32_le("event's size"));
  SLIPWAY_ASSIGN(const ByteView data, reader.take(size, "event's data"));
  event.data = to_bytes(data);
  return {};
}

Result<UnverifiedEventLog> parse(ByteView bytes, bool whole) {
  if (bytes.size() > kMaximumEventLogSize)
    return fail(ErrorCode::kMalformed,
                fmt::format("at offset {}: expected the end of an event log of at most 1 MiB, but it has {} bytes",
                            kMaximumEventLogSize, bytes.size()));
  ByteReader reader(bytes);
  UnverifiedEventLog log;
  SLIPWAY_ASSIGN(log.banks, read_header(reader));
  log.events.reserve(std::min(kMaximumEvents, reader.remaining() / kUsualEventSize));
  while (!reader.empty()) {
    if (log.events.size() == kMaximumEvents)
      return fail(ErrorCode::kMalformed,
                  fmt::format("at offset {}: expected the end of the event log, which has more than {} events",
                              reader.offset(), kMaximumEvents));
    // Read where it stays: an event with its digests in place is long to move.
    UnverifiedEvent& event = log.events.emplace_back();
    event.index = static_cast<int>(log.events.size());
    if (auto read = read_event(reader, log.banks, event); !read) {
      if (whole) return fail(std::move(read).error());
      log.events.pop_back();
      break;
    }
  }
  return log;
}

}  // namespace

std::string event_type_name(std::uint32_t type) {
  for (const auto& [known, name] : kEventTypeNames)
    if (known == type) return std::string(name);
  return fmt::format("event type {:#x}", type);
}

std::string bank_name(std::uint16_t bank) {
  switch (bank) {
    case kSha1Bank:
      return "sha1";
    case kSha256Bank:
      return "sha256";
    case kSha384Bank:
      return "sha384";
    case kSha512Bank:
      return "sha512";
    default:
      return fmt::format("{:#06x}", bank);
  }
}

DigestValue::DigestValue(ByteView bytes) : size_(static_cast<std::uint8_t>(bytes.size())) {
  if (bytes.size() > kMaximumDigestSize) std::abort();
  std::copy(bytes.begin(), bytes.end(), bytes_.begin());
}

const DigestValue* find_digest(const UnverifiedEvent& event, std::uint16_t bank) {
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
