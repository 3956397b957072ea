#include "bootchain/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/byte_reader.h"

namespace slipway::bootchain {
namespace {

constexpr std::uint32_t kPcrs = 24;
constexpr std::string_view kStartupLocality{"StartupLocality\0", 16};

Result<crypto::HashAlgorithm> algorithm_of(std::uint16_t bank) {
  switch (bank) {
    case kSha1Bank:
      return crypto::HashAlgorithm::kSha1;
    case kSha256Bank:
      return crypto::HashAlgorithm::kSha256;
    case kSha384Bank:
      return crypto::HashAlgorithm::kSha384;
    case kSha512Bank:
      return crypto::HashAlgorithm::kSha512;
    default:
      return fail(ErrorCode::kInvalidArgument, fmt::format("no such PCR bank: {:#06x}", bank));
  }
}

// The locality that a StartupLocality event names; none for any other event.
std::optional<std::uint8_t> startup_locality(const UnverifiedEvent& event) {
  if (event.type != kEvNoAction || event.data.size() != kStartupLocality.size() + 1) return std::nullopt;
  if (as_text(event.data).substr(0, kStartupLocality.size()) != kStartupLocality) return std::nullopt;
  return event.data.back();
}

}  // namespace

Bytes initial_pcr(int pcr, std::size_t size) {
  return Bytes(size, pcr >= 17 && pcr <= 22 ? std::uint8_t{0xff} : std::uint8_t{0});
}

Bytes extend(crypto::HashAlgorithm algorithm, ByteView value, ByteView digest) {
  Bytes joined;
  joined.reserve(value.size() + digest.size());
  put_bytes(joined, value);
  put_bytes(joined, digest);
  return crypto::digest(algorithm, joined);
}

Result<PcrValues> replay(const UnverifiedEventLog& log, std::uint16_t bank) {
  SLIPWAY_ASSIGN(const crypto::HashAlgorithm algorithm, algorithm_of(bank));
  const std::size_t size = crypto::digest_size(algorithm);
  const auto logged = std::find_if(log.banks.begin(), log.banks.end(), [&](const auto& it) { return it.bank == bank; });
  if (logged == log.banks.end() || logged->digest_size != size)
    return fail(ErrorCode::kMalformed,
                fmt::format("the firmware event log has no {} digests", crypto::to_string(algorithm)));

  PcrValues values;
  for (const UnverifiedEvent& event : log.events) {
    if (const auto locality = startup_locality(event)) {
      const bool known = *locality == 0 || *locality == 3 || *locality == 4;
      if (event.pcr != 0 || values.count(0) != 0 || !known)
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
    const Bytes* digest = find_digest(event, bank);
    if (digest == nullptr)
      return fail(ErrorCode::kMalformed, fmt::format("event {} has no digest for this bank", event.index));
    const int pcr = static_cast<int>(event.pcr);
    const auto value = values.try_emplace(pcr, initial_pcr(pcr, size)).first;
    value->second = extend(algorithm, value->second, *digest);
  }
  return values;
}

}  // namespace slipway::bootchain
