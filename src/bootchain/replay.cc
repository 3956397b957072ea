#include "bootchain/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/byte_reader.h"
#include "bootchain/event_data.h"

namespace slipway::bootchain {
namespace {

constexpr std::uint32_t kPcrs = 24;
constexpr std::string_view kStartupLocality{"StartupLocality\0", 16};

Bytes& value_of(PcrValues& values, int pcr, std::size_t size) {
  const auto found = values.lower_bound(pcr);
  if (found != values.end() && found->first == pcr) return found->second;
  return values.emplace_hint(found, pcr, initial_pcr(pcr, size))->second;
}

}  // namespace

Bytes initial_pcr(int pcr, std::size_t size) {
  return Bytes(size, pcr >= 17 && pcr <= 22 ? std::uint8_t{0xff} : std::uint8_t{0});
}

std::optional<std::uint8_t> startup_locality(const UnverifiedEvent& event) {
  if (event.type != kEvNoAction || event.data.size() != kStartupLocality.size() + 1) return std::nullopt;
  if (as_text(event.data).substr(0, kStartupLocality.size()) != kStartupLocality) return std::nullopt;
  return event.data.back();
}

Bytes extend(crypto::HashAlgorithm algorithm, ByteView value, ByteView digest) {
  Bytes extended(crypto::digest_size(algorithm));
  crypto::digest_into(algorithm, {value, digest}, extended);
  return extended;
}

Result<PcrValues> replay(const UnverifiedEventLog& log, std::uint16_t bank) {
  const auto known = hash_of_bank(bank);
  if (!known) return fail(ErrorCode::kInvalidArgument, fmt::format("no such PCR bank: {:#06x}", bank));
  const crypto::HashAlgorithm algorithm = *known;
  const std::size_t size = crypto::digest_size(algorithm);
  const auto logged = std::find_if(log.banks.begin(), log.banks.end(), [&](const auto& it) { return it.bank == bank; });
  if (logged == log.banks.end() || logged->digest_size != size)
    return fail(ErrorCode::kMalformed,
                fmt::format("the firmware event log has no {} digests", crypto::to_string(algorithm)));

  PcrValues values;
  for (const UnverifiedEvent& event : log.events) {
    if (const auto locality = startup_locality(event)) {
      const bool possible = *locality == 0 || *locality == 3 || *locality == 4;
      if (event.pcr != 0 || values.count(0) != 0 || !possible)
        return fail(ErrorCode::kMalformed,
                    fmt::format("event {}: a startup locality of {} for PCR {}; it must be 0, 3 or 4, for PCR 0, and "
                                "come first",
                                event.index, *locality, event.pcr));
      Bytes start = initial_pcr(0, size);
      start.back() = *locality;
      values[0] = std::move(start);
      continue;
    }
    if (event.type == kEvNoAction) continue;
    if (event.pcr >= kPcrs)
      return fail(ErrorCode::kMalformed, fmt::format("event {}: there is no PCR {}", event.index, event.pcr));
    const DigestValue* digest = find_digest(event, bank);
    if (digest == nullptr)
      return fail(ErrorCode::kMalformed, fmt::format("event {} has no digest for this bank", event.index));
    const int pcr = static_cast<int>(event.pcr);
    Bytes& value = value_of(values, pcr, size);
    crypto::digest_into(algorithm, {value, *digest}, value);
  }
  return values;
}

}  // namespace slipway::bootchain
