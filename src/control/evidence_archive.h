#pragma once

#include <filesystem>
#include <mutex>
#include <string>

#include "attestation/verdict.h"
#include "enrolment/messages.h"

namespace slipway::control {

// Whole evidence as files of mode 0600: for each instance the last good, and every one that was not good or changed the
// verdict. A guest that sends nothing but bad evidence cannot fill the disk: of each instance at most kKeptPerInstance
// files stay, the oldest of them for good (the first failure is the one that explains) and else the youngest.
class EvidenceArchive {
 public:
  static constexpr std::size_t kKeptPerInstance = 64;

  explicit EvidenceArchive(std::filesystem::path folder) : folder_(std::move(folder)) {}

  // Written to the disk when it returns. `changed`: the verdict's class is not the one before.
  Status keep(const std::string& instance, const attestation::Verdict& verdict,
              const enrolment::UnverifiedEvidenceRequest& evidence, bool changed);

 private:
  Status prune(const std::filesystem::path& folder);

  std::filesystem::path folder_;
  std::mutex mutex_;
};

}  // namespace slipway::control
