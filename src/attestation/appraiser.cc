#include "attestation/appraiser.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "attestation/ima_rules.h"
#include "attestation/prepared_prediction.h"
#include "attestation/revocation_rules.h"
#include "bootchain/efi_variable.h"
#include "bootchain/verified_boot.h"
#include "tpm/quote.h"

namespace slipway::attestation {
namespace {

constexpr std::size_t kMaximumPredictions = 16;
// TPM_GENERATED_VALUE and TPM_ST_ATTEST_QUOTE, big-endian (TPM 2.0 Part 2, 6.2 and 6.9).
constexpr std::array<std::uint8_t, 6> kQuoteStart{0xff, 0x54, 0x43, 0x47, 0x80, 0x18};

constexpr std::string_view kResendRemedy =
    "The agent sends new evidence by itself. If this stays, the node's agent or its TPM is not what it should be: "
    "re-image the node.";

Finding broken(std::string rule, std::string component, std::string message, std::string expected = {}) {
  Finding finding;
  finding.rule = std::move(rule);
  finding.component = std::move(component);
  finding.expected = std::move(expected);
  finding.message = std::move(message);
  finding.remedy = std::string(kResendRemedy);
  return finding;
}

bool starts_as_quote(ByteView attest) {
  return attest.size() >= kQuoteStart.size() && std::equal(kQuoteStart.begin(), kQuoteStart.end(), attest.begin());
}

std::string quote_rule(const Error& error, ByteView attest) {
  if (!starts_as_quote(attest)) return "quote.magic";
  if (error.reason == "QuoteSignature" || error.reason == "QuoteSignatureAlgorithm") return "quote.signature";
  if (error.reason == "QuoteNonce") return "quote.nonce";
  if (error.reason == "QuoteSelection") return "quote.selection";
  return "quote.form";
}

// The quote, once everything about it holds.
std::optional<tpm::VerifiedQuote> check_quote(const UnverifiedEvidence& evidence, const PreparedExpectation& prepared,
                                              Verdict& verdict) {
  if (!prepared.key()) {
    verdict.findings.push_back(broken("quote.attestationKey", "attestation key", prepared.key().error().message));
    return std::nullopt;
  }
  const Expectation& expectation = prepared.expectation();
  // Whoever wrote the expectation down must not choose which PCRs count: the log of one that is not quoted is
  // anybody's.
  if (expectation.pcrs != expected_pcrs()) {
    verdict.findings.push_back(broken(
        "quote.selection", "TPM quote",
        fmt::format("PCR {} were asked for; a boot is judged by PCR 0 to 15 alone", fmt::join(expectation.pcrs, ", ")),
        "PCR 0 to 15"));
    return std::nullopt;
  }
  auto quote = tpm::verify_quote(*prepared.key(), {evidence.attest, evidence.signature}, expectation.qualifying_data,
                                 expectation.pcrs);
  if (!quote) {
    verdict.findings.push_back(broken(quote_rule(quote.error(), evidence.attest), "TPM quote", quote.error().message));
    return std::nullopt;
  }
  return *std::move(quote);
}

std::optional<bootchain::VerifiedBoot> check_logs(const UnverifiedEvidence& evidence,
                                                  const bootchain::QuotedPcrs& quoted, Verdict& verdict) {
  auto log = bootchain::parse_event_log(evidence.firmware_event_log);
  if (!log) {
    verdict.findings.push_back(broken("log.form", "firmware event log", log.error().message));
    return std::nullopt;
  }
  auto ima = bootchain::parse_ima_log(evidence.ima_log);
  if (!ima) {
    verdict.findings.push_back(broken("ima.form", "IMA log", ima.error().message));
    return std::nullopt;
  }
  auto boot = bootchain::verify_boot(*std::move(log), *std::move(ima), quoted);
  if (!boot) {
    const bool replay = boot.error().reason == "ReplayDiffers";
    verdict.findings.push_back(broken(replay ? "log.replay" : "log.form", "firmware event log", boot.error().message,
                                      replay ? to_hex(quoted.digest) : std::string()));
    return std::nullopt;
  }
  return *std::move(boot);
}

// What the first event of PCR 7 says: firmware measures the variable SecureBoot there before anything else (TCG PC
// Client Platform Firmware Profile 3.3.4.8), and its digest is that of its data.
bool says_secure_boot(const EventsByPcr& events) {
  if (events[7].empty() || events[7].front()->type != bootchain::kEvEfiVariableDriverConfig) return false;
  const auto variable = bootchain::decode_variable_data(events[7].front()->data);
  return variable && variable->name == "SecureBoot" && to_string(variable->vendor) == bootchain::kEfiGlobalVariables &&
         variable->value == Bytes{1};
}

bool is_missing_reference(const Finding& finding) {
  const std::string_view rule = finding.rule;
  return rule == "reference.missing" || rule.substr(rule.find('.') + 1) == "referenceMissing";
}

// Gives each finding the severity of its claim, and takes out those that the policy ignores.
void apply(const Policy& policy, std::vector<Finding>& findings) {
  const auto enforcement = [&policy](const Finding& finding) {
    const auto claim = claim_of(finding.rule);
    return claim ? policy.of(*claim) : Enforcement::kRequire;
  };
  findings.erase(std::remove_if(findings.begin(), findings.end(),
                                [&](const Finding& finding) { return enforcement(finding) == Enforcement::kIgnore; }),
                 findings.end());
  for (Finding& finding : findings)
    finding.severity = enforcement(finding) == Enforcement::kWarn ? Severity::kWarning : Severity::kError;
}

bool is_error(const Finding& finding) { return finding.severity == Severity::kError; }

VerdictClass class_of(const std::vector<Finding>& findings) {
  if (std::none_of(findings.begin(), findings.end(), is_error)) return VerdictClass::kTrusted;
  const bool only_missing = std::all_of(findings.begin(), findings.end(), [](const Finding& finding) {
    return !is_error(finding) || is_missing_reference(finding);
  });
  return only_missing ? VerdictClass::kReferenceValuesMissing : VerdictClass::kUntrusted;
}

Finding expired(const PreparedPrediction& prediction) {
  Finding finding;
  finding.rule = "reference.expired";
  finding.component = "image " + prediction.prediction->image_version;
  finding.expected = "an image whose time is not over";
  finding.found = prediction.prediction->image_version;
  finding.message = fmt::format("this is a boot of {}, which was replaced and good until {}",
                                prediction.prediction->image_version, to_rfc3339(*prediction.expires));
  finding.remedy = "Re-image the node with its pool's image.";
  return finding;
}

Finding reference_missing() {
  Finding finding;
  finding.rule = "reference.missing";
  finding.component = "prediction";
  finding.expected = "a prediction of what the node's image and firmware measure";
  finding.found = "none";
  finding.message = "there is no prediction for the node's image and firmware, so its boot cannot be judged";
  finding.remedy =
      "Build or import the image again (its prediction is made from it), and see slipwayd's log for what "
      "it could not read.";
  return finding;
}

}  // namespace

std::vector<int> expected_pcrs() {
  std::vector<int> pcrs(kQuotedPcrs);
  std::iota(pcrs.begin(), pcrs.end(), 0);
  return pcrs;
}

struct Appraiser::Prepared {
  explicit Prepared(References given) : reference(std::move(given)) {}

  struct Held {
    PreparedPrediction prediction;
    std::vector<Component> components;  // of a boot that matches
  };

  References reference;
  std::vector<Held> held;  // borrows `reference`

  void judge(const bootchain::VerifiedBoot& boot, Time now, Verdict& verdict) const;
  // A prediction whose every event is there, or null; unexpired ones are looked at first.
  const PreparedPrediction* match(const EventsByPcr& events, const bootchain::VerifiedBoot& boot, Time now,
                                  Verdict& verdict) const;
  const PreparedPrediction& find_closest(const EventsByPcr& events, const bootchain::VerifiedBoot& boot, Time now,
                                         Verdict& verdict) const;
};

const PreparedPrediction* Appraiser::Prepared::match(const EventsByPcr& events, const bootchain::VerifiedBoot& boot,
                                                     Time now, Verdict& verdict) const {
  for (const bool also_expired : {false, true}) {
    for (const Held& candidate : held) {
      const bool over = candidate.prediction.expires && *candidate.prediction.expires <= now;
      if (over != also_expired || !matches(candidate.prediction, events)) continue;
      verdict.prediction = candidate.prediction.prediction->image_version;
      verdict.matches_prediction = true;
      verdict.components = candidate.components;
      verdict.components[0].measurement = to_hex(boot.pcrs().at(0));
      verdict.components[1].measurement = to_hex(boot.pcrs().at(7));
      if (over) verdict.findings.push_back(expired(candidate.prediction));
      return &candidate.prediction;
    }
  }
  return nullptr;
}

const PreparedPrediction& Appraiser::Prepared::find_closest(const EventsByPcr& events,
                                                            const bootchain::VerifiedBoot& boot, Time now,
                                                            Verdict& verdict) const {
  const Held* closest = nullptr;
  Comparison best;
  std::array<std::ptrdiff_t, 2> best_score{};
  for (const Held& candidate : held) {
    Comparison comparison = compare(candidate.prediction, events, boot.pcrs(), verdict.secure_boot);
    if (candidate.prediction.expires && *candidate.prediction.expires <= now)
      comparison.findings.push_back(expired(candidate.prediction));
    apply(reference.policy, comparison.findings);
    const std::array<std::ptrdiff_t, 2> score{
        std::count_if(comparison.findings.begin(), comparison.findings.end(), is_error),
        static_cast<std::ptrdiff_t>(comparison.findings.size())};
    if (closest != nullptr && score >= best_score) continue;
    closest = &candidate;
    best = std::move(comparison);
    best_score = score;
  }
  verdict.prediction = closest->prediction.prediction->image_version;
  verdict.components = std::move(best.components);
  for (Finding& finding : best.findings) verdict.findings.push_back(std::move(finding));
  return closest->prediction;
}

void Appraiser::Prepared::judge(const bootchain::VerifiedBoot& boot, Time now, Verdict& verdict) const {
  const EventsByPcr events = events_by_pcr(boot);
  verdict.secure_boot = says_secure_boot(events);
  const PreparedPrediction* beside = nullptr;
  if (held.empty())
    verdict.findings.push_back(reference_missing());
  else if (beside = match(events, boot, now, verdict); beside == nullptr)
    beside = &find_closest(events, boot, now, verdict);
  const bool named = std::any_of(verdict.findings.begin(), verdict.findings.end(),
                                 [](const Finding& finding) { return finding.rule == "secureBoot.disabled"; });
  if (reference.secure_boot_required && !verdict.secure_boot && !named)
    verdict.findings.push_back(secure_boot_disabled());
  if (beside == nullptr) return;
  judge_revocations(events, *beside, reference.revocations, verdict.components, verdict.findings);
  judge_ima(boot, beside->root_is_measured, reference.policy.allowed_programs, verdict.findings);
}

Appraiser::Appraiser(std::unique_ptr<const Prepared> prepared) : prepared_(std::move(prepared)) {}
Appraiser::~Appraiser() = default;
Appraiser::Appraiser(Appraiser&&) noexcept = default;
Appraiser& Appraiser::operator=(Appraiser&&) noexcept = default;

Result<Appraiser> Appraiser::make(References reference) {
  if (reference.predictions.size() > kMaximumPredictions)
    return fail(ErrorCode::kInvalidArgument, fmt::format("{} predictions are given to choose from; at most {} are held",
                                                         reference.predictions.size(), kMaximumPredictions));
  auto prepared = std::make_unique<Prepared>(std::move(reference));
  for (const ValidPrediction& valid : prepared->reference.predictions) {
    SLIPWAY_ASSIGN(PreparedPrediction prediction, PreparedPrediction::make(valid));
    std::vector<Component> components = matched_components(prediction);
    prepared->held.push_back({std::move(prediction), std::move(components)});
  }
  std::sort(prepared->reference.revocations.image_sha256.begin(), prepared->reference.revocations.image_sha256.end());
  return Appraiser(std::move(prepared));
}

const References& Appraiser::reference() const { return prepared_->reference; }

Appraisal Appraiser::appraise(const UnverifiedEvidence& evidence, const PreparedExpectation& expectation,
                              const Circumstances& circumstances) const {
  Appraisal appraisal;
  Verdict& verdict = appraisal.verdict;
  verdict.appraised = circumstances.now;
  verdict.policy = prepared_->reference.policy.name;
  verdict.verdict_class = VerdictClass::kEvidenceBroken;
  auto quote = check_quote(evidence, expectation, verdict);
  if (!quote) return appraisal;
  const auto boot = check_logs(
      evidence, bootchain::QuotedPcrs{expectation.expectation().pcrs, std::move(quote->pcr_digest)}, verdict);
  if (!boot) return appraisal;

  TpmSighting current{
      circumstances.endorsement_key, expectation.key()->name,  quote->clock,     quote->firmware_version,
      boot->ima_entries().size(),    circumstances.challenged, circumstances.now};
  if (circumstances.previous) {
    Continuity continuity = judge_continuity(*circumstances.previous, current, circumstances.host_restarted);
    // A TPM that was thrown back must not become the one to compare with.
    const bool later = continuity.findings.empty() && continuity.current_is_later;
    for (auto* found : {&continuity.findings, &continuity.suspicions})
      for (Finding& finding : *found) verdict.findings.push_back(std::move(finding));
    appraisal.sighting = later ? std::move(current) : *circumstances.previous;
  } else {
    appraisal.sighting = std::move(current);
  }
  prepared_->judge(*boot, circumstances.now, verdict);
  apply(prepared_->reference.policy, verdict.findings);
  verdict.verdict_class = class_of(verdict.findings);
  return appraisal;
}

}  // namespace slipway::attestation
