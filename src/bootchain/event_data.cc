#include "bootchain/event_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "base/byte_reader.h"
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

constexpr std::size_t kVariableHeaderSize = 16 + 8 + 8;
constexpr std::uint64_t kMaximumNameLength = 256;

// The value inside UEFI_VARIABLE_DATA; none where its sizes do not fill the data exactly.
std::optional<ByteView> variable_value(ByteView data) {
  ByteReader reader(data);
  if (data.size() < kVariableHeaderSize || !reader.take(16, "vendor")) return std::nullopt;
  const std::uint64_t name_length = reader.u64_le("name's length").value_or(0);
  const std::uint64_t value_size = reader.u64_le("value's size").value_or(0);
  if (name_length > kMaximumNameLength || !reader.take(2 * name_length, "name")) return std::nullopt;
  if (reader.remaining() != value_size) return std::nullopt;
  return reader.rest();
}

constexpr std::array<std::uint8_t, 4> kErrorSeparator{1, 0, 0, 0};

// The digest is that of the content. No allocation: this runs for nearly each event of each appraisal.
bool is_digest_of(const EventDigest& digest, crypto::HashAlgorithm algorithm, ByteView content) {
  std::array<std::uint8_t, 64> room{};
  const std::size_t size = crypto::digest_size(algorithm);
  if (digest.digest.size() != size) return false;
  const std::span<std::uint8_t> computed = std::span(room).first(size);
  crypto::digest_into(algorithm, {content}, computed);
  return std::equal(computed.begin(), computed.end(), digest.digest.begin());
}

// What may have been digested for an event.
struct Candidates {
  std::array<ByteView, 4> contents;
  std::size_t count = 0;
  bool complete = false;  // it must have been one of them

  void add(ByteView content) { contents.at(count++) = content; }
};

ByteView without_last(ByteView data) { return data.empty() ? data : data.first(data.size() - 1); }

bool is_shim_vendor_certificate(ByteView data) {
  const auto variable = decode_variable_data(data);
  return variable && variable->name == "Shim" && to_string(variable->vendor) == kShimVariables;
}

Candidates candidates_of(const UnverifiedEvent& event) {
  Candidates candidates;
  const ByteView data = event.data;
  candidates.add(data);
  if (const auto determined = determined_content(event)) {
    candidates.complete = true;
    candidates.add(*determined);
  }
  switch (event.type) {
    case kEvSeparator:
      candidates.add(kErrorSeparator);
      break;
    case kEvEfiSpdmDevicePolicy:
    case kEvEfiSpdmDeviceAuthority:
      candidates.complete = true;
      break;
    case kEvEfiVariableAuthority:
      // shim before 15.3 logged one byte more than it digested.
      if (is_shim_vendor_certificate(data)) candidates.add(without_last(data));
      break;
    case kEvIpl:
      if (const GrubPrefix* prefix = grub_prefix(event)) candidates.add(data.subspan(prefix->prefix.size()));
      break;
    case kEvPlatformConfigFlags:
      // A setting logged as "Name=Value" is itself what is measured; other texts only name what is.
      candidates.complete = as_text(data).find('=') != std::string_view::npos;
      break;
    default:
      break;
  }
  if (!data.empty() && data.back() == 0) candidates.add(without_last(data));
  return candidates;
}

}  // namespace

std::optional<crypto::HashAlgorithm> hash_of_bank(std::uint16_t bank) {
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

GrubText grub_text(const UnverifiedEvent& event) {
  const GrubPrefix* prefix = grub_prefix(event);
  if (prefix == nullptr) return {};
  return {prefix->kind, std::string(without_nul(as_text(event.data).substr(prefix->prefix.size())))};
}

std::optional<ByteView> determined_content(const UnverifiedEvent& event) {
  const ByteView data = event.data;
  switch (event.type) {
    case kEvSeparator:
    case kEvAction:
    case kEvEfiAction:
    case kEvSCrtmVersion:
    case kEvEfiVariableDriverConfig:
    case kEvEfiVariableAuthority:
    case kEvEfiVariableBoot2:
    case kEvEfiGptEvent:
    case kEvEfiGptEvent2:
    case kEvOmitBootDeviceEvents:
      return data;
    case kEvEfiVariableBoot:
      // Section 10.4.4: the variable's value alone; EV_EFI_VARIABLE_BOOT2 covers its name as well.
      return variable_value(data).value_or(data);
    case kEvIpl: {
      const GrubPrefix* prefix = grub_prefix(event);
      if (prefix == nullptr) return std::nullopt;
      if (prefix->whole_data_digested) return data;
      const ByteView text = data.subspan(prefix->prefix.size());
      return !text.empty() && text.back() == 0 ? without_last(text) : text;
    }
    default:
      return std::nullopt;
  }
}

std::optional<bool> digest_matches_data(const UnverifiedEvent& event) {
  if (event.type == kEvNoAction) return std::nullopt;
  const Candidates candidates = candidates_of(event);
  bool comparable = false;
  for (std::size_t i = 0; i < candidates.count; ++i) {
    bool equal = true;
    for (const EventDigest& digest : event.digests) {
      const auto algorithm = hash_of_bank(digest.bank);
      if (!algorithm) continue;
      comparable = true;
      equal = equal && is_digest_of(digest, *algorithm, candidates.contents.at(i));
    }
    if (comparable && equal) return true;
  }
  return comparable && candidates.complete ? std::optional<bool>(false) : std::nullopt;
}

Status check_determined_digests(const UnverifiedEventLog& log) {
  for (const UnverifiedEvent& event : log.events) {
    const std::optional<ByteView> content = determined_content(event);
    if (!content) continue;
    for (const EventDigest& digest : event.digests) {
      const auto algorithm = hash_of_bank(digest.bank);
      if (!algorithm || is_digest_of(digest, *algorithm, *content)) continue;
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
