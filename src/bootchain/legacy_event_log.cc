#include "bootchain/legacy_event_log.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/byte_reader.h"
#include "bootchain/efi_variable.h"
#include "bootchain/event_data.h"

namespace slipway::bootchain {
namespace {

constexpr std::size_t kSha1Size = 20;
constexpr std::uint32_t kPcrs = 24;
constexpr std::string_view kCryptoAgile{"Spec ID Event03\0", 16};

Result<UnverifiedEvent> read_event(ByteReader& reader) {
  UnverifiedEvent event;
  SLIPWAY_ASSIGN(event.pcr, reader.u32_le("event's PCR"));
  SLIPWAY_ASSIGN(event.type, reader.u32_le("event's type"));
  SLIPWAY_ASSIGN(const ByteView digest, reader.take(kSha1Size, "event's SHA-1 digest"));
  SLIPWAY_ASSIGN(const std::uint32_t size, reader.u32_le("event's size"));
  SLIPWAY_ASSIGN(const ByteView data, reader.take(size, "event's data"));
  event.digests.push_back({kSha1Bank, to_bytes(digest)});
  event.data = to_bytes(data);
  return event;
}

}  // namespace

Result<UnverifiedEventLog> parse_legacy_event_log(ByteView bytes) {
  if (bytes.size() > kMaximumEventLogSize)
    return fail(ErrorCode::kMalformed,
                fmt::format("at offset {}: expected the end of an event log of at most 1 MiB, but it has {} bytes",
                            kMaximumEventLogSize, bytes.size()));
  if (bytes.empty())
    return fail(ErrorCode::kMalformed, "at offset 0: expected the first event of an event log, but there is nothing");
  ByteReader reader(bytes);
  UnverifiedEventLog log;
  log.banks = {{kSha1Bank, kSha1Size}};
  while (!reader.empty()) {
    if (log.events.size() == kMaximumEvents)
      return fail(ErrorCode::kMalformed, fmt::format("at offset {}: expected the end of the event log, which has more "
                                                     "than {} events",
                                                     reader.offset(), kMaximumEvents));
    SLIPWAY_ASSIGN(UnverifiedEvent event, read_event(reader));
    event.index = static_cast<int>(log.events.size());
    log.events.push_back(std::move(event));
  }
  return log;
}

Bytes encode_legacy_event_log(const UnverifiedEventLog& log) {
  Bytes out;
  for (const UnverifiedEvent& event : log.events) {
    put_u32_le(out, event.pcr);
    put_u32_le(out, event.type);
    put_bytes(out, event.digests.at(0).digest);
    put_u32_le(out, static_cast<std::uint32_t>(event.data.size()));
    put_bytes(out, event.data);
  }
  return out;
}

Result<RecordedLog> read_recorded_log(ByteView bytes) {
  ByteReader reader(bytes);
  auto first = read_event(reader);
  RecordedLog recorded;
  recorded.crypto_agile = first && first->pcr == 0 && first->type == kEvNoAction &&
                          as_text(first->data).substr(0, kCryptoAgile.size()) == kCryptoAgile;
  if (!recorded.crypto_agile) {
    SLIPWAY_ASSIGN(recorded.log, parse_legacy_event_log(bytes));
    return recorded;
  }
  SLIPWAY_ASSIGN(recorded.log, parse_event_log(bytes));
  recorded.log.events.insert(recorded.log.events.begin(), *std::move(first));
  return recorded;
}

PcrValues replay_recorded(const UnverifiedEventLog& log, std::uint16_t bank) {
  const auto algorithm = hash_of_bank(bank);
  const auto logged = std::find_if(log.banks.begin(), log.banks.end(), [&](const auto& it) { return it.bank == bank; });
  if (!algorithm || logged == log.banks.end() || logged->digest_size != crypto::digest_size(*algorithm)) return {};
  const std::size_t size = logged->digest_size;
  PcrValues values;
  for (const UnverifiedEvent& event : log.events) {
    const auto locality = startup_locality(event);
    if (!locality || event.pcr != 0 || values.count(0) != 0) continue;
    values[0] = initial_pcr(0, size);
    values[0].back() = *locality;
  }
  for (const UnverifiedEvent& event : log.events) {
    const DigestValue* digest = find_digest(event, bank);
    if (event.type == kEvNoAction || event.pcr >= kPcrs || digest == nullptr) continue;
    const int pcr = static_cast<int>(event.pcr);
    Bytes& value = values.try_emplace(pcr, initial_pcr(pcr, size)).first->second;
    value = extend(*algorithm, value, *digest);
  }
  return values;
}

RecordedSecureBoot recorded_secure_boot(const UnverifiedEventLog& log) {
  RecordedSecureBoot found = RecordedSecureBoot::kUnknown;
  for (const UnverifiedEvent& event : log.events) {
    if (event.pcr != 7 || event.type != kEvEfiVariableDriverConfig) continue;
    const auto variable = decode_variable_data(event.data);
    if (!variable || variable->name != "SecureBoot" || to_string(variable->vendor) != kEfiGlobalVariables) continue;
    if (digest_matches_data(event) != true || variable->value.size() > 1) return RecordedSecureBoot::kUnknown;
    const bool enabled = !variable->value.empty() && variable->value[0] == 1;
    const auto said = enabled ? RecordedSecureBoot::kEnabled : RecordedSecureBoot::kDisabled;
    if (found != RecordedSecureBoot::kUnknown && found != said) return RecordedSecureBoot::kUnknown;
    found = said;
  }
  return found;
}

}  // namespace slipway::bootchain
