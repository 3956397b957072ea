#pragma once

#include <algorithm>
#include <array>
#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

// The firmware's event log in its crypto-agile form: TCG PC Client Platform Firmware Profile Specification 1.05,
// section 10. Everything here is what a node says about itself: only replay against a quote makes it worth anything
// (bootchain/verified_boot.h).
namespace slipway::bootchain {

// TCG_EVENTTYPE (section 10.4.1, with those that revision 1.06 added).
enum EventType : std::uint32_t {
  kEvPrebootCert = 0x00000000,
  kEvPostCode = 0x00000001,
  kEvUnused = 0x00000002,
  kEvNoAction = 0x00000003,
  kEvSeparator = 0x00000004,
  kEvAction = 0x00000005,
  kEvEventTag = 0x00000006,
  kEvSCrtmContents = 0x00000007,
  kEvSCrtmVersion = 0x00000008,
  kEvCpuMicrocode = 0x00000009,
  kEvPlatformConfigFlags = 0x0000000a,
  kEvTableOfDevices = 0x0000000b,
  kEvCompactHash = 0x0000000c,
  kEvIpl = 0x0000000d,
  kEvIplPartitionData = 0x0000000e,
  kEvNonhostCode = 0x0000000f,
  kEvNonhostConfig = 0x00000010,
  kEvNonhostInfo = 0x00000011,
  kEvOmitBootDeviceEvents = 0x00000012,
  kEvPostCode2 = 0x00000013,
  kEvEfiVariableDriverConfig = 0x80000001,
  kEvEfiVariableBoot = 0x80000002,
  kEvEfiBootServicesApplication = 0x80000003,
  kEvEfiBootServicesDriver = 0x80000004,
  kEvEfiRuntimeServicesDriver = 0x80000005,
  kEvEfiGptEvent = 0x80000006,
  kEvEfiAction = 0x80000007,
  kEvEfiPlatformFirmwareBlob = 0x80000008,
  kEvEfiHandoffTables = 0x80000009,
  kEvEfiPlatformFirmwareBlob2 = 0x8000000a,
  kEvEfiHandoffTables2 = 0x8000000b,
  kEvEfiVariableBoot2 = 0x8000000c,
  kEvEfiGptEvent2 = 0x8000000d,
  kEvEfiHcrtmEvent = 0x80000010,
  kEvEfiVariableAuthority = 0x800000e0,
  kEvEfiSpdmFirmwareBlob = 0x800000e1,
  kEvEfiSpdmFirmwareConfig = 0x800000e2,
  kEvEfiSpdmDevicePolicy = 0x800000e3,
  kEvEfiSpdmDeviceAuthority = 0x800000e4,
};
// "EV_SEPARATOR"; "event type 0x..." for one that is not in the list.
std::string event_type_name(std::uint32_t type);

// TPM_ALG_ID of the banks that may be logged (TCG Algorithm Registry).
inline constexpr std::uint16_t kSha1Bank = 0x0004;
inline constexpr std::uint16_t kSha256Bank = 0x000b;
inline constexpr std::uint16_t kSha384Bank = 0x000c;
inline constexpr std::uint16_t kSha512Bank = 0x000d;

// "sha256"; the number in hexadecimal for a bank that is not in the list.
std::string bank_name(std::uint16_t bank);

inline constexpr std::size_t kMaximumDigestSize = 64;

// The bytes of a digest, kept in place: an appraisal holds hundreds of them. At most kMaximumDigestSize bytes; more are
// a mistake of the caller and end the program.
class DigestValue {
 public:
  DigestValue() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): bytes and a digest are the same thing to who compares them
  DigestValue(ByteView bytes);
  DigestValue(const Bytes& bytes) : DigestValue(ByteView(bytes)) {}  // NOLINT(google-explicit-constructor)

  const std::uint8_t* data() const { return bytes_.data(); }
  std::size_t size() const { return size_; }
  const std::uint8_t* begin() const { return bytes_.data(); }
  const std::uint8_t* end() const { return bytes_.data() + size_; }
  std::uint8_t& operator[](std::size_t at) { return bytes_.at(at); }
  Bytes bytes() const { return {begin(), end()}; }
  bool operator==(const DigestValue& other) const { return std::equal(begin(), end(), other.begin(), other.end()); }

 private:
  std::array<std::uint8_t, kMaximumDigestSize> bytes_{};
  std::uint8_t size_ = 0;
};

struct EventDigest {
  std::uint16_t bank = 0;
  DigestValue digest;
};

// One for each bank of the log. In place for a log of one bank, as Slipway's VMs write it: no allocation for each
// event.
using EventDigests = boost::container::small_vector<EventDigest, 1>;

// One TCG_PCR_EVENT2. `pcr` may be any number: logs of real machines hold 0xffffffff.
struct UnverifiedEvent {
  int index = 0;  // in the log; the header event is 0
  std::uint32_t pcr = 0;
  std::uint32_t type = 0;
  EventDigests digests;
  Bytes data;
};

// The digest of one bank, or null. The event owns it.
const DigestValue* find_digest(const UnverifiedEvent& event, std::uint16_t bank);

// What the header event, TCG_EfiSpecIDEvent, says of a bank.
struct LogBank {
  std::uint16_t bank = 0;
  std::uint16_t digest_size = 0;
};

struct UnverifiedEventLog {
  std::vector<LogBank> banks;
  std::vector<UnverifiedEvent> events;  // all but the header event
};

inline constexpr std::size_t kMaximumEventLogSize = 1U << 20;
inline constexpr std::size_t kMaximumEvents = 8192;
inline constexpr std::size_t kMaximumBanks = 8;

// Parses a whole log: kMalformed, with the offset, for one that is truncated, over a limit, not crypto-agile, or that
// has an event without exactly one digest for each bank of the header.
Result<UnverifiedEventLog> parse_event_log(ByteView bytes);

// The same for a log inside a larger buffer, as it lies in a machine's memory: stops in front of the first event that
// does not have one digest for each bank. `bytes` begins with the header event.
Result<UnverifiedEventLog> parse_event_log_from_memory(ByteView bytes);

// Writes a log with these banks and events: the inverse of parse_event_log, for simulated machines and tests. Each
// event must have one digest for each bank, in the banks' order.
Bytes encode_event_log(const UnverifiedEventLog& log);

}  // namespace slipway::bootchain
