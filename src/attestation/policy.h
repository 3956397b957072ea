#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace slipway::attestation {

// What a claim that does not hold means for the verdict.
enum class Enforcement {
  kRequire,  // the finding is an error: the node is not trusted
  kWarn,     // the finding stands in the verdict as a warning
  kIgnore,   // no finding
};
std::string_view to_string(Enforcement enforcement);  // "require", "warn", "ignore"

// What a policy decides on, one entry for each part of a boot that can be judged. That evidence answers to this
// challenge, is signed by this TPM and replays is no claim: without it there is nothing to decide on.
enum class Claim {
  kFirmware,               // "firmware": PCR 0
  kFirmwareConfiguration,  // "firmwareConfiguration": PCR 1
  kOptionRoms,             // "optionRoms": PCR 2, 3 and 6
  kBootImages,             // "bootImages": PCR 4
  kPartitionTable,         // "partitionTable": PCR 5
  kSecureBoot,             // "secureBoot": on, where the pool asks for it
  kSecureBootKeys,         // "secureBootKeys": PCR 7, the variables
  kSecureBootAuthorities,  // "secureBootAuthorities": PCR 7, who vouched for what, and shim's revocations
  kBootCommands,           // "bootCommands": PCR 8
  kBootFiles,              // "bootFiles": PCR 9
  kMachineOwnerKeys,       // "machineOwnerKeys": PCR 14
  kUnusedPcrs,             // "unusedPcrs": PCR 11, 12, 13, 15, and firmware's events in PCR 10
  kCurrentImage,           // "currentImage": what was booted is no image that was replaced and whose time is over
  kImaLog,                 // "imaLog": the first entry stands for this boot, and every entry can be read
  kImaModules,             // "imaModules": kernel modules
  kImaFirmware,            // "imaFirmware": device firmware
  kImaKexec,               // "imaKexec": kernels for kexec, and policies of IMA
  kImaPrograms,            // "imaPrograms": programs and libraries from outside of the verified root
  kImaViolations,          // "imaViolations": files that changed while they were measured
  kTpmContinuity,          // "tpmContinuity": the TPM is the one of the last evidence, and only went forward
  kTpmSuspicions,          // "tpmSuspicions": what a copied TPM shows and, rarely, an honest one
  kRevokedComponents,      // "revokedComponents": a component stands in a list of revocations given beside the policy
};
inline constexpr std::size_t kClaimCount = 22;
std::string_view to_string(Claim claim);

// Where programs may lie that no image holds: a path matches if it begins with one of them. Each begins with "/", ends
// with "/" and has no "." or ".." segment. At most 64.
struct AllowedPaths {
  std::vector<std::string> prefixes;
  bool allows(std::string_view path) const;
};

// docs/formats/policy.md. A plain value, made once and used for every appraisal.
struct Policy {
  std::string name = "default";  // 1 to 64 characters of [A-Za-z0-9._-]: stands in each verdict
  std::array<Enforcement, kClaimCount> enforcements;
  AllowedPaths allowed_programs;  // of Claim::kImaPrograms

  // data/policies/default.json: everything is required but what containers of a cluster do by themselves.
  Policy();
  Enforcement of(Claim claim) const { return enforcements[static_cast<std::size_t>(claim)]; }
  void set(Claim claim, Enforcement enforcement) { enforcements[static_cast<std::size_t>(claim)] = enforcement; }
};

// The claim that a finding's rule is about; empty for a rule that no policy can relax ("quote.nonce", "log.replay").
std::optional<Claim> claim_of(std::string_view rule);

// Every claim, in the order above: what policy_from_json reads back to the same value.
std::string to_json(const Policy& policy);

// At most 64 KiB. A claim that is not named keeps its default; an unknown key or claim, one named twice and any other
// value is kMalformed with its byte offset.
Result<Policy> policy_from_json(std::string_view json);

}  // namespace slipway::attestation
