#pragma once

#include <optional>
#include <string>

#include "bootchain/event_log.h"

namespace slipway::bootchain {

// Text of an EV_IPL event of GRUB, by its kind.
struct GrubText {
  enum class Kind { kCommand, kKernelCommandLine, kModuleCommandLine, kNone } kind = Kind::kNone;
  std::string text;  // without its prefix and without a final NUL
};
// Reads both styles, "grub_cmd: set" (digest of the text alone) and "grub_cmd set" (digest of the whole data with its
// NUL); kNone for any other event.
GrubText grub_text(const UnverifiedEvent& event);

// The bytes whose digest the event must carry, where its data alone determines them: separators, actions, the firmware
// version, EFI variables, the partition table and GRUB's texts. None for events whose digest is over something that is
// not in the log (an image, a file, a firmware volume).
std::optional<Bytes> determined_content(const UnverifiedEvent& event);

// Holds every digest of sha1, sha256, sha384 and sha512 banks against determined_content(). kMalformed names the first
// event whose data were changed. EV_NO_ACTION events have no digest to hold.
Status check_determined_digests(const UnverifiedEventLog& log);

}  // namespace slipway::bootchain
