#include "attestation/policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "attestation/json_cursor.h"

namespace slipway::attestation {
namespace {

constexpr std::size_t kMaximumPolicy = 64U << 10;
constexpr std::size_t kMaximumPrefixes = 64;
constexpr std::size_t kMaximumPath = 512;
constexpr std::size_t kMaximumName = 64;
constexpr std::int64_t kVersion = 1;

constexpr std::array<std::string_view, kClaimCount> kClaimNames{"firmware",         "firmwareConfiguration",
                                                                "optionRoms",       "bootImages",
                                                                "partitionTable",   "secureBoot",
                                                                "secureBootKeys",   "secureBootAuthorities",
                                                                "bootCommands",     "bootFiles",
                                                                "machineOwnerKeys", "unusedPcrs",
                                                                "currentImage",     "imaLog",
                                                                "imaModules",       "imaFirmware",
                                                                "imaKexec",         "imaPrograms",
                                                                "imaViolations",    "tpmContinuity",
                                                                "tpmSuspicions",    "revokedComponents"};

constexpr std::array<Enforcement, 3> kEnforcements{Enforcement::kRequire, Enforcement::kWarn, Enforcement::kIgnore};

struct RuleClaim {
  std::string_view prefix;
  Claim claim;
};
// The first that the rule begins with counts.
constexpr std::array kRuleClaims{
    RuleClaim{"pcr0.", Claim::kFirmware},
    RuleClaim{"pcr1.", Claim::kFirmwareConfiguration},
    RuleClaim{"pcr2.", Claim::kOptionRoms},
    RuleClaim{"pcr3.", Claim::kOptionRoms},
    RuleClaim{"pcr6.", Claim::kOptionRoms},
    RuleClaim{"pcr4.", Claim::kBootImages},
    RuleClaim{"pcr5.", Claim::kPartitionTable},
    RuleClaim{"secureBoot.disabled", Claim::kSecureBoot},
    RuleClaim{"secureBoot.variables", Claim::kSecureBootKeys},
    RuleClaim{"secureBoot.", Claim::kSecureBootAuthorities},
    RuleClaim{"pcr7.separator", Claim::kSecureBootKeys},
    RuleClaim{"pcr7.", Claim::kSecureBootAuthorities},
    RuleClaim{"pcr8.", Claim::kBootCommands},
    RuleClaim{"pcr9.", Claim::kBootFiles},
    RuleClaim{"pcr14.", Claim::kMachineOwnerKeys},
    // Not PCR 10: what firmware's log puts there takes the IMA log's hold away, so that no claim about IMA would stand.
    RuleClaim{"pcr11.", Claim::kUnusedPcrs},
    RuleClaim{"pcr12.", Claim::kUnusedPcrs},
    RuleClaim{"pcr13.", Claim::kUnusedPcrs},
    RuleClaim{"pcr15.", Claim::kUnusedPcrs},
    RuleClaim{"reference.expired", Claim::kCurrentImage},
    RuleClaim{"ima.module", Claim::kImaModules},
    RuleClaim{"ima.firmware", Claim::kImaFirmware},
    RuleClaim{"ima.kexec", Claim::kImaKexec},
    RuleClaim{"ima.program", Claim::kImaPrograms},
    RuleClaim{"ima.violation", Claim::kImaViolations},
    RuleClaim{"ima.aggregate", Claim::kImaLog},
    RuleClaim{"ima.entry", Claim::kImaLog},
    RuleClaim{"ima.rollback", Claim::kTpmContinuity},
    RuleClaim{"vtpm.firmwareVersion", Claim::kTpmSuspicions},
    RuleClaim{"clock.repeated", Claim::kTpmSuspicions},
    RuleClaim{"clock.ahead", Claim::kTpmSuspicions},
    RuleClaim{"vtpm.", Claim::kTpmContinuity},
    RuleClaim{"clock.", Claim::kTpmContinuity},
    RuleClaim{"revoked.", Claim::kRevokedComponents},
};

bool is_name(std::string_view name) {
  const auto allowed = [](char character) {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           (character >= '0' && character <= '9') || character == '.' || character == '_' || character == '-';
  };
  return !name.empty() && name.size() <= kMaximumName && std::all_of(name.begin(), name.end(), allowed);
}

// Both ends are slashes, so that "/var/lib/x" does not allow "/var/lib/xy"; no segment that climbs.
bool is_prefix(std::string_view path) {
  if (path.size() < 2 || path.front() != '/' || path.back() != '/') return false;
  for (const std::string_view climbing : {"//", "/./", "/../"})
    if (path.find(climbing) != std::string_view::npos) return false;
  return std::all_of(path.begin(), path.end(), [](char character) { return character > 0x20 && character < 0x7f; });
}

Result<Enforcement> read_enforcement(JsonCursor& cursor) {
  const std::size_t start = cursor.offset();
  SLIPWAY_ASSIGN(const std::string word, cursor.string(16));
  for (const Enforcement known : kEnforcements)
    if (to_string(known) == word) return known;
  return cursor.malformed(start, R"(expected "require", "warn" or "ignore")");
}

Status read_claims(JsonCursor& cursor, Policy& policy) {
  std::array<bool, kClaimCount> seen{};
  SLIPWAY_TRY(cursor.enter_object());
  std::string key;
  while (true) {
    const std::size_t start = cursor.offset();
    SLIPWAY_ASSIGN(const bool more, cursor.next_key(key));
    if (!more) return {};
    const auto known = std::find(kClaimNames.begin(), kClaimNames.end(), key);
    if (known == kClaimNames.end())
      return cursor.malformed(start, "expected a claim that is known; docs/formats/policy.md lists them");
    const auto at = static_cast<std::size_t>(known - kClaimNames.begin());
    if (seen[at]) return cursor.malformed(start, fmt::format("the claim \"{}\" stands here a second time", key));
    seen[at] = true;
    SLIPWAY_ASSIGN(policy.enforcements[at], read_enforcement(cursor));
  }
}

Status read_prefixes(JsonCursor& cursor, Policy& policy) {
  policy.allowed_programs.prefixes.clear();
  SLIPWAY_TRY(cursor.enter_array());
  while (true) {
    SLIPWAY_ASSIGN(const bool more, cursor.next_element());
    if (!more) return {};
    const std::size_t start = cursor.offset();
    if (policy.allowed_programs.prefixes.size() == kMaximumPrefixes)
      return cursor.malformed(start, "more than 64 paths");
    SLIPWAY_ASSIGN(std::string path, cursor.string(kMaximumPath));
    if (!is_prefix(path))
      return cursor.malformed(start, "expected an absolute path that ends with a slash, without \".\" and \"..\"");
    policy.allowed_programs.prefixes.push_back(std::move(path));
  }
}

}  // namespace

std::string_view to_string(Enforcement enforcement) {
  switch (enforcement) {
    case Enforcement::kRequire:
      return "require";
    case Enforcement::kWarn:
      return "warn";
    case Enforcement::kIgnore:
      return "ignore";
  }
  return "";
}

std::string_view to_string(Claim claim) { return kClaimNames[static_cast<std::size_t>(claim)]; }

bool AllowedPaths::allows(std::string_view path) const {
  // A path that climbs may begin anywhere and end elsewhere.
  if (path.find("/../") != std::string_view::npos) return false;
  return std::any_of(prefixes.begin(), prefixes.end(), [path](const std::string& prefix) {
    return path.size() > prefix.size() && path.substr(0, prefix.size()) == prefix;
  });
}

Policy::Policy() {
  enforcements.fill(Enforcement::kRequire);
  set(Claim::kImaPrograms, Enforcement::kWarn);
  set(Claim::kImaViolations, Enforcement::kWarn);
  set(Claim::kTpmSuspicions, Enforcement::kWarn);
  // containerd's unpacked images and the mounts that it makes of them.
  allowed_programs.prefixes = {"/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/",
                               "/run/containerd/io.containerd.runtime.v2.task/k8s.io/"};
}

std::optional<Claim> claim_of(std::string_view rule) {
  if (rule.substr(rule.find('.') + 1) == "referenceMissing") return std::nullopt;
  for (const RuleClaim& known : kRuleClaims)
    if (rule.substr(0, known.prefix.size()) == known.prefix) return known.claim;
  return std::nullopt;
}

std::string to_json(const Policy& policy) {
  boost::json::object claims;
  for (std::size_t at = 0; at < kClaimCount; ++at)
    claims[boost::json::string_view(kClaimNames[at].data(), kClaimNames[at].size())] =
        boost::json::string(to_string(policy.enforcements[at]));
  boost::json::array prefixes;
  for (const std::string& prefix : policy.allowed_programs.prefixes) prefixes.emplace_back(prefix);
  return boost::json::serialize(boost::json::object{{"version", kVersion},
                                                    {"name", policy.name},
                                                    {"claims", std::move(claims)},
                                                    {"allowedProgramPaths", std::move(prefixes)}});
}

Result<Policy> policy_from_json(std::string_view json) {
  JsonCursor cursor(json, "the policy");
  if (json.size() > kMaximumPolicy) return cursor.malformed(kMaximumPolicy, "a policy has at most 64 KiB");
  Policy policy;
  bool has_version = false, has_name = false, has_claims = false, has_paths = false;
  SLIPWAY_TRY(cursor.enter_object());
  std::string key;
  while (true) {
    const std::size_t start = cursor.offset();
    SLIPWAY_ASSIGN(const bool more, cursor.next_key(key));
    if (!more) break;
    const std::size_t value = cursor.offset();
    if (key == "version" && !has_version) {
      has_version = true;
      SLIPWAY_TRY(cursor.integer(kVersion, kVersion));
    } else if (key == "name" && !has_name) {
      has_name = true;
      SLIPWAY_ASSIGN(policy.name, cursor.string(kMaximumName));
      if (!is_name(policy.name))
        return cursor.malformed(value, "expected a name of letters, digits, dots, dashes and underscores");
    } else if (key == "claims" && !has_claims) {
      has_claims = true;
      SLIPWAY_TRY(read_claims(cursor, policy));
    } else if (key == "allowedProgramPaths" && !has_paths) {
      has_paths = true;
      SLIPWAY_TRY(read_prefixes(cursor, policy));
    } else {
      return cursor.malformed(start,
                              R"(expected one of "version", "name", "claims", "allowedProgramPaths", each once)");
    }
  }
  SLIPWAY_TRY(cursor.finish());
  if (!has_version || !has_name) return cursor.malformed(json.size(), "a policy needs \"version\" and \"name\"");
  return policy;
}

}  // namespace slipway::attestation
