#include "attestation/log_event.h"

#include <fmt/format.h>

#include "base/text.h"
#include "bootchain/efi_variable.h"
#include "bootchain/event_data.h"

namespace slipway::attestation {
namespace {

using bootchain::UnverifiedEvent;

}  // namespace

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
    if (variable) return "EFI variable " + printable(variable->name);
  }
  return bootchain::event_type_name(event.type);
}

Bytes sha256_of(const UnverifiedEvent& event) {
  const bootchain::DigestValue* digest = bootchain::find_digest(event, bootchain::kSha256Bank);
  return digest == nullptr ? Bytes{} : digest->bytes();
}

}  // namespace slipway::attestation
