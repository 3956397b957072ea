#pragma once

#include <optional>
#include <string>

#include "bootchain/event_log.h"
#include "crypto/digest.h"

namespace slipway::bootchain {

// The algorithm of a bank: sha1, sha256, sha384 or sha512; none for any other.
std::optional<crypto::HashAlgorithm> hash_of_bank(std::uint16_t bank);

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
// not in the log (an image, a file, a firmware volume). A view into the event's data.
std::optional<ByteView> determined_content(const UnverifiedEvent& event);

// Whether the digests of a recorded event are those of its data, for the tools: true or false in all banks that can be
// computed, none where the data do not determine them. More is known than in determined_content(): where firmware or
// boot loaders digest the same data in more than one way, each of them counts, and data of any type that happen to be
// what was digested are true; false is said only of types whose data always are.
std::optional<bool> digest_matches_data(const UnverifiedEvent& event);

// Holds every digest of sha1, sha256, sha384 and sha512 banks against determined_content(). kMalformed names the first
// event whose data were changed. EV_NO_ACTION events have no digest to hold.
Status check_determined_digests(const UnverifiedEventLog& log);

}  // namespace slipway::bootchain
