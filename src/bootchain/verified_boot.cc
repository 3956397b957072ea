#include "bootchain/verified_boot.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/byte_reader.h"
#include "bootchain/event_data.h"
#include "crypto/digest.h"

namespace slipway::bootchain {
namespace {

constexpr int kImaPcr = 10;
constexpr std::size_t kSha256Size = 32;

// The quoted PCRs' values laid end to end, with a gap for PCR 10.
struct Laid {
  Bytes bytes;
  std::optional<std::size_t> ima_at;
};

Laid lay_out(const PcrValues& replayed, const std::vector<int>& pcrs) {
  Laid laid;
  laid.bytes.reserve(pcrs.size() * kSha256Size);
  for (const int pcr : pcrs) {
    if (pcr == kImaPcr && replayed.count(kImaPcr) == 0) laid.ima_at = laid.bytes.size();
    const auto value = replayed.find(pcr);
    put_bytes(laid.bytes, value == replayed.end() ? initial_pcr(pcr, kSha256Size) : value->second);
  }
  return laid;
}

// How many IMA entries the quote covers. The log was read soon after the quote, so the search starts at its end.
std::optional<std::size_t> find_prefix(Laid laid, const std::vector<Bytes>& ima_values, ByteView digest) {
  for (std::size_t count = ima_values.size(); count-- > 0;) {
    if (laid.ima_at)
      std::copy(ima_values[count].begin(), ima_values[count].end(),
                laid.bytes.begin() + static_cast<std::ptrdiff_t>(*laid.ima_at));
    if (equal_in_constant_time(crypto::sha256(laid.bytes), digest)) return count;
  }
  return std::nullopt;
}

}  // namespace

std::vector<const UnverifiedEvent*> VerifiedBoot::events_of(std::uint32_t pcr) const {
  std::vector<const UnverifiedEvent*> events;
  for (const UnverifiedEvent& event : log_.events)
    if (event.pcr == pcr && event.type != kEvNoAction) events.push_back(&event);
  return events;
}

Result<VerifiedBoot> verify_boot(UnverifiedEventLog log, std::vector<UnverifiedImaEntry> ima_log,
                                 const QuotedPcrs& quoted) {
  SLIPWAY_TRY(check_determined_digests(log));
  SLIPWAY_ASSIGN(PcrValues replayed, replay(log, kSha256Bank));
  const Laid laid = lay_out(replayed, quoted.pcrs);
  // Where PCR 10 is the firmware log's, or was not quoted, nothing vouches for any entry.
  if (!laid.ima_at) ima_log.clear();
  const std::vector<Bytes> ima_values = ima_pcr_values(ima_log);
  const auto prefix = find_prefix(laid, ima_values, quoted.digest);
  if (!prefix)
    return fail(ErrorCode::kMalformed,
                fmt::format("the logs do not give the quoted PCRs: {} firmware events and any beginning of {} IMA "
                            "entries were replayed, and no result has the quoted digest {}",
                            log.events.size(), ima_log.size(), to_hex(quoted.digest)),
                "ReplayDiffers");

  VerifiedBoot boot;
  for (const int pcr : quoted.pcrs) {
    auto value = replayed.extract(pcr);
    if (value)
      boot.pcrs_.insert(std::move(value));
    else
      boot.pcrs_.emplace(pcr, initial_pcr(pcr, kSha256Size));
  }
  if (laid.ima_at) boot.pcrs_[kImaPcr] = ima_values[*prefix];
  ima_log.resize(*prefix);
  boot.log_ = std::move(log);
  boot.ima_entries_ = std::move(ima_log);
  return boot;
}

}  // namespace slipway::bootchain
