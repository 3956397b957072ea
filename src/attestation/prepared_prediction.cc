#include "attestation/prepared_prediction.h"

#include <fmt/format.h>

#include <algorithm>

#include "bootchain/event_log.h"
#include "image/closed_table.h"

namespace slipway::attestation {
namespace {

using bootchain::UnverifiedEvent;
using image::Origin;
using image::PredictedEvent;

constexpr std::size_t kDigestSize = 32;
constexpr std::string_view kRootHash = "slipway.roothash=";

bool is_predicted_pcr(int pcr) { return (pcr >= 0 && pcr <= 9) || pcr == 14; }

Status check(const PredictedEvent& event, std::size_t index) {
  const auto wrong = [&](std::string_view why) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("event {} of the prediction ({} in PCR {}) {}", index, event.component, event.pcr, why));
  };
  if (!is_predicted_pcr(event.pcr)) return wrong("is of a PCR that no boot of an image extends");
  if (event.origin == Origin::kMayVary) {
    if (!image::is_in_closed_table(event.pcr, event.type)) return wrong("may not vary: only boot entries in PCR 1 may");
    return {};
  }
  const bool calibration_lacks = event.origin == Origin::kCalibrated && event.sha256.empty();
  if (event.sha256.size() != kDigestSize && !calibration_lacks) return wrong("has no SHA-256 digest");
  return {};
}

std::string word_behind(std::string_view text, std::string_view key) {
  const std::size_t start = text.find(key);
  if (start == std::string_view::npos) return {};
  const std::string_view rest = text.substr(start + key.size());
  return std::string(rest.substr(0, rest.find(' ')));
}

bool is_same(const PredictedEvent& expected, const UnverifiedEvent& found) {
  const bootchain::DigestValue* digest = bootchain::find_digest(found, bootchain::kSha256Bank);
  return expected.type == found.type && digest != nullptr && *digest == expected.sha256;
}

}  // namespace

EventsByPcr events_by_pcr(const bootchain::VerifiedBoot& boot) {
  const auto counts = [](const UnverifiedEvent& event) {
    return event.pcr < kQuotedPcrs && event.type != bootchain::kEvNoAction;
  };
  std::array<std::size_t, kQuotedPcrs> sizes{};
  for (const UnverifiedEvent& event : boot.events())
    if (counts(event)) ++sizes[event.pcr];
  EventsByPcr events;
  for (std::size_t pcr = 0; pcr < events.size(); ++pcr) events[pcr].reserve(sizes[pcr]);
  for (const UnverifiedEvent& event : boot.events())
    if (counts(event)) events[event.pcr].push_back(&event);
  return events;
}

Result<PreparedPrediction> PreparedPrediction::make(const ValidPrediction& valid) {
  PreparedPrediction prepared;
  prepared.prediction = &valid.prediction;
  prepared.expires = valid.expires;
  for (std::size_t at = 0; at < valid.prediction.events.size(); ++at) {
    const PredictedEvent& event = valid.prediction.events[at];
    SLIPWAY_TRY(check(event, at));
    if (event.origin == Origin::kMayVary) {
      auto& types = prepared.varying_types;
      if (std::find(types.begin(), types.end(), event.type) == types.end()) types.push_back(event.type);
      continue;
    }
    prepared.by_pcr[static_cast<std::size_t>(event.pcr)].push_back(&event);
    if (event.rule != "pcr8.kernelCommandLine") continue;
    prepared.root_hash = word_behind(event.text, kRootHash);
    prepared.root_is_measured = event.text.find("ima_policy=") != std::string::npos;
  }
  return prepared;
}

bool varies(const PreparedPrediction& prediction, const UnverifiedEvent& event) {
  const auto& types = prediction.varying_types;
  return std::find(types.begin(), types.end(), event.type) != types.end() &&
         image::may_vary(static_cast<int>(event.pcr), event.type, event.data);
}

bool matches(const PreparedPrediction& prediction, const EventsByPcr& events) {
  for (std::size_t pcr = 0; pcr < events.size(); ++pcr) {
    const auto& expected = prediction.by_pcr[pcr];
    auto next = expected.begin();
    for (const UnverifiedEvent* event : events[pcr]) {
      if (next != expected.end() && is_same(**next, *event)) {
        ++next;
        continue;
      }
      if (!varies(prediction, *event)) return false;
    }
    if (next != expected.end()) return false;
  }
  return true;
}

}  // namespace slipway::attestation
