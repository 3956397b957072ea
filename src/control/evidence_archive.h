#pragma once

#include <filesystem>
#include <mutex>
#include <optional>
#include <string>

#include "attestation/evidence_bundle.h"

namespace slipway::control {

// What is known of each instance's evidence, as files of mode 0600 in a folder of its own:
//   last-good.json       the evidence bundle of the last good verdict
//   <time>-<class>.json  that of each verdict that was not good or was of another class than the one before
//   verdicts.log         a line of JSON for each verdict, kLoggedVerdicts at most: when, class, SHA-256 of the evidence
//   tpm.json             the last sighting of its TPM (attestation/continuity.h)
//   result.jwt           the last attestation result
// A guest that sends nothing but bad evidence cannot fill the disk: at most kKeptPerInstance bundles of the second kind
// stay, the oldest half for good (the first failure is the one that explains) and else the youngest. Thread-safe.
class EvidenceArchive {
 public:
  static constexpr std::size_t kKeptPerInstance = 64;
  static constexpr std::size_t kLoggedVerdicts = 1000;

  // `boot_id`: of this machine. Another one than at the last sighting means that the host restarted in between.
  EvidenceArchive(std::filesystem::path folder, std::string boot_id)
      : folder_(std::move(folder)), boot_id_(std::move(boot_id)) {}

  struct LastSighting {
    std::optional<attestation::TpmSighting> sighting;  // none before the first evidence
    bool host_restarted = false;
  };
  // kMalformed, naming the file, where it cannot be read: a TPM that went back must not pass because of it.
  Result<LastSighting> last_sighting(const std::string& instance);

  struct Kept {
    const attestation::EvidenceBundle& bundle;
    const attestation::Verdict& verdict;
    const std::optional<attestation::TpmSighting>& sighting;  // to remember; none: the last one stays
    bool changed = false;                                     // the verdict's class is not the one before
    std::string result;                                       // the token of this verdict
  };
  // Written to the disk when it returns.
  Status keep(const std::string& instance, const Kept& kept);

  // The bundle of the last verdict if that was good, or not good; else, between two good ones, the last good one's.
  // kNotFound where there is no evidence.
  Result<std::string> last_bundle(const std::string& instance);
  // The last attestation result; kNotFound where there is none.
  Result<std::string> last_result(const std::string& instance);

 private:
  std::filesystem::path folder_of(const std::string& instance) const;
  Status prune(const std::filesystem::path& folder);

  std::filesystem::path folder_;
  std::string boot_id_;
  std::mutex mutex_;
};

}  // namespace slipway::control
