#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "attestation/references.h"
#include "attestation/verdict.h"
#include "bootchain/verified_boot.h"

// A prediction sorted by PCR, and a boot held against it.
namespace slipway::attestation {

inline constexpr int kQuotedPcrs = 16;

// The events of a verified boot by PCR, in their order, without EV_NO_ACTION. Borrows the boot's events.
using EventsByPcr = std::array<std::vector<const bootchain::UnverifiedEvent*>, kQuotedPcrs>;
EventsByPcr events_by_pcr(const bootchain::VerifiedBoot& boot);

struct PreparedPrediction {
  const image::Prediction* prediction = nullptr;
  std::optional<Time> expires;
  // What each PCR must show, in order; events that may vary are left out.
  std::array<std::vector<const image::PredictedEvent*>, kQuotedPcrs> by_pcr;
  // The EventTypes of its events that may vary.
  std::vector<std::uint32_t> varying_types;
  // The root file system's hash, as the predicted kernel command line has it; empty if it has none.
  std::string root_hash;
  // The command line gives IMA a policy of its own, so that it measures the root's files too.
  bool root_is_measured = false;

  // Borrows the prediction. kInvalidArgument as Appraiser::make says.
  static Result<PreparedPrediction> make(const ValidPrediction& valid);
};

// That Secure Boot was off, and ought not to have been; of no event yet.
Finding secure_boot_disabled();

// A boot beside a prediction.
struct Comparison {
  std::vector<Finding> findings;  // in the order of the PCRs; severities are not set yet
  std::vector<Component> components;
};

// True if the event may stand where the prediction has events that vary, whatever it measures (image/closed_table.h).
bool varies(const PreparedPrediction& prediction, const bootchain::UnverifiedEvent& event);

// True if every PCR shows exactly what is predicted.
bool matches(const PreparedPrediction& prediction, const EventsByPcr& events);

// The components of a boot that matches, but for the measurements of the first two: they are the values of PCR 0 and 7.
std::vector<Component> matched_components(const PreparedPrediction& prediction);

// `secure_boot`: what the log says of it.
Comparison compare(const PreparedPrediction& prediction, const EventsByPcr& events, const bootchain::PcrValues& pcrs,
                   bool secure_boot);

}  // namespace slipway::attestation
