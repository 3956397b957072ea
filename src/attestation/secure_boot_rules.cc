#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "attestation/rules.h"
#include "bootchain/efi_variable.h"
#include "bootchain/event_data.h"
#include "bootchain/signature_list.h"
#include "crypto/digest.h"

namespace slipway::attestation {
namespace {

using bootchain::EfiVariable;
using bootchain::UnverifiedEvent;
using bootchain::VerifiedBoot;

struct VariableName {
  std::string_view vendor, name;
};
// In the order in which firmware measures them (TCG PC Client Platform Firmware Profile 3.3.4.8).
constexpr std::array<VariableName, 5> kVariables{{
    {bootchain::kEfiGlobalVariables, "SecureBoot"},
    {bootchain::kEfiGlobalVariables, "PK"},
    {bootchain::kEfiGlobalVariables, "KEK"},
    {bootchain::kImageSecurityDatabase, "db"},
    {bootchain::kImageSecurityDatabase, "dbx"},
}};

constexpr std::string_view kStoreRemedy =
    "The variable store is not the one that Slipway gave to the VM. Re-image the node, and find out who could write "
    "it.";

// What PCR 7 shows, taken apart: the variables before the separator, the authorities behind it.
struct SecureBootLog {
  std::vector<EfiVariable> variables;               // as many of kVariables as stand in their places
  std::vector<const UnverifiedEvent*> authorities;  // all behind the separator
};

Finding finding(std::string rule, const UnverifiedEvent* event, std::string component, std::string expected,
                std::string found, std::string message, std::string_view remedy) {
  return {std::move(rule),
          7,
          event == nullptr ? -1 : event->index,
          std::move(component),
          "",
          "",
          std::move(expected),
          std::move(found),
          std::move(message),
          std::string(remedy)};
}

// The variable that an event of this type holds. Its digest is that of its data (bootchain::verify_boot saw to it), so
// type and content cannot be told otherwise than they were measured.
std::optional<EfiVariable> variable_of(const UnverifiedEvent& event, std::uint32_t type) {
  if (event.type != type) return std::nullopt;
  auto variable = bootchain::decode_variable_data(event.data);
  if (!variable) return std::nullopt;
  return *std::move(variable);
}

bool is_named(const EfiVariable& variable, const VariableName& name) {
  return variable.name == name.name && to_string(variable.vendor) == name.vendor;
}

SecureBootLog take_apart(const std::vector<const UnverifiedEvent*>& events, Verdict& verdict) {
  SecureBootLog log;
  std::size_t at = 0;
  for (const VariableName& expected : kVariables) {
    auto variable = at < events.size() ? variable_of(*events[at], bootchain::kEvEfiVariableDriverConfig) : std::nullopt;
    if (!variable || !is_named(*variable, expected)) {
      const UnverifiedEvent* event = at < events.size() ? events[at] : nullptr;
      const std::string found = event == nullptr ? "nothing" : describe_event(*event);
      verdict.findings.push_back(finding(
          "secureBoot.variables", event, std::string(expected.name), fmt::format("EFI variable {}", expected.name),
          found, fmt::format("PCR 7 shows {} where firmware measures the variable {}", found, expected.name),
          kStoreRemedy));
      return log;
    }
    log.variables.push_back(*std::move(variable));
    ++at;
  }
  if (at == events.size() || !without_constants({events[at]}).empty()) {
    const std::string found = at < events.size() ? describe_event(*events[at]) : "nothing";
    verdict.findings.push_back(finding(
        "secureBoot.variables", at < events.size() ? events[at] : nullptr, "separator", "the separator behind dbx",
        found, fmt::format("PCR 7 shows {} where its separator must stand", found), kStoreRemedy));
    return log;
  }
  log.authorities.assign(events.begin() + static_cast<std::ptrdiff_t>(at) + 1, events.end());
  return log;
}

void judge_values(const SecureBootLog& log, const ReferenceValues& reference, Verdict& verdict) {
  const Bytes& value = log.variables[0].value;
  verdict.secure_boot = value.size() == 1 && value[0] == 1;
  if (reference.secure_boot_required && !verdict.secure_boot)
    verdict.findings.push_back(
        finding("secureBoot.disabled", nullptr, "SecureBoot", "01", to_hex(value),
                "Secure Boot was off during this boot, but the node's pool requires it",
                "Re-image the node: a new VM gets a variable store with Secure Boot on. Nodes of a pool without "
                "--enable-secure-boot may boot like this."));
  if (!reference.secure_boot_variables) return;
  const SecureBootVariables& expected = *reference.secure_boot_variables;
  const std::array<const Bytes*, 4> digests{&expected.platform_key_sha256, &expected.key_exchange_keys_sha256,
                                            &expected.db_sha256, &expected.dbx_sha256};
  for (std::size_t i = 0; i < digests.size(); ++i) {
    const EfiVariable& variable = log.variables[i + 1];
    const Bytes found = crypto::sha256(variable.value);
    if (found == *digests[i]) continue;
    verdict.findings.push_back(finding("secureBoot.variables", nullptr, variable.name, to_hex(*digests[i]),
                                       to_hex(found),
                                       fmt::format("the variable {} is not the one that the VM was made with: other "
                                                   "keys or revocations decided what could boot",
                                                   variable.name),
                                       kStoreRemedy));
  }
}

// The db entry by which firmware let shim run must really stand in the measured db.
bool stands_in_db(const EfiVariable& authority, const EfiVariable& db) {
  const auto signatures = bootchain::read_signature_lists(db.value);
  if (!signatures) return false;
  return std::any_of(signatures->begin(), signatures->end(), [&](const bootchain::EfiSignature& signature) {
    Bytes entry(signature.owner.bytes.begin(), signature.owner.bytes.end());
    entry.insert(entry.end(), signature.data.begin(), signature.data.end());
    return entry == authority.value;
  });
}

// Takes the first authority off the list if it is firmware's own word for shim, and gives its signer for the report.
std::string judge_db_authority(SecureBootLog& log, Verdict& verdict) {
  const auto authority =
      log.authorities.empty() ? std::nullopt : variable_of(*log.authorities[0], bootchain::kEvEfiVariableAuthority);
  if (!authority || !is_named(*authority, {bootchain::kImageSecurityDatabase, "db"}) ||
      !stands_in_db(*authority, log.variables[3])) {
    const UnverifiedEvent* event = log.authorities.empty() ? nullptr : log.authorities[0];
    const std::string found = event == nullptr ? "nothing" : describe_event(*event);
    verdict.findings.push_back(finding("secureBoot.authority", event, "shim", "an entry of db that vouches for shim",
                                       found,
                                       fmt::format("PCR 7 shows {} where firmware names the entry of db that let "
                                                   "shim run",
                                                   found),
                                       "Re-image the node; if the image's shim was replaced, rebuild the image."));
    return {};
  }
  log.authorities.erase(log.authorities.begin());
  const auto lists = bootchain::read_signature_lists(log.variables[3].value);
  for (const bootchain::EfiSignature& signature : *lists) {
    Bytes entry(signature.owner.bytes.begin(), signature.owner.bytes.end());
    entry.insert(entry.end(), signature.data.begin(), signature.data.end());
    if (entry == authority->value) return describe(signature);
  }
  return {};
}

void judge_authorities(SecureBootLog& log, const ReferenceValues& reference, Verdict& verdict) {
  std::string signer;
  if (verdict.secure_boot) signer = judge_db_authority(log, verdict);
  const image::BootFile* shim = find_boot_file(reference.manifest, image::BootFileRole::kShim);
  const Bytes& sbat_level = verdict.secure_boot ? reference.manifest.sbat_level_event_sha256
                                                : reference.manifest.unenforced_sbat_level_event_sha256;
  std::vector<ExpectedEvent> expected{
      {"secureBoot.sbat", "shim's revocation level (SbatLevel)", sbat_level, "", shim->package, ""}};
  if (verdict.secure_boot)
    expected.push_back({"secureBoot.authority", "shim's vendor certificate (MokListRT)",
                        reference.manifest.vendor_authority_event_sha256, "", shim->package, ""});
  std::vector<Finding> differences;
  const SequenceResult result = compare_sequence(7, log.authorities, expected, differences);
  for (Finding& difference : differences) {
    if (difference.rule == "pcr7.unexpected") difference.rule = "secureBoot.unexpected";
    verdict.findings.push_back(std::move(difference));
  }
  const bool all = std::all_of(result.matches.begin(), result.matches.end(), [](bool match) { return match; });
  verdict.components.push_back({"secure boot", verdict.secure_boot ? "on" : "off", "", 7,
                                to_hex(crypto::sha256(log.variables[3].value)), signer, "computed",
                                all && (signer.empty() != verdict.secure_boot)});
}

void judge_shim_state(const VerifiedBoot& boot, const ReferenceValues& reference, Verdict& verdict) {
  constexpr std::array<std::string_view, 3> kNames{"MokList", "MokListX", "MokListTrusted"};
  const image::BootFile* shim = find_boot_file(reference.manifest, image::BootFileRole::kShim);
  std::vector<ExpectedEvent> expected;
  for (std::size_t i = 0; i < reference.manifest.pcr14_sha256.size(); ++i)
    expected.push_back({"pcr14.machineOwnerKeys", std::string(i < kNames.size() ? kNames[i] : "shim's state"),
                        reference.manifest.pcr14_sha256[i], "", shim->package, ""});
  compare_sequence(14, boot.events_of(14), expected, verdict.findings);
}

}  // namespace

void judge_secure_boot(const VerifiedBoot& boot, const ReferenceValues& reference, Verdict& verdict) {
  SecureBootLog log = take_apart(boot.events_of(7), verdict);
  if (log.variables.size() == kVariables.size()) {
    judge_values(log, reference, verdict);
    judge_authorities(log, reference, verdict);
  }
  judge_shim_state(boot, reference, verdict);
}

}  // namespace slipway::attestation
