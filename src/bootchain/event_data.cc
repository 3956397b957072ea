#include "bootchain/event_data.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "bootchain/efi_variable.h"
#include "crypto/digest.h"

namespace slipway::bootchain {
namespace {

using Kind = GrubText::Kind;

struct GrubPrefix {
  std::string_view prefix;
  Kind kind;
  bool whole_data_digested;  // the older style
};

constexpr std::array<GrubPrefix, 6> kGrubPrefixes{{
    {"grub_cmd: ", Kind::kCommand, false},
    {"kernel_cmdline: ", Kind::kKernelCommandLine, false},
    {"module_cmdline: ", Kind::kModuleCommandLine, false},
    {"grub_cmd ", Kind::kCommand, true},
    {"grub_kernel_cmdline ", Kind::kKernelCommandLine, true},
    {"grub_module_cmdline ", Kind::kModuleCommandLine, true},
}};

const GrubPrefix* grub_prefix(const UnverifiedEvent& event) {
  if (event.type != kEvIpl) return nullptr;
  const std::string_view text = as_text(event.data);
  for (const GrubPrefix& prefix : kGrubPrefixes)
    if (text.substr(0, prefix.prefix.size()) == prefix.prefix) return &prefix;
  return nullptr;
}

std::string_view without_nul(std::string_view text) {
  if (!text.empty() && text.back() == '\0') text.remove_suffix(1);
  return text;
}

std::optional<crypto::HashAlgorithm> hash_of(std::uint16_t bank) {
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
      return std::nullopt;
  }
}

}  // namespace

GrubText grub_text(const UnverifiedEvent& event) {
  const GrubPrefix* prefix = grub_prefix(event);
  if (prefix == nullptr) return {};
  return {prefix->kind, std::string(without_nul(as_text(event.data).substr(prefix->prefix.size())))};
}

std::optional<Bytes> determined_content(const UnverifiedEvent& event) {
  switch (event.type) {
    case kEvSeparator:
    case kEvAction:
    case kEvEfiAction:
    case kEvSCrtmVersion:
    case kEvEfiVariableDriverConfig:
    case kEvEfiVariableAuthority:
    case kEvEfiVariableBoot2:
    case kEvEfiGptEvent:
    case kEvOmitBootDeviceEvents:
      return event.data;
    case kEvEfiVariableBoot: {
      // Section 10.4.4: the variable's value alone; EV_EFI_VARIABLE_BOOT2 covers its name as well.
      auto variable = decode_variable_data(event.data);
      if (!variable) return event.data;
      return std::move(variable->value);
    }
    case kEvIpl: {
      const GrubPrefix* prefix = grub_prefix(event);
      if (prefix == nullptr) return std::nullopt;
      if (prefix->whole_data_digested) return event.data;
      return to_bytes(without_nul(as_text(event.data).substr(prefix->prefix.size())));
    }
    default:
      return std::nullopt;
  }
}

Status check_determined_digests(const UnverifiedEventLog& log) {
  for (const UnverifiedEvent& event : log.events) {
    const std::optional<Bytes> content = determined_content(event);
    if (!content) continue;
    for (const EventDigest& digest : event.digests) {
      const auto algorithm = hash_of(digest.bank);
      if (!algorithm || crypto::digest(*algorithm, *content) == digest.digest) continue;
      return fail(ErrorCode::kMalformed,
                  fmt::format("event {} of the firmware event log ({}, PCR {}): its {} digest is not the digest of its "
                              "data, so the data were changed after the boot",
                              event.index, event_type_name(event.type), event.pcr, crypto::to_string(*algorithm)),
                  "DigestNotOfData");
    }
  }
  return {};
}

}  // namespace slipway::bootchain
