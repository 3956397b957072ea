#include "attestation/sequence.h"

#include <fmt/format.h>

#include <algorithm>

#include "bootchain/efi_variable.h"
#include "bootchain/event_data.h"

namespace slipway::attestation {
namespace {

using bootchain::UnverifiedEvent;

constexpr std::size_t kMaximumText = 256;
constexpr std::size_t kMaximumUnexpected = 16;

std::string printable(std::string_view text) {
  std::string result;
  for (const char character : text.substr(0, kMaximumText))
    result.push_back(character >= 0x20 && character <= 0x7e ? character : '?');
  return result;
}

std::string show(const UnverifiedEvent& event) {
  const std::string digest = to_hex(sha256_of(event));
  const bootchain::GrubText text = bootchain::grub_text(event);
  return text.kind == bootchain::GrubText::Kind::kNone ? digest : printable(text.text);
}

Finding difference(int pcr, const ExpectedEvent& expected, const UnverifiedEvent* found) {
  Finding finding;
  finding.rule = expected.rule;
  finding.pcr = pcr;
  finding.event = found == nullptr ? -1 : found->index;
  finding.component = expected.component;
  finding.package = expected.package;
  finding.signer = expected.signer;
  finding.expected = expected.text.empty() ? to_hex(expected.digest) : expected.text;
  finding.found = found == nullptr ? "nothing" : show(*found);
  finding.message =
      found == nullptr
          ? fmt::format("{} was not measured into PCR {}: the boot left it out", expected.component, pcr)
          : fmt::format(
                "{} is not what the image holds: event {} of PCR {} measured {}, but the image's manifest says {}",
                expected.component, found->index, pcr, finding.found, finding.expected);
  finding.remedy =
      "The node's boot files were changed or belong to another image version. Re-image the node; if the "
      "change was meant, build an image with it and upgrade the pool to that image.";
  return finding;
}

Finding additional(int pcr, const UnverifiedEvent& event) {
  Finding finding;
  finding.rule = fmt::format("pcr{}.unexpected", pcr);
  finding.pcr = pcr;
  finding.event = event.index;
  finding.component = describe_event(event);
  finding.expected = "nothing";
  finding.found = show(event);
  finding.message = fmt::format("event {} measured {} into PCR {}, which the image does not hold there", event.index,
                                finding.component, pcr);
  finding.remedy =
      "Something ran or was loaded during the boot that is no part of the image. Re-image the node and find "
      "out who could write its disk.";
  return finding;
}

}  // namespace

SequenceResult compare_sequence(int pcr, const std::vector<const UnverifiedEvent*>& events,
                                const std::vector<ExpectedEvent>& expected, std::vector<Finding>& findings) {
  SequenceResult result{std::vector<bool>(expected.size(), false), std::vector<Bytes>(expected.size())};
  const auto same = [&](std::size_t want, std::size_t have) {
    return expected[want].digest == sha256_of(*events[have]);
  };
  const std::size_t shorter = std::min(expected.size(), events.size());
  std::size_t head = 0;
  while (head < shorter && same(head, head)) ++head;
  std::size_t tail = 0;
  while (tail < shorter - head && same(expected.size() - 1 - tail, events.size() - 1 - tail)) ++tail;

  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (i >= head && i < expected.size() - tail) continue;
    result.matches[i] = true;
    result.found[i] = expected[i].digest;
  }
  // Between the equal beginning and the equal end, what stands at the same place is taken for the same component.
  const std::size_t wanted = expected.size() - tail - head;
  const std::size_t had = events.size() - tail - head;
  for (std::size_t i = 0; i < wanted; ++i) {
    const UnverifiedEvent* found = i < had ? events[head + i] : nullptr;
    if (found != nullptr) result.found[head + i] = sha256_of(*found);
    if (found != nullptr && same(head + i, head + i)) {
      result.matches[head + i] = true;
      continue;
    }
    findings.push_back(difference(pcr, expected[head + i], found));
  }
  for (std::size_t i = wanted; i < had && i - wanted < kMaximumUnexpected; ++i)
    findings.push_back(additional(pcr, *events[head + i]));
  return result;
}

std::string describe_event(const UnverifiedEvent& event) {
  const bootchain::GrubText text = bootchain::grub_text(event);
  switch (text.kind) {
    case bootchain::GrubText::Kind::kCommand:
      return "GRUB command " + printable(text.text);
    case bootchain::GrubText::Kind::kKernelCommandLine:
      return "kernel command line " + printable(text.text);
    case bootchain::GrubText::Kind::kModuleCommandLine:
      return "module command line " + printable(text.text);
    case bootchain::GrubText::Kind::kNone:
      break;
  }
  if (event.type == bootchain::kEvIpl || event.type == bootchain::kEvEfiAction)
    return fmt::format("{} \"{}\"", bootchain::event_type_name(event.type), printable(as_text(event.data)));
  if (event.type == bootchain::kEvEfiVariableAuthority || event.type == bootchain::kEvEfiVariableDriverConfig) {
    const auto variable = bootchain::decode_variable_data(event.data);
    if (variable) return "EFI variable " + variable->name;
  }
  return bootchain::event_type_name(event.type);
}

Bytes sha256_of(const UnverifiedEvent& event) {
  const Bytes* digest = bootchain::find_digest(event, bootchain::kSha256Bank);
  return digest == nullptr ? Bytes{} : *digest;
}

}  // namespace slipway::attestation
